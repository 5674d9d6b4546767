"""The commit that a run was made from."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict

# What a run writes is no reason to call the code that it ran changed.
_CODE = ("--", ".", ":!data", ":!dvc.lock")


class Commit(BaseModel):
    """The state of the code.

    Attributes:
        hash: of the commit; None outside of a repository, or before its first commit.
        branch: None where no branch is checked out.
        dirty: whether tracked files differ from the commit.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    hash: str | None
    branch: str | None
    dirty: bool

    def tags(self) -> dict[str, str]:
        """Return it as the tags of a run; what is unknown is `none`."""
        return {
            "git.commit": self.hash or "none",
            "git.branch": self.branch or "none",
            "git.dirty": "true" if self.dirty else "false",
        }


def describe_commit(project: Path) -> Commit:
    """Return the commit that is checked out; dirty where there is none."""
    commit = git(project, "rev-parse", "HEAD")
    if commit is None:
        return Commit(hash=None, branch=None, dirty=True)
    changes = _compare(project, "status", "--porcelain", "--untracked-files=no", *_CODE)
    return Commit(hash=commit, branch=git(project, "branch", "--show-current") or None, dirty=bool(changes))


def describe_changes(project: Path) -> str:
    """Return what differs from the commit, as a patch for `git apply`; empty where there is none, or no commit."""
    return _compare(project, "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", *_CODE) or ""


def _compare(project: Path, *arguments: str) -> str | None:
    """Return what Git answers when it looks into every file.

    It takes for unchanged what has the size and the times that its index says, unless the file is no older than the
    index. But DVC may write a parameter of the same length within the same tick of the clock; so Git is given an index
    that is older than every file.
    """
    index = git(project, "rev-parse", "--git-path", "index")
    if index is None or not (project / index).exists():
        return _answer(project, *arguments)
    with TemporaryDirectory(prefix="index-") as folder:
        old = Path(folder, "index")
        shutil.copyfile(project / index, old)
        os.utime(old, (1, 1))
        return _answer(project, *arguments, environment={**os.environ, "GIT_INDEX_FILE": str(old)})


def git(project: Path, *arguments: str) -> str | None:
    """Return what a command of Git answers, without white space around it; None where it fails."""
    answer = _answer(project, *arguments)
    return None if answer is None else answer.strip()


def show(project: Path, commit: str, path: str) -> bytes | None:
    """Return the content of a file, by its path from the project, in a commit; None where it has none."""
    command = ["git", "show", f"{commit}:./{path}"]
    answer = subprocess.run(command, cwd=project, capture_output=True, check=False)  # noqa: S603
    return answer.stdout if answer.returncode == 0 else None


def _answer(project: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str | None:
    command = ["git", *arguments]
    try:
        answer = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout
