"""Experiments as they were recorded: in the tracking store, in the project's files, in Git."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from question_classification.experiments.comparison import Experiment
from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.hashes import hash_bytes
from question_classification.provenance.lineage import trace
from question_classification.provenance.recordings import find_committed, find_recorded
from question_classification.provenance.snapshot import collect_parameters
from question_classification.provenance.store import Model

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from question_classification.provenance.store import RunStore, TrackedRun

METRICS = "metrics"
"""The dataset with the record of a run."""

METRICS_FILE = "data/08_reporting/metrics.json"
"""Where the catalog has it; DVC leaves it to Git."""

_SCORES = ".test_scores"


@dataclass(frozen=True, eq=False)
class Recorded:
    """An experiment, and the record that it was found in.

    Attributes:
        experiment: what was found.
        record: the file of metrics and the run that made it; None where no run is known to.
    """

    experiment: Experiment
    record: Model | None


def find_experiment(reference: str, store: RunStore, client: MlflowClient, project: Path) -> Recorded:
    """Find what is meant by a version, an alias, a run, a file, a revision of Git or an experiment of DVC.

    Raises:
        ProvenanceError: there is none, or its metrics are not to be had.
    """
    path = project / reference
    is_metrics = path.is_file() and path.name == Path(METRICS_FILE).name
    try:
        label, run, _ = store.find_run(reference, project)
    except ProvenanceError as error:
        if is_metrics:
            return Recorded(Experiment(reference, _parse(path.read_bytes(), reference)), None)
        if path.is_file():
            raise
        committed = find_committed(reference, METRICS_FILE, project)
        if committed is None:
            nor = f"; nor is there a revision of Git, or an experiment of DVC, with a {METRICS_FILE}."
            raise ProvenanceError(str(error).rstrip(".") + nor) from None
        commit, content = committed
        producer = store.find_producer(METRICS_FILE, hash_bytes(content))
        if producer is not None:
            return _gather(f"{reference} (commit {commit[:7]})", producer, store, client, project)
        return Recorded(Experiment(f"{reference} (commit {commit[:7]})", _parse(content, reference)), None)
    return _gather(label, run, store, client, project)


def find_records(store: RunStore, most: int) -> list[TrackedRun]:
    """Return so many of the runs that have metrics, the newest first."""
    return list(itertools.islice(store.find_makers(METRICS), most))


def load_metrics(run: TrackedRun, client: MlflowClient, project: Path) -> dict[str, Any] | None:
    """Return the metrics that a run has made; None where they are nowhere any more."""
    file = next((file for file in run.origin.outputs if file.dataset == METRICS), None)
    content = find_recorded(file, run, client, project) if file else None
    return None if content is None else _parse(content, f"run {run.id}")


def _gather(label: str, run: TrackedRun, store: RunStore, client: MlflowClient, project: Path) -> Recorded:
    run = _find_record(run, store)
    file = next(file for file in run.origin.outputs if file.dataset == METRICS)
    metrics = load_metrics(run, client, project)
    if metrics is None:
        raise ProvenanceError(f"{label}: its metrics are not to be had any more; its artifacts are gone.")
    record = Model(label, file, run)
    ancestry = list(trace(record, store).walk())
    scores = {}
    for each in ancestry:
        if each.file and each.run and each.dataset.endswith(_SCORES):
            content = find_recorded(each.file, each.run, client, project)
            if content is not None:
                scores[each.dataset.removesuffix(_SCORES)] = pd.read_parquet(io.BytesIO(content))
    return Recorded(Experiment(label, metrics, collect_parameters(ancestry), scores), record)


def _find_record(run: TrackedRun, store: RunStore) -> TrackedRun:
    """Return the run itself where it has metrics, else the newest one that has judged the scores that it left."""
    if _has_metrics(run):
        return run
    for file in run.origin.outputs:
        if file.dataset.endswith(_SCORES):
            judged = next((user for user in store.find_users(file.md5) if _has_metrics(user)), None)
            if judged is not None:
                return judged
    raise ProvenanceError(f"run {run.id}: no run has made metrics of it; `kedro run --pipelines=reporting` makes them.")


def _has_metrics(run: TrackedRun) -> bool:
    return any(file.dataset == METRICS for file in run.origin.outputs)


def _parse(content: bytes, where: str) -> dict[str, Any]:
    try:
        metrics = json.loads(content)
        if {"data", "split", "selected", "candidates", "interval_level"} <= metrics.keys():
            return dict(metrics)
    except (ValueError, AttributeError):
        pass
    raise ProvenanceError(f"{where}: these are no metrics that a run of this project has made, or of an older form.")
