"""The choice among candidates by cross-validation, in favour of the simpler one where that is no worse."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score


@dataclass(frozen=True)
class Comparison:
    """How a candidate did in cross-validation, beside the best one.

    Attributes:
        average_precision: mean over the folds.
        standard_error: of that mean.
        behind: mean over the folds of how far it is behind the best candidate.
        behind_standard_error: of that mean; folds are shared, so it is far smaller than that of the candidates' own.
    """

    average_precision: float
    standard_error: float
    behind: float
    behind_standard_error: float

    @property
    def ties(self) -> bool:
        """Whether it is within one standard error of the best."""
        return self.behind <= self.behind_standard_error


def average_precision_by_fold(y_true: ArrayLike, y_score: ArrayLike, fold: ArrayLike) -> NDArray[np.float64]:
    """Return the average precision within each fold, in the order of their numbers, shape (n_folds,).

    Args:
        y_true: True classes, shape (n_samples,); both occur in each fold.
        y_score: Out-of-fold scores of any scale, shape (n_samples,).
        fold: The fold of each row, shape (n_samples,).
    """
    y, score, folds = np.asarray(y_true), np.asarray(y_score), np.asarray(fold)
    return np.array([average_precision_score(y[folds == each], score[folds == each]) for each in np.unique(folds)])


def compare(average_precision: Mapping[str, NDArray[np.float64]]) -> dict[str, Comparison]:
    """Compare candidates fold by fold.

    Args:
        average_precision: of each candidate, in each of the same folds, shape (n_folds,); two folds at least.

    Returns:
        A comparison for each, in the same order.
    """
    best = max(average_precision.values(), key=lambda values: float(values.mean()))
    return {
        name: Comparison(
            float(values.mean()), _standard_error(values), float((best - values).mean()), _standard_error(best - values)
        )
        for name, values in average_precision.items()
    }


def choose(comparisons: Mapping[str, Comparison]) -> str:
    """Return the simplest candidate that is within one standard error of the best.

    Source: Breiman, Friedman, Olshen & Stone, Classification and Regression Trees (1984), section 3.4.3. The error here
    is that of the difference between two candidates on the same folds.

    Args:
        comparisons: of the candidates, the simplest first.
    """
    return next(name for name, comparison in comparisons.items() if comparison.ties)


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
