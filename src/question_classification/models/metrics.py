"""Metrics of a binary classifier, their bootstrap intervals and its curves.

Throughout, `y_true` holds the true classes (bool, or 0 and 1) and `y_score` the predicted probability of the positive
class, both of shape (n_samples,). A row is predicted positive where its score is at least the threshold.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

METRICS = (
    "roc_auc",
    "average_precision",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "log_loss",
    "brier_score",
)
"""Every metric, by the name of its scikit-learn scorer (without `neg_`), in the order of all tables."""

_Numbers: TypeAlias = NDArray[np.float64]

# Resamples are counted in blocks, so that memory stays bounded and a block stays in the processor's cache.
_ROWS_PER_BLOCK = 250_000


def score_metrics(y_true: ArrayLike, y_score: ArrayLike, *, threshold: float = 0.5) -> dict[str, float]:
    """Return every metric of `METRICS`, as scikit-learn's own functions compute it.

    Precision and F1 are 0 where nothing is predicted positive.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        threshold: Rows with a score of at least this are predicted positive.

    Returns:
        One value per name, in the order of `METRICS`.

    Raises:
        ValueError: `y_true` is not binary or lacks a class, or `y_score` is not a probability per row.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    predicted = score >= threshold
    values = (
        roc_auc_score(y, score),
        average_precision_score(y, score),
        accuracy_score(y, predicted),
        precision_score(y, predicted, zero_division=0),
        recall_score(y, predicted),
        f1_score(y, predicted, zero_division=0),
        log_loss(y, score),
        brier_score_loss(y, score),
    )
    return {name: float(value) for name, value in zip(METRICS, values, strict=True)}


