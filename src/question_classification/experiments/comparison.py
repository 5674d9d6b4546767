"""Several experiments side by side: what differs between them, and whether their metrics do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from question_classification.models.metrics import METRICS, paired_bootstrap_difference

SELECTED = "selected"
"""The name under which the selected candidate, calibrated, stands among the candidates."""

_PAIRED = "average_precision"
_SELECTED_METRICS = (*METRICS, "expected_calibration_error")


@dataclass(frozen=True, eq=False)
class Experiment:
    """What one run has found.

    Attributes:
        label: how it was asked for, and what it is.
        metrics: the record of the run, as metrics.json has it.
        parameters: all that its metrics rest on, by dotted name; None where they are not known.
        scores: on the test set, by candidate, as far as they are still to be had: question_id, is_target, score.
    """

    label: str
    metrics: Mapping[str, Any]
    parameters: Mapping[str, Any] | None = None
    scores: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """A metric, and its bootstrap interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Change:
    """How far a metric is above that of the first experiment.

    Attributes:
        difference: the later value minus the first one.
        low: of the paired bootstrap interval; None where the two were not scored on the same rows, as far as is known.
        high: of it.
        overlap: whether the intervals of the two values overlap; None where one has none.
    """

    difference: float
    low: float | None = None
    high: float | None = None
    overlap: bool | None = None


@dataclass(frozen=True)
class Row:
    """One metric of one candidate.

    Attributes:
        candidate: its name, or `SELECTED`.
        metric: its name.
        values: one an experiment; None where it has none.
        changes: one for each experiment after the first.
    """

    candidate: str
    metric: str
    values: tuple[Value | None, ...]
    changes: tuple[Change | None, ...]


@dataclass(frozen=True)
class Comparison:
    """Experiments side by side.

    Attributes:
        labels: one an experiment.
        facts: what was selected, on which questions: a value an experiment.
        parameters: by dotted name, a value an experiment; None where it has no such parameter. Empty unless the
            parameters of all are known.
        parameters_known: whether they are, for each experiment.
        same_test_set: for each experiment after the first, whether the selected candidate was scored on the same rows;
            None where the scores of one of them are no more to be had.
        rows: the metrics.
        level: of the intervals.
    """

    labels: tuple[str, ...]
    facts: dict[str, tuple[Any, ...]]
    parameters: dict[str, tuple[Any, ...]]
    parameters_known: tuple[bool, ...]
    same_test_set: tuple[bool | None, ...]
    rows: tuple[Row, ...]
    level: float

    @property
    def different_parameters(self) -> dict[str, tuple[Any, ...]]:
        """Those that are not the same in all experiments."""
        return {name: values for name, values in self.parameters.items() if _differ(values)}

    @property
    def different_facts(self) -> dict[str, tuple[Any, ...]]:
        """Those that are not the same in all experiments."""
        return {name: values for name, values in self.facts.items() if _differ(values)}


def compare_experiments(experiments: Sequence[Experiment], *, resamples: int = 1000, seed: int = 42) -> Comparison:
    """Put experiments side by side; differences are to the first one.

    A paired bootstrap interval is given for average precision, where both were scored on the same questions with the
    same labels. All else is said of the two intervals alone: that they overlap does not mean that nothing differs.

    Args:
        experiments: at least two.
        resamples: of the paired bootstrap.
        seed: of it.
    """
    first = experiments[0]
    level = float(first.metrics["interval_level"])
    kind = first.metrics["split"]["kind"]
    known = tuple(each.parameters is not None for each in experiments)
    names = sorted({name for each in experiments for name in each.parameters or ()}) if all(known) else []
    candidates = list(dict.fromkeys(name for each in experiments for name in each.metrics["candidates"]))
    measured: list[tuple[str, tuple[str, ...], list[Mapping[str, Any]]]] = [
        (SELECTED, _SELECTED_METRICS, [each.metrics[SELECTED].get(kind) or {} for each in experiments]),
        *(
            (name, METRICS, [each.metrics["candidates"].get(name, {}).get("test", {}) for each in experiments])
            for name in candidates
        ),
    ]
    rows = []
    for candidate, metrics, found in measured:
        frames = [each.scores.get(candidate) for each in experiments]
        for metric in metrics:
            values = tuple(read_value(each, metric) for each in found)
            changes = tuple(
                _compare(
                    values[0],
                    value,
                    _pair(frames[0], frame, resamples, level, seed) if metric == _PAIRED else None,
                )
                for value, frame in zip(values[1:], frames[1:], strict=True)
            )
            if any(values):
                rows.append(Row(candidate, metric, values, changes))
    return Comparison(
        tuple(each.label for each in experiments),
        _facts(experiments, kind),
        {name: tuple((each.parameters or {}).get(name) for each in experiments) for name in names},
        known,
        tuple(is_same_test_set(first.scores.get(SELECTED), each.scores.get(SELECTED)) for each in experiments[1:]),
        tuple(rows),
        level,
    )


def is_same_test_set(first: pd.DataFrame | None, second: pd.DataFrame | None) -> bool | None:
    """Return whether two tables of scores are of the same questions with the same labels; None where one is missing."""
    if first is None or second is None:
        return None
    one, other = (_by_question(scores)[["question_id", "is_target"]] for scores in (first, second))
    return one.equals(other)


def _facts(experiments: Sequence[Experiment], kind: str) -> dict[str, tuple[Any, ...]]:
    def collect(*path: str) -> tuple[Any, ...]:
        found = []
        for each in experiments:
            value: Any = each.metrics
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            found.append(value)
        return tuple(found)

    return {
        "selected candidate": collect(SELECTED, "candidate"),
        "threshold": collect(SELECTED, "threshold"),
        "policy": collect(SELECTED, "policy"),
        "calibration": collect(SELECTED, "calibration", "method"),
        "source": collect("data", "source"),
        "site": collect("data", "site"),
        "target tag": collect("data", "target_tag"),
        "questions": collect("data", "rows"),
        "of the target": collect("data", "positives"),
        "split": collect("split", "kind"),
        "test questions": collect(SELECTED, kind, "rows"),
        "raw questions": collect("data", "raw_questions_md5"),
    }


def read_value(measured: Mapping[str, Any], metric: str) -> Value | None:
    """Return a metric with its interval, as metrics.json has them; None where it is not there."""
    value = measured.get(metric)
    return None if value is None else Value(float(value), *map(float, measured.get(f"{metric}_interval") or ()))


def _compare(first: Value | None, second: Value | None, paired: tuple[float, float, float] | None) -> Change | None:
    if first is None or second is None:
        return None
    overlap = None
    if first.low is not None and first.high is not None and second.low is not None and second.high is not None:
        overlap = first.low <= second.high and second.low <= first.high
    _, low, high = paired or (None, None, None)
    return Change(second.value - first.value, low, high, overlap)


def _pair(
    first: pd.DataFrame | None, second: pd.DataFrame | None, resamples: int, level: float, seed: int
) -> tuple[float, float, float] | None:
    """Return by how much the second is better, with the interval; None where they are not of the same rows."""
    if first is None or second is None or not is_same_test_set(first, second):
        return None
    one, other = map(_by_question, (first, second))
    if one["score"].equals(other["score"]):
        return 0.0, 0.0, 0.0
    return paired_bootstrap_difference(
        one["is_target"].to_numpy(), other["score"].to_numpy(), one["score"].to_numpy(),
        metric=_PAIRED, resamples=resamples, level=level, seed=seed,
    )  # fmt: skip


def _by_question(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.sort_values("question_id", ignore_index=True)


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)
