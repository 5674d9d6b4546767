import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from kedro.io import DatasetError
from mlflow.entities import Run

from question_classification.datasets.tuning import OptionalJSONDataset, TrialsDataset
from question_classification.provenance.tracking import ensure_store


def trial(number: int, study: str = "a", pruned: bool = False) -> dict[str, Any]:
    scores = [0.25, 0.5] if pruned else [0.25, 0.5, 0.75]
    values = {"C": 0.1 * (number + 1), "weights.title": 1.5}
    return {"study": study, "number": number, "values": values, "scores": scores, "pruned": pruned}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "06_models" / "tuning" / "candidate.json"


@pytest.fixture
def trials(path: Path) -> TrialsDataset:
    return TrialsDataset(filepath=str(path), name="candidate")


class TestTrials:
    def test_there_are_none_without_a_file(self, trials: TrialsDataset) -> None:
        assert trials.load() == []
        assert not trials.exists()

    def test_file_grows_by_one_with_each_save(self, trials: TrialsDataset, path: Path) -> None:
        made = [trial(0), trial(1, pruned=True), trial(2)]
        for number, each in enumerate(made, start=1):
            trials.save(each)
            assert trials.load() == json.loads(path.read_text()) == made[:number]
        assert list(path.parent.iterdir()) == [path]

    def test_preview_is_what_kedro_viz_shows(self, trials: TrialsDataset) -> None:
        assert json.loads(trials.preview()) == []
        trials.save(trial(0))
        assert json.loads(trials.preview()) == [trial(0)]
        assert TrialsDataset.preview.__annotations__["return"].__name__ == "JSONPreview"

    def test_another_process_goes_on(self, trials: TrialsDataset, path: Path) -> None:
        trials.save(trial(0))
        TrialsDataset(filepath=str(path), name="candidate").save(trial(1))
        assert trials.load() == [trial(0), trial(1)]

    def test_numbers_come_back_to_the_last_bit(self, trials: TrialsDataset) -> None:
        """A search that goes on must see what the one before saw."""
        made = {**trial(0), "values": {"C": 0.1 + 0.2}, "scores": [1 / 3, 2e-17]}
        trials.save(made)
        assert trials.load() == [made]

    def test_trials_of_another_search_are_replaced(self, trials: TrialsDataset) -> None:
        for each in (trial(0), trial(1), trial(0, study="b"), trial(1, study="b")):
            trials.save(each)
        assert trials.load() == [trial(0, study="b"), trial(1, study="b")]

    def test_file_that_goes_missing_begins_anew(self, trials: TrialsDataset, path: Path) -> None:
        trials.save(trial(0))
        path.unlink()
        trials.save(trial(1))
        assert trials.load() == [trial(1)]

    def test_file_that_cannot_be_written_is_left_as_it_was(self, trials: TrialsDataset, path: Path) -> None:
        trials.save(trial(0))
        with pytest.raises(DatasetError):
            trials.save({**trial(1), "values": {"C": object()}})
        assert trials.load() == [trial(0)]
        assert list(path.parent.iterdir()) == [path]

    def test_run_neither_needs_the_file_nor_takes_it_back(self) -> None:
        assert TrialsDataset.optional
        assert TrialsDataset.kept


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mlflow.MlflowClient]:
    """A tracking store of its own, with an experiment to log into."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    earlier = mlflow.get_tracking_uri()
    ensure_store(uri)
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("test"))
    yield mlflow.MlflowClient(uri)
    mlflow.set_tracking_uri(earlier)


def search_runs(store: mlflow.MlflowClient) -> list[Run]:
    experiments = [experiment.experiment_id for experiment in store.search_experiments()]
    return store.search_runs(experiments, order_by=["attributes.start_time"])


class TestRuns:
    def test_each_trial_is_a_run_within_the_run(self, store: mlflow.MlflowClient, trials: TrialsDataset) -> None:
        made = [trial(0), trial(1), trial(2, pruned=True)]
        with mlflow.start_run(run_name="search") as parent:
            for each in made:
                trials.save(each)
            assert mlflow.active_run().info.run_id == parent.info.run_id
        runs = {run.info.run_name: run for run in search_runs(store)}
        assert set(runs) == {"search", "candidate 0", "candidate 1", "candidate 2"}
        for each in made:
            run = runs[f"candidate {each['number']}"]
            assert run.info.status == "FINISHED"
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert run.data.params == {name: str(value) for name, value in each["values"].items()}
            assert run.data.metrics["average_precision"] == sum(each["scores"]) / len(each["scores"])
            history = store.get_metric_history(run.info.run_id, "fold_average_precision")
            assert [(metric.step, metric.value) for metric in history] == list(enumerate(each["scores"]))
            assert {name: run.data.tags[name] for name in ("study", "pruned")} == {
                "study": "a",
                "pruned": str(each["pruned"]),
            }

    def test_without_a_run_nothing_is_logged(self, store: mlflow.MlflowClient, trials: TrialsDataset) -> None:
        before = len(search_runs(store))
        trials.save(trial(0))
        assert len(search_runs(store)) == before
        assert trials.load() == [trial(0)]


class TestOptionalJSON:
    def test_is_empty_without_a_file(self, tmp_path: Path) -> None:
        dataset = OptionalJSONDataset(filepath=str(tmp_path / "tuned.json"))
        assert dataset.optional
        assert dataset.load() == {}
        assert list(tmp_path.iterdir()) == []

    def test_is_a_json_file_otherwise(self, tmp_path: Path) -> None:
        path = tmp_path / "06_models" / "tuned.json"
        dataset = OptionalJSONDataset(filepath=str(path), save_args={"indent": 2})
        dataset.save({"target": {"match": "exact"}})
        assert path.read_text() == '{\n  "target": {\n    "match": "exact"\n  }\n}'
        assert dataset.load() == {"target": {"match": "exact"}}

    def test_broken_file_is_no_missing_file(self, tmp_path: Path) -> None:
        path = tmp_path / "tuned.json"
        path.write_text('{"target": ')
        with pytest.raises(DatasetError, match=r"tuned\.json"):
            OptionalJSONDataset(filepath=str(path)).load()
