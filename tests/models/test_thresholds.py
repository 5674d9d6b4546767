from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from question_classification.models.metrics import score_metrics
from question_classification.models.thresholds import (
    Threshold,
    count_between,
    least_cost,
    max_f1,
    outcome_per_thousand,
    precision_at_least,
    recall_at_least,
)

# From the strictest threshold: 1 of 1 right, 1 of 2, 2 of 3, 2 of 4.
Y = [0, 0, 1, 1]
SCORE = [0.1, 0.4, 0.35, 0.8]

shares = st.fractions(min_value=Fraction(1, 20), max_value=1, max_denominator=20)
costs = st.integers(0, 5)


@st.composite
def samples(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Both classes, and so few distinct scores that ties are common; neighbours in floating point among them."""
    y = [False, True, *draw(st.lists(st.booleans(), max_size=20))]
    grid = st.sampled_from([0.0, 0.1, float(np.nextafter(0.1, 1)), 0.1 + 0.2, 0.3, 0.75, float(np.nextafter(1, 0)), 1])
    return np.array(y), np.array(draw(st.lists(grid, min_size=len(y), max_size=len(y))), dtype=float)


def outcomes(y: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[float, tuple[int, int, int]]:
    """Count true positives, false positives and false negatives at each threshold, row by row."""
    counts = {}
    for threshold in sorted({1.0, *score.tolist()}, reverse=True):
        pairs = [(bool(positive), value >= threshold) for positive, value in zip(y, score, strict=True)]
        counts[threshold] = (pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)))
    return counts


def precision_of(tp: int, fp: int, _: int) -> Fraction:
    return Fraction(tp, tp + fp) if tp + fp else Fraction(0)


def recall_of(tp: int, _: int, fn: int) -> Fraction:
    return Fraction(tp, tp + fn)


class TestPrecisionAtLeast:
    @pytest.mark.parametrize(("precision", "value"), [(1, 0.8), (0.7, 0.8), (0.6, 0.35), (0.5, 0.1), (0.01, 0.1)])
    def test_worked_out_by_hand(self, precision, value) -> None:
        assert precision_at_least(Y, SCORE, precision) == Threshold(value, reached=True)

    def test_takes_the_best_where_none_reaches_it(self) -> None:
        assert precision_at_least([1, 0], [0.2, 0.9], 0.8) == Threshold(0.2, reached=False)

    def test_takes_the_most_recall_of_equally_good_ones(self) -> None:
        assert precision_at_least([0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6], 0.8) == Threshold(0.6, reached=False)

    def test_a_share_of_hundredths_is_reached_by_as_many_of_a_hundred(self) -> None:
        assert 0.29 * 100 != 29
        assert precision_at_least(np.arange(100) < 29, [0.5] * 100, 0.29) == Threshold(0.5, reached=True)

    @given(samples(), shares)
    @settings(max_examples=60, deadline=None)
    def test_is_the_lowest_of_all(self, sample, share) -> None:
        found = precision_at_least(*sample, float(share))
        precision = {threshold: precision_of(*counts) for threshold, counts in outcomes(*sample).items()}
        best = max(precision.values())
        assert found.reached == (best >= share)
        assert found.value == min(t for t, value in precision.items() if value >= min(best, share))

    @given(samples(), shares)
    @settings(max_examples=60, deadline=None)
    def test_keeps_its_promise_when_applied(self, sample, share) -> None:
        y, score = sample
        found = precision_at_least(y, score, float(share))
        assert (np.mean(y[score >= found.value]) >= float(share)) == found.reached


class TestRecallAtLeast:
    @pytest.mark.parametrize(("recall", "value"), [(0.01, 0.8), (0.5, 0.8), (0.51, 0.35), (1, 0.35)])
    def test_worked_out_by_hand(self, recall, value) -> None:
        assert recall_at_least(Y, SCORE, recall) == Threshold(value, reached=True)

    def test_a_share_of_hundredths_is_reached_by_as_many_of_a_hundred(self) -> None:
        score = np.where(np.arange(101) < 29, 0.9, 0.1)
        assert recall_at_least(np.arange(101) < 100, score, 0.29) == Threshold(0.9, reached=True)

    @given(samples(), shares)
    @settings(max_examples=60, deadline=None)
    def test_is_the_highest_of_all(self, sample, share) -> None:
        recall = {threshold: recall_of(*counts) for threshold, counts in outcomes(*sample).items()}
        highest = max(threshold for threshold, value in recall.items() if value >= share)
        assert recall_at_least(*sample, float(share)) == Threshold(highest, reached=True)

    @given(samples(), shares)
    @settings(max_examples=60, deadline=None)
    def test_keeps_its_promise_when_applied_and_no_higher_one_does(self, sample, share) -> None:
        y, score = sample
        value = recall_at_least(y, score, float(share)).value
        assert np.mean(score[y] >= value) >= float(share)
        assert np.mean(score[y] >= np.nextafter(value, 2)) < float(share)


class TestMaxF1:
    def test_worked_out_by_hand(self) -> None:
        assert max_f1(Y, SCORE) == Threshold(0.35, reached=True)

    def test_flags_fewer_where_several_are_as_good(self) -> None:
        # F1 is 2 / 3 at 0.9 (1 of 1 right, 1 missed) and at 0.6 (2 of 4 right).
        assert max_f1([1, 0, 0, 1], [0.9, 0.8, 0.7, 0.6]) == Threshold(0.9, reached=True)

    @given(samples())
    @settings(max_examples=60, deadline=None)
    def test_is_the_highest_of_the_best(self, sample) -> None:
        f1 = {t: Fraction(2 * tp, 2 * tp + fp + fn) for t, (tp, fp, fn) in outcomes(*sample).items()}
        best = max(f1.values())
        assert max_f1(*sample) == Threshold(max(t for t, value in f1.items() if value == best), reached=True)
        assert score_metrics(*sample, threshold=max_f1(*sample).value)["f1"] == pytest.approx(float(best))


class TestLeastCost:
    @pytest.mark.parametrize(
        ("false_positive", "false_negative", "value"),
        [(1, 5, 0.35), (5, 1, 0.8), (0, 1, 0.35), (1, 0, 1), (0, 0, 1)],
    )
    def test_worked_out_by_hand(self, false_positive, false_negative, value) -> None:
        found = least_cost(Y, SCORE, false_positive=false_positive, false_negative=false_negative)
        assert found == Threshold(value, reached=True)

    def test_flags_fewer_where_several_are_as_cheap(self) -> None:
        assert least_cost(Y, SCORE, false_positive=1, false_negative=1) == Threshold(0.8, reached=True)

    def test_rounding_breaks_no_tie(self) -> None:
        # Three misses or one false alarm.
        assert 3 * 0.1 > 0.3
        found = least_cost([0, 1, 1, 1], [0.9, 0.8, 0.8, 0.8], false_positive=0.3, false_negative=0.1)
        assert found == Threshold(1.0, reached=True)

    def test_flags_nothing_where_that_is_cheapest(self) -> None:
        assert least_cost([1, 0], [0.2, 0.9], false_positive=5, false_negative=1) == Threshold(1.0, reached=True)

    def test_a_score_of_one_is_always_flagged(self) -> None:
        assert least_cost([1, 0], [0.2, 1.0], false_positive=5, false_negative=1) == Threshold(0.2, reached=True)

    def test_of_calibrated_scores_is_the_ratio_of_costs(self) -> None:
        rng = np.random.default_rng(0)
        score = rng.random(100_000)
        found = least_cost(rng.random(100_000) < score, score, false_positive=1, false_negative=4)
        assert found.value == pytest.approx(1 / 5, abs=0.03)

    @given(samples(), costs, costs)
    @settings(max_examples=60, deadline=None)
    def test_is_the_highest_of_the_cheapest(self, sample, false_positive, false_negative) -> None:
        cost = {t: fp * false_positive + fn * false_negative for t, (_, fp, fn) in outcomes(*sample).items()}
        highest = max(t for t, value in cost.items() if value == min(cost.values()))
        found = least_cost(*sample, false_positive=false_positive / 10, false_negative=false_negative / 10)
        assert found == Threshold(highest, reached=True)

    @pytest.mark.parametrize("cost", [-1, np.nan, np.inf])
    @pytest.mark.parametrize("name", ["false_positive", "false_negative"])
    def test_refuses_what_is_no_cost(self, name, cost) -> None:
        with pytest.raises(ValueError, match=name):
            least_cost(Y, SCORE, **{"false_positive": 1, "false_negative": 1, name: cost})


class TestOutcomePerThousand:
    def test_worked_out_by_hand(self) -> None:
        assert outcome_per_thousand(Y, SCORE, 0.35) == {
            "flagged": 750,
            "true_positive": 500,
            "false_positive": 250,
            "false_negative": 0,
            "precision": 2 / 3,
            "recall": 1,
        }

    def test_precision_is_zero_where_nothing_is_flagged(self) -> None:
        assert list(outcome_per_thousand(Y, SCORE, 0.9).values()) == [0, 0, 0, 500, 0, 0]

    @given(samples(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]))
    @settings(max_examples=40, deadline=None)
    def test_agrees_with_the_metrics(self, sample, threshold) -> None:
        outcome, values = outcome_per_thousand(*sample, threshold), score_metrics(*sample, threshold=threshold)
        assert all(type(value) is float for value in outcome.values())
        assert outcome["flagged"] == pytest.approx(outcome["true_positive"] + outcome["false_positive"])
        assert {name: outcome[name] for name in ("precision", "recall")} == pytest.approx(
            {name: values[name] for name in ("precision", "recall")}
        )


CHOICES = {
    "precision": lambda y, score: precision_at_least(y, score, 0.5),
    "recall": lambda y, score: recall_at_least(y, score, 0.5),
    "f1": max_f1,
    "cost": lambda y, score: least_cost(y, score, false_positive=1, false_negative=1),
}


@pytest.mark.parametrize("choose", CHOICES.values(), ids=CHOICES)
class TestEveryChoice:
    @given(sample=samples(), random=st.randoms(use_true_random=False))
    @settings(max_examples=20, deadline=None)
    def test_the_order_of_rows_does_not_matter(self, choose, sample, random) -> None:
        y, score = sample
        order = random.sample(range(len(y)), len(y))
        assert choose(y[order], score[order]) == choose(y, score)

    @given(sample=samples())
    @settings(max_examples=20, deadline=None)
    def test_is_a_score_that_occurs_or_one(self, choose, sample) -> None:
        value = choose(*sample).value
        assert type(value) is float
        assert value in {*sample[1].tolist(), 1.0}

    @pytest.mark.parametrize(
        ("y", "score", "message"),
        [
            ([0, 1], [0.1], "one shape"),
            ([], [], "no rows"),
            ([0, 2], [0.1, 0.2], "bool, or 0 and 1"),
            ([0, 1], [0.1, np.nan], r"within \[0, 1\]"),
            ([0, 0], [0.1, 0.2], "both classes"),
        ],
    )
    def test_refuses(self, choose, y, score, message) -> None:
        with pytest.raises(ValueError, match=message):
            choose(y, score)


@pytest.mark.parametrize("value", [0, -0.1, 1.1, np.nan])
@pytest.mark.parametrize("choose", [precision_at_least, recall_at_least])
def test_refuses_what_is_no_share(choose, value) -> None:
    with pytest.raises(ValueError, match=r"within \(0, 1\]"):
        choose(Y, SCORE, value)


class TestCountBetween:
    def test_worked_out_by_hand(self) -> None:
        positives, negatives = count_between(Y, SCORE, [0, 0.35, 0.5])
        assert (positives.tolist(), negatives.tolist()) == ([0, 1, 1], [1, 1, 0])

    @given(sample=samples(), others=st.lists(st.floats(0, 1), max_size=5))
    def test_each_threshold_flags_the_very_rows_that_it_flags_one_by_one(self, sample, others: list[float]) -> None:
        y, score = sample
        thresholds = np.unique([0.0, *others, *score])
        positives, negatives = (counts[::-1].cumsum()[::-1] for counts in count_between(y, score, thresholds))
        for place, threshold in enumerate(thresholds):
            flagged = score >= threshold
            assert (positives[place], negatives[place]) == ((flagged & y).sum(), (flagged & ~y).sum())

    @pytest.mark.parametrize(
        "thresholds", [[], [0.1, 0.2], [0, 0.2, 0.2], [0, 0.5, 0.4], [[0, 1]], [0, np.nan]], ids=str
    )
    def test_refuses_thresholds_that_do_not_ascend_from_0(self, thresholds) -> None:
        with pytest.raises(ValueError, match="ascend from 0"):
            count_between(Y, SCORE, thresholds)
