"""What the gate goes by, as the runs have logged it: a model's test scores, its slices, the quality of its data.

A whole run logs all of it. Where pipelines run one by one, as DVC's stages do, each has a run of its own; what belongs
together is found by the content of the files that one run has left and another one has read.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from question_classification.provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from question_classification.models.promotion import Evidence
    from question_classification.provenance.store import Model, RunStore, TrackedRun

_SCORES, _SLICES, _QUALITY, _REPORT = "selected.test_scores", "slices", "data_quality", "report"
_FOLDER = "evidence"  # of the catalog's artifact_path


@dataclass(frozen=True)
class Sources:
    """The runs that have made what is known of a model.

    Attributes:
        model: the model and its scores.
        slices: the slices of these scores.
        report: the report on these scores.
        quality: the questions that the model was made from.
    """

    model: TrackedRun
    slices: TrackedRun
    report: TrackedRun
    quality: TrackedRun


def find_sources(model: Model, store: RunStore) -> Sources:
    """Find the runs that belong to a model.

    Raises:
        ProvenanceError: one of them is not known.
    """
    run = model.run
    scores = _md5_of(run, _SCORES)
    if scores is None:
        raise ProvenanceError(f"run {run.id}: it has made no {_SCORES}.")
    runs = [run, *store.find_users(scores)]
    sources = {dataset: next((each for each in runs if _md5_of(each, dataset)), None) for dataset in (_SLICES, _REPORT)}
    sources[_QUALITY] = run if _md5_of(run, _QUALITY) else _find_quality(model, store)
    if missing := [dataset for dataset, found in sources.items() if found is None]:
        raise ProvenanceError(
            f"run {run.id}: no finished run is known that has made {' and '.join(missing)} of this model; "
            "`kedro run` makes all in one run."
        )
    return Sources(run, *(found for found in sources.values() if found))


def gather(sources: Sources, client: MlflowClient) -> Evidence:
    """Read what is known of a model.

    Raises:
        ProvenanceError: an artifact is missing, or is not what the run had made.
    """
    import pandas as pd

    from question_classification.models.promotion import Evidence

    with tempfile.TemporaryDirectory() as folder:
        scores, slices, quality = (
            _download(run, dataset, client, Path(folder))
            for run, dataset in ((sources.model, _SCORES), (sources.slices, _SLICES), (sources.quality, _QUALITY))
        )
        counts = json.loads(quality.read_text(encoding="utf-8"))
        return Evidence(
            pd.read_parquet(scores),
            pd.read_csv(slices, dtype={"dimension": str, "slice": str}),
            counts["quarantined"] / counts["rows_read"],
        )


def _md5_of(run: TrackedRun, dataset: str) -> str | None:
    return next((file.md5 for file in run.origin.outputs if file.dataset == dataset), None)


def _find_quality(model: Model, store: RunStore) -> TrackedRun | None:
    from question_classification.provenance.lineage import trace

    runs = (ancestor.run for ancestor in trace(model, store).walk())
    return next((run for run in runs if run and _md5_of(run, _QUALITY)), None)


def _download(run: TrackedRun, dataset: str, client: MlflowClient, folder: Path) -> Path:
    from mlflow.exceptions import MlflowException

    from question_classification.provenance.hashes import hash_file

    file = next(file for file in run.origin.outputs if file.dataset == dataset)
    artifact = f"{_FOLDER}/{Path(file.path).name}"
    try:
        path = Path(client.download_artifacts(run.id, artifact, str(folder)))
    except (OSError, MlflowException) as error:
        raise ProvenanceError(
            f"run {run.id}: its artifact {artifact} is not to be had; it was made before runs logged it, or is gone."
        ) from error
    if hash_file(path) != file.md5:
        raise ProvenanceError(f"run {run.id}: its artifact {artifact} is not what the run had made.")
    return path
