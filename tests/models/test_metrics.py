import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from question_classification.models.metrics import (
    METRICS,
    bootstrap_intervals,
    confusion,
    paired_bootstrap_difference,
    precision_recall_points,
    roc_points,
    score_metrics,
)

# Two negatives and two positives; one pair of the four is in the wrong order.
Y = [0, 0, 1, 1]
SCORE = [0.1, 0.4, 0.35, 0.8]


def simulate(rows: int, *, digits: int = 6, seed: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    y = rng.random(rows) < 0.2
    return y, np.round(1 / (1 + np.exp(1.5 - 1.5 * y - rng.normal(size=rows))), digits)


@st.composite
def samples(draw: st.DrawFn) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Both classes, and so few distinct scores that ties are common, 0 and 1 among them."""
    y = [0, 1, *draw(st.lists(st.integers(0, 1), max_size=20))]
    score = draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), min_size=len(y), max_size=len(y)))
    return np.array(y), np.array(score)


def resampled_naively(
    y: NDArray[np.bool_], score: NDArray[np.float64], *, threshold: float, resamples: int, seed: int
) -> NDArray[np.float64]:
    """Call score_metrics on the rows of each resample; shape (resamples, len(METRICS))."""
    streams = np.random.default_rng(seed).spawn(2)
    rows_of_classes = [np.flatnonzero(y == 1), np.flatnonzero(y == 0)]
    draws = [
        rows[stream.integers(len(rows), size=(resamples, len(rows)), dtype=np.int32)]
        for rows, stream in zip(rows_of_classes, streams, strict=True)
    ]
    return np.array(
        [
            list(score_metrics(y[rows], score[rows], threshold=threshold).values())
            for rows in np.concatenate(draws, axis=1)
        ]
    )


class TestScoreMetrics:
    def test_worked_out_by_hand(self) -> None:
        assert score_metrics(Y, SCORE) == pytest.approx(
            {
                "roc_auc": 3 / 4,
                "average_precision": 1 / 2 * 1 + 1 / 2 * 2 / 3,
                "accuracy": 3 / 4,
                "precision": 1.0,
                "recall": 1 / 2,
                "f1": 2 / 3,
                "log_loss": -math.log(0.9 * 0.6 * 0.35 * 0.8) / 4,
                "brier_score": (0.1**2 + 0.4**2 + 0.65**2 + 0.2**2) / 4,
            }
        )

    def test_names_are_those_of_scikit_learns_scorers(self) -> None:
        scorers = sklearn_metrics.get_scorer_names()
        assert list(score_metrics(Y, SCORE)) == list(METRICS)
        assert all(name in scorers or f"neg_{name}" in scorers for name in METRICS)

    def test_a_score_at_the_threshold_is_predicted_positive(self) -> None:
        assert score_metrics(Y, SCORE, threshold=0.35)["recall"] == 1
        assert score_metrics(Y, SCORE, threshold=np.nextafter(0.35, 1))["recall"] == 0.5

    def test_precision_and_f1_are_zero_where_nothing_is_predicted_positive(self) -> None:
        values = score_metrics(Y, SCORE, threshold=0.9)
        assert (values["precision"], values["recall"], values["f1"]) == (0, 0, 0)

    def test_a_constant_score_ranks_by_chance(self) -> None:
        values = score_metrics([0, 0, 0, 1], [0.3] * 4)
        assert (values["roc_auc"], values["average_precision"]) == (0.5, 0.25)

    @given(samples(), st.randoms(use_true_random=False))
    @settings(max_examples=20, deadline=None)
    def test_the_order_of_rows_does_not_matter(self, sample, random) -> None:
        y, score = sample
        order = random.sample(range(len(y)), len(y))
        assert score_metrics(y[order], score[order]) == pytest.approx(score_metrics(y, score), abs=1e-12)

    @pytest.mark.parametrize(
        ("y", "score", "message"),
        [
            ([0, 1], [0.1], "one shape"),
            ([[0], [1]], [[0.1], [0.2]], "one shape"),
            ([], [], "no rows"),
            ([0, 2], [0.1, 0.2], "bool, or 0 and 1"),
            ([0, 1], [0.1, 1.1], r"within \[0, 1\]"),
            ([0, 1], [0.1, np.nan], r"within \[0, 1\]"),
            ([1, 1], [0.1, 0.2], "both classes, but every row is True"),
            ([0, 0], [0.1, 0.2], "both classes, but every row is False"),
        ],
    )
    @pytest.mark.parametrize(
        "function",
        [score_metrics, precision_recall_points, roc_points, lambda y, score: bootstrap_intervals(y, score, seed=0)],
        ids=["metrics", "precision_recall", "roc", "bootstrap"],
    )
    def test_refuses(self, function, y, score, message) -> None:
        with pytest.raises(ValueError, match=message):
            function(y, score)


class TestBootstrapIntervals:
    @pytest.mark.parametrize("digits", [6, 1], ids=["few ties", "many ties"])
    def test_equals_the_naive_loop_across_blocks(self, digits) -> None:
        y, score = simulate(4000, digits=digits)
        values = resampled_naively(y, score, threshold=0.3, resamples=100, seed=7)
        intervals = bootstrap_intervals(y, score, threshold=0.3, resamples=100, level=0.9, seed=7)
        np.testing.assert_allclose(list(intervals.values()), np.quantile(values, [0.05, 0.95], axis=0).T, atol=1e-9)

    @given(samples(), st.sampled_from([0.0, 0.25, 0.3, 1.0]), st.integers(0, 2**32))
    @settings(max_examples=15, deadline=None)
    def test_equals_the_naive_loop_on_small_samples(self, sample, threshold, seed) -> None:
        values = resampled_naively(*sample, threshold=threshold, resamples=9, seed=seed)
        intervals = bootstrap_intervals(*sample, threshold=threshold, resamples=9, level=0.5, seed=seed)
        np.testing.assert_allclose(list(intervals.values()), np.quantile(values, [0.25, 0.75], axis=0).T, atol=1e-9)

    @given(samples(), st.integers(0, 100))
    @settings(max_examples=30, deadline=None)
    def test_is_ordered_and_widens_with_the_level(self, sample, seed) -> None:
        narrow = bootstrap_intervals(*sample, resamples=50, level=0.5, seed=seed)
        wide = bootstrap_intervals(*sample, resamples=50, level=0.95, seed=seed)
        assert list(narrow) == list(METRICS)
        for name in METRICS:
            assert 0 <= wide[name][0] <= narrow[name][0] <= narrow[name][1] <= wide[name][1]
            assert wide[name][1] <= 1 or name == "log_loss"

    def test_some_metrics_have_the_intervals_that_they_have_among_all(self) -> None:
        y, score = simulate(500)
        every = bootstrap_intervals(y, score, resamples=20, seed=0)
        some = bootstrap_intervals(y, score, metrics=["f1", "average_precision"], resamples=20, seed=0)
        assert list(some.items()) == [(name, every[name]) for name in ("f1", "average_precision")]

    def test_refuses_an_unknown_metric(self) -> None:
        with pytest.raises(ValueError, match=r"metric must be one of roc_auc, .*, not 'accurcy'"):
            bootstrap_intervals([True, False], [0.9, 0.1], metrics=["accurcy"], seed=0)

    def test_contains_the_estimate(self) -> None:
        y, score = simulate(2000)
        intervals = bootstrap_intervals(y, score, seed=0)
        for name, value in score_metrics(y, score).items():
            assert intervals[name][0] < value < intervals[name][1]

    def test_is_stratified_so_a_constant_score_has_no_spread(self) -> None:
        y = np.arange(10) < 2
        for name, interval in bootstrap_intervals(y, np.full(10, 0.3), seed=0).items():
            value = score_metrics(y, np.full(10, 0.3))[name]
            assert interval == pytest.approx((value, value), abs=1e-12)

    def test_candidates_are_compared_on_the_same_resamples(self) -> None:
        # Turned round, the scores rank every resample the other way; on other resamples this would only hold roughly.
        y, score = simulate(1000)
        lower, upper = bootstrap_intervals(y, score, seed=3)["roc_auc"]
        assert bootstrap_intervals(y, 1 - score, seed=3)["roc_auc"] == pytest.approx((1 - upper, 1 - lower), abs=1e-12)

    def test_resamples_do_not_depend_on_how_the_classes_interleave(self) -> None:
        y, score = simulate(500)
        order = np.argsort(~y, kind="stable")
        assert bootstrap_intervals(y[order], score[order], seed=1) == bootstrap_intervals(y, score, seed=1)

    def test_the_seed_decides(self) -> None:
        y, score = simulate(500)
        assert bootstrap_intervals(y, score, seed=1) == bootstrap_intervals(y, score, seed=1)
        assert bootstrap_intervals(y, score, seed=1) != bootstrap_intervals(y, score, seed=2)

    @pytest.mark.parametrize("arguments", [{"resamples": 0}, {"level": 0}, {"level": 1}])
    def test_refuses_arguments_out_of_range(self, arguments) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            bootstrap_intervals(Y, SCORE, seed=0, **arguments)


class TestCurves:
    def test_precision_recall_worked_out_by_hand(self) -> None:
        expected = pd.DataFrame(
            {
                "recall": [0, 0.5, 0.5, 1, 1],
                "precision": [1, 1, 1 / 2, 2 / 3, 1 / 2],
                "threshold": [1, 0.8, 0.4, 0.35, 0.1],
            }
        )
        pd.testing.assert_frame_equal(precision_recall_points(Y, SCORE), expected)

    def test_roc_worked_out_by_hand(self) -> None:
        expected = pd.DataFrame(
            {
                "false_positive_rate": [0, 0, 0.5, 0.5, 1],
                "true_positive_rate": [0, 0.5, 0.5, 1, 1],
                "threshold": [1, 0.8, 0.4, 0.35, 0.1],
            }
        )
        pd.testing.assert_frame_equal(roc_points(Y, SCORE), expected)

    @pytest.mark.parametrize("points", [precision_recall_points, roc_points])
    def test_thinning_keeps_the_ends(self, points) -> None:
        y, score = simulate(3000)
        full, thin = points(y, score, most=10_000), points(y, score, most=20)
        assert len(full) > 500
        assert len(points(y, score)) == 500
        assert len(thin) == 20
        assert thin.iloc[[0, -1]].to_numpy().tolist() == full.iloc[[0, -1]].to_numpy().tolist()
        assert len(thin.merge(full)) == 20

    @pytest.mark.parametrize("points", [precision_recall_points, roc_points])
    @given(sample=samples())
    @settings(max_examples=20, deadline=None)
    def test_thresholds_are_finite_and_descend(self, points, sample) -> None:
        curve = points(*sample)
        assert np.isfinite(curve).all(axis=None)
        assert curve["threshold"].is_monotonic_decreasing
        assert curve.iloc[:, 0].is_monotonic_increasing

    def test_area_under_the_full_curve_is_roc_auc(self) -> None:
        y, score = simulate(1000, digits=2)
        curve = roc_points(y, score, most=10_000)
        area = np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"])
        assert area == pytest.approx(score_metrics(y, score)["roc_auc"])

    def test_a_constant_score(self) -> None:
        assert precision_recall_points(Y, [0.3] * 4).to_numpy().tolist() == [[0, 1, 1], [1, 0.5, 0.3]]
        assert roc_points(Y, [0.3] * 4).to_numpy().tolist() == [[0, 0, 1], [1, 1, 0.3]]

    @pytest.mark.parametrize("points", [precision_recall_points, roc_points])
    def test_refuses_fewer_than_two_points(self, points) -> None:
        with pytest.raises(ValueError, match="at least 2"):
            points(Y, SCORE, most=1)


class TestConfusion:
    def test_worked_out_by_hand(self) -> None:
        assert confusion([0, 0, 0, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.5], threshold=0.5) == {
            "true_negative": 2,
            "false_positive": 1,
            "false_negative": 1,
            "true_positive": 1,
        }

    def test_one_class_is_enough(self) -> None:
        assert list(confusion([1, 1], [0.1, 0.9], threshold=0.5).values()) == [0, 0, 1, 1]

    @given(samples(), st.sampled_from([0.0, 0.25, 0.3, 1.0]))
    @settings(max_examples=20, deadline=None)
    def test_agrees_with_the_metrics(self, sample, threshold) -> None:
        counts = confusion(*sample, threshold=threshold)
        rows, values = len(sample[0]), score_metrics(*sample, threshold=threshold)
        assert sum(counts.values()) == rows
        assert values["accuracy"] == pytest.approx((counts["true_negative"] + counts["true_positive"]) / rows)
        assert all(type(count) is int for count in counts.values())


class TestPairedBootstrapDifference:
    @pytest.mark.parametrize(
        ("metric", "difference"),
        [
            ("average_precision", 1 - 1 / 2),
            ("roc_auc", 1 - 0),
            ("recall", 1 - 0),
            ("brier_score", 0.2**2 - 0.6**2),
            ("log_loss", math.log(0.4 / 0.8)),
        ],
    )
    def test_worked_out_by_hand(self, metric, difference) -> None:
        # One row of each class: every resample is the sample.
        found = paired_bootstrap_difference([0, 1], [0.2, 0.8], [0.6, 0.4], metric=metric, resamples=9, seed=0)
        assert found == pytest.approx((difference,) * 3)

    def test_equals_the_naive_loop_across_blocks(self) -> None:
        y, score = simulate(10_000, digits=2)
        reference = np.round(score**2, 2) * (np.arange(10_000) % 7 > 0)
        arguments = {"threshold": 0.3, "resamples": 30, "seed": 7}
        values, others = (resampled_naively(y, each, **arguments) for each in (score, reference))
        for metric in ("average_precision", "f1", "log_loss"):
            difference = paired_bootstrap_difference(y, score, reference, metric=metric, level=0.9, **arguments)
            above = (values - others)[:, METRICS.index(metric)]
            assert difference[1:] == pytest.approx(tuple(np.quantile(above, [0.05, 0.95])), abs=1e-9)
            estimate, other = (score_metrics(y, each, threshold=0.3)[metric] for each in (score, reference))
            assert difference[0] == pytest.approx(estimate - other)

    @given(samples(), st.sampled_from(METRICS), st.integers(0, 100))
    @settings(max_examples=25, deadline=None)
    def test_of_the_same_scores_is_exactly_zero(self, sample, metric, seed) -> None:
        y, score = sample
        assert paired_bootstrap_difference(y, score, score, metric=metric, resamples=20, seed=seed) == (0, 0, 0)

    @given(samples(), st.randoms(use_true_random=False), st.sampled_from(METRICS))
    @settings(max_examples=25, deadline=None)
    def test_changing_sides_mirrors_it(self, sample, random, metric) -> None:
        y, score = sample
        reference = np.array(random.sample(score.tolist(), len(score)))
        difference, low, high = paired_bootstrap_difference(y, score, reference, metric=metric, resamples=20, seed=1)
        mirrored = paired_bootstrap_difference(y, reference, score, metric=metric, resamples=20, seed=1)
        assert low <= high
        assert mirrored == pytest.approx((-difference, -high, -low), abs=1e-12)

    def test_is_narrower_than_two_intervals_for_scores_that_are_alike(self) -> None:
        y, score = simulate(2000)
        reference = np.clip(score + np.random.default_rng(1).normal(0, 0.02, 2000), 0, 1)
        _, low, high = paired_bootstrap_difference(y, score, reference, seed=0)
        alone = bootstrap_intervals(y, score, seed=0)["average_precision"]
        assert 0 < high - low < (alone[1] - alone[0]) / 3

    def test_the_seed_decides(self) -> None:
        y, score = simulate(500)
        first, again, other = (paired_bootstrap_difference(y, score, 1 - score, seed=seed) for seed in (1, 1, 2))
        assert first == again != other

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"metric": "gini"}, "metric must be one of roc_auc, .*, not 'gini'"),
            ({"resamples": 0}, "resamples"),
            ({"level": 1}, "level"),
            ({"y_score_reference": [0.5]}, "one shape"),
            ({"y_true": [1, 1, 1, 1]}, "both classes"),
        ],
    )
    def test_refuses(self, arguments, message) -> None:
        given = {"y_true": Y, "y_score": SCORE, "y_score_reference": SCORE, "seed": 0}
        with pytest.raises(ValueError, match=message):
            paired_bootstrap_difference(**(given | arguments))
