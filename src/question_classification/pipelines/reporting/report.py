"""The report: one HTML page that needs nothing but itself."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from question_classification.models.fields import INTERCEPT, OTHERS, TEXT
from question_classification.pipelines.reporting.names import (
    CANDIDATE_NAMES,
    FIELD_NAMES,
    LABEL_NOISE_NAMES,
    METRIC_NAMES,
    SLICE_NAMES,
    describe_policy,
    describe_source,
)
from question_classification.pipelines.reporting.page import render_page, shorten
from question_classification.pipelines.reporting.parameters import ReportingParameters
from question_classification.text.highlights import find_terms
from question_classification.text.tokenized import CODE, PROSE, TITLE
from question_classification.text.tokens import CODE_TOKENS, WORDS

_TITLE = 300  # characters; Stack Exchange allows 150


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
    hyperparameters: dict[str, Any],
    analysis: Analysis,
    chart_points: dict[str, Any],
    exported_model: dict[str, Any],
    run: dict[str, Any],
    parameters: ReportingParameters,
) -> str:
    """Fill the page's template. Every figure in it comes from the arguments.

    Args:
        metrics: the record of the run.
        data_quality: the counts of the ingestion.
        selected: what is known of the selected candidate.
        hyperparameters: of the selected candidate.
        analysis: why it scores as it does, and where it errs.
        chart_points: what the charts are drawn from.
        exported_model: the selected candidate as plain data, for the box in which a question can be tried.
        run: the one that makes the page, see `provenance.identity.RunIdentity`.
        parameters: of the reporting.
    """
    chosen = metrics["selected"]
    mistakes = [_show_mistake(mistake) for mistake in analysis.mistakes]
    return render_page(
        "report.html.j2",
        data=metrics["data"],
        origin=describe_source(metrics["data"]),
        prevalence=metrics["data"]["positives"] / metrics["data"]["rows"],
        quality=data_quality,
        parameters=parameters,
        candidates=metrics["candidates"],
        selected=chosen,
        measured=chosen[metrics["split"]["kind"]],
        hyperparameters=hyperparameters,
        split=metrics["split"],
        policies=selected["policies"],
        terms_by_field=_by_field(analysis.strongest_terms),
        mistakes={
            "Flagged, though without the tag": [each for each in mistakes if not each["is_target"]],
            "Missed, though with the tag": [each for each in mistakes if each["is_target"]],
        },
        slices=_groups(analysis.slices, "dimension"),
        neighbour_tags=analysis.neighbour_tags.to_dict("records"),
        label_noise=analysis.label_noise.to_dict("records"),
        chart_points=chart_points,
        exported_model=exported_model,
        run=run,
        run_command=_run_command(metrics["data"]),
        names={
            "candidate": CANDIDATE_NAMES,
            "metric": METRIC_NAMES,
            "policy": {policy: describe_policy(policy, each["aim"]) for policy, each in selected["policies"].items()},
            "slice": SLICE_NAMES,
            "field": FIELD_NAMES,
            "label_noise": LABEL_NOISE_NAMES,
        },
    )


def _by_field(strongest_terms: pd.DataFrame) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the terms of each field, and among them those of each direction, in their order."""
    return {field: _groups(part, "direction") for field, part in strongest_terms.groupby("field", sort=False)}


def _groups(table: pd.DataFrame, column: str) -> dict[str, list[dict[str, Any]]]:
    return {name: part.to_dict("records") for name, part in table.groupby(column, sort=False)}


def _show_mistake(mistake: Mapping[str, Any]) -> dict[str, Any]:
    """Mark the terms in the texts of a question, and part what else added to its score from them."""
    terms = [each for each in mistake["terms"] if each["term"]]
    rest = {each["field"]: each["contribution"] for each in mistake["terms"] if not each["term"]}
    texts = {TITLE: shorten(mistake[TITLE] or "", _TITLE), PROSE: mistake[PROSE], CODE: mistake[CODE]}
    texts = {field: _mark(text, field, terms) for field, text in texts.items()}
    return {**mistake, **texts, "terms": terms, "others": rest.get(OTHERS), "intercept": rest.get(INTERCEPT)}


def _mark(text: str, field: str, terms: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cut a text into segments, each with what its term adds to the log-odds; None where it is no term."""
    of_field = {each["term"]: each["contribution"] for each in terms if each["field"] in (field, TEXT)}
    together = any(each["field"] == TEXT for each in terms)
    pattern = CODE_TOKENS if field == CODE and not together else WORDS
    return [
        {"text": segment.text, "contribution": of_field.get(segment.term or "")}
        for segment in find_terms(text, list(of_field), pattern)
    ]


def _run_command(data: Mapping[str, Any]) -> str:
    """Return the command that asks the same of the same source; where that is a file, its name is not known here."""
    parameters = {"source": data["source"]}
    if data["source"] != "simulated":
        parameters |= {"path": "FILE"} if data["source"] in ("sede", "dump") else {}
        parameters |= {"site": data["site"]} if data["site"] else {}
    parameters |= {"target_tag": data["target_tag"], "match": data["match"]}
    return f"kedro run --params {shlex.quote(','.join(f'{name}={value}' for name, value in parameters.items()))}"
