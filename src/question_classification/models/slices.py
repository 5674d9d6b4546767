"""Results by slice: how well a classifier does on the questions of one year, of one length, with code or without.

Throughout, `y_true` holds the true classes (bool, or 0 and 1) and `y_score` the predicted probability of the positive
class, both of shape (n_samples,). A row is predicted positive, or flagged, where its score is at least the threshold.

With many slices some look bad by chance: of twenty 95 % intervals one misses its value, on average.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score

from question_classification.models.metrics import _check, bootstrap_intervals
from question_classification.text.html import FORMULA, split_bodies

_LEAST_OF_A_CLASS = 10  # rows; of fewer, resamples repeat the same few, and their interval is far too narrow

_CODE_OR_FORMULA = re.compile(r"<(?:code|pre)\b|\$|\\begin", re.IGNORECASE)


def by_slice(
    y_true: ArrayLike,
    y_score: ArrayLike,
    slices: Mapping[str, "pd.Series[str]"],
    *,
    threshold: float,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> pd.DataFrame:
    """Return the results on each slice of the rows, with intervals.

    Average precision is that of `metrics.bootstrap_intervals`; it rises with the share of positives, so compare it
    between slices only beside that. Precision and recall are shares of rows, of those flagged and of the positives;
    their intervals are Wilson's, which fit few rows, too. Source: Wilson, Probable Inference, the Law of Succession,
    and Statistical Inference (1927).

    Args:
        y_true: True classes, shape (n_samples,).
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        slices: Per dimension, the name of the slice of each row, n_samples of them without nulls. Slices are in the
            order of the categories where they are categorical, else in that of the alphabet.
        threshold: Rows with a score of at least this are predicted positive.
        resamples: How many resamples of the interval of average precision, at least 1.
        level: Coverage of the intervals, within (0, 1).
        seed: Seed of the resampling, at least 0.

    Returns:
        Columns dimension, slice, n (rows), positives, average_precision, average_precision_low,
        average_precision_high, precision, precision_low, precision_high, recall, recall_low, recall_high. What a slice
        is too small for is NaN: average precision without both classes, its interval with fewer than ten rows of
        either, precision where nothing is flagged, recall without positives.

    Raises:
        ValueError: `y_true` is not binary, `y_score` is not a probability per row, a dimension is not a name per row,
            or `resamples` or `level` is out of range.
    """
    y, score = _check(y_true, y_score)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie within (0, 1), not {level}")
    lines = []
    for dimension, names in slices.items():
        if len(names) != len(y) or names.isna().any():
            raise ValueError(f"slices[{dimension!r}] must name the slice of each of {len(y)} rows")
        number, distinct = pd.factorize(pd.Categorical(names).remove_unused_categories(), sort=True)
        for each, name in enumerate(distinct):
            rows = number == each
            lines.append(
                {"dimension": dimension, "slice": name}
                | _average_precision(y[rows], score[rows], resamples, level, seed)
                | _precision_and_recall(y[rows], score[rows] >= threshold, level)
            )
    return pd.DataFrame(lines)


def question_slices(questions: pd.DataFrame) -> dict[str, "pd.Series[str]"]:
    r"""Say of each question which slices it belongs to.

    Args:
        questions: Columns title and body (HTML, nulls count as empty), creation_time (seconds since 1970), body_length
            (characters), answer_count (NaN where unknown).

    Returns:
        Per dimension, the slice of each question as an ordered category, with the index of `questions`:

        - year: of its creation, in UTC
        - body_length: four groups of about equal size, named by their bounds in characters, markup included; fewer
          where lengths are tied
        - answers: answered, not answered, unknown
        - code: with code, without code
        - formulas: with formulas, without formulas; LaTeX between dollar signs, or `\begin` and `\end`, whether or
          not the site shows it as such
    """
    answers = questions["answer_count"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    has_code, has_formulas = _look_into(questions["body"].fillna(""))
    dimensions = {
        "year": _by_year(questions["creation_time"]),
        "body_length": _by_quartile(questions["body_length"].to_numpy(np.int64)),
        "answers": _name(
            np.select([answers > 0, answers == 0], [0, 1], default=2), ["answered", "not answered", "unknown"]
        ),
        "code": _name(np.where(has_code, 0, 1), ["with code", "without code"]),
        "formulas": _name(np.where(has_formulas, 0, 1), ["with formulas", "without formulas"]),
    }
    return {dimension: pd.Series(names, index=questions.index) for dimension, names in dimensions.items()}


def most_confident_mistakes(
    y_true: ArrayLike, y_score: ArrayLike, *, most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the negatives with the highest scores, and the positives with the lowest, of each at most so many.

    Returns:
        Two arrays of row numbers, the most confident mistake first, of equals the one that comes first.
    """
    y, score = _check(y_true, y_score)
    negatives, positives = np.flatnonzero(~y), np.flatnonzero(y)
    return (
        negatives[np.argsort(-score[negatives], kind="stable")[:most]],
        positives[np.argsort(score[positives], kind="stable")[:most]],
    )


