import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)
from question_classification.models.fitting import assign_folds, cross_validate
from question_classification.models.learning_curve import (
    PowerLaw,
    _mix_evenly,
    extrapolate,
    fit_power_law,
    learning_curve,
)
from question_classification.models.questions import Tokenize
from question_classification.models.selection import average_precision_by_fold
from question_classification.text.tokenized import TokenizedQuestions

SIZES = np.array([500, 1000, 2000, 4000, 8000])
PIPELINES = {
    "prior": make_prior(),
    "keyword": make_keyword(("machine", "learning")),
    "numeric": make_numeric_logistic(["length"], C=1.0),
    "tfidf": make_tfidf_logistic(max_features=60, C=1.0),
    "fielded": make_fielded_logistic({"title": 0.5, "prose": 1.0}, ["prose"], 2, ["length"], "keep", 1.0),
}


def simulate(rows: int = 400) -> tuple[TokenizedQuestions, NDArray[np.bool_]]:
    """Questions of random words, of which some are more frequent in positives."""
    rng = np.random.default_rng(0)
    y = rng.random(rows) < 0.25
    words = np.array([f"word{number}" for number in range(200)])
    drawn = words[(rng.random((rows, 30)) ** np.where(y, 1.6, 1.0)[:, np.newaxis] * 200).astype(int)]
    frame = pd.DataFrame(
        {
            "title": [" ".join(row[:4]) + (" machine learning" if row[0] < "word12" else "") for row in drawn],
            "body": [f"<p>{' '.join(row)}</p>" for row in drawn],
            "length": rng.integers(10, 80, rows) + 20.0 * y,
        }
    )
    return Tokenize().fit_transform(frame), y


def make_curve(values: NDArray[np.float64], sizes: NDArray[np.int_] = SIZES) -> pd.DataFrame:
    """A curve of some values, shape (n_folds, n_sizes)."""
    return pd.DataFrame(
        [
            (fold, size / sizes.max(), size, value, 0.1)
            for fold, row in enumerate(values)
            for size, value in zip(sizes, row, strict=True)
        ],
        columns=["fold", "share", "train_size", "average_precision", "fit_seconds"],
    )


