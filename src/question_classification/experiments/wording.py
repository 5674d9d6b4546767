"""Numbers and their differences in the words that terminal and page share."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from question_classification.experiments.comparison import Change, Comparison, Value

LABELS = ascii_uppercase
"""What the experiments are called where there is little room, in their order."""


def describe_interval(value: Value | Change) -> str:
    """Return the interval in brackets, or nothing.

    >>> describe_interval(Value(0.41628, 0.30886, 0.54102)), describe_interval(Value(0.5))
    ('[0.309, 0.541]', '')
    >>> describe_interval(Change(0.012, -0.0104, 0.0311))
    '[-0.010, +0.031]'
    """
    if value.low is None or value.high is None:
        return ""
    form = "+.3f" if isinstance(value, Change) else ".3f"
    return f"[{value.low:{form}}, {value.high:{form}}]"


def describe_overlap(change: Change) -> str:
    """Say how two intervals lie to one another, where that is all there is to say.

    >>> describe_overlap(Change(0.1, overlap=True)), describe_overlap(Change(0.1, overlap=False))
    ('overlap', 'apart')
    """
    if change.low is not None or change.overlap is None or change.difference == 0:
        return ""
    return "overlap" if change.overlap else "apart"


def describe_setting(value: Any) -> str:
    """Return a parameter or fact as text; a hyphen where there is none.

    >>> describe_setting(None), describe_setting(20000), describe_setting(["a", "b"])
    ('-', '20,000', 'a, b')
    """
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if value >= 10_000 else str(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def explain(comparison: Comparison) -> list[str]:
    """Say what brackets and words of the differences mean, as far as they occur, and what is not known."""
    changes = [change for row in comparison.rows for change in row.changes if change]
    level = f"{100 * comparison.level:g} %"
    lines = [f"Differences are to {LABELS[0]}."]
    if any(change.low is not None for change in changes):
        lines.append(
            f"Brackets after a difference: {level} paired bootstrap interval, on the same questions; "
            "where it holds 0, the difference may be chance."
        )
    if any(map(describe_overlap, changes)):
        lines.append(
            f"overlap, apart: how the two {level} intervals lie. Where they overlap, "
            "that neither shows a difference nor rules one out."
        )
    for label, same in zip(LABELS[1:], comparison.same_test_set, strict=False):
        if same is None:
            lines.append(
                f"The test scores of {LABELS[0]} or {label} are no more to be had, "
                "so their difference has no interval of its own."
            )
        elif not same:
            lines.append(f"{label} was scored on other questions or labels than {LABELS[0]}.")
    return lines


def unknown_parameters(comparison: Comparison) -> str:
    """Say of which experiments the parameters are not known; nothing where all are."""
    unknown = [label for label, known in zip(LABELS, comparison.parameters_known, strict=False) if not known]
    if not unknown:
        return ""
    return f"The parameters of {' and '.join(unknown)} are not known: no run in the tracking store has made it."


def summarise_data(same: Sequence[bool | None]) -> str:
    """Say whether all were scored on the same questions."""
    if all(each is True for each in same):
        return "all scored on the same test questions"
    return "not all scored on the same test questions" if False in same else "test questions: not known to be the same"