def _average_precision(
    y: NDArray[np.bool_], score: NDArray[np.float64], resamples: int, level: float, seed: int
) -> dict[str, float]:
    positives, value, low, high = int(y.sum()), np.nan, np.nan, np.nan
    smaller = min(positives, len(y) - positives)
    if smaller:
        value = float(average_precision_score(y, score))
    if smaller >= _LEAST_OF_A_CLASS:
        metric = "average_precision"
        low, high = bootstrap_intervals(y, score, metrics=[metric], resamples=resamples, level=level, seed=seed)[metric]
    return {
        "n": len(y),
        "positives": positives,
        "average_precision": value,
        "average_precision_low": low,
        "average_precision_high": high,
    }


def _precision_and_recall(y: NDArray[np.bool_], flagged: NDArray[np.bool_], level: float) -> dict[str, float]:
    found = int((y & flagged).sum())
    results: dict[str, float] = {}
    for metric, of in (("precision", int(flagged.sum())), ("recall", int(y.sum()))):
        value, low, high = np.nan, np.nan, np.nan
        if of:
            value = found / of
            low, high = binomtest(found, of).proportion_ci(level, method="wilson")
        results |= {metric: value, f"{metric}_low": float(low), f"{metric}_high": float(high)}
    return results


def _look_into(bodies: "pd.Series[str]") -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say of each body whether it has code and whether it has formulas; only those that may have any are parsed."""
    has_code, has_formulas = np.zeros(len(bodies), np.bool_), np.zeros(len(bodies), np.bool_)
    rows = [row for row, body in enumerate(bodies) if _CODE_OR_FORMULA.search(body)]
    texts = split_bodies(bodies.iloc[rows].tolist(), formulas="fold")
    has_code[rows] = [bool(text.code) for text in texts]
    has_formulas[rows] = [FORMULA in text.prose for text in texts]
    return has_code, has_formulas


def _name(number: NDArray[np.integer], names: Sequence[str]) -> "pd.Categorical[str]":
    named: pd.Categorical[str] = pd.Categorical.from_codes(number, categories=pd.Index(names, dtype=str), ordered=True)
    return named


def _by_year(creation_time: "pd.Series[float]") -> "pd.Categorical[str]":
    year = pd.to_datetime(creation_time, unit="s", utc=True).dt.year.to_numpy()
    distinct, number = np.unique(year, return_inverse=True)
    return _name(number, [str(each) for each in distinct])


def _by_quartile(length: NDArray[np.int64]) -> "pd.Categorical[str]":
    bounds = np.unique(np.quantile(length, (0.25, 0.5, 0.75), method="lower")) if len(length) else length
    number = np.searchsorted(bounds, length)  # a length that is a bound belongs below it
    first = [0, *(bounds + 1).tolist()]
    names = [f"{low:,} to {high:,}" for low, high in zip(first, bounds.tolist(), strict=False)]
    return _name(number, [*names, f"{first[-1]:,} or more"])
