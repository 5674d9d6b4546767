"""The model card and the data card: Markdown with the front matter of Hugging Face.

Model card: https://huggingface.co/docs/hub/model-cards#model-card-metadata. Data card:
https://huggingface.co/docs/hub/datasets-cards. Neither holds a time of now nor the id of a run, so that the same inputs
give the same bytes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from question_classification.pipelines.reporting.names import (
    CANDIDATE_NAMES,
    LABEL_NOISE_NAMES,
    METRIC_NAMES,
    SLICE_NAMES,
    describe_policy,
    describe_source,
)
from question_classification.pipelines.reporting.parameters import ReportingParameters
from question_classification.stackexchange.attribution import SIMULATED_SITE

_LICENSES = "https://stackoverflow.com/help/licensing"
_LANGUAGES_OF_STACK_OVERFLOW = ("es", "ja", "pt", "ru")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#$!])")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGER_SIZES = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))


def render_model_card(
    metrics: dict[str, Any],
    selected: dict[str, Any],
    hyperparameters: dict[str, Any],
    slices: pd.DataFrame,
    label_noise: pd.DataFrame,
    parameters: ReportingParameters,
) -> str:
    """Fill the template of the model card.

    Args:
        metrics: the record of the run.
        selected: what is known of the selected candidate.
        hyperparameters: of the selected candidate, and its kind.
        slices: the selected candidate on parts of the test set.
        label_noise: the errors without the labels that are in doubt.
        parameters: of the reporting.
    """
    data = metrics["data"]
    by_split = {kind: metrics["selected"][kind] for kind in (metrics["split"]["kind"], metrics["split"]["other"])}
    measured = {kind: results for kind, results in by_split.items() if results}
    front = {
        **_language(data["site"]),
        "license": "mit",
        "library_name": "sklearn",
        "pipeline_tag": "text-classification",
        "tags": ["text-classification", "skops", "stack-exchange", *(["simulated-data"] if is_simulated(data) else [])],
        "datasets": [_dataset_id(data)],
        "metrics": list(METRIC_NAMES),
        "model-index": [{"name": _model_name(data), "results": [_result(data, *each) for each in measured.items()]}],
    }
    return _render(
        "model_card.md.j2",
        front,
        data=data,
        simulated=is_simulated(data),
        origin=describe_source(data),
        prevalence=data["positives"] / data["rows"],
        split=metrics["split"],
        selected=metrics["selected"],
        by_split=measured,
        missing_splits=[kind for kind in by_split if kind not in measured],
        policies=selected["policies"],
        policy_names={policy: describe_policy(policy, each["aim"]) for policy, each in selected["policies"].items()},
        hyperparameters=hyperparameters,
        candidates=metrics["candidates"],
        slices=slices.to_dict("records"),
        label_noise=label_noise.to_dict("records"),
        parameters=parameters,
    )


def render_data_card(
    metrics: dict[str, Any], data_quality: dict[str, Any], questions: pd.DataFrame, question_labels: pd.DataFrame
) -> str:
    """Fill the template of the data card.

    Args:
        metrics: the record of the run.
        data_quality: the counts of the ingestion.
        questions: the valid questions, of which no text is shown.
        question_labels: the labels, a row for each of the questions.
    """
    data = metrics["data"]
    licenses = questions["content_license"].value_counts().sort_index()
    front = {
        **_language(data["site"]),
        **_license_of_data(list(licenses.index), simulated=is_simulated(data)),
        "pretty_name": _pretty_name(data),
        "annotations_creators": ["machine-generated" if is_simulated(data) else "found"],
        "language_creators": ["machine-generated" if is_simulated(data) else "found"],
        "multilinguality": ["monolingual"],
        "size_categories": [_size(len(questions))],
        "source_datasets": ["original"],
        "task_categories": ["text-classification"],
        "tags": ["stack-exchange", *(["simulated-data"] if is_simulated(data) else [])],
    }
    return _render(
        "data_card.md.j2",
        front,
        data=data,
        simulated=is_simulated(data),
        origin=describe_source(data),
        prevalence=data["positives"] / data["rows"],
        quality=data_quality,
        split=metrics["split"],
        sets={kind: metrics["selected"][kind] for kind in (metrics["split"]["kind"], metrics["split"]["other"])},
        years=_by_year(questions, question_labels),
        licenses=licenses.to_dict(),
        without_license=int(questions["content_license"].isna().sum()),
        derived=int(questions["content_license_derived"].sum()),
        named=int(questions["owner_display_name"].notna().sum()),
        linked=int(questions["link"].notna().sum()),
    )


def is_simulated(data: Mapping[str, Any]) -> bool:
    """Return whether the questions are made up, by the pipeline or by its simulated API."""
    return SIMULATED_SITE in (data["source"], data["site"])


def escape(text: object) -> Markup:
    r"""Return a text on one line, in which Markdown and HTML see nothing but text.

    >>> print(escape("a_b <script>\n# `x` | y"))
    a\_b \<script\> \# \`x\` \| y
    """
    return Markup(_SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", str(text))))  # noqa: S704 - of Markdown, in no HTML page


def code(text: object) -> Markup:
    """Return a text as a code span, whatever backticks and table bars are in it.

    >>> print(code("c++"), code("a`b"))
    `c++` ``a`b``
    """
    line = " ".join(str(text).split()).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{fence}{pad}{line}{pad}{fence}")  # noqa: S704


def _render(template: str, front: dict[str, Any], **values: Any) -> str:
    environment = Environment(  # noqa: S701 - Markdown: every value passes through `escape`
        loader=PackageLoader("question_classification.pipelines.reporting"),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else escape(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "code": code,
        "number": _number,
        "count": _count,
        "bounded": _bounded,
        "candidate_names": CANDIDATE_NAMES,
        "label_noise_names": LABEL_NOISE_NAMES,
        "metric_names": METRIC_NAMES,
        "slice_names": SLICE_NAMES,
        "split_names": {"stratified": "At random (stratified)", "temporal": "The last by date (temporal)"},
        "licenses_page": _LICENSES,
    }
    matter = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{matter}---\n\n{environment.get_template(template).render(values)}"


def _number(value: float, form: str = ".3f") -> str:
    return format(value, form) if value == value else "\N{EN DASH}"  # NaN: not defined


def _count(value: int) -> str:
    return f"{value:,}"


def _bounded(value: float, bounds: Sequence[float]) -> Markup:
    """Return a number with its interval; a dash where it is not defined."""
    interval = f" [{_number(bounds[0])}, {_number(bounds[1])}]" if bounds[0] == bounds[0] else ""
    return Markup(_number(value) + interval)  # noqa: S704 - numbers


def _language(site: str | None) -> dict[str, str]:
    """Return the language of a site; a source that does not name its site has none."""
    if site is None:
        return {}
    parts = site.split(".")
    return {"language": next((part for part in parts if part in _LANGUAGES_OF_STACK_OVERFLOW), "en")}


def _license_of_data(licenses: list[str], *, simulated: bool) -> dict[str, Any]:
    """Return the licences by the names of Hugging Face, which has none for CC BY-SA 2.5."""
    if simulated:
        return {"license": "mit"}
    known = {"CC BY-SA 4.0": "cc-by-sa-4.0", "CC BY-SA 3.0": "cc-by-sa-3.0"}
    names = [known[each] for each in reversed(licenses) if each in known]
    others = [each for each in licenses if each not in known]
    if not others:
        return {"license": names or "unknown"}
    return {
        "license": [*names, "other"],
        "license_name": "-".join(others).lower().replace(" ", "-"),
        "license_link": _LICENSES,
    }


def _size(rows: int) -> str:
    return next((name for limit, name in (*_SIZES, *_LARGER_SIZES) if rows < limit), "100M<n<1B")


def _dataset_id(data: Mapping[str, Any]) -> str:
    return f"stack-exchange-{data['site'] or 'site-not-stated'}"


def _model_name(data: Mapping[str, Any]) -> str:
    return _one_line(f"{data['target_tag']} on {data['site'] or 'a site that its source does not state'}")


def _pretty_name(data: Mapping[str, Any]) -> str:
    origin = describe_source(data)  # type: ignore[arg-type]
    return _one_line(f"{origin[0].upper()}{origin[1:]}, by the tag {data['target_tag']}")


def _one_line(text: str) -> str:
    """Return a text on one line: one of `---` would end the front matter."""
    return " ".join(text.split())


def _result(data: Mapping[str, Any], kind: str, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results on one test set in the schema of `model-index`."""
    return {
        "task": {"type": "text-classification", "name": _one_line(f"Is a question about {data['target_tag']}?")},
        "dataset": {"name": _pretty_name(data), "type": _dataset_id(data), "config": kind, "split": "test"},
        "metrics": [
            {
                "type": metric,
                "name": name,
                "value": results[metric],
                "args": {"interval": results[f"{metric}_interval"]},
            }
            for metric, name in METRIC_NAMES.items()
        ],
    }


def _by_year(questions: pd.DataFrame, question_labels: pd.DataFrame) -> list[dict[str, Any]]:
    """Return for each year of creation how many questions there are, and how many are about the target."""
    dated = questions[["question_id", "creation_date"]].merge(
        question_labels[["question_id", "is_target"]], on="question_id", validate="one_to_one"
    )
    years = dated.groupby(dated["creation_date"].dt.year)["is_target"].agg(["size", "sum"])
    return [
        {"year": int(year), "questions": int(size), "positives": int(positives), "share": positives / size}
        for year, size, positives in years.itertuples()
    ]
