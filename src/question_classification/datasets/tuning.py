"""The trials of a search for hyperparameters, and what came of it."""

import json
from typing import Any, NewType

from kedro_datasets.json import JSONDataset

from question_classification.datasets.files import LocalDataset
from question_classification.stackexchange.files import write_bytes

JSONPreview = NewType("JSONPreview", str)
"""kedro-viz recognises JSON by the name of this type."""


class OptionalJSONDataset(JSONDataset):  # type: ignore[misc]
    """A JSON file; an empty dictionary where there is none."""

    optional = True

    def load(self) -> Any:
        """Read the file, or do without it."""
        return super().load() if self.exists() else {}


class TrialsDataset(LocalDataset):
    """The trials of one search, in a JSON file that grows by one with each save, and as nested runs in MLflow.

    What it writes is kept in a run that fails, so that the next one goes on. The first trial of another search, known
    by its `study`, replaces those of the one before.

    Args:
        filepath: the file.
        name: of the nested runs, with the number of the trial.
        metadata: for plugins such as kedro-viz.
    """

    kept = optional = True

    def __init__(self, *, filepath: str, name: str, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self._name = name

    def load(self) -> list[dict[str, Any]]:
        """Read the trials; none where there is no file."""
        trials: list[dict[str, Any]] = json.loads(self.path.read_bytes()) if self.path.exists() else []
        return trials

    def save(self, data: dict[str, Any]) -> None:
        """Add a trial: `study`, `number`, `values`, `scores` and `pruned`."""
        trials = [trial for trial in self.load() if trial["study"] == data["study"]]
        write_bytes(self.path, json.dumps([*trials, data], indent=1).encode())
        self._log(data)

    def preview(self) -> JSONPreview:
        """Return the trials for kedro-viz."""
        return JSONPreview(json.dumps(self.load()))

    def _log(self, trial: dict[str, Any]) -> None:
        import mlflow

        if mlflow.active_run() is None:
            return
        with mlflow.start_run(run_name=f"{self._name} {trial['number']}", nested=True):
            mlflow.log_params(trial["values"])
            for step, score in enumerate(trial["scores"]):
                mlflow.log_metric("fold_average_precision", score, step=step)
            mlflow.log_metric("average_precision", sum(trial["scores"]) / len(trial["scores"]))
            mlflow.set_tags({"study": trial["study"], "pruned": trial["pruned"]})
