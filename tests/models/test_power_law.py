import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from question_classification.models.power_law import PowerLaw, extrapolate, fit_power_law

SIZES = np.array([500, 1000, 2000, 4000, 8000])


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

    @pytest.mark.parametrize("arguments", [{"factors": (1,)}, {"level": 0}, {"level": 1}])
    def test_refuses_arguments_out_of_range(self, arguments) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            extrapolate(make_curve(np.full((2, 5), 0.5)), **arguments)

    @pytest.mark.parametrize("kept", [0, 9])
    def test_refuses_a_curve_with_gaps(self, kept) -> None:
        with pytest.raises(ValueError, match="each share in each fold"):
            extrapolate(make_curve(np.full((2, 5), 0.5))[:kept])
