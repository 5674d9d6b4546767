"""How average precision grows with the number of training questions, and what more of them would bring."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar, nnls
from scipy.special import stdtrit
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
_EXPONENTS = np.geomspace(0.05, 1.5, 40)
_DEFAULT_EXPONENT = 0.5


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


@dataclass(frozen=True)
class PowerLaw:
    """A learning curve: average precision = asymptote - scale * n ** -exponent, after n training questions.

    Attributes:
        asymptote: What it tends to, within [0, 1].
        scale: At least 0; 0 is a flat curve.
        exponent: How fast it gets there, above 0.
    """

    asymptote: float
    scale: float
    exponent: float

    def predict(self, train_size: ArrayLike) -> NDArray[np.float64]:
        """Return the average precision after each number of training questions, in the shape of `train_size`."""
        return self.asymptote - self.scale * np.asarray(train_size, np.float64) ** -self.exponent


def fit_power_law(train_size: ArrayLike, average_precision: ArrayLike) -> PowerLaw:
    """Fit a power law by least squares; it rises or is flat, and never leads above 1.

    The exponent lies within [0.05, 1.5]; those that are measured, or follow from theory, commonly lie from 0.1 to 1.
    With two sizes it cannot be told, and is 0.5; with one the curve is flat. So is that of values that fall as the size
    grows.

    Sources: Hestness et al., Deep Learning Scaling Is Predictable, Empirically (2017); Viering & Loog, The Shape of
    Learning Curves: A Review (2022), by whom a power law describes many curves well, and not all.

    Args:
        train_size: Numbers of training questions, shape (n_points,), at least 1.
        average_precision: Measured values, shape (n_points,), within [0, 1].

    Raises:
        ValueError: There are no points, or one is out of range.
    """
    sizes, values = np.asarray(train_size, np.float64), np.asarray(average_precision, np.float64)
    if sizes.ndim != 1 or sizes.shape != values.shape or not sizes.size:
        raise ValueError(f"points must be given as two shapes (n_points,), not {sizes.shape} and {values.shape}")
    if not (np.isfinite(sizes) & (sizes >= 1) & (values >= 0) & (values <= 1)).all():
        raise ValueError("train_size must hold numbers of at least 1, and average_precision numbers within [0, 1]")
    distinct = len(np.unique(sizes))
    if distinct == 1:
        return _flat(values)
    relative = sizes / sizes.max()

    # For a given exponent the law is linear in the rest. What is missing to 1 is then a sum of two parts, neither of
    # them negative: 1 - asymptote, and one that falls with the size.
    def solve(exponent: float) -> tuple[NDArray[np.float64], float]:
        parts, error = nnls(np.column_stack([np.ones_like(relative), relative**-exponent]), 1 - values)
        return parts, float(error)

    exponent = _DEFAULT_EXPONENT if distinct == 2 else _minimise(lambda exponent: solve(exponent)[1])
    missing, falling = solve(exponent)[0]
    if not falling:
        return _flat(values)
    return PowerLaw(float(1 - missing), float(falling * sizes.max() ** exponent), exponent)


def extrapolate(curve: pd.DataFrame, factors: Sequence[float] = (2, 4), *, level: float = 0.95) -> pd.DataFrame:
    """Return the mean learning curve over the folds, and where its power law leads with more questions.

    The intervals are of Student's t, with the jackknife's standard error: everything is computed anew without each
    fold. They say how far the result depends on the questions that it is measured on, and take for granted that the
    curve goes on as a power law. Those of the gain are narrower, for what makes a fold hard is so at every size. With
    one fold they are NaN.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 11, for the jackknife.

    Args:
        curve: From `learning_curve`: each share in each fold.
        factors: Sizes to predict, as multiples of the largest one measured; each above 1.
        level: Coverage of the intervals, within (0, 1).

    Returns:
        Columns train_size (mean over the folds, rounded), average_precision, low, high, gain (over the largest size
        measured), gain_low, gain_high, extrapolated (whether it is predicted and not measured); the smallest size
        first.

    Raises:
        ValueError: The curve is empty or lacks a share in some fold, or an argument is out of range.
    """
    if not all(factor > 1 for factor in factors):
        raise ValueError(f"factors must be above 1, not {list(factors)}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie within (0, 1), not {level}")
    sizes, values = (
        curve.pivot(index="fold", columns="share", values=column).to_numpy(np.float64)
        for column in ("train_size", "average_precision")
    )
    if not sizes.size or np.isnan(sizes).any():
        raise ValueError("curve must hold each share in each fold, and at least one")
    measured = sizes.mean(axis=0)
    predicted = measured[-1] * np.sort(np.asarray(factors, np.float64))

    def estimate(folds: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return average precision and gain at each size, shape (2, n_sizes)."""
        means = values[folds].mean(axis=0)
        law = fit_power_law(sizes[folds].ravel(), values[folds].ravel())
        score = np.concatenate([means, law.predict(predicted)])
        return np.stack([score, score - means[-1]])

    number = np.arange(len(sizes))
    score, gain = estimates = estimate(number >= 0)
    if len(number) > 1:
        without = np.array([estimate(number != left_out) for left_out in number])
        standard_error = np.sqrt((len(number) - 1) * without.var(axis=0))
        margin = stdtrit(len(number) - 1, (1 + level) / 2) * standard_error
    else:
        margin = np.full_like(estimates, np.nan)
    (low, gain_low), (high, gain_high) = estimates - margin, estimates + margin
    return pd.DataFrame(
        {
            "train_size": np.concatenate([measured, predicted]).round().astype(np.int64),
            "average_precision": score,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "gain": gain,
            "gain_low": gain_low,
            "gain_high": gain_high,
            "extrapolated": np.arange(len(score)) >= len(measured),
        }
    )


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


def _flat(values: NDArray[np.float64]) -> PowerLaw:
    return PowerLaw(float(values.mean()), 0.0, _DEFAULT_EXPONENT)


def _minimise(error: Callable[[float], float]) -> float:
    """Return the exponent of the smallest error, by a grid and then within the neighbours of its best point."""
    best = int(np.argmin([error(exponent) for exponent in _EXPONENTS]))
    bounds = _EXPONENTS[max(best - 1, 0)], _EXPONENTS[min(best + 1, len(_EXPONENTS) - 1)]
    return float(minimize_scalar(error, bounds=bounds, method="bounded").x)