class TestLearningCurve:
    @pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
    def test_ends_where_cross_validation_is(self, pipeline: Pipeline) -> None:
        questions, y = simulate()
        fold = assign_folds(y, folds=4, seed=0)
        curve = learning_curve(pipeline, questions, y, fold, shares=[0.5, 1], seed=0)
        decisions = cross_validate(pipeline, questions, y, fold)
        full = curve[curve["share"] == 1]
        assert full["fold"].tolist() == [0, 1, 2, 3]
        assert full["train_size"].tolist() == [(fold != number).sum() for number in range(4)]
        assert full["average_precision"].tolist() == average_precision_by_fold(y, decisions, fold).tolist()

    @pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
    def test_a_cross_validation_spares_the_fits_of_the_whole(self, pipeline: Pipeline) -> None:
        questions, y = simulate()
        fold = assign_folds(y, folds=3, seed=0)
        decisions = cross_validate(pipeline, questions, y, fold)
        spared, fitted = (
            learning_curve(pipeline, questions, y, fold, out_of_fold=scores, seed=0) for scores in (decisions, None)
        )
        columns = ["fold", "share", "train_size", "average_precision"]
        pd.testing.assert_frame_equal(spared[columns], fitted[columns])
        assert spared["fit_seconds"].isna().tolist() == (spared["share"] == 1).tolist()

    def test_table(self) -> None:
        questions, y = simulate()
        fold = assign_folds(y, folds=4, seed=0)
        curve = learning_curve(PIPELINES["tfidf"], questions, y, fold, held_out=[2, 1], seed=0)
        assert curve.columns.tolist() == ["fold", "share", "train_size", "average_precision", "fit_seconds"]
        assert curve["fold"].tolist() == [1] * 5 + [2] * 5
        assert curve["share"].tolist() == [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1] * 2
        assert curve["train_size"].tolist() == [19, 38, 75, 150, 300] * 2
        assert curve["average_precision"].between(0, 1).all()
        assert (curve["fit_seconds"] > 0).all()

    def test_rises(self) -> None:
        questions, y = simulate(1500)
        curve = learning_curve(PIPELINES["tfidf"], questions, y, assign_folds(y, folds=3, seed=0), seed=0)
        means = curve.groupby("share")["average_precision"].mean()
        assert means.iloc[-1] > means.iloc[0] + 0.05

    def test_is_the_same_in_every_run_but_for_the_times(self) -> None:
        questions, y = simulate()
        fold = assign_folds(y, folds=3, seed=0)
        first, again, other = (
            learning_curve(PIPELINES["tfidf"], questions, y, fold, seed=seed).drop(columns="fit_seconds")
            for seed in (1, 1, 2)
        )
        pd.testing.assert_frame_equal(first, again)
        assert first["average_precision"].tolist() != other["average_precision"].tolist()

    def test_a_fold_does_not_depend_on_which_others_are_held_out(self) -> None:
        questions, y = simulate()
        fold = assign_folds(y, folds=3, seed=0)
        whole, part = (
            learning_curve(PIPELINES["tfidf"], questions, y, fold, held_out=folds, seed=0).drop(columns="fit_seconds")
            for folds in (None, [1])
        )
        pd.testing.assert_frame_equal(whole[whole["fold"] == 1].reset_index(drop=True), part)

    def test_leaves_the_pipeline_as_it_is(self) -> None:
        questions, y = simulate(100)
        pipeline = make_tfidf_logistic(max_features=60, C=1.0)
        learning_curve(pipeline, questions, y, assign_folds(y, folds=2, seed=0), seed=0)
        assert not hasattr(pipeline[-1], "coef_")

    def test_sizes_that_hold_less_than_two_of_a_class_are_skipped(self) -> None:
        questions, _ = simulate(200)
        y = np.arange(200) % 10 == 0  # ten of a hundred in training, so two from a fifth on
        fold = assign_folds(y, folds=2, seed=0)
        curve = learning_curve(make_prior(), questions, y, fold, shares=[0.1, 0.25, 1], seed=0)
        assert curve["share"].tolist() == [0.25, 1] * 2
        flipped = learning_curve(make_prior(), questions, ~y, fold, shares=[0.1, 0.25, 1], seed=0)
        assert flipped["share"].tolist() == [0.25, 1] * 2

    def test_is_empty_where_every_size_is_too_small(self) -> None:
        questions, _ = simulate(20)
        y = np.arange(20) < 2
        curve = learning_curve(make_prior(), questions, y, assign_folds(y, folds=2, seed=0), seed=0)
        assert (len(curve), len(curve.columns)) == (0, 5)

    @pytest.mark.parametrize("share", [0, 1.5, np.nan])
    def test_refuses_shares_out_of_range(self, share) -> None:
        questions, y = simulate(20)
        with pytest.raises(ValueError, match="shares"):
            learning_curve(make_prior(), questions, y, np.zeros(20, np.int8), shares=[share], seed=0)


class TestMixEvenly:
    @given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 100))
    @settings(max_examples=40, deadline=None)
    def test_every_beginning_is_stratified(self, positives, negatives, seed) -> None:
        rng = np.random.default_rng(seed)
        positive = rng.permutation(np.arange(positives + negatives) < positives)
        rows = np.arange(len(positive))
        order = _mix_evenly(rows, positive, rng)
        assert sorted(order) == rows.tolist()
        expected = np.arange(1, len(rows) + 1) * positives / max(len(rows), 1)
        assert (np.abs(positive[order].cumsum() - expected) <= 1).all()

    def test_the_order_is_random_within_a_class(self) -> None:
        positive = np.arange(100) < 50
        first, again, other = (_mix_evenly(np.arange(100), positive, np.random.default_rng(s)) for s in (1, 1, 2))
        assert first.tolist() == again.tolist() != other.tolist()
        assert set(first[:50]) != set(other[:50])


