"""The runs of the tracking store by what they have made: which one made a model, or a file with a given content."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.hashes import hash_file
from question_classification.provenance.identity import RunIdentity
from question_classification.provenance.origin import ORIGIN_FILE, FileRecord, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Run

MODEL_DATASET = "selected.model"
"""The dataset that is meant where a run or a version is named: the model that is to be deployed."""

# MLflow's, or enough of its beginning; a short number is that of a version.
_ID = re.compile(r"(?!\d{1,7}$)[0-9a-f]{4,32}")


@dataclass(frozen=True)
class TrackedRun:
    """A run that has taken down its origin.

    Attributes:
        id: of the run in MLflow.
        metrics: what it has measured.
        origin: where its outputs come from.
    """

    id: str
    metrics: dict[str, float] = field(repr=False)
    origin: Origin = field(repr=False)

    @property
    def identity(self) -> RunIdentity:
        """As the run gave it to its nodes."""
        origin = self.origin
        taken = [file.dataset for file in origin.inputs]
        return RunIdentity(id=self.id, started=origin.started, commit=origin.commit, taken=taken)


@dataclass(frozen=True)
class Model:
    """A model, and the run that made it.

    Attributes:
        label: how it was asked for, and what it is.
        file: the model.
        run: the run.
    """

    label: str
    file: FileRecord
    run: TrackedRun


class RunStore:
    """The runs of all experiments of a tracking store, the newest first.

    Args:
        client: of MLflow, for the project's store.
        registered_name: of the model in the registry.
    """

    def __init__(self, client: MlflowClient, registered_name: str) -> None:
        self._client = client
        self._registered_name = registered_name
        self._tracked: dict[str, TrackedRun] = {}

    @cached_property
    def _runs(self) -> list[Run]:
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        runs: list[Run] = []
        token: str | None = None
        while True:
            page = self._client.search_runs(
                experiments, "attributes.status = 'FINISHED'", order_by=["start_time DESC"], page_token=token
            )
            runs += page
            token = page.token
            if not token:
                return runs

    def get(self, run_id: str) -> TrackedRun:
        """Return a run.

        Raises:
            ProvenanceError: there is no such run, or it has not taken down where it comes from.
        """
        from mlflow.exceptions import MlflowException

        if run_id not in self._tracked:
            try:
                run = self._client.get_run(run_id)
            except MlflowException as error:
                raise ProvenanceError(f"{run_id}: no such run in the tracking store.") from error
            self._tracked[run_id] = TrackedRun(run_id, dict(run.data.metrics), self._load_origin(run))
        return self._tracked[run_id]

    @staticmethod
    def _load_origin(run: Run) -> Origin:
        from mlflow.artifacts import load_text
        from mlflow.exceptions import MlflowException

        try:
            return Origin.model_validate_json(load_text(f"{run.info.artifact_uri}/{ORIGIN_FILE}"))
        except (OSError, MlflowException, ValueError) as error:
            raise ProvenanceError(
                f"{run.info.run_id}: the run has no readable {ORIGIN_FILE}; it was made before runs took down their "
                "origin, or its artifacts are gone."
            ) from error

    def artifact_uri(self, run_id: str) -> str:
        """Return where the artifacts of a run lie."""
        return str(self._client.get_run(run_id).info.artifact_uri)

    def find_producer(self, path: str, md5: str) -> TrackedRun | None:
        """Return the newest run that left this content at a path; None where no run is known to."""
        return next((self.get(run_id) for run_id in self._producers(path, md5)), None)

    def _producers(self, path: str, md5: str) -> Iterator[str]:
        for run in self._runs:
            for made in run.inputs.dataset_inputs if run.inputs else ():
                is_output = any(tag.key == "mlflow.data.context" and tag.value == "output" for tag in made.tags)
                if is_output and made.dataset.digest == md5 and json.loads(made.dataset.source).get("uri") == path:
                    yield run.info.run_id

    def find_metrics(self, run: TrackedRun) -> dict[str, float]:
        """Return the metrics of a run, and those that later ones have measured on the scores that it left."""
        scores = {file.md5 for file in run.origin.outputs if file.dataset.endswith("test_scores")}
        metrics: dict[str, float] = {}
        for other in self._runs:  # the newest first, which has the last word
            used = {each.dataset.digest for each in other.inputs.dataset_inputs} if other.inputs else set()
            if scores & used:
                metrics = {**other.data.metrics, **metrics}
        return {**metrics, **run.metrics}

    def find_users(self, md5: str) -> Iterator[TrackedRun]:
        """Yield the runs that have read a file with this content, the newest first."""
        for run in self._runs:
            if md5 in _digests(run, "input"):
                yield self.get(run.info.run_id)

    def find_makers(self, dataset: str) -> Iterator[TrackedRun]:
        """Yield the runs that have made a dataset and can tell their origin, the newest first."""
        for run in self._runs:
            if any(made.dataset.name == dataset for made in (run.inputs.dataset_inputs if run.inputs else ())):
                try:
                    tracked = self.get(run.info.run_id)
                except ProvenanceError:
                    continue
                if any(file.dataset == dataset for file in tracked.origin.outputs):
                    yield tracked

    def find_model(self, reference: str | None, project: Path) -> Model:
        """Find a model by its version, its alias, its run, or its file; the newest one by default.

        A run may be given by the beginning of its id.

        Raises:
            ProvenanceError: there is none, or no run is known to have made it.
        """
        if reference is None:
            newest = next(self.find_makers(MODEL_DATASET), None)
            if newest is not None:
                return self._model_of(newest, "the newest model")
            raise ProvenanceError("no run has made a model yet; `kedro run` does.")
        label, run, file = self.find_run(reference, project)
        return Model(label, file, run) if file else self._model_of(run, label)

    def find_run(self, reference: str, project: Path) -> tuple[str, TrackedRun, FileRecord | None]:
        """Find the run that is meant by a version, an alias, a run (or the beginning of its id), or a file.

        Returns:
            What it is, in words; the run; and the file, where a file was named.

        Raises:
            ProvenanceError: there is none, several begin so, or no run is known to have made the file.
        """
        path = project / reference
        if path.is_file():
            md5 = hash_file(path)
            if not path.resolve().is_relative_to(project.resolve()):
                raise ProvenanceError(f"{reference}: this file lies outside of the project.")
            name = path.resolve().relative_to(project.resolve()).as_posix()
            found = self.find_producer(name, md5)
            if found is None:
                raise ProvenanceError(f"{reference}: no run in the tracking store has made this file ({md5}).")
            file = found.origin.output(name)
            assert file is not None
            return reference, found, file
        if (run_id := self._find_id(reference)) is not None:
            return f"run {run_id}", self.get(run_id), None
        version = self._find_version(reference)
        if version is not None:
            return f"version {version.version} of {version.name}", self.get(version.run_id), None
        return f"run {reference}", self.get(reference), None

    def _find_id(self, reference: str) -> str | None:
        """Return the id of the run that begins so; None where that is no id, or none does."""
        if not _ID.fullmatch(reference):
            return None
        found = [run.info.run_id for run in self._runs if run.info.run_id.startswith(reference)]
        if len(found) > 1:
            raise ProvenanceError(
                f"{reference}: {len(found)} runs begin so ({', '.join(run_id[:12] for run_id in found[:4])}"
                f"{', …' if len(found) > 4 else ''}); give more of the id."
            )
        return found[0] if found else None

    def _find_version(self, reference: str) -> Any:
        from mlflow.exceptions import MlflowException

        name, number = self._registered_name, reference
        try:
            if number.isdigit():
                return self._client.get_model_version(name, number)
            return self._client.get_model_version_by_alias(name, reference)
        except MlflowException:
            if number.isdigit():
                raise ProvenanceError(
                    f"{name} has no version {number}; `kedro model list` names those there are."
                ) from None
            return None

    def _model_of(self, run: TrackedRun, label: str) -> Model:
        file = next((file for file in run.origin.outputs if file.dataset == MODEL_DATASET), None)
        if file is None:
            raise ProvenanceError(f"{label}: the run has made no {MODEL_DATASET}.")
        return Model(label, file, run)


def _digests(run: Run, context: str) -> set[str]:
    """Return the contents that a run has read (`input`) or made (`output`)."""
    return {
        each.dataset.digest
        for each in (run.inputs.dataset_inputs if run.inputs else ())
        if any(tag.key == "mlflow.data.context" and tag.value == context for tag in each.tags)
    }


def to_json(value: Any) -> str:
    """Return a value as readable JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
