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
from question_classification.models.learning_curve import _mix_evenly, learning_curve
from question_classification.models.power_law import extrapolate
from question_classification.models.questions import Tokenize
from question_classification.models.selection import average_precision_by_fold
from question_classification.text.tokenized import TokenizedQuestions

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

    def test_can_be_extrapolated(self) -> None:
        questions, y = simulate()
        curve = learning_curve(PIPELINES["tfidf"], questions, y, assign_folds(y, folds=3, seed=0), seed=0)
        table = extrapolate(curve)
        assert table["train_size"].tolist()[-3:] == [267, 533, 1067]
        assert table["average_precision"][4:].is_monotonic_increasing


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