class TestFitPowerLaw:
    @pytest.mark.parametrize("law", [PowerLaw(0.6, 2.0, 0.4), PowerLaw(0.9, 30.0, 1.0), PowerLaw(1.0, 0.9, 0.1)])
    def test_finds_the_law_that_the_points_lie_on(self, law) -> None:
        fitted = fit_power_law(SIZES, law.predict(SIZES))
        assert fitted.asymptote == pytest.approx(law.asymptote, abs=1e-3)
        assert fitted.exponent == pytest.approx(law.exponent, abs=1e-2)
        np.testing.assert_allclose(fitted.predict(SIZES * 4), law.predict(SIZES * 4), atol=1e-4)

    def test_prediction_worked_out_by_hand(self) -> None:
        law = PowerLaw(asymptote=0.8, scale=2.0, exponent=0.5)
        assert law.predict([100, 400]).tolist() == pytest.approx([0.8 - 2 / 10, 0.8 - 2 / 20])
        assert float(law.predict(100)) == pytest.approx(0.6)

    def test_is_no_worse_than_any_law_of_a_grid(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(10):
            values = np.clip(0.7 - 3 * SIZES**-0.5 + rng.normal(0, 0.03, 5), 0, 1)
            error = ((fit_power_law(SIZES, values).predict(SIZES) - values) ** 2).sum()
            asymptote, falling, exponent = np.meshgrid(
                np.linspace(0, 1, 41), np.linspace(0, 1, 41), np.linspace(0.05, 1.5, 30)
            )
            laws = asymptote[..., np.newaxis] - falling[..., np.newaxis] * (SIZES / 8000) ** -exponent[..., np.newaxis]
            assert error <= ((laws - values) ** 2).sum(axis=-1).min() + 1e-12

    @given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 1)), min_size=1, max_size=12))
    @settings(max_examples=60, deadline=None)
    def test_any_points_give_a_law_that_rises_or_is_flat_and_stays_below_1(self, points) -> None:
        sizes, values = zip(*points, strict=True)
        law = fit_power_law(sizes, values)
        assert 0 <= law.asymptote <= 1
        assert law.scale >= 0
        assert 0.05 <= law.exponent <= 1.5
        predicted = law.predict(np.geomspace(1, 1e6, 20))
        assert np.isfinite(predicted).all()
        assert (np.diff(predicted) >= -1e-12).all()
        assert law == fit_power_law(sizes, values)

    @pytest.mark.parametrize("values", [[0.4] * 5, [0.8, 0.7, 0.6, 0.5, 0.4]])
    def test_flat_and_falling_curves_are_flat_at_their_mean(self, values) -> None:
        law = fit_power_law(SIZES, values)
        assert law.predict([10, 10**6]).tolist() == pytest.approx([np.mean(values)] * 2, abs=1e-9)

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_the_ends_of_the_range(self, value) -> None:
        assert fit_power_law(SIZES, [value] * 5).predict(10**6) == pytest.approx(value)

    def test_two_sizes_have_the_default_exponent_and_one_is_flat(self) -> None:
        two = fit_power_law([100, 400], [0.6, 0.7])
        assert (two.asymptote, two.scale, two.exponent) == pytest.approx((0.8, 2.0, 0.5))
        assert fit_power_law([100, 100], [0.6, 0.7]) == PowerLaw(pytest.approx(0.65), 0, 0.5)

    @pytest.mark.parametrize(
        ("sizes", "values", "message"),
        [
            ([], [], "points"),
            ([1, 2], [0.1], "points"),
            ([0, 1], [0.1, 0.2], "at least 1"),
            ([1, 2], [0.1, 1.2], r"within \[0, 1\]"),
            ([1, 2], [0.1, np.nan], r"within \[0, 1\]"),
            ([1, np.inf], [0.1, 0.2], "at least 1"),
        ],
    )
    def test_refuses(self, sizes, values, message) -> None:
        with pytest.raises(ValueError, match=message):
            fit_power_law(sizes, values)


