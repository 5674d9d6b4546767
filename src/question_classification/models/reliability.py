"""Whether probabilities keep what they say: of the questions scored 0.3, three in ten should be positive.

Throughout, `y_true` holds the true classes (bool, or 0 and 1) and `y_score` the predicted probability of the positive
class, both of shape (n_samples,).

Bins are of equal counts: few questions score high, so bins of equal width would judge these by a handful of rows. Rows
with the same score share a bin, whichever order they come in; so bins are of unequal counts, or fewer, where scores
are tied, as those of an isotonic calibration are.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from question_classification.models.metrics import _ROWS_PER_BLOCK, _check


def reliability_points(y_true: ArrayLike, y_score: ArrayLike, bins: int = 10, *, level: float = 0.95) -> pd.DataFrame:
    """Return the reliability diagram: the share of positives by the score, from the lowest bin to the highest.

    The interval is Wilson's, which stays within [0, 1] and has a width even where no row is positive. Source: Wilson,
    Probable Inference, the Law of Succession, and Statistical Inference (1927).

    Args:
        y_true: True classes, shape (n_samples,).
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        bins: How many bins, at least 1.
        level: Coverage of the interval of each bin's share, within (0, 1).

    Returns:
        Columns mean_score, share_positive, n (rows), low, high (of the share); at most `bins` rows.

    Raises:
        ValueError: `y_true` is not binary, `y_score` is not a probability per row, or `bins` or `level` is out of
            range.
    """
    _check_level(level)
    y, score = _check(y_true, y_score)
    bin_of_row = _bins_of_equal_counts(score, bins)
    n = np.bincount(bin_of_row)
    positives = np.bincount(bin_of_row[y], minlength=len(n))
    shares = [
        binomtest(int(k), int(rows)).proportion_ci(level, method="wilson") for k, rows in zip(positives, n, strict=True)
    ]
    return pd.DataFrame(
        {
            "mean_score": np.bincount(bin_of_row, weights=score) / n,
            "share_positive": positives / n,
            "n": n,
            "low": [float(share.low) for share in shares],
            "high": [float(share.high) for share in shares],
        }
    )


def expected_calibration_error(y_true: ArrayLike, y_score: ArrayLike, bins: int = 10) -> float:
    """Return the mean distance of the bins' mean scores from their shares of positives, weighted by their rows.

    It is biased upwards in small samples: even where the probabilities are true, the share of positives in a bin of m
    rows is off by about 0.8 sqrt(p (1 - p) / m) by chance, and this distance never cancels. Compare it between models
    on the same rows and bins, and do not read a small value as a fault. Source: Roelofs et al., Mitigating Bias in
    Calibration Error Estimation (2022).

    Source: Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015), for the
    error; Nixon et al., Measuring Calibration in Deep Learning (2019), for why bins are of equal counts.

    Args:
        y_true: True classes, shape (n_samples,).
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        bins: How many bins, at least 1.

    Returns:
        The error, within [0, 1].

    Raises:
        ValueError: `y_true` is not binary, `y_score` is not a probability per row, or `bins` is below 1.
    """
    y, score = _check(y_true, y_score)
    # |share - mean score| * n / n_samples, of each bin.
    excess = np.bincount(_bins_of_equal_counts(score, bins), weights=y - score)
    return float(np.abs(excess).sum() / len(y))


def expected_calibration_error_interval(
    y_true: ArrayLike,
    y_score: ArrayLike,
    bins: int = 10,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of the expected calibration error.

    Which rows are drawn depends on the seed and the number of rows alone, so models scored on the same rows are
    compared on the same resamples (paired). Other than in `metrics.bootstrap_intervals` the classes are not held at
    their counts, for the share of positives is part of what a calibration may get wrong. The bins are those of the
    original rows: each resample has about as many rows in each.

    Resampling adds the noise of a bin to a distance that already holds it once, so the interval inherits the upward
    bias of the error twice: where the probabilities are nearly true, the error itself may lie below its interval. It
    shows the spread, and is no test of whether a model is calibrated.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    Args:
        y_true: True classes, shape (n_samples,).
        y_score: Probabilities of the positive class, shape (n_samples,), within [0, 1].
        bins: How many bins, at least 1.
        resamples: How many resamples, at least 1.
        level: Coverage of the interval, within (0, 1).
        seed: Seed of the resampling, at least 0.

    Returns:
        (lower, upper).

    Raises:
        ValueError: As in `expected_calibration_error`, or `resamples` or `level` is out of range.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    _check_level(level)
    y, score = _check(y_true, y_score)
    bin_of_row, excess_of_row = _bins_of_equal_counts(score, bins), y - score
    rows, used = len(y), int(bin_of_row.max()) + 1

    generator = np.random.default_rng(seed)
    block = max(1, _ROWS_PER_BLOCK // rows)
    errors = np.empty(resamples)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(rows, size=(size, rows), dtype=np.int32)
        # Summed row by row and not by BLAS, whose order differs from machine to machine.
        cells = bin_of_row[drawn] + np.arange(size)[:, np.newaxis] * used
        excess = np.bincount(cells.ravel(), weights=excess_of_row[drawn].ravel(), minlength=size * used)
        errors[start : start + size] = np.abs(excess.reshape(size, used)).sum(axis=1) / rows
    lower, upper = np.quantile(errors, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def _bins_of_equal_counts(score: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Return the bin of each row, shape (n_samples,): ascending with the score, and numbered without a gap from 0."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    _, group, tied = np.unique(score, return_inverse=True, return_counts=True)
    # The middle rank of each group of tied scores, twice, so that all is exact in integers.
    middle = 2 * tied.cumsum() - tied
    _, bin_of_group = np.unique(middle * bins // (2 * len(score)), return_inverse=True)
    return bin_of_group[group]


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie within (0, 1), not {level}")
