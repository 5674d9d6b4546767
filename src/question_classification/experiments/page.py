"""A comparison as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from question_classification.experiments.comparison import SELECTED, Comparison
from question_classification.experiments.wording import (
    LABELS,
    describe_interval,
    describe_overlap,
    describe_setting,
    explain,
    unknown_parameters,
)


def render_page(
    comparison: Comparison,
    told: Sequence[str],
    differences: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    command: str,
) -> str:
    """Fill the page's template. Every figure in it comes from the arguments.

    Args:
        comparison: of the experiments.
        told: what there is to say of each, in a line.
        differences: in data, code and environment, by the letter of the experiment and by kind.
        command: the names that were asked for.
    """
    environment = Environment(
        loader=PackageLoader("question_classification.experiments"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"setting": describe_setting, "interval": describe_interval, "overlap": describe_overlap}
    by_candidate = {name: list(rows) for name, rows in groupby(comparison.rows, key=lambda row: row.candidate)}
    return environment.get_template("comparison.html.j2").render(
        comparison=comparison,
        told=dict(zip(LABELS, told, strict=False)),
        labels=LABELS[: len(told)],
        differences=differences,
        command=command,
        selected=by_candidate.pop(SELECTED),
        candidates=by_candidate,
        average_precision=[row for row in comparison.rows if row.metric == "average_precision"],
        remarks=explain(comparison),
        unknown=unknown_parameters(comparison),
    )
