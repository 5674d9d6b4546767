"""Whether a model may take the place of another: the challenger that of the champion.

Both are judged on the same rows. What is asked is that the challenger is not worse by more than a margin: of models
that are equally good either may be the better one by chance.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt
from sklearn.metrics import average_precision_score, brier_score_loss

from question_classification.models.metrics import bootstrap_intervals, paired_bootstrap_difference
from question_classification.models.reliability import expected_calibration_error

_TOLERANCE = 1e-9  # a difference that is exactly the margin may come out a little larger

_KEY = ["dimension", "slice"]


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BootstrapParameters(_Parameters):
    """The bootstrap of the interval of average precision."""

    resamples: PositiveInt
    level: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)


class GateParameters(_Parameters):
    """What is asked of a challenger.

    Attributes:
        average_precision_margin: by so much it may be worse, at the lower end of the interval.
        brier_score_margin: by so much it may be higher.
        expected_calibration_error_margin: by so much it may be higher.
        calibration_bins: of the expected calibration error.
        slice_margin: by so much the average precision of a slice may be worse.
        slice_min_positives: slices with fewer are not judged: their average precision is mostly chance.
        max_quarantined_share: so many of the rows that were read may have been too broken to use.
        interval: the bootstrap.
    """

    average_precision_margin: NonNegativeFloat
    brier_score_margin: NonNegativeFloat
    expected_calibration_error_margin: NonNegativeFloat
    calibration_bins: PositiveInt
    slice_margin: NonNegativeFloat
    slice_min_positives: PositiveInt
    max_quarantined_share: float = Field(ge=0, le=1)
    interval: BootstrapParameters


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a model.

    Attributes:
        scores: on the test set, one row a question in any order: question_id, is_target, score.
        slices: columns dimension, slice, n, positives, average_precision; more are ignored.
        quarantined_share: of the rows that its data were read from.

    Raises:
        ValueError: a question occurs twice, or the share is none.
    """

    scores: pd.DataFrame
    slices: pd.DataFrame
    quarantined_share: float

    def __post_init__(self) -> None:
        if self.scores["question_id"].duplicated().any():
            raise ValueError("scores: a question occurs twice")
        if not 0 <= self.quarantined_share <= 1:
            raise ValueError(f"quarantined_share must lie within [0, 1], not {self.quarantined_share}")

    @cached_property
    def _sorted(self) -> pd.DataFrame:
        return self.scores.sort_values("question_id")

    @cached_property
    def is_target(self) -> NDArray[np.bool_]:
        """Labels, by question id."""
        return self._sorted["is_target"].to_numpy(np.bool_)

    @cached_property
    def score(self) -> NDArray[np.float64]:
        """Scores, by question id."""
        return self._sorted["score"].to_numpy(np.float64)

    @cached_property
    def test_set(self) -> str:
        """The identity of the test set: SHA-256 of its question ids and labels."""
        ids = self._sorted["question_id"].to_numpy(np.int64).astype("<i8")
        return hashlib.sha256(ids.tobytes() + self.is_target.astype(np.uint8).tobytes()).hexdigest()


@dataclass(frozen=True)
class Check:
    """One of the things that are asked.

    Attributes:
        name: what is asked about.
        passed: whether the challenger may pass.
        reason: why, with the figures, in one line.
        champion: the figure of the champion, if there is one.
        challenger: that of the challenger.
    """

    name: str
    passed: bool
    reason: str
    champion: float | None = None
    challenger: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The outcome of all checks."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether all are passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of those that are not."""
        return tuple(check.name for check in self.checks if not check.passed)


def judge(challenger: Evidence, champion: Evidence | None, parameters: GateParameters) -> Verdict:
    """Judge whether a challenger may become the champion.

    Where there is no champion yet, it has to be better than guessing. Models that were tested on different rows cannot
    be compared, so such a challenger does not pass.

    Args:
        challenger: what is known of it.
        champion: what is known of the one that it would replace; None for the first one.
        parameters: what is asked.
    """
    quarantine = _check_quarantine(challenger, champion, parameters)
    if champion is None:
        return Verdict((_check_better_than_guessing(challenger, parameters), quarantine))
    test_set = _check_test_set(challenger, champion)
    if not test_set.passed:
        return Verdict((test_set, quarantine))
    return Verdict(
        (
            test_set,
            _check_average_precision(challenger, champion, parameters),
            _check_not_higher(
                "brier_score", _brier_score(champion), _brier_score(challenger), parameters.brier_score_margin
            ),
            _check_not_higher(
                "expected_calibration_error",
                _calibration_error(champion, parameters),
                _calibration_error(challenger, parameters),
                parameters.expected_calibration_error_margin,
            ),
            _check_slices(challenger, champion, parameters),
            quarantine,
        )
    )


