import subprocess
from pathlib import Path

import pytest

from question_classification.provenance.git import describe_commit


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    answer = subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit of one file."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where the tests run in a hook of Git
        monkeypatch.delenv(name, raising=False)
    git(tmp_path, "init", "--quiet")
    (tmp_path / "tracked.txt").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "One")
    return tmp_path


def test_clean(repository: Path) -> None:
    assert describe_commit(repository) == {"git.commit": git(repository, "rev-parse", "HEAD"), "git.dirty": "false"}


def test_from_a_folder_below(repository: Path) -> None:
    (repository / "below").mkdir()
    assert describe_commit(repository / "below") == describe_commit(repository)


def test_untracked_files_do_not_count(repository: Path) -> None:
    (repository / "untracked.txt").write_text("two")
    assert describe_commit(repository)["git.dirty"] == "false"


@pytest.mark.parametrize("staged", [False, True])
def test_changed(repository: Path, staged: bool) -> None:
    (repository / "tracked.txt").write_text("two")
    if staged:
        git(repository, "add", ".")
    assert describe_commit(repository) == {"git.commit": git(repository, "rev-parse", "HEAD"), "git.dirty": "true"}


@pytest.mark.parametrize("name", ["data/08_reporting/metrics.json", "dvc.lock"])
@pytest.mark.parametrize("staged", [False, True])
def test_what_a_run_writes_does_not_count(repository: Path, name: str, staged: bool) -> None:
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Run")
    path.write_text("two")
    if staged:
        git(repository, "add", ".")
    assert describe_commit(repository)["git.dirty"] == "false"
    (repository / "tracked.txt").write_text("two")
    assert describe_commit(repository)["git.dirty"] == "true"


@pytest.mark.parametrize("name", ["src/data/table.py", "database.py", "dvc.yaml"])
def test_other_files_with_such_names_count(repository: Path, name: str) -> None:
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Two")
    path.write_text("two")
    assert describe_commit(repository)["git.dirty"] == "true"


def test_deleted(repository: Path) -> None:
    (repository / "tracked.txt").unlink()
    assert describe_commit(repository)["git.dirty"] == "true"


def test_another_commit(repository: Path) -> None:
    first = describe_commit(repository)["git.commit"]
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Two")
    assert describe_commit(repository)["git.commit"] != first


NONE = {"git.commit": "none", "git.dirty": "true"}


def test_no_repository(tmp_path: Path) -> None:
    assert describe_commit(tmp_path) == NONE


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert describe_commit(tmp_path) == NONE


def test_no_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert describe_commit(repository) == NONE
