"""Experiments in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from question_classification.experiments.comparison import SELECTED, Change, Comparison, Value
from question_classification.experiments.wording import (
    LABELS,
    describe_interval,
    describe_overlap,
    describe_setting,
    explain,
    unknown_parameters,
)

_UNWRAPPED = 10_000  # columns: where a program reads, a line is a line


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that is as wide as the terminal, and leaves lines alone where there is none."""
    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = _UNWRAPPED
    return console


def make_table(console: Console, *columns: str, texts: int = 1) -> Table:
    """Return an empty table, the first columns of which hold texts and the others numbers."""
    table = Table(box=SIMPLE_HEAD if console.is_terminal else None, show_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < texts else "right", overflow="fold")
    return table


def print_comparison(
    comparison: Comparison, told: Sequence[str], differences: Mapping[str, Mapping[str, Sequence[str]]], *, every: bool
) -> None:
    """Print what differs, then the metrics.

    Args:
        comparison: of the experiments.
        told: what there is to say of each, in a line.
        differences: in data, code and environment, by the letter of the experiment and by kind.
        every: whether to print what is the same, too, and all metrics of all candidates.
    """
    console = open_console()
    labels = LABELS[: len(comparison.labels)]
    for label, line in zip(labels, told, strict=True):
        console.print(Text.assemble((label, "bold cyan"), "  ", line))
    console.print()

    settings = comparison.facts if every else comparison.different_facts
    parameters = comparison.parameters if every else comparison.different_parameters
    table = make_table(console, "what is set" if every else "what differs", *labels)
    for name, values in {**parameters, **settings}.items():
        table.add_row(name, *map(describe_setting, values))
    if table.row_count:
        console.print(table)
    elif all(comparison.parameters_known):
        console.print("No parameter differs.")
    if unknown := unknown_parameters(comparison):
        console.print(unknown)
    for label, kinds in differences.items():
        for kind, lines in kinds.items():
            console.print(Text(f"{labels[0]} → {label}, {kind}: {'; '.join(map(str.strip, lines))}"))
    if differences or unknown:
        console.print()

    rows = [row for row in comparison.rows if every or row.candidate == SELECTED or row.metric == "average_precision"]
    heads = [head for label in labels[1:] for head in (f"{label} - {labels[0]}",)]
    broad = console.width >= 30 + 24 * len(labels) + 26 * len(heads)
    table = make_table(console, "metric", *labels, *heads)
    candidate = None
    for row in rows:
        if row.candidate == SELECTED or every:
            if row.candidate != candidate:
                table.add_section()
                table.add_row(Text(row.candidate, style="bold"))
            name = f"  {row.metric}"
        else:
            if candidate == SELECTED:
                table.add_section()
                table.add_row(Text("average_precision", style="bold"))
            name = f"  {row.candidate}"
        candidate = row.candidate
        table.add_row(
            name,
            *(_describe(value, broad) for value in row.values),
            *(_describe_change(change, broad) for change in row.changes),
        )
    console.print(table)
    for line in explain(comparison):
        console.print(line, style="dim")


def _describe(value: Value | None, broad: bool) -> Text:
    if value is None:
        return Text("-")
    text = Text(f"{value.value:.3f}")
    if interval := describe_interval(value):
        text.append(f"{' ' if broad else chr(10)}{interval}", style="dim")
    return text


def _describe_change(change: Change | None, broad: bool) -> Text:
    if change is None:
        return Text("-")
    clear = change.low is not None and change.high is not None and not change.low <= 0 <= change.high
    text = Text(f"{change.difference:+.3f}" if change.difference else "0", style="bold" if clear else "")
    if remark := describe_interval(change) if change.difference else describe_overlap(change):
        text.append(f"{' ' if broad else chr(10)}{remark}", style="" if clear else "dim")
    elif remark := describe_overlap(change):
        text.append(f"{' ' if broad else chr(10)}{remark}", style="dim")
    return text


def print_experiments(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a line an experiment."""
    console = open_console()
    broad = console.width >= 110
    table = make_table(console, "run", "ended (UTC)", "commit", "AP", "selected, given for this run", texts=5)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for row in rows:
        selected = row["average_precision"]
        table.add_row(
            row["run"][:8],
            row["ended"][0 if broad else 5 : 16].replace("T", " "),
            (row["commit"] or "none")[:7] + ("*" if row["changed"] else ""),
            _describe(Value(*selected) if selected else None, broad),
            (", " if broad else "\n").join(
                (row["selected"] or "-", *(f"{name}={value}" for name, value in row["given"].items()))
            ),
        )
    console.print(table)
    if any(row["changed"] for row in rows):
        console.print("* with uncommitted changes", style="dim")
    console.print(
        "AP: average precision of the selected candidate on the test set; "
        "`kedro experiments compare RUN RUN` has the rest.",
        style="dim",
    )