class TestExtrapolate:
    LAW = PowerLaw(0.7, 3.0, 0.5)

    def test_an_exact_law_goes_on_without_doubt(self) -> None:
        table = extrapolate(make_curve(np.tile(self.LAW.predict(SIZES), (3, 1))), factors=(4, 2))
        assert table.columns.tolist() == [
            *("train_size", "average_precision", "low", "high", "gain", "gain_low", "gain_high", "extrapolated")
        ]
        assert table["train_size"].tolist() == [500, 1000, 2000, 4000, 8000, 16_000, 32_000]
        assert table["extrapolated"].tolist() == [False] * 5 + [True] * 2
        expected = self.LAW.predict(table["train_size"])
        for column in ("average_precision", "low", "high"):
            np.testing.assert_allclose(table[column], expected, atol=1e-4)
        np.testing.assert_allclose(table["gain"], expected - self.LAW.predict(8000), atol=1e-4)

    def test_measured_rows_have_the_interval_of_the_mean(self) -> None:
        values = np.array([[0.3, 0.4], [0.5, 0.6], [0.4, 0.7]])
        table = extrapolate(make_curve(values, np.array([100, 200])), factors=(2,), level=0.9)
        margin = 2.919985580355516 * values.std(axis=0, ddof=1) / np.sqrt(3)  # Student's t of 2 degrees of freedom
        np.testing.assert_allclose(table["average_precision"][:2], values.mean(axis=0))
        np.testing.assert_allclose(table["low"][:2], values.mean(axis=0) - margin)
        np.testing.assert_allclose(table["high"][:2], values.mean(axis=0) + margin)
        assert table[["gain", "gain_low", "gain_high"]].iloc[1].tolist() == [0, 0, 0]
        assert table["gain"][0] == pytest.approx(-1 / 6)

    def test_hard_folds_do_not_widen_the_interval_of_the_gain(self) -> None:
        curve = make_curve(self.LAW.predict(SIZES) + np.array([[-0.1], [0.0], [0.1]]))
        table = extrapolate(curve).iloc[-1]
        assert table["high"] - table["low"] > 0.2
        gain = self.LAW.predict(32_000) - self.LAW.predict(8000)
        assert table[["gain_low", "gain_high"]].tolist() == pytest.approx([gain, gain], abs=0.01)

    def test_intervals_keep_their_level(self) -> None:
        truth = self.LAW.predict([8000, 16_000, 32_000])
        hits, gain_hits = [], []
        for seed in range(120):
            rng = np.random.default_rng(seed)
            curve = make_curve(self.LAW.predict(SIZES) + rng.normal(0, 0.03, (5, 1)) + rng.normal(0, 0.01, (5, 5)))
            table = extrapolate(curve, level=0.9)[-3:]
            hits.append((table["low"] <= truth) & (truth <= table["high"]))
            gain = truth - truth[0]
            gain_hits.append((table["gain_low"] <= gain) & (gain <= table["gain_high"]))
        assert np.mean(hits, axis=0) == pytest.approx(0.9, abs=0.06)
        # By construction there is no doubt about the gain at the largest size.
        assert np.mean(gain_hits, axis=0)[1:] == pytest.approx(0.9, abs=0.08)

    @given(st.integers(2, 5), st.integers(1, 4), st.integers(0, 1000))
    @settings(max_examples=25, deadline=None)
    def test_intervals_hold_the_estimate_and_widen_with_the_level(self, folds, sizes, seed) -> None:
        curve = make_curve(np.random.default_rng(seed).random((folds, sizes)), SIZES[:sizes])
        narrow, wide = (extrapolate(curve, level=level) for level in (0.5, 0.95))
        assert (wide["low"] <= narrow["low"]).all()
        assert (narrow["low"] <= narrow["average_precision"] + 1e-12).all()
        assert (narrow["average_precision"] <= narrow["high"] + 1e-12).all()
        assert (narrow["high"] <= wide["high"]).all()
        assert wide[["low", "high"]].stack().between(0, 1).all()

    def test_one_fold_has_no_interval(self) -> None:
        table = extrapolate(make_curve(self.LAW.predict(SIZES)[np.newaxis]))
        assert table[["low", "high", "gain_low", "gain_high"]].isna().all(axis=None)
        assert table["average_precision"].notna().all()

    def test_of_a_measured_curve(self) -> None:
        questions, y = simulate()
        curve = learning_curve(PIPELINES["tfidf"], questions, y, assign_folds(y, folds=3, seed=0), seed=0)
        table = extrapolate(curve)
        assert table["train_size"].tolist()[-3:] == [267, 533, 1067]
        assert table["average_precision"][4:].is_monotonic_increasing

    @pytest.mark.parametrize("arguments", [{"factors": (1,)}, {"level": 0}, {"level": 1}])
    def test_refuses_arguments_out_of_range(self, arguments) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            extrapolate(make_curve(np.full((2, 5), 0.5)), **arguments)

    @pytest.mark.parametrize("kept", [0, 9])
    def test_refuses_a_curve_with_gaps(self, kept) -> None:
        with pytest.raises(ValueError, match="each share in each fold"):
            extrapolate(make_curve(np.full((2, 5), 0.5))[:kept])
