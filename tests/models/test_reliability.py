import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from question_classification.models.reliability import (
    expected_calibration_error,
    expected_calibration_error_interval,
    reliability_points,
)

# In two bins: one of two positive at a mean score of 0.2, both positive at 0.7.
Y = [0, 1, 1, 1]
SCORE = [0.1, 0.3, 0.6, 0.8]

Z_SQUARED = 1.959963984540054**2


def simulate(rows: int, *, shift: float = 0.0, seed: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Scores that are the true probabilities, but for a shift in log-odds."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1.5, 1.5, size=rows)
    return rng.random(rows) < 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(-log_odds - shift))


@st.composite
def samples(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    y = draw(st.lists(st.booleans(), min_size=1, max_size=30))
    score = draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), min_size=len(y), max_size=len(y)))
    return np.array(y), np.array(score)


class TestReliabilityPoints:
    def test_worked_out_by_hand(self) -> None:
        # Wilson: of one in two, symmetric about 1 / 2; of two in two, from 2 / (2 + z^2) to 1.
        half = (1 / 2 * Z_SQUARED * (1 / 4 + Z_SQUARED / 8)) ** 0.5 / (1 + Z_SQUARED / 2)
        expected = pd.DataFrame(
            {
                "mean_score": [0.2, 0.7],
                "share_positive": [0.5, 1.0],
                "n": [2, 2],
                "low": [0.5 - half, 2 / (2 + Z_SQUARED)],
                "high": [0.5 + half, 1.0],
            }
        )
        pd.testing.assert_frame_equal(reliability_points(Y, SCORE, bins=2), expected)

    @pytest.mark.parametrize(("rows", "counts"), [(1000, {100}), (1003, {100, 101}), (7, {1})])
    def test_bins_are_of_equal_counts(self, rows, counts) -> None:
        assert set(reliability_points(*simulate(rows))["n"]) == counts

    def test_equals_scikit_learns_curve_where_no_score_is_tied(self) -> None:
        y, score = simulate(2000)
        points = reliability_points(y, score, bins=20)
        share, mean = calibration_curve(y, score, n_bins=20, strategy="quantile")
        np.testing.assert_allclose(points[["share_positive", "mean_score"]], np.column_stack([share, mean]))

    def test_tied_scores_share_a_bin(self) -> None:
        points = reliability_points([0, 1, 0, 1, 1, 1], [0.2, 0.2, 0.2, 0.2, 0.6, 0.7], bins=3)
        assert points["n"].tolist() == [4, 2]
        assert points["mean_score"].tolist() == pytest.approx([0.2, 0.65])

    def test_tied_scores_go_where_the_middle_one_belongs(self) -> None:
        assert reliability_points(Y, [0.1, 0.5, 0.5, 0.5], bins=2)["n"].tolist() == [1, 3]
        assert reliability_points(Y, [0.5, 0.5, 0.5, 0.9], bins=2)["n"].tolist() == [3, 1]

    def test_a_constant_score_has_one_bin(self) -> None:
        assert reliability_points(Y, [0.3] * 4)[["mean_score", "share_positive", "n"]].to_numpy().tolist() == [
            [pytest.approx(0.3), 0.75, 4]
        ]

    @given(samples(), st.integers(1, 12))
    @settings(max_examples=25, deadline=None)
    def test_every_row_is_in_one_bin_and_bins_ascend(self, sample, bins) -> None:
        y, score = sample
        points = reliability_points(y, score, bins)
        assert len(points) <= bins
        assert points["n"].sum() == len(y)
        assert (points["n"] * points["share_positive"]).sum() == pytest.approx(y.sum())
        assert points["mean_score"].is_monotonic_increasing
        inside = points["share_positive"].between(points["low"] - 1e-12, points["high"] + 1e-12)
        assert inside.all()
        assert points[["low", "high"]].stack().between(0, 1).all()

    def test_the_interval_widens_with_the_level(self) -> None:
        narrow, wide = (reliability_points(*simulate(5000), level=level) for level in (0.5, 0.99))
        assert (wide["low"] < narrow["low"]).all()
        assert (wide["high"] > narrow["high"]).all()

    @pytest.mark.parametrize("arguments", [{"bins": 0}, {"level": 0}, {"level": 1}])
    def test_refuses_arguments_out_of_range(self, arguments) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            reliability_points(Y, SCORE, **arguments)


