"""Fitted models: on disk for DVC, in MLflow for whoever serves them."""

from importlib.metadata import version
from typing import Any, NamedTuple, NewType, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from question_classification.datasets.files import LocalDataset
from question_classification.stackexchange.files import write_bytes

TextPreview = NewType("TextPreview", str)
"""kedro-viz recognises a text by the name of this type."""

_REQUIREMENTS = ("pandas", "scikit-learn", "skops")


class ModelPackage(NamedTuple):
    """A fitted scikit-learn pipeline with an example of its input, shape (rows, input columns)."""

    model: Any
    input_example: pd.DataFrame


class ModelDataset(LocalDataset):
    """A fitted scikit-learn pipeline in skops form: no pickle, an explicit list of trusted types, stable bytes."""

    def save(self, data: Any) -> None:
        """Write the model."""
        from question_classification.models.persistence import dump_model

        write_bytes(self.path, dump_model(data))

    def load(self) -> Any:
        """Read the model."""
        from question_classification.models.persistence import load_model

        return load_model(self.path.read_bytes())

    def preview(self) -> TextPreview:
        """Return the steps of the pipeline for kedro-viz."""
        return TextPreview(repr(self.load()))


class LoggedModelDataset(AbstractDataset[ModelPackage, None]):
    """A model of the active MLflow run, with signature and input example; as a pyfunc it returns probabilities.

    Args:
        name: name of the model in the run.
        metadata: for plugins such as kedro-viz.
    """

    def __init__(self, *, name: str, metadata: dict[str, Any] | None = None) -> None:
        self._name = name
        self.metadata = metadata

    def save(self, data: ModelPackage) -> None:
        """Log the model, where there is an active run."""
        import mlflow

        from question_classification.models.persistence import TRUSTED_TYPES

        if mlflow.active_run() is None:
            return
        model, input_example = data
        mlflow.sklearn.log_model(
            model,
            name=self._name,
            serialization_format="skops",
            skops_trusted_types=TRUSTED_TYPES,
            signature=mlflow.models.infer_signature(input_example, model.predict_proba(input_example)),
            input_example=input_example,
            pyfunc_predict_fn="predict_proba",
            # named, because finding them out takes MLflow ten seconds a model
            pip_requirements=[f"{package}=={version(package)}" for package in _REQUIREMENTS],
        )

    def load(self) -> NoReturn:
        """Refuse: `mlflow.pyfunc.load_model` loads it."""
        raise DatasetError("A logged model is loaded by its run: mlflow.pyfunc.load_model('runs:/RUN_ID/NAME').")

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name}

    def _exists(self) -> bool:
        return True  # for `--only-missing-outputs`: an earlier run has it, and it is not what a later node reads
