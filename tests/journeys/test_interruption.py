"""Ctrl-C: earlier outputs as they were, nothing left behind, and no run in MLflow that claims to have finished."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow


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
