"""What more training questions would bring: a learning curve goes on as a power law."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar, nnls
from scipy.special import stdtrit

_EXPONENTS = np.geomspace(0.05, 1.5, 40)
_DEFAULT_EXPONENT = 0.5


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


def _flat(values: NDArray[np.float64]) -> PowerLaw:
    return PowerLaw(float(values.mean()), 0.0, _DEFAULT_EXPONENT)


def _minimise(error: Callable[[float], float]) -> float:
    """Return the exponent of the smallest error, by a grid and then within the neighbours of its best point."""
    best = int(np.argmin([error(exponent) for exponent in _EXPONENTS]))
    bounds = _EXPONENTS[max(best - 1, 0)], _EXPONENTS[min(best + 1, len(_EXPONENTS) - 1)]
    return float(minimize_scalar(error, bounds=bounds, method="bounded").x)
