"""The commit that a run was made from."""

import subprocess
from pathlib import Path


def describe_commit(project: Path) -> dict[str, str]:
    """Return the tags `git.commit`, a hash or `none`, and `git.dirty`, `true` where tracked files differ from it."""
    commit = _git(project, "rev-parse", "HEAD")
    if commit is None:
        return {"git.commit": "none", "git.dirty": "true"}
    # what a run writes is no reason to call the code that it ran changed
    changes = _git(project, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!data", ":!dvc.lock")
    return {"git.commit": commit, "git.dirty": "true" if changes else "false"}


def _git(project: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
