"""What is known of a model and of all that it comes from: by its run, or by a commit and what DVC has of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from question_classification.provenance.contents import find_content, list_parts
from question_classification.provenance.environment import pinned_packages
from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.git import git
from question_classification.provenance.hashes import hash_bytes
from question_classification.provenance.lineage import Ancestor, trace
from question_classification.provenance.origin import CODE, LOCK_FILE, FileRecord, describe_tables

if TYPE_CHECKING:
    from question_classification.provenance.store import Model, RunStore


@dataclass(frozen=True)
class Snapshot:
    """What is known of a model, so that it can be held against another.

    Attributes:
        source: what tells of it: a run, or a commit.
        model: its MD5; None where it is not known.
        files: what it comes from, by the path from the root of the project.
        made: the paths of those that were made from others.
        commit: of the code; None outside of a repository.
        code: the MD5 of each file of code and configuration.
        parameters: by their dotted names.
        versions: of Python and the platform, as far as they are known.
        packages: the version of each that was installed; empty where that is not known.
        pins: the version of each in the lock file of the commit.
        lock: the MD5 of the lock file.
        metrics: of the model, by their dotted names.
        dirty: whether tracked files differed from the commit.
        changed_code: files that were changed while the run went on.
    """

    source: Literal["run", "commit"]
    model: str | None
    files: Mapping[str, FileRecord] = field(repr=False)
    made: frozenset[str] = field(repr=False)
    commit: str | None
    code: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, Any] = field(repr=False)
    versions: Mapping[str, str] = field(repr=False)
    packages: Mapping[str, str] = field(repr=False)
    pins: Mapping[str, str] = field(repr=False)
    lock: str | None
    metrics: Mapping[str, float] = field(repr=False)
    dirty: bool = False
    changed_code: tuple[str, ...] = ()


def snapshot_of_run(model: Model, store: RunStore, project: Path) -> Snapshot:
    """Return what the tracking store has of a model.

    Args:
        model: the model.
        store: of the runs.
        project: the root of the project, whose history has the lock file.
    """
    ancestry = list(trace(model, store).walk())
    origin = model.run.origin
    files = {each.file.path: each for each in ancestry[1:] if each.file}
    namespace, dot, _ = model.file.dataset.rpartition(".")
    return Snapshot(
        source="run",
        model=model.file.md5,
        files={path: each.file for path, each in files.items() if each.file},
        made=frozenset(path for path, each in files.items() if any(parent.file for parent in each.parents)),
        commit=origin.commit.hash,
        code=origin.code,
        parameters=collect_parameters(ancestry),
        versions={"Python": origin.environment.python, "platform": origin.environment.platform},
        packages=origin.environment.packages,
        pins=_pins(origin.commit.hash, project),
        lock=origin.environment.lock,
        metrics=_select(store.find_metrics(model.run), namespace + dot),
        dirty=origin.commit.dirty,
        changed_code=tuple(origin.changed_code),
    )


def is_revision(name: str, project: Path) -> bool:
    """Return whether Git knows a commit, branch or tag of this name."""
    return _find_commit(name, project) is not None


def snapshot_of_commit(revision: str, project: Path, *, model: str | None, namespace: str) -> Snapshot:
    """Return what a commit has: its `dvc.lock`, its files, its metrics; and of the data what DVC's cache has.

    So it tells of a model that was made in another clone, of whose runs nothing is known here.

    Args:
        revision: a commit, branch or tag.
        project: the root of the project.
        model: the path of the model's file; None where it has none in the project.
        namespace: what the names of the model's metrics begin with.

    Raises:
        ProvenanceError: there is no such revision, or it has no `dvc.lock`.
    """
    commit = _find_commit(revision, project)
    if commit is None:
        raise ProvenanceError(f"{revision}: no such revision in Git.")
    lock = git(project, "show", f"{commit}:./dvc.lock")
    if lock is None:
        raise ProvenanceError(f"{revision}: the commit has no dvc.lock, which would say what its model was made from.")
    stages = yaml.safe_load(lock).get("stages", {})
    outputs = {out["path"]: out for stage in stages.values() for out in stage.get("outs", ()) if "md5" in out}
    files = {path: _describe(out, project) for path, out in outputs.items()}
    return Snapshot(
        source="commit",
        model=outputs[model]["md5"] if model in outputs else None,
        files={path: file for path, file in files.items() if path != model},
        made=frozenset(
            out["path"]
            for stage in stages.values()
            if any(dep["path"] in outputs for dep in stage.get("deps", ()))
            for out in stage.get("outs", ())
        ),
        commit=commit,
        code=_hash_code(commit, project, *CODE),
        parameters=dict(
            leaf for stage in stages.values() for params in stage.get("params", {}).values() for leaf in _leaves(params)
        ),
        versions={},
        packages={},
        pins=_pins(commit, project),
        lock=_hash_code(commit, project, LOCK_FILE).get(LOCK_FILE),
        metrics=_select(_read_metrics(commit, project), namespace),
    )


def _find_commit(revision: str, project: Path) -> str | None:
    return git(project, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def _describe(out: Mapping[str, Any], project: Path) -> FileRecord:
    """Return the record of an output in `dvc.lock`, with what its content tells where it is at hand."""
    path, md5 = out["path"], out["md5"]
    content = find_content(path, md5, project) or {}
    tables = [file for part, file in content.items() if (part or path).endswith(".parquet")]
    rows, _ = describe_tables(tables, ())
    return FileRecord(
        dataset=path, path=path, md5=md5, bytes=out.get("size", 0), rows=rows, parts=list_parts(md5, project)
    )


def _hash_code(commit: str, project: Path, *roots: str) -> dict[str, str]:
    """Return the MD5 of each file in a commit that is one of these, or lies in one."""
    listing = (git(project, "ls-tree", "-r", "-z", commit, "--", *roots) or "").rstrip("\0").split("\0")
    blobs = {path: entry.split()[2] for entry, _, path in (line.partition("\t") for line in listing if line)}
    answer = subprocess.run(
        ["git", "cat-file", "--batch"],  # noqa: S607
        cwd=project,
        input="\n".join(blobs.values()).encode(),
        capture_output=True,
        check=True,
    ).stdout
    hashes: dict[str, str] = {}
    for path in blobs:  # a line that ends with the size, the content, a line end
        head, _, rest = answer.partition(b"\n")
        size = int(head.split()[2])
        hashes[path] = hash_bytes(rest[:size])
        answer = rest[size + 1 :]
    return hashes


def _pins(commit: str | None, project: Path) -> dict[str, str]:
    return pinned_packages(git(project, "show", f"{commit}:./{LOCK_FILE}") or "")


def _read_metrics(commit: str, project: Path) -> dict[str, float]:
    """Return the numbers in the metrics files of a commit, as far as they are in Git."""
    stages = yaml.safe_load(git(project, "show", f"{commit}:./dvc.yaml") or "{}").get("stages", {})
    outs = (out for stage in stages.values() for out in stage.get("metrics", ()))
    paths = [path for out in outs for path in ([out] if isinstance(out, str) else out)]
    texts = (git(project, "show", f"{commit}:./{path}") for path in paths if path.endswith(".json"))
    leaves = (leaf for text in texts if text for leaf in _leaves(json.loads(text)))
    return {name: value for name, value in leaves if isinstance(value, int | float) and not isinstance(value, bool)}


def _select(metrics: Mapping[str, float], namespace: str) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name.startswith(namespace)}


def collect_parameters(ancestry: Iterable[Ancestor]) -> dict[str, Any]:
    """Return all parameters in an ancestry by dotted name."""
    return dict(
        leaf
        for ancestor in ancestry
        for name, value in ancestor.parameters.items()
        for leaf in _leaves({name.removeprefix("params:"): value})
    )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is no mapping in a tree of mappings, by its dotted name."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
