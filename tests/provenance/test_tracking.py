import importlib.util
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from pydantic import BaseModel

from question_classification.provenance.tracking import ensure_store, flatten_parameters, log_parameters

ENSURE = "import sys; from question_classification.provenance.tracking import ensure_store; ensure_store(sys.argv[1])"


@pytest.mark.long
def test_two_processes_at_once_make_one_store(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/deep/mlflow.db"
    processes = [subprocess.Popen([sys.executable, "-c", ENSURE, uri], stderr=subprocess.PIPE) for _ in range(2)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in processes] == [(b"", 0)] * 2
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["mlflow.db"]

    client = MlflowClient(uri)
    run = client.create_run(client.create_experiment("test"))
    client.log_metric(run.info.run_id, "roc_auc", 0.5)
    assert client.get_run(run.info.run_id).data.metrics == {"roc_auc": 0.5}


def test_store_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"whatever it holds")
    ensure_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"whatever it holds"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("uri", ["http://localhost:1/nothing", "https://example.invalid", "databricks"])
def test_server_is_left_alone(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ensure_store(uri)
    assert list(tmp_path.iterdir()) == []


class Interval(BaseModel):
    level: float
    seed: int


class Reporting(BaseModel):
    interval: Interval
    features: tuple[str, ...]
    site: str | None


LEAVES = {
    "reporting.interval.level": 0.95,
    "reporting.interval.seed": 42,
    "reporting.features": ("score", "view_count"),
    "reporting.site": None,
}
INTERVAL = Interval(level=0.95, seed=42)


@pytest.mark.parametrize(
    "tree",
    [
        {"interval": INTERVAL.model_dump(), "features": ("score", "view_count"), "site": None},
        {"interval": INTERVAL, "features": ("score", "view_count"), "site": None},
        Reporting(interval=INTERVAL, features=("score", "view_count"), site=None),
    ],
    ids=["dictionaries", "model in a dictionary", "models"],
)
def test_flattening_names_the_leaves(tree: object) -> None:
    assert flatten_parameters({"reporting": tree}) == LEAVES


def test_parameters_are_logged_at_once_and_not_again_by_node(tmp_path: Path) -> None:
    """What keeps kedro-mlflow from it is a function of theirs that is not public: a copy of it says whether it is."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    ensure_store(uri)
    earlier = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    text = "x" * 7_000
    try:
        with mlflow.start_run(experiment_id="0") as run:
            log_parameters({"reporting": {"seed": 42, "site": None}, "long": {"text": text}})
        logged = mlflow.get_run(run.info.run_id).data
    finally:
        mlflow.set_tracking_uri(earlier)
    assert logged.params == {"reporting.seed": "42", "reporting.site": "None"}
    assert logged.tags["long.text"] == text

    tree = {"reporting": {"seed": 42}}
    spec = importlib.util.find_spec("kedro_mlflow.framework.hooks.mlflow_hook")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    assert theirs._flatten_dict(d=tree, recursive=True, sep="-") == {"reporting-seed": 42}
    assert sys.modules[spec.name]._flatten_dict(d=tree, recursive=True, sep="-") == {}
