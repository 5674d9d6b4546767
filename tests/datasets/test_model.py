from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from sklearn.pipeline import Pipeline

from question_classification.datasets.model import LoggedModelDataset, ModelDataset, ModelPackage
from question_classification.models.estimators import make_numeric_logistic, make_tfidf_logistic
from question_classification.provenance.tracking import ensure_store

QUESTIONS = pd.DataFrame(
    {
        "title": ["Machine learning?", "What is a mean", "Neural nets", ""] * 3,
        "body": ["<p>net</p>", "<p>mean &amp; median</p>", "<p>deep</p>", "<p>why</p>"] * 3,
        "score": [1.0, np.nan, 3.0, 4.0] * 3,
        "view_count": [10.0, 20.0, 300.0, np.nan] * 3,
    }
)
LABELS = [True, False, True, False] * 3
PIPELINES = {
    "tfidf": (make_tfidf_logistic(max_features=50, C=1.0), ["title", "body"]),
    "numeric": (make_numeric_logistic(["score", "view_count"], C=1.0), ["score", "view_count"]),
}
each_pipeline = pytest.mark.parametrize(("pipeline", "columns"), PIPELINES.values(), ids=PIPELINES)


@each_pipeline
def test_preview_is_what_kedro_viz_shows(pipeline: Pipeline, columns: list[str], tmp_path: Path) -> None:
    dataset = ModelDataset(filepath=str(tmp_path / "model.skops"))
    dataset.save(pipeline.fit(QUESTIONS[columns], LABELS))
    assert all(repr(name) in dataset.preview() for name in pipeline.named_steps)
    assert ModelDataset.preview.__annotations__["return"].__name__ == "TextPreview"


@each_pipeline
def test_model_comes_back_with_the_same_probabilities(pipeline: Pipeline, columns: list[str], tmp_path: Path) -> None:
    dataset = ModelDataset(filepath=str(tmp_path / "06_models" / "model.skops"))
    assert not dataset.exists()
    model = pipeline.fit(QUESTIONS[columns], LABELS)
    dataset.save(model)
    assert dataset.exists()
    loaded = dataset.load().predict_proba(QUESTIONS[columns])
    assert loaded.tolist() == model.predict_proba(QUESTIONS[columns]).tolist()
    assert [path.name for path in (tmp_path / "06_models").iterdir()] == ["model.skops"]


@each_pipeline
def test_fitting_twice_gives_the_same_file(pipeline: Pipeline, columns: list[str], tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    contents = set()
    for _ in range(2):
        ModelDataset(filepath=str(path)).save(pipeline.fit(QUESTIONS[columns], LABELS))
        contents.add(path.read_bytes())
    assert len(contents) == 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[None]:
    """A tracking store of its own, with an experiment to log into."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    earlier = mlflow.get_tracking_uri()
    ensure_store(uri)
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("test", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=experiment)
    yield
    mlflow.set_tracking_uri(earlier)


@pytest.mark.usefixtures("store")
@each_pipeline
def test_logged_model_serves_the_same_probabilities(pipeline: Pipeline, columns: list[str]) -> None:
    questions = QUESTIONS[columns]
    model = pipeline.fit(questions, LABELS)
    with mlflow.start_run() as run:
        LoggedModelDataset(name="candidate").save(ModelPackage(model, questions.head(5)))

    served: Any = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/candidate")
    assert served.predict(questions).tolist() == model.predict_proba(questions).tolist()
    assert served.metadata.signature.inputs.input_names() == columns
    pd.testing.assert_frame_equal(served.input_example, questions.head(5), check_dtype=False)
    (logged,) = mlflow.search_logged_models(output_format="list")
    assert (logged.name, logged.source_run_id) == ("candidate", run.info.run_id)


@pytest.mark.usefixtures("store")
def test_without_a_run_nothing_is_logged() -> None:
    LoggedModelDataset(name="candidate").save(ModelPackage(None, QUESTIONS))
    assert mlflow.search_logged_models(output_format="list") == []


def test_logged_model_is_not_loaded_by_kedro() -> None:
    dataset = LoggedModelDataset(name="candidate")
    assert dataset.exists()  # or `--only-missing-outputs` would fit every candidate anew
    with pytest.raises(DatasetError, match=r"mlflow\.pyfunc\.load_model"):
        dataset.load()
