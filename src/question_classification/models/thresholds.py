"""Thresholds chosen on training data, and what a threshold means for the questions that come in.

Throughout, `y_true` holds the true classes (bool, or 0 and 1) and `y_score` the predicted probability of the positive
class, both of shape (n_samples,). A row is predicted positive, or flagged, where its score is at least the threshold.

Two thresholds between which no score lies flag the same rows. So it is enough to consider every score that occurs and
1, which flags nothing unless a score is 1. A chosen threshold is one of these to the last bit: applied to the very data
that it was chosen on, it flags the very rows that were counted.

A threshold that was chosen on some rows looks better on these than it will on others; give it out-of-fold scores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from question_classification.models.metrics import _check, _check_both_classes, confusion

# Sums such as 0.1 + 0.2 and 0.3 are the same cost.
_COST_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Threshold:
    """A threshold, and whether it keeps what was asked of it.

    Attributes:
        value: Rows with a score of at least this are predicted positive; within [0, 1].
        reached: Whether the aim is reached on the data that the threshold was chosen on.
    """

    value: float
    reached: bool


def precision_at_least(y_true: ArrayLike, y_score: ArrayLike, precision: float) -> Threshold:
    """Return the lowest threshold, so the one of most recall, at which precision reaches a value.

    Where no threshold reaches it, this is the threshold of the best precision; of several, that of most recall.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        precision: The precision to reach, within (0, 1].

    Raises:
        ValueError: `y_true` is not binary or lacks a class, `y_score` is not a probability per row, or `precision` is
            out of range.
    """
    _check_share("precision", precision)
    outcomes = _sweep(y_true, y_score)
    best = float(outcomes.precision.max())
    lowest = np.flatnonzero(outcomes.precision >= min(precision, best))[-1]
    return Threshold(float(outcomes.thresholds[lowest]), reached=best >= precision)


def recall_at_least(y_true: ArrayLike, y_score: ArrayLike, recall: float) -> Threshold:
    """Return the highest threshold, so the one of fewest flagged rows, at which recall reaches a value.

    The lowest score has a recall of 1, so the value is always reached.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        recall: The recall to reach, within (0, 1].

    Raises:
        ValueError: As in `precision_at_least`, with `recall` for `precision`.
    """
    _check_share("recall", recall)
    outcomes = _sweep(y_true, y_score)
    return _highest(outcomes, outcomes.recall >= recall)


def max_f1(y_true: ArrayLike, y_score: ArrayLike) -> Threshold:
    """Return the threshold of the greatest F1; of several, the highest, so the one of fewest flagged rows.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].

    Raises:
        ValueError: `y_true` is not binary or lacks a class, or `y_score` is not a probability per row.
    """
    outcomes = _sweep(y_true, y_score)
    f1 = 2 * outcomes.true_positives / (outcomes.flagged + outcomes.positives)
    return _highest(outcomes, f1 == f1.max())


def least_cost(y_true: ArrayLike, y_score: ArrayLike, *, false_positive: float, false_negative: float) -> Threshold:
    """Return the threshold of the least total cost; of several, the highest, so the one of fewest flagged rows.

    Where flagging nothing is cheapest, this is 1. Where a score is 1, no threshold within [0, 1] flags nothing, and the
    least cost is that of the other thresholds.

    With calibrated probabilities the threshold tends to false_positive / (false_positive + false_negative). Source:
    Elkan, The Foundations of Cost-Sensitive Learning (2001), section 1.3.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        false_positive: Cost of a negative that is flagged, at least 0, in any unit.
        false_negative: Cost of a positive that is not flagged, at least 0, in the same unit.

    Raises:
        ValueError: As in `max_f1`, or a cost is negative or not finite.
    """
    for name, cost in (("false_positive", false_positive), ("false_negative", false_negative)):
        if not 0 <= cost < np.inf:  # also refuses NaN
            raise ValueError(f"{name} must be a finite cost of at least 0, not {cost}")
    outcomes = _sweep(y_true, y_score)
    false_positives = outcomes.flagged - outcomes.true_positives
    false_negatives = outcomes.positives - outcomes.true_positives
    costs = false_positive * false_positives + false_negative * false_negatives
    return _highest(outcomes, costs <= costs.min() * (1 + _COST_TOLERANCE))


def outcome_per_thousand(y_true: ArrayLike, y_score: ArrayLike, threshold: float) -> dict[str, float]:
    """Say what becomes of 1,000 questions at a threshold.

    Precision is 0 where nothing is flagged.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        threshold: Rows with a score of at least this are flagged.

    Returns:
        flagged, true_positive, false_positive, false_negative: rows per 1,000; precision, recall: within [0, 1].

    Raises:
        ValueError: As in `max_f1`.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    counts = confusion(y, score, threshold=threshold)
    hit, false_alarm, miss = counts["true_positive"], counts["false_positive"], counts["false_negative"]
    rows = {"flagged": hit + false_alarm, "true_positive": hit, "false_positive": false_alarm, "false_negative": miss}
    per_thousand = {name: 1000 * count / len(y) for name, count in rows.items()}
    return per_thousand | {"precision": hit / max(hit + false_alarm, 1), "recall": hit / (hit + miss)}


