"""Ctrl-C: earlier outputs as they were, nothing left behind, and no run in MLflow that claims to have finished."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
import pytest


def test_interrupted_run_leaves_earlier_outputs_and_nothing_else(finished_project, tmp_path: Path) -> None:
    project = finished_project.copy(tmp_path / "project")
    before = project.contents()
    command = [Path(sys.executable).with_name("kedro"), "run", "--env", "test", "--params", "target_tag=regression"]
    with subprocess.Popen(
        command, cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        while run.poll() is None and not list(project.folder.glob("data/test/.staging-*/05_model_input/*")):
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
    assert run.returncode != 0, output
    assert project.contents() == before
    assert not list(project.folder.glob("data/test/.staging-*"))

    runs = mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db").search_runs(["1"])
    assert sorted(run.info.status for run in runs) == ["FINISHED", "KILLED"]


def start(project: Any, until: str) -> subprocess.Popen[str]:
    """Start a run about another tag, and wait until it has written so far: a pattern below what it writes aside."""
    command = [Path(sys.executable).with_name("kedro"), "run", "--env", "test", "--params", "target_tag=regression"]
    quiet = subprocess.DEVNULL
    run = subprocess.Popen(command, cwd=project.folder, env=project.environment, stdout=quiet, stderr=quiet, text=True)
    while run.poll() is None and not list(project.folder.glob(f"data/test/.staging-*/{until}")):
        time.sleep(0.02)
    return run


@pytest.mark.long
def test_killed_in_the_modelling_and_then_run_again(finished_project, tmp_path: Path, kedro_run) -> None:
    project = finished_project.copy(tmp_path / "project")
    before = project.contents()
    run = start(project, until="06_models/*")
    run.kill()
    assert run.wait(timeout=60) == -signal.SIGKILL
    kept = {path: md5 for path, md5 in project.contents().items() if ".staging-" not in path}
    assert kept == before

    again = kedro_run(project)
    assert again.exit_code == 0, again.output
    assert project.versioned_contents() == finished_project.versioned_contents()


def test_second_run_at_the_same_time_is_refused_in_a_line(finished_project, tmp_path: Path, kedro_run) -> None:
    project = finished_project.copy(tmp_path / "project")
    first = start(project, until="01_raw")
    second = kedro_run(project)
    assert second.exit_code == 1
    assert f"another run is going on here (process {first.pid} since " in second.output
    first.kill()
    first.wait(timeout=60)
