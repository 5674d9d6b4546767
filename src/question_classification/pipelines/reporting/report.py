"""The report: one HTML page that needs nothing but itself."""

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from question_classification.pipelines.reporting.names import CANDIDATE_NAMES, METRIC_NAMES, describe_source
from question_classification.pipelines.reporting.parameters import ReportingParameters


def render_report(
    metrics: dict[str, Any],
    data_quality: dict[str, Any],
    parameters: ReportingParameters,
    *,
    figures: Mapping[str, bytes],
) -> str:
    """Fill the page's template. Every figure in it comes from the arguments.

    Args:
        metrics: the record of the run.
        data_quality: the counts of the ingestion.
        parameters: of the reporting.
        figures: PNG images by name.
    """
    environment = Environment(
        loader=PackageLoader("question_classification.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    candidates = metrics["candidates"]
    best = max(candidates, key=lambda name: candidates[name]["test"]["average_precision"])
    return environment.get_template("report.html.j2").render(
        data=metrics["data"],
        prevalence=metrics["data"]["positives"] / metrics["data"]["rows"],
        quality=data_quality,
        parameters=parameters,
        candidates=candidates,
        best=best,
        candidate_names=CANDIDATE_NAMES,
        metric_names=METRIC_NAMES,
        origin=describe_source(metrics["data"]),
        figures={name: "data:image/png;base64," + base64.b64encode(image).decode() for name, image in figures.items()},
    )