def count_between(
    y_true: ArrayLike, y_score: ArrayLike, thresholds: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Count the rows of each class from each threshold up to the next one.

    What a threshold flags is the sum from its place on: the same rows, to the last one, as `score >= threshold` gives,
    however many rows there are and however few thresholds.

    Args:
        y_true: True classes, shape (n_samples,).
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        thresholds: Ascending, the first one 0, shape (n_thresholds,).

    Returns:
        Positives and negatives, each of shape (n_thresholds,); all together sum to n_samples.

    Raises:
        ValueError: `y_true` is not binary, `y_score` is not a probability per row, or `thresholds` do not ascend from
            0.
    """
    y, score = _check(y_true, y_score)
    bounds = np.asarray(thresholds, dtype=np.float64)
    if bounds.ndim != 1 or not bounds.size or bounds[0] != 0 or not (np.diff(bounds) > 0).all():
        raise ValueError("thresholds must ascend from 0")
    place = np.searchsorted(bounds, score, side="right") - 1
    return np.bincount(place[y], minlength=len(bounds)), np.bincount(place[~y], minlength=len(bounds))


@dataclass(frozen=True)
class _Outcomes:
    """What each threshold does, from the strictest to the loosest.

    Attributes:
        thresholds: 1 and every score that occurs, descending, shape (n_thresholds,).
        flagged: Rows with a score of at least each threshold, shape (n_thresholds,).
        true_positives: Positives among them, shape (n_thresholds,).
        positives: Positives among all rows.
    """

    thresholds: NDArray[np.float64]
    flagged: NDArray[np.intp]
    true_positives: NDArray[np.intp]
    positives: int

    # Counts are divided, not shares multiplied: 29 of 100 reach 0.29, though 0.29 * 100 < 29 in floating point. Both
    # the quotient and the decimal number are the double that is nearest to the same value.

    @property
    def precision(self) -> NDArray[np.float64]:
        """Precision at each threshold; 0 where nothing is flagged, shape (n_thresholds,)."""
        return self.true_positives / np.maximum(self.flagged, 1)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Recall at each threshold, shape (n_thresholds,)."""
        return self.true_positives / self.positives


def _sweep(y_true: ArrayLike, y_score: ArrayLike) -> _Outcomes:
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    thresholds = np.unique(np.append(score, 1.0))[::-1]
    return _Outcomes(
        thresholds, _count_at_least(score, thresholds), _count_at_least(score[y], thresholds), int(y.sum())
    )


def _count_at_least(score: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
    below: NDArray[np.intp] = np.searchsorted(np.sort(score), thresholds, side="left")
    return len(score) - below


def _highest(outcomes: _Outcomes, good: NDArray[np.bool_]) -> Threshold:
    """Return the highest of the good thresholds, of which there is at least one."""
    return Threshold(float(outcomes.thresholds[good.argmax()]), reached=True)


def _check_share(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"{name} must lie within (0, 1], not {value}")
