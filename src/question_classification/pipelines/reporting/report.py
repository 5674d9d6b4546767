"""The report: one HTML page that needs nothing but itself."""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from question_classification.pipelines.reporting.names import (
    CANDIDATE_NAMES,
    LABEL_NOISE_NAMES,
    METRIC_NAMES,
    POLICY_NAMES,
    SLICE_NAMES,
    describe_source,
)
from question_classification.pipelines.reporting.parameters import ReportingParameters


class Analysis(NamedTuple):
    """What the error analysis has found."""

    strongest_terms: pd.DataFrame
    mistakes: list[dict[str, Any]]
    slices: pd.DataFrame
    neighbour_tags: pd.DataFrame
    label_noise: pd.DataFrame


def render_report(
    metrics: dict[str, Any],
    data_quality: dict[str, Any],
    selected: dict[str, Any],
    analysis: Analysis,
    exported_model: dict[str, Any],
    parameters: ReportingParameters,
    *,
    figures: Mapping[str, bytes],
) -> str:
    """Fill the page's template. Every figure in it comes from the arguments.

    Args:
        metrics: the record of the run.
        data_quality: the counts of the ingestion.
        selected: what is known of the selected candidate.
        analysis: why it scores as it does, and where it errs.
        exported_model: the selected candidate as plain data, for the box in which a question can be tried.
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
    return environment.get_template("report.html.j2").render(
        data=metrics["data"],
        prevalence=metrics["data"]["positives"] / metrics["data"]["rows"],
        quality=data_quality,
        parameters=parameters,
        candidates=candidates,
        selected=metrics["selected"],
        split=metrics["split"],
        policies=selected["policies"],
        exported_model=exported_model,
        terms_by_field=_by_field(analysis.strongest_terms),
        mistakes=analysis.mistakes,
        slices={name: part.to_dict("records") for name, part in analysis.slices.groupby("dimension", sort=False)},
        slice_names=SLICE_NAMES,
        neighbour_tags=analysis.neighbour_tags.to_dict("records"),
        label_noise_names=LABEL_NOISE_NAMES,
        label_noise=analysis.label_noise.to_dict("records"),
        policy_names=POLICY_NAMES,
        candidate_names=CANDIDATE_NAMES,
        metric_names=METRIC_NAMES,
        origin=describe_source(metrics["data"]),
        figures={name: "data:image/png;base64," + base64.b64encode(image).decode() for name, image in figures.items()},
    )


def _by_field(strongest_terms: pd.DataFrame) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the terms of each field, and among them those of each direction, in their order."""
    return {
        field: {direction: part.to_dict("records") for direction, part in of_field.groupby("direction", sort=False)}
        for field, of_field in strongest_terms.groupby("field", sort=False)
    }