def measure(evidence: Evidence, parameters: GateParameters) -> dict[str, float]:
    """Return what a model is known by among others: average precision with its interval, calibration, quarantine."""
    low, high = bootstrap_intervals(evidence.is_target, evidence.score, **parameters.interval.model_dump())[
        "average_precision"
    ]
    return {
        "average_precision": _average_precision(evidence),
        "average_precision_low": low,
        "average_precision_high": high,
        "brier_score": _brier_score(evidence),
        "expected_calibration_error": _calibration_error(evidence, parameters),
        "quarantined_share": evidence.quarantined_share,
    }


def _check_test_set(challenger: Evidence, champion: Evidence) -> Check:
    if challenger.test_set == champion.test_set:
        return Check("test_set", True, f"the same {len(challenger.scores):,} questions and labels")
    both = champion.scores["question_id"].isin(challenger.scores["question_id"]).sum()
    reason = (
        f"other questions or labels: {len(champion.scores):,} of the champion, {len(challenger.scores):,} of the "
        f"challenger, {both:,} of both; nothing else can be compared"
    )
    return Check("test_set", False, reason)


def _check_average_precision(challenger: Evidence, champion: Evidence, parameters: GateParameters) -> Check:
    interval = parameters.interval
    difference, low, high = paired_bootstrap_difference(
        challenger.is_target, challenger.score, champion.score, metric="average_precision", **interval.model_dump()
    )
    margin = parameters.average_precision_margin
    return Check(
        "average_precision",
        low >= -margin - _TOLERANCE,
        f"difference {difference:+.4f} [{low:+.4f}, {high:+.4f}]; "
        f"the lower end of the {interval.level:.0%} interval may be {-margin:+.4f}",
        _average_precision(champion),
        _average_precision(challenger),
    )


def _check_better_than_guessing(challenger: Evidence, parameters: GateParameters) -> Check:
    low, high = bootstrap_intervals(challenger.is_target, challenger.score, **parameters.interval.model_dump())[
        "average_precision"
    ]
    share = float(challenger.is_target.mean())
    value = _average_precision(challenger)
    reason = (
        f"{value:.4f} [{low:.4f}, {high:.4f}]; the lower end of the {parameters.interval.level:.0%} interval must be "
        f"above {share:.4f}, which guessing reaches; there is no champion to compare with"
    )
    return Check("average_precision", low > share + _TOLERANCE, reason, challenger=value)


def _check_not_higher(name: str, champion: float, challenger: float, margin: float) -> Check:
    difference = challenger - champion
    reason = f"difference {difference:+.4f}; may be {margin:+.4f}"
    return Check(name, difference <= margin + _TOLERANCE, reason, champion, challenger)


def _check_slices(challenger: Evidence, champion: Evidence, parameters: GateParameters) -> Check:
    """Check the slices that are large enough; one that the challenger does not have is as bad as a worse one."""
    judged = champion.slices[
        (champion.slices["positives"] >= parameters.slice_min_positives) & champion.slices["average_precision"].notna()
    ]
    if judged.empty:
        return Check("slices", True, f"none has {parameters.slice_min_positives} positives, so none is judged")
    pairs = judged.sort_values(_KEY).merge(challenger.slices, on=_KEY, how="left", suffixes=("", "_challenger"))
    same = (pairs["n"] == pairs["n_challenger"]) & pairs["average_precision_challenger"].notna()
    names = pairs["dimension"].astype(str) + " " + pairs["slice"].astype(str)
    if not same.all():
        return Check("slices", False, f"not measured on the same questions: {_shorten(names[~same].tolist())}")
    ours, theirs = (pairs[name].to_numpy(np.float64) for name in ("average_precision", "average_precision_challenger"))
    difference = theirs - ours
    from_worst = np.argsort(difference, kind="stable")
    worst = from_worst[0]
    failed = int((difference < -parameters.slice_margin - _TOLERANCE).sum())
    named = [f"{names[row]} {difference[row]:+.4f}" for row in from_worst[: max(failed, 1)]]
    return Check(
        "slices",
        not failed,
        f"{'worse' if failed else 'the worst'} of {len(pairs)}: {_shorten(named)}; "
        f"a difference may be {-parameters.slice_margin:+.4f}",
        float(ours[worst]),
        float(theirs[worst]),
    )


def _check_quarantine(challenger: Evidence, champion: Evidence | None, parameters: GateParameters) -> Check:
    share = challenger.quarantined_share
    return Check(
        "quarantine",
        share <= parameters.max_quarantined_share + _TOLERANCE,
        f"{share:.2%} of the rows were too broken to use; may be {parameters.max_quarantined_share:.2%}",
        champion.quarantined_share if champion else None,
        share,
    )


def _average_precision(evidence: Evidence) -> float:
    return float(average_precision_score(evidence.is_target, evidence.score))


def _brier_score(evidence: Evidence) -> float:
    return float(brier_score_loss(evidence.is_target, evidence.score))


def _calibration_error(evidence: Evidence, parameters: GateParameters) -> float:
    return expected_calibration_error(evidence.is_target, evidence.score, parameters.calibration_bins)


def _shorten(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
