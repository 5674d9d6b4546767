"""The reproducibility drill: does a model still come out the same, and if not, what is named?"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DVC = (sys.executable, "-m", "dvc")
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def verify(project: Any, *arguments: str) -> tuple[int, list[str]]:
    done = project.kedro("verify", *arguments)
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()


def test_newest_model_comes_out_the_same(finished_project, tmp_path: Path) -> None:
    project = finished_project.copy(tmp_path / "project")
    before = project.contents()
    code, lines = verify(project)
    assert (code, lines[-1]) == (0, "identical"), lines
    count = re.fullmatch(r"(\d+) of \1 outputs are identical", lines[-2])
    assert count is not None
    assert int(count[1]) > 50
    assert project.contents() == before
    assert project.execute("git", "worktree", "list").stdout.count("\n") == 1

    code, lines = verify(project, "nothing-like-it")
    assert (code, len(lines)) == (2, 1)
    assert "nothing-like-it: no such run" in lines[0]


@pytest.fixture(scope="module")
def shared(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project after `make run` on few questions, committed to Git, its data pushed to a folder."""
    folder = tmp_path_factory.mktemp("drill")
    project = make_project(folder / "project")
    path = project.folder / "conf/base/globals.yml"
    path.write_text(path.read_text().replace("questions: 20000", "questions: 1500"))
    commands = [
        (Path(sys.executable).with_name("kedro"), "run"),
        (*DVC, "commit", "--quiet", "--force"),
        (*DVC, "remote", "add", "--default", "storage", str(folder / "remote")),
        (*DVC, "push"),
        (*GIT, "add", "."),
        (*GIT, "commit", "--quiet", "--message", "Run"),
    ]
    for command in commands:
        done = project.execute(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return project


def change(project: Any, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert project.execute(*GIT, "commit", "--quiet", "--all", "--message", f"Change {file}").returncode == 0


@pytest.fixture
def clone(shared: Any, tmp_path: Path) -> Any:
    clone = shared.clone(tmp_path / "clone")
    done = clone.execute(*DVC, "pull")
    assert done.returncode == 0, done.stdout + done.stderr
    return clone


@pytest.mark.long
def test_clone_that_has_no_runs_goes_by_dvc_lock(clone: Any) -> None:
    code, lines = verify(clone)
    assert lines[0].startswith("dvc.lock of commit ")
    assert (code, lines[-1]) == (0, "identical"), lines


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("conf/base/globals.yml", "seed: ", "seed: 1", "data/01_raw/questions: different: "),
        ("conf/base/parameters_modelling.yml", "C: 0.3", "C: 0.4", "data/06_models/nb_svm_logistic.skops: different"),
        (
            "src/question_classification/pipelines/feature_engineering/nodes.py",
            '"title_length": title.str.len()',
            '"title_length": title.str.len().mod(7)',
            "data/04_feature/question_features.parquet: different: row 0, title_length: ",
        ),
    ],
    ids=["data", "parameter", "code"],
)
def test_change_that_was_committed_without_a_run_is_caught_and_named(
    clone: Any, file: str, old: str, new: str, named: str
) -> None:
    change(clone, file, old, new)
    code, lines = verify(clone)
    assert (code, lines[-1]) == (1, "different"), lines
    assert any(line.startswith(named) for line in lines), lines
