"""The commit that a run was made from."""

import subprocess
from pathlib import Path

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
    changes = git(project, "status", "--porcelain", "--untracked-files=no", *_CODE)
    return Commit(hash=commit, branch=git(project, "branch", "--show-current") or None, dirty=bool(changes))


def describe_changes(project: Path) -> str:
    """Return what differs from the commit, as a patch for `git apply`; empty where there is none, or no commit."""
    return _answer(project, "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", *_CODE) or ""


def git(project: Path, *arguments: str) -> str | None:
    """Return what a command of Git answers, without white space around it; None where it fails."""
    answer = _answer(project, *arguments)
    return None if answer is None else answer.strip()


def show(project: Path, commit: str, path: str) -> bytes | None:
    """Return the content of a file, by its path from the project, in a commit; None where it has none."""
    command = ["git", "show", f"{commit}:./{path}"]
    answer = subprocess.run(command, cwd=project, capture_output=True, check=False)  # noqa: S603
    return answer.stdout if answer.returncode == 0 else None


def _answer(project: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout
