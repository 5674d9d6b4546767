"""The content of a file that a run has read or written, or that a commit has, from wherever it still lies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from question_classification.provenance.contents import find_content
from question_classification.provenance.git import git, show
from question_classification.provenance.hashes import hash_file

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from question_classification.provenance.origin import FileRecord
    from question_classification.provenance.store import TrackedRun


def find_recorded(file: FileRecord, run: TrackedRun, client: MlflowClient, project: Path) -> bytes | None:
    """Return the content of a file as a run left it; None where it is nowhere any more.

    It is looked for in the project, in DVC's cache, and among the run's artifacts, and it is
    taken only where its MD5 is that of the record.
    """
    here = find_content(file.path, file.md5, project)
    if here is not None and "" in here:
        return here[""].read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for artifact in _find_artifacts(run.id, PurePosixPath(file.path).name, client):
            path = Path(client.download_artifacts(run.id, artifact, folder))
            if hash_file(path) == file.md5:
                return path.read_bytes()
    return None


def _find_artifacts(run_id: str, name: str, client: MlflowClient) -> Iterator[str]:
    """Yield the artifacts with a file name, at the top or in one of the folders there."""
    for found in client.list_artifacts(run_id):
        inside = client.list_artifacts(run_id, found.path) if found.is_dir else [found]
        yield from (each.path for each in inside if not each.is_dir and PurePosixPath(each.path).name == name)


def find_committed(reference: str, path: str, project: Path) -> tuple[str, bytes] | None:
    """Return a commit and the content of a file in it; None where there is neither.

    Args:
        reference: a revision of Git, or the name of an experiment of DVC.
        path: from the root of the project.
        project: its root.
    """
    named = (git(project, "for-each-ref", "--format=%(refname)", "refs/exps") or "").splitlines()
    experiments = [ref for ref in named if ref.rpartition("/")[2] == reference]
    for revision in (reference, *experiments):
        commit = git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        content = show(project, commit, path) if commit else None
        if commit and content is not None:
            return commit, content
    return None
