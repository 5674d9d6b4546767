"""A tracking server over HTTP instead of a file: runs are logged to it, followed and verified from it, by any clone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
import urllib3
from click.testing import CliRunner, Result
from kedro.framework.cli.cli import KedroCLI

from question_classification.provenance.origin import ORIGIN_FILE

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, which ends with the tests."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    log = (folder / "server.log").open("w")
    # it has children, which do not end with it
    with log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 120
            while not _answers(f"{url}/health"):
                assert process.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.2)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=1).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture(scope="module")
def ada(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project that logs to the server. The tests follow one another in it."""
    return make_project(tmp_path_factory.mktemp("tracked") / "ada")


@pytest.fixture
def kedro(server: str, enter: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that calls `kedro` in a project that knows the server by the environment."""

    def kedro(project: Any, *arguments: str) -> Result:
        enter(project)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        earlier = mlflow.get_tracking_uri()
        try:
            return CliRunner().invoke(KedroCLI(project.folder), list(arguments))
        finally:
            mlflow.set_tracking_uri(earlier)

    return kedro


def test_a_run_is_logged_to_the_server(ada: Any, server: str, kedro: Callable[..., Result]) -> None:
    answer = kedro(ada, "run", "--env", "test")
    assert answer.exit_code == 0, answer.output
    client = mlflow.MlflowClient(server)
    experiment = client.get_experiment_by_name("question_classification")
    assert experiment is not None
    assert experiment.artifact_location.startswith("mlflow-artifacts:/")
    (run,) = client.search_runs([experiment.experiment_id])
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {ORIGIN_FILE, "report.html", "metrics.json", "figures"} <= names
    assert not (ada.folder / "mlflow.db").exists()
    assert not (ada.folder / "mlartifacts").exists()


def test_a_model_is_followed_promoted_and_verified_from_the_server(
    ada: Any, server: str, kedro: Callable[..., Result]
) -> None:
    for command in (["model", "register"], ["model", "promote", "--reason", "the first one"]):
        answer = kedro(ada, *command)
        assert answer.exit_code == 0, answer.output
    tree = kedro(ada, "lineage", "champion")
    assert tree.exit_code == 0, tree.output
    assert "data/test/01_raw/questions" in tree.stdout

    client = mlflow.MlflowClient(server)
    count = len(client.search_runs(["1"]))
    answer = kedro(ada, "verify", "champion", "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["verdict"] == "identical"
    assert len(client.search_runs(["1"])) == count  # a verification is no run of the project's


def test_another_clone_follows_and_compares_what_it_has_not_run(
    ada: Any, server: str, kedro: Callable[..., Result], tmp_path: Path
) -> None:
    """The address may as well be in conf/local, which is not in Git; a run with `--env` does not read that."""
    ben = ada.clone(tmp_path / "ben")
    local = ben.folder / "conf/local/mlflow.yml"
    local.parent.mkdir(exist_ok=True)
    local.write_text(f"server:\n  mlflow_tracking_uri: {server}\n")
    ran = kedro(ben, "run", "--env", "test", "--params", "modelling.nb_svm_logistic.C=0.5")
    assert ran.exit_code == 0, ran.output
    assert ben.execute(Path(sys.executable).with_name("kedro"), "lineage", "champion").returncode == 0
    answer = ben.execute(
        Path(sys.executable).with_name("kedro"),
        "lineage",
        "champion",
        "--diff",
        "data/test/06_models/selected.skops",
        "--json",
    )
    assert answer.returncode == 0, answer.stderr
    difference = json.loads(answer.stdout)
    assert difference["parameters"] == ["modelling.nb_svm_logistic.C: 0.3 → 0.5"]
    assert difference["code"] == difference["environment"] == []