def bootstrap_intervals(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    metrics: Sequence[str] = METRICS,
    threshold: float = 0.5,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return a percentile bootstrap interval of each metric.

    The bootstrap is stratified: each resample draws as many positives, with replacement, as there are positives, and
    as many negatives as there are negatives. Which rows are drawn depends on the seed and on `y_true`, never on the
    scores: candidates scored on the same test set are compared on the same resamples (paired).

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        metrics: Which of `METRICS`; fewer take less time.
        threshold: Rows with a score of at least this are predicted positive.
        resamples: How many resamples, at least 1.
        level: Coverage of the intervals, within (0, 1).
        seed: Seed of the resampling, at least 0.

    Returns:
        (lower, upper) per name, in the order of `metrics`.

    Raises:
        ValueError: As in `score_metrics`, there is no such metric, or `resamples` or `level` is out of range.
    """
    _check_metrics(metrics)
    _check_resampling(resamples, level)
    values = _resampled_metrics(y_true, y_score, metrics, threshold=threshold, resamples=resamples, seed=seed)
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {name: (float(low), float(high)) for name, low, high in zip(metrics, lower, upper, strict=True)}


def paired_bootstrap_difference(
    y_true: ArrayLike,
    y_score: ArrayLike,
    y_score_reference: ArrayLike,
    *,
    metric: str = "average_precision",
    threshold: float = 0.5,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> tuple[float, float, float]:
    """Return how far a metric of some scores is above that of a reference, and a percentile bootstrap interval.

    Both are judged on the same resamples, those of `bootstrap_intervals`. So what makes a test set easy or hard for
    both cancels, and the interval tells more than whether the two intervals overlap.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        y_score_reference: The same by the reference, shape (n_samples,).
        metric: One of `METRICS`.
        threshold: Rows with a score of at least this are predicted positive, by both.
        resamples: How many resamples, at least 1.
        level: Coverage of the interval, within (0, 1).
        seed: Seed of the resampling, at least 0.

    Returns:
        (difference, lower, upper).

    Raises:
        ValueError: As in `bootstrap_intervals`, or there is no such metric.
    """
    _check_metrics([metric])
    _check_resampling(resamples, level)
    values, reference = (
        _resampled_metrics(y_true, score, [metric], threshold=threshold, resamples=resamples, seed=seed)[:, 0]
        for score in (y_score, y_score_reference)
    )
    lower, upper = np.quantile(values - reference, [(1 - level) / 2, (1 + level) / 2])
    difference = (
        score_metrics(y_true, y_score, threshold=threshold)[metric]
        - score_metrics(y_true, y_score_reference, threshold=threshold)[metric]
    )
    return difference, float(lower), float(upper)


def precision_recall_points(y_true: ArrayLike, y_score: ArrayLike, *, most: int = 500) -> pd.DataFrame:
    """Return the precision-recall curve, from the strictest threshold to the loosest.

    The first point is scikit-learn's conventional end of the curve (recall 0, precision 1), which no threshold
    reaches; its threshold is given as 1.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        most: Thin the curve evenly to at most this many points, at least 2; both ends are kept.

    Returns:
        Columns recall, precision, threshold; at most `most` rows.

    Raises:
        ValueError: As in `score_metrics`, or `most` is below 2.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    precision, recall, threshold = precision_recall_curve(y, score, drop_intermediate=True)
    points = pd.DataFrame({"recall": recall, "precision": precision, "threshold": np.append(threshold, 1.0)})
    return _thin(points.iloc[::-1], most)


def recall_at_precision(y_true: ArrayLike, y_score: ArrayLike, precision: float) -> float:
    """Return the most recall that any threshold reaches at a precision of at least a value; 0 where none does.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        precision: The precision to reach, within (0, 1].

    Raises:
        ValueError: As in `score_metrics`.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    precisions, recalls, _ = precision_recall_curve(y, score)
    return float(recalls[precisions >= precision].max())  # the conventional end of the curve has recall 0


def roc_points(y_true: ArrayLike, y_score: ArrayLike, *, most: int = 500) -> pd.DataFrame:
    """Return the receiver operating characteristic, from the strictest threshold to the loosest.

    The first point, where nothing is predicted positive, has threshold infinity in scikit-learn; here it is 1.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        most: Thin the curve evenly to at most this many points, at least 2; both ends are kept.

    Returns:
        Columns false_positive_rate, true_positive_rate, threshold; at most `most` rows.

    Raises:
        ValueError: As in `score_metrics`, or `most` is below 2.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    false_positive_rate, true_positive_rate, threshold = roc_curve(y, score, drop_intermediate=True)
    points = pd.DataFrame(
        {
            "false_positive_rate": false_positive_rate,
            "true_positive_rate": true_positive_rate,
            "threshold": np.minimum(threshold, 1.0),
        }
    )
    return _thin(points, most)


def confusion(y_true: ArrayLike, y_score: ArrayLike, *, threshold: float) -> dict[str, int]:
    """Count the rows by true and predicted class.

    Args:
        y_true: True classes, shape (n_samples,).
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        threshold: Rows with a score of at least this are predicted positive.

    Returns:
        true_negative, false_positive, false_negative, true_positive; they sum to n_samples.

    Raises:
        ValueError: `y_true` is not binary, or `y_score` is not a probability per row.
    """
    y, score = _check(y_true, y_score)
    counts = confusion_matrix(y, score >= threshold, labels=[False, True]).ravel()
    names = ("true_negative", "false_positive", "false_negative", "true_positive")
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _check(y_true: ArrayLike, y_score: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    y = np.asarray(y_true)
    score = np.asarray(y_score, dtype=np.float64)
    if y.ndim != 1 or y.shape != score.shape:
        raise ValueError(f"y_true and y_score must be of one shape (n_samples,), not {y.shape} and {score.shape}")
    if not y.size:
        raise ValueError("y_true and y_score hold no rows")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("y_true must hold bool, or 0 and 1")
    if not ((score >= 0) & (score <= 1)).all():  # also refuses NaN
        raise ValueError("y_score must hold probabilities, within [0, 1]")
    return y.astype(np.bool_), score


def _check_both_classes(y: NDArray[np.bool_]) -> None:
    if y.all() or not y.any():
        raise ValueError(f"y_true must hold both classes, but every row is {bool(y[0])}")


def _check_metrics(metrics: Sequence[str]) -> None:
    for metric in metrics:
        if metric not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")


def _check_resampling(resamples: int, level: float) -> None:
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie within (0, 1), not {level}")


def _thin(points: pd.DataFrame, most: int) -> pd.DataFrame:
    if most < 2:
        raise ValueError(f"most must be at least 2, to keep both ends of the curve, not {most}")
    if len(points) > most:
        points = points.iloc[np.linspace(0, len(points) - 1, most).round().astype(np.intp)]
    return points.reset_index(drop=True)


def _resampled_metrics(
    y_true: ArrayLike,
    y_score: ArrayLike,
    metrics: Sequence[str] = METRICS,
    *,
    threshold: float,
    resamples: int,
    seed: int,
) -> NDArray[np.float64]:
    """Return metrics of every resample, shape (resamples, len(metrics)).

    Every metric is a function of how many positives and negatives there are at each distinct score. So rows are sorted
    once, into groups of tied scores from the highest down, and a resample is two vectors of counts per group.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    ascending, inverse = np.unique(score, return_inverse=True)
    scores = ascending[::-1]
    group = len(scores) - 1 - inverse
    group_of_positive, group_of_negative = group[y], group[~y]

    # A stream for each class: a resample of the positives depends on nothing but the seed and their number.
    positive_draws, negative_draws = np.random.default_rng(seed).spawn(2)
    block = max(1, _ROWS_PER_BLOCK // len(y))
    blocks = (
        _Resamples(
            _draw_counts(positive_draws, group_of_positive, size, len(scores)),
            _draw_counts(negative_draws, group_of_negative, size, len(scores)),
            scores,
            threshold,
        )
        for size in (min(block, resamples - start) for start in range(0, resamples, block))
    )
    return np.concatenate([np.column_stack([getattr(block, metric)() for metric in metrics]) for block in blocks])


def _draw_counts(
    generator: np.random.Generator, group_of_row: NDArray[np.intp], size: int, groups: int
) -> NDArray[np.float64]:
    """Resample the rows of one class `size` times and count them per group, shape (size, groups)."""
    rows = len(group_of_row)
    drawn = group_of_row[generator.integers(rows, size=(size, rows), dtype=np.int32)]
    drawn += np.arange(size)[:, np.newaxis] * groups
    counts: NDArray[np.intp] = np.bincount(drawn.ravel(), minlength=size * groups)
    return counts.reshape(size, groups).astype(np.float64)


class _Resamples:
    """Some resamples, and a method per metric, which returns it of each resample, shape (size,).

    Args:
        positives: Positives per resample and group, shape (size, groups).
        negatives: Negatives per resample and group, shape (size, groups).
        scores: The score of each group, descending, shape (groups,).
        threshold: Groups with a score of at least this are predicted positive.
    """

    def __init__(
        self,
        positives: _Numbers,
        negatives: _Numbers,
        scores: _Numbers,
        threshold: float,
    ) -> None:
        self._positives = positives
        self._negatives = negatives
        self._scores = scores
        self._true_positives: _Numbers = positives.cumsum(axis=1)  # at the threshold of each group
        self._false_positives: _Numbers = negatives.cumsum(axis=1)
        self._p: _Numbers = self._true_positives[:, -1]
        self._n: _Numbers = self._false_positives[:, -1]
        above = int(np.count_nonzero(scores >= threshold))
        self._tp: _Numbers = self._true_positives[:, above - 1] if above else np.zeros_like(self._p)
        self._fp: _Numbers = self._false_positives[:, above - 1] if above else np.zeros_like(self._n)

    def roc_auc(self) -> _Numbers:
        # Mann-Whitney: the share of (positive, negative) pairs in the right order, ties counted half.
        return _dot(self._negatives, self._true_positives - self._positives / 2) / (self._p * self._n)

    def average_precision(self) -> _Numbers:
        # The sum of (R_k - R_k-1) P_k. A group that was not drawn adds 0; the maximum avoids 0 / 0 before the first.
        precision_at = self._true_positives / np.maximum(self._true_positives + self._false_positives, 1)
        return _dot(self._positives, precision_at) / self._p

    def accuracy(self) -> _Numbers:
        return (self._tp + self._n - self._fp) / (self._p + self._n)

    def precision(self) -> _Numbers:
        return self._tp / np.maximum(self._tp + self._fp, 1)

    def recall(self) -> _Numbers:
        return self._tp / self._p

    def f1(self) -> _Numbers:
        return 2 * self._tp / (self._tp + self._fp + self._p)

    def log_loss(self) -> _Numbers:
        eps = np.finfo(np.float64).eps  # scikit-learn clips probabilities so
        clipped = np.clip(self._scores, eps, 1 - eps)
        loss = _dot(self._positives, -np.log(clipped)) + _dot(self._negatives, -np.log1p(-clipped))
        return loss / (self._p + self._n)

    def brier_score(self) -> _Numbers:
        squared_error = _dot(self._positives, (1 - self._scores) ** 2) + _dot(self._negatives, self._scores**2)
        return squared_error / (self._p + self._n)


def _dot(counts: _Numbers, values: _Numbers) -> _Numbers:
    """Sum counts times values over the groups, shape (size,); values are (size, groups) or (groups,).

    Not by `@`: BLAS sums in another order on another machine, and the intervals would differ in their last digit.
    """
    sums: _Numbers = np.einsum("...j,...j->...", counts, values)
    return sums
