"""How much of the errors is noise in the labels: askers choose a few tags of many that would fit.

A question about machine learning may carry only `neural-networks` or `svm`. So a negative may be a positive that nobody
has tagged, and a classifier that finds it is charged with an error.

Two kinds of negatives are in doubt: those with a tag that often goes with the target (`find_neighbour_tags`), and those
that a classifier is sure about (`find_label_errors`). `average_precision_without` says what is gained without them.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, compress

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.metrics import average_precision_score

from question_classification.models.metrics import _check, _check_both_classes, bootstrap_intervals

# A mean of equal numbers may be off by a rounding.
_TOLERANCE = 1e-12


def find_neighbour_tags(
    tags: Sequence[Sequence[str]],
    y: ArrayLike,
    *,
    target: str,
    min_questions: int = 10,
    min_lift: float = 2.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Find the tags that go with the target far more often than by chance.

    Give it training questions only. A tag is a neighbour where even the lower bound of the share of positives among its
    questions is `min_lift` times the share among all questions; so few questions have to say it more clearly than many.
    Where more than 1 / `min_lift` of all questions are positive, no tag is.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927), for the interval.

    Args:
        tags: The tags of each question, n_samples sequences.
        y: Whether each question is about the target (bool, or 0 and 1), shape (n_samples,).
        target: The target tag, which is no neighbour of itself.
        min_questions: Consider the tags of at least so many questions.
        min_lift: How many times as often as by chance, at least 1.
        level: Coverage of the interval of each share, within (0, 1).

    Returns:
        Columns tag, questions (with the tag), with_target (of these), share (with_target / questions), low (of the
        share), lift (share by that of all questions); the highest lower bound first, then by the alphabet.

    Raises:
        ValueError: `y` is not binary, not one per question or holds no positive, or an argument is out of range.
    """
    if min_lift < 1:
        raise ValueError(f"min_lift must be at least 1, not {min_lift}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie within (0, 1), not {level}")
    positive = np.asarray(y)
    if positive.shape != (len(tags),) or not np.isin(positive, (0, 1)).all():
        raise ValueError(f"y must hold bool, or 0 and 1, one for each of {len(tags)} questions")
    if not positive.any():
        raise ValueError("y holds no positive, so no tag goes with the target")
    distinct = list(map(set, tags))
    questions = Counter(chain.from_iterable(distinct))
    with_target = Counter(chain.from_iterable(compress(distinct, positive)))
    kept = sorted(tag for tag, count in questions.items() if count >= min_questions and tag != target)
    table = pd.DataFrame(
        {
            "tag": pd.Series(kept, dtype=str),
            "questions": np.array([questions[tag] for tag in kept], np.int64),
            "with_target": np.array([with_target[tag] for tag in kept], np.int64),
        }
    )
    prevalence = float(positive.mean())
    table["share"] = table["with_target"] / table["questions"]
    table["low"] = _wilson_low(table["with_target"].to_numpy(), table["questions"].to_numpy(), level)
    table["lift"] = table["share"] / prevalence
    neighbours = table[table["low"] >= min_lift * prevalence]
    return neighbours.sort_values("low", ascending=False, kind="stable", ignore_index=True)


def has_any_tag(tags: Sequence[Sequence[str]], wanted: Collection[str]) -> NDArray[np.bool_]:
    """Return whether each question has at least one of some tags, shape (n_samples,)."""
    wanted = set(wanted)
    return np.fromiter((not wanted.isdisjoint(each) for each in tags), np.bool_, len(tags))


def find_label_errors(y: ArrayLike, y_score: ArrayLike) -> NDArray[np.bool_]:
    """Return which labels a classifier contradicts with confidence, by confident learning.

    The classifier is confident of a class where its probability is at least the mean of this probability over the rows
    with that label; of both, where it is confident of both, it takes the likelier. So a classifier that is shy of the
    rare class is judged by its own measure. Where it is confident of no class, or both are as likely, the label stands.

    A classifier that tells nothing apart is confident of the frequent class everywhere, and contradicts every other
    label.

    Source: Northcutt, Jiang & Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021), section 3.1:
    the rows off the diagonal of the confident joint.

    Args:
        y: Labels (bool, or 0 and 1), shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1], by a classifier that was not
            fitted to these rows.

    Raises:
        ValueError: `y` is not binary or lacks a class, or `y_score` is not a probability per row.
    """
    positive, score = _check(y, y_score)
    _check_both_classes(positive)
    of_positive = score >= score[positive].mean() - _TOLERANCE
    of_negative = 1 - score >= (1 - score[~positive]).mean() - _TOLERANCE
    seems_positive = of_positive & ~(of_negative & (score <= 0.5))
    seems_negative = of_negative & ~(of_positive & (score >= 0.5))
    suspected: NDArray[np.bool_] = np.where(positive, seems_negative, seems_positive)
    return suspected


def average_precision_without(
    y_true: ArrayLike,
    y_score: ArrayLike,
    left_out: Mapping[str, ArrayLike],
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> pd.DataFrame:
    """Return the average precision of the same scores without the rows whose labels are in doubt.

    It bounds what better labels would give, from above. Leaving out what `find_label_errors` found by these scores is
    circular: the classifier is judged without the errors that it is surest of. Negatives with a neighbour tag are not
    chosen by the scores; but some of them are rightly negative, and these are the hardest.

    Average precision rises with the share of positives, so it rises with any negatives that are left out. Therefore it
    is also given as it would be with as many rows of each class left out at random: each row is weighted by the share
    of its class that is kept.

    Args:
        y_true: True classes, shape (n_samples,); both classes occur.
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        left_out: By name, which rows are left out (bool), each of shape (n_samples,).
        resamples: How many resamples of the interval, at least 1; see `bootstrap_intervals`.
        level: Coverage of the interval, within (0, 1).
        seed: Seed of the resampling, at least 0.

    Returns:
        Columns left_out (`none`, then the names in their order), rows_left_out, positives_left_out, average_precision,
        low, high, at_random. Where no positive or no negative is left, the last four are NaN.

    Raises:
        ValueError: As in `bootstrap_intervals`, or `left_out` is not of one bool per row.
    """
    y, score = _check(y_true, y_score)
    _check_both_classes(y)
    rows = []
    for name, mask in {"none": np.zeros(len(y), np.bool_), **left_out}.items():
        out = np.asarray(mask)
        if out.shape != y.shape or out.dtype != np.bool_:
            raise ValueError(f"left_out[{name!r}] must hold a bool for each of {len(y)} rows")
        values = [np.nan] * 4
        kept = [(y & ~out).sum() / y.sum(), (~y & ~out).sum() / (~y).sum()]
        if all(kept):
            metric = "average_precision"
            low, high = bootstrap_intervals(
                y[~out], score[~out], metrics=[metric], resamples=resamples, level=level, seed=seed
            )[metric]
            at_random = average_precision_score(y, score, sample_weight=np.where(y, *kept))
            values = [float(average_precision_score(y[~out], score[~out])), low, high, float(at_random)]
        rows.append((name, int(out.sum()), int((y & out).sum()), *values))
    columns = ["left_out", "rows_left_out", "positives_left_out", "average_precision", "low", "high", "at_random"]
    return pd.DataFrame(rows, columns=columns)


def _wilson_low(k: NDArray[np.int64], n: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """Return the lower bound of Wilson's interval of the share k / n; SciPy has it for one share at a time."""
    z = ndtri((1 + level) / 2)
    low: NDArray[np.float64] = (k + z**2 / 2 - z * np.sqrt(k * (n - k) / n + z**2 / 4)) / (n + z**2)
    return np.maximum(low, 0)