class TestExpectedCalibrationError:
    def test_worked_out_by_hand(self) -> None:
        assert expected_calibration_error(Y, SCORE, bins=2) == pytest.approx(2 / 4 * 0.3 + 2 / 4 * 0.3)
        assert expected_calibration_error(Y, SCORE, bins=1) == pytest.approx(0.75 - 0.45)
        assert expected_calibration_error(Y, SCORE) == pytest.approx((0.1 + 0.7 + 0.4 + 0.2) / 4)

    def test_of_a_constant_score_is_its_distance_from_the_share(self) -> None:
        assert expected_calibration_error([0, 0, 0, 1], [0.25] * 4) == 0
        assert expected_calibration_error([0, 0, 0, 1], [0.4] * 4) == pytest.approx(0.15)

    @given(samples(), st.integers(1, 12))
    @settings(max_examples=25, deadline=None)
    def test_is_the_weighted_distance_of_the_diagram(self, sample, bins) -> None:
        points = reliability_points(*sample, bins)
        distances = (points["mean_score"] - points["share_positive"]).abs()
        error = expected_calibration_error(*sample, bins)
        assert 0 <= error <= 1
        assert error == pytest.approx(np.average(distances, weights=points["n"]), abs=1e-12)

    @given(samples(), st.randoms(use_true_random=False))
    @settings(max_examples=20, deadline=None)
    def test_the_order_of_rows_does_not_matter(self, sample, random) -> None:
        y, score = sample
        order = random.sample(range(len(y)), len(y))
        assert expected_calibration_error(y[order], score[order]) == pytest.approx(
            expected_calibration_error(y, score), abs=1e-12
        )

    def test_grows_with_a_shift(self) -> None:
        errors = [expected_calibration_error(*simulate(20_000, shift=shift)) for shift in (0, 0.5, 1)]
        assert errors == sorted(errors)
        assert errors[0] < 0.02 < 0.05 < errors[1]

    def test_of_true_probabilities_is_above_zero_in_small_samples(self) -> None:
        small, large = (
            np.mean([expected_calibration_error(*simulate(rows, seed=seed)) for seed in range(20)])
            for rows in (200, 20_000)
        )
        # By chance alone, and so with the root of the rows.
        assert small == pytest.approx(10 * large, rel=0.2)
        assert small > 0.05

    @pytest.mark.parametrize(
        ("y", "score", "message"),
        [
            ([0, 1], [0.1], "one shape"),
            ([], [], "no rows"),
            ([0, 2], [0.1, 0.2], "bool, or 0 and 1"),
            ([0, 1], [0.1, 1.1], r"within \[0, 1\]"),
        ],
    )
    @pytest.mark.parametrize(
        "function",
        [
            reliability_points,
            expected_calibration_error,
            lambda y, score: expected_calibration_error_interval(y, score, seed=0),
        ],
        ids=["points", "error", "interval"],
    )
    def test_refuses(self, function, y, score, message) -> None:
        with pytest.raises(ValueError, match=message):
            function(y, score)

    def test_refuses_no_bins(self) -> None:
        with pytest.raises(ValueError, match="bins"):
            expected_calibration_error(Y, SCORE, bins=0)


class TestExpectedCalibrationErrorInterval:
    def test_equals_the_naive_loop_across_blocks(self) -> None:
        y, score = simulate(4000)
        rank = np.argsort(np.argsort(score))
        bins = [rank // 400 == number for number in range(10)]
        errors = []
        for rows in np.random.default_rng(7).integers(4000, size=(100, 4000), dtype=np.int32):
            drawn = [rows[inside[rows]] for inside in bins]
            errors.append(sum(len(each) * abs(y[each].mean() - score[each].mean()) for each in drawn) / 4000)
        interval = expected_calibration_error_interval(y, score, resamples=100, level=0.9, seed=7)
        assert interval == pytest.approx(tuple(np.quantile(errors, [0.05, 0.95])), abs=1e-12)

    @given(samples(), st.integers(0, 100))
    @settings(max_examples=20, deadline=None)
    def test_is_ordered_and_widens_with_the_level(self, sample, seed) -> None:
        narrow, wide = (
            expected_calibration_error_interval(*sample, resamples=50, level=level, seed=seed) for level in (0.5, 0.95)
        )
        assert 0 <= wide[0] <= narrow[0] <= narrow[1] <= wide[1] <= 1

    def test_contains_the_error_where_it_is_large(self) -> None:
        sample = simulate(2000, shift=1)
        lower, upper = expected_calibration_error_interval(*sample, seed=0)
        assert lower < expected_calibration_error(*sample) < upper

    def test_of_true_probabilities_lies_high(self) -> None:
        sample = simulate(2000)
        lower, upper = expected_calibration_error_interval(*sample, seed=0)
        assert (lower + upper) / 2 > expected_calibration_error(*sample)

    def test_models_are_compared_on_the_same_resamples(self) -> None:
        # Classes and scores turned round: the same distances, in the opposite bins.
        y, score = simulate(1000)
        assert expected_calibration_error_interval(~y, 1 - score, seed=3) == pytest.approx(
            expected_calibration_error_interval(y, score, seed=3), abs=1e-12
        )

    def test_the_seed_decides(self) -> None:
        sample = simulate(500)
        first, again, other = (
            expected_calibration_error_interval(*sample, resamples=100, seed=seed) for seed in (1, 1, 2)
        )
        assert first == again != other

    @pytest.mark.parametrize("arguments", [{"bins": 0}, {"resamples": 0}, {"level": 0}, {"level": 1}])
    def test_refuses_arguments_out_of_range(self, arguments) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            expected_calibration_error_interval(Y, SCORE, seed=0, **arguments)
