"""DVC's side of the README: what a run leaves is known to DVC, is shared, and is made again only where it must."""

import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DVC = (sys.executable, "-m", "dvc")
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")

AFTER_TRAINING = ("modelling", "thresholding", "error_analysis", "reporting")


def dvc(project: Any, *arguments: str) -> str:
    done = project.execute(*DVC, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '(\w+)'", output))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def versioned(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project after `make run` on few questions, committed to Git. The tests follow one another in it."""
    project = make_project(tmp_path_factory.mktemp("dvc") / "project")
    edit(project.folder / "conf/base/globals.yml", "questions: 20000", "questions: 600")
    run = project.kedro("run")
    assert run.returncode == 0, run.stdout + run.stderr
    dvc(project, "commit", "--quiet", "--force")
    for command in (("add", "."), ("commit", "--quiet", "--message", "Run")):
        assert project.execute(*GIT, *command).returncode == 0
    return project


def test_nothing_is_left_to_do_after_a_run(versioned: Any) -> None:
    assert "up to date" in dvc(versioned, "status")
    assert stages_run(dvc(versioned, "repro")) == set()


def test_a_clone_pulls_data_and_models(versioned: Any, tmp_path: Path) -> None:
    dvc(versioned, "remote", "add", "--default", "storage", str(tmp_path / "remote"))
    dvc(versioned, "push")
    assert versioned.execute(*GIT, "commit", "--quiet", "--all", "--message", "Remote").returncode == 0
    clone = versioned.clone(tmp_path / "clone")
    assert not (clone.folder / "data/06_models/tfidf_logistic.skops").exists()
    dvc(clone, "pull")
    for layer in ("01_raw", "05_model_input", "06_models", "08_reporting"):
        assert clone.contents(f"data/{layer}") == versioned.versioned_contents(f"data/{layer}")
    assert "up to date" in dvc(clone, "status")
    assert stages_run(dvc(clone, "repro")) == set()

    run = clone.kedro("run", "--nodes=write_report")
    assert run.returncode == 0, run.stdout + run.stderr
    commit = clone.execute("git", "rev-parse", "HEAD").stdout.strip()
    assert commit in (clone.folder / "data/08_reporting/report.html").read_text()
    assert clone.execute("git", "status", "--porcelain").stdout == ""


@pytest.mark.long
def test_a_queued_experiment_runs_what_its_hyperparameter_concerns(versioned: Any) -> None:
    """It runs in a copy of the project, yet its MLflow runs are in the project's own store."""
    before = count_runs(versioned)
    override = "conf/base/parameters_modelling.yml:modelling.tfidf_logistic.C=3"
    dvc(versioned, "exp", "run", "--queue", "--name", "weaker", "--set-param", override)
    dvc(versioned, "exp", "run", "--run-all")
    assert pipelines_run(versioned)[before:] == [f"['{stage}']" for stage in AFTER_TRAINING]
    assert versioned.execute("git", "status", "--porcelain").stdout == ""

    dvc(versioned, "exp", "apply", "weaker")
    assert stages_run(dvc(versioned, "repro")) == set()
    assert "modelling.tfidf_logistic.C" in dvc(versioned, "params", "diff")
    assert "candidates.tfidf_logistic.test.average_precision" in dvc(versioned, "metrics", "diff")


def count_runs(project: Any) -> int:
    return len(pipelines_run(project))


def pipelines_run(project: Any) -> list[str]:
    """Return the pipelines of each MLflow run, in the order of the runs."""
    query = "SELECT value FROM tags JOIN runs USING (run_uuid) WHERE key = 'pipeline_names' ORDER BY start_time"
    with sqlite3.connect(project.folder / "mlflow.db") as store:
        return [value for (value,) in store.execute(query)]
