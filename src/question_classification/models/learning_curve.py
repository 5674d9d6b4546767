"""How average precision grows with the number of training questions."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from sklearn.pipeline import Pipeline

from question_classification.models.calibration import decision_values
from question_classification.models.fitting import _fit, _share, _take, side_by_side
from question_classification.text.tokenized import TokenizedQuestions

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Sizes of training sets, as shares of the questions outside of the held-out fold."""

_COLUMNS = ["fold", "share", "train_size", "average_precision", "fit_seconds"]
_LEAST_OF_A_CLASS = 2


def learning_curve(
    pipeline: Pipeline,
    questions: TokenizedQuestions,
    y: ArrayLike,
    fold: NDArray[np.int8],
    *,
    shares: Sequence[float] = SHARES,
    held_out: Sequence[int] | None = None,
    out_of_fold: ArrayLike | None = None,
    seed: int,
) -> pd.DataFrame:
    """Fit a pipeline to training sets of several sizes, and measure its average precision on held-out folds.

    The training sets of a fold are nested and stratified: they are the beginnings of one random order of the questions,
    throughout which the classes are mixed evenly. With the share 1 everything is as in `cross_validate`.

    Fits run side by side; each is timed by the processor time of its own thread. Tokenising and counting are shared
    and not timed.

    Args:
        pipeline: As in `fit_and_score`.
        questions: n_samples questions.
        y: Classes (bool, or 0 and 1), shape (n_samples,).
        fold: The fold of each question, shape (n_samples,); both classes occur in each.
        shares: Sizes of the training sets, as shares of the questions of the other folds, within (0, 1]. A share is
            skipped if a training set would have fewer than two questions of a class.
        held_out: The folds to measure on; all by default.
        out_of_fold: Scores of any scale from a cross-validation on the same folds, shape (n_samples,): they spare the
            fits of the share 1, which then have no time.
        seed: Of the order of the questions, at least 0.

    Returns:
        Columns fold, share, train_size, average_precision, fit_seconds (processor time); by fold and share. All but the
        last are the same in every run. No rows where every share is skipped.

    Raises:
        ValueError: A share is out of range.
    """
    if not all(0 < share <= 1 for share in shares):
        raise ValueError(f"shares must lie within (0, 1], not {list(shares)}")
    positive = np.asarray(y, dtype=np.bool_)
    orders = {
        int(number): _mix_evenly(np.flatnonzero(fold != number), positive, np.random.default_rng([seed, number]))
        for number in np.unique(fold if held_out is None else held_out)
    }
    cells = [
        (number, share, np.sort(_begin(order, share)))
        for number, order in orders.items()
        for share in sorted(set(shares))
        if all(_has_enough(positive[_begin(each, share)]) for each in orders.values())
    ]
    if not cells:
        return pd.DataFrame({column: [] for column in _COLUMNS})
    steps, X = _share(pipeline, questions)
    known = None if out_of_fold is None else np.asarray(out_of_fold)
    calls = [
        partial(_measure, steps, X, positive, fold, number, share, train, known if share == 1 else None)
        for number, share, train in cells
    ]
    rows = side_by_side(calls, X, steps)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _measure(
    steps: Pipeline,
    X: Any,
    positive: NDArray[np.bool_],
    fold: NDArray[np.int8],
    number: int,
    share: float,
    train: NDArray[np.intp],
    out_of_fold: NDArray[np.float64] | None,
) -> tuple[int, float, int, float, float]:
    """Return a row of the learning curve."""
    test = np.flatnonzero(fold == number)
    if out_of_fold is not None:
        scores, seconds = out_of_fold[test], np.nan
    else:
        start = time.thread_time()
        fitted = clone(steps)
        _fit(fitted, _take(X, train), positive[train])
        seconds = time.thread_time() - start
        scores = decision_values(fitted, _take(X, test))
    return number, share, len(train), float(average_precision_score(positive[test], scores)), seconds


def _mix_evenly(
    rows: NDArray[np.intp], positive: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.intp]:
    """Return rows in a random order of which every beginning has the classes in the same proportion, but for one row.

    Args:
        rows: Row numbers.
        positive: Whether each row is positive, shape (n_samples,).
        generator: Draws the order.
    """
    place = np.empty(len(rows))
    for of_class in (positive[rows], ~positive[rows]):
        count = int(of_class.sum())
        place[of_class] = (generator.permutation(count) + 0.5) / max(count, 1)
    return rows[np.argsort(place, kind="stable")]


def _begin(order: NDArray[np.intp], share: float) -> NDArray[np.intp]:
    return order[: round(share * len(order))]


def _has_enough(positive: NDArray[np.bool_]) -> bool:
    return bool(_LEAST_OF_A_CLASS <= positive.sum() <= len(positive) - _LEAST_OF_A_CLASS)
