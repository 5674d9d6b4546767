import os
import subprocess
from pathlib import Path

import pytest

from question_classification.provenance.git import Commit, describe_changes, describe_commit


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
    branch = git(repository, "branch", "--show-current")
    assert describe_commit(repository) == Commit(hash=git(repository, "rev-parse", "HEAD"), branch=branch, dirty=False)
    assert describe_changes(repository) == ""


def test_from_a_folder_below(repository: Path) -> None:
    (repository / "below").mkdir()
    assert describe_commit(repository / "below") == describe_commit(repository)


def test_untracked_files_do_not_count(repository: Path) -> None:
    (repository / "untracked.txt").write_text("two")
    assert not describe_commit(repository).dirty


def test_change_that_neither_size_nor_time_gives_away(repository: Path) -> None:
    """Git itself is taken in by it, where two writes fall into one tick of the clock."""
    git(repository, "config", "core.trustctime", "false")
    path = repository / "tracked.txt"
    os.utime(path, (1_000_000_000, 1_000_000_000))
    git(repository, "update-index", "--refresh")
    path.write_text("eno")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert git(repository, "status", "--porcelain") == ""
    assert describe_commit(repository).dirty
    assert "+eno" in describe_changes(repository)
    assert git(repository, "status", "--porcelain") == ""  # the index is as it was


@pytest.mark.parametrize("staged", [False, True])
def test_changed(repository: Path, staged: bool) -> None:
    (repository / "tracked.txt").write_text("two")
    if staged:
        git(repository, "add", ".")
    commit = describe_commit(repository)
    assert (commit.hash, commit.dirty) == (git(repository, "rev-parse", "HEAD"), True)
    assert describe_changes(repository).endswith(
        "-one\n\\ No newline at end of file\n+two\n\\ No newline at end of file\n"
    )


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
    assert not describe_commit(repository).dirty
    (repository / "tracked.txt").write_text("two")
    assert describe_commit(repository).dirty


@pytest.mark.parametrize("name", ["src/data/table.py", "database.py", "dvc.yaml"])
def test_other_files_with_such_names_count(repository: Path, name: str) -> None:
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Two")
    path.write_text("two")
    assert describe_commit(repository).dirty


def test_changes_apply_to_the_commit(repository: Path) -> None:
    """Whatever they are: text that ends in blank lines, bytes, a file that is gone."""
    (repository / "blank.txt").write_text("a\n\n\n")
    (repository / "bytes.bin").write_bytes(bytes(range(256)))
    (repository / "gone.txt").write_text("x")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "More")
    (repository / "blank.txt").write_text("b\n\n\n")
    (repository / "bytes.bin").write_bytes(bytes(range(255, -1, -1)))
    (repository / "gone.txt").unlink()
    patch = repository.parent / "patch"
    patch.write_text(describe_changes(repository))
    git(repository, "reset", "--quiet", "--hard")
    git(repository, "apply", str(patch))
    assert (repository / "blank.txt").read_text() == "b\n\n\n"
    assert (repository / "bytes.bin").read_bytes() == bytes(range(255, -1, -1))
    assert not (repository / "gone.txt").exists()


def test_deleted(repository: Path) -> None:
    (repository / "tracked.txt").unlink()
    assert describe_commit(repository).dirty


def test_another_commit(repository: Path) -> None:
    first = describe_commit(repository).hash
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Two")
    assert describe_commit(repository).hash != first


NONE = Commit(hash=None, branch=None, dirty=True)


def test_no_repository(tmp_path: Path) -> None:
    assert describe_commit(tmp_path) == NONE


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert describe_commit(tmp_path) == NONE


def test_no_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert describe_commit(repository) == NONE
