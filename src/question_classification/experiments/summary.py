"""What a run has found, at its end, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from question_classification.experiments.comparison import read_value
from question_classification.experiments.tables import make_table, open_console
from question_classification.experiments.wording import describe_interval


def describe_selected(metrics: Mapping[str, Any]) -> list[str]:
    """Say what was judged, and what the selected candidate gives at its threshold; `metrics` as metrics.json has them.

    Returns:
        One sentence a line.
    """
    data, selected = metrics["data"], metrics["selected"]
    share = data["positives"] / data["rows"]
    judged = f"{data['rows']:,} questions, {share:.1%} about {data['target_tag']}; guessing reaches {share:.3f}."
    if data["source"] == "simulated":
        judged += " They are simulated: the figures say nothing about a real site."
    measured = selected.get(metrics["split"]["kind"])
    gives = f"Threshold {selected['threshold']:.3f} (policy {selected['policy']})"
    if measured:
        gives += (
            f": finds {measured['recall']:.0%} of the target's questions; {measured['precision']:.0%} of those that "
            "it flags are right"
        )
    return [judged, f"{gives}."]


def print_summary(metrics: Mapping[str, Any], report: str | None) -> None:
    """Print the candidates, what the selected one gives, and where there is more.

    Args:
        metrics: the record of the run.
        report: the file of the report; None where it was not made.
    """
    console = open_console()
    selected = metrics["selected"]
    broad = console.width >= 72
    table = make_table(console, "candidate", "average precision", *(["cross-validated"] if broad else []), "", texts=1)
    table.columns[-1].justify = "left"
    for name, found in metrics["candidates"].items():
        value = read_value(found["test"], "average_precision")
        folds = found["cross_validation"]
        cells = [f"{value.value:.3f} {describe_interval(value)}" if value else "-"]
        if broad:
            cells.append(f"{folds['average_precision']:.3f} ± {folds['standard_error']:.3f}" if folds else "-")
        is_selected = name == selected["candidate"]
        table.add_row(name, *cells, "selected" if is_selected else "", style="bold" if is_selected else None)
    calibrated = read_value(selected.get(metrics["split"]["kind"]) or {}, "average_precision")
    console.print()
    console.print(table)
    console.print()
    for line in describe_selected(metrics):
        console.print(line)
    if calibrated:
        console.print(
            f"Its average precision, calibrated: {calibrated.value:.3f} {describe_interval(calibrated)}, "
            f"{100 * metrics['interval_level']:g} % interval on the test set."
        )
    more = {
        **({report: "the report"} if report else {}),
        "make mlflow": "the runs in the browser",
        "kedro lineage": "where the model comes from",
        "kedro experiments list": "the runs so far, and which to compare",
    }
    console.print()
    for what, why in more.items():
        console.print(Text.assemble((what, "cyan"), f"  {why}"))
