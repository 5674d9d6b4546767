import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from question_classification.provenance.tracking import ensure_store, flatten

ENSURE = "import sys; from question_classification.provenance.tracking import ensure_store; ensure_store(sys.argv[1])"


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


def test_flatten_names_the_leaves() -> None:
    tree = {"interval": {"level": 0.95, "seed": 42}, "features": ("score", "view_count"), "site": None}
    assert dict(flatten("reporting", tree)) == {
        "reporting.interval.level": 0.95,
        "reporting.interval.seed": 42,
        "reporting.features": ("score", "view_count"),
        "reporting.site": None,
    }
