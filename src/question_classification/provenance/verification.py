"""A model made again from its commit and its data, and held against what was recorded of it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import yaml

from question_classification.provenance.contents import find_content, hash_path
from question_classification.provenance.environment import compare_packages, installed_packages, pinned_packages
from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.git import git
from question_classification.provenance.hashes import hash_file, hash_parts
from question_classification.provenance.identity import VERIFIED_RUN, RunIdentity
from question_classification.provenance.origin import LOCK_FILE, base_name

if TYPE_CHECKING:
    from question_classification.provenance.store import Model

Verdict = Literal["identical", "within tolerance", "different"]

METRICS_FILE = "metrics.json"
FETCHED = ("api",)
"""Sources that do not give the same again: what a run has read of them is taken as it was."""
SOURCE_DATASET = "source_questions"
"""The dataset by which a run reads its source."""


@dataclass(frozen=True)
class Record:
    """What there is to make again, and what is to come of it.

    Attributes:
        label: what it is a record of.
        commit: of the code.
        changes: what differed from the commit, as a patch.
        env: the configuration environment, if there was one.
        pipelines: that were run; empty for a plain run.
        nodes: of these, those that are to be run; empty for all.
        parameters: that were given on the command line.
        inputs: the MD5 of each file or folder that has to be there, by its path from the root of the project.
        outputs: the MD5 of each that was made.
        identity: of the run that made them, if one is known to.
        notes: what speaks against the same coming of it.
    """

    label: str
    commit: str
    changes: str = ""
    env: str | None = None
    pipelines: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    identity: RunIdentity | None = None
    notes: tuple[str, ...] = ()


def record_of_run(model: Model, changes: str, project: Path) -> Record:
    """Return the record of the run that made a model.

    Args:
        model: the model.
        changes: what differed from the commit, as the run has it.
        project: the root of the project.

    Raises:
        ProvenanceError: the run was made outside of a repository.
    """
    origin = model.run.origin
    if origin.commit.hash is None:
        raise ProvenanceError(f"{model.label}: it was made outside of a Git repository, so its code is not known.")
    pipelines = [name for name in origin.pipelines if name != "__default__"]
    nodes, inputs, outputs, notes = list(origin.nodes), list(origin.inputs), list(origin.outputs), []
    if origin.facts.get("source") in FETCHED and any(SOURCE_DATASET in node.inputs for node in nodes):
        fetched = {base_name(name) for node in nodes if SOURCE_DATASET in node.inputs for name in node.outputs}
        nodes = [node for node in nodes if SOURCE_DATASET not in node.inputs]
        inputs += [file for file in outputs if base_name(file.dataset) in fetched]
        outputs = [file for file in outputs if base_name(file.dataset) not in fetched]
        notes.append(
            f"what it read of the source, {', '.join(sorted(fetched))}, is not fetched again but taken as it was"
        )
    if pipelines:
        notes.append(f"the run was of {', '.join(pipelines)} alone; what it read of earlier runs is taken as it was")
    if origin.changed_code:
        notes.append(f"its code was changed while it ran: {', '.join(origin.changed_code)}")
    if (python := origin.environment.python) != platform.python_version():
        notes.append(f"Python was {python}, is {platform.python_version()}")
    notes += _compare_packages(origin.environment.packages, origin.commit.hash, project)
    return Record(
        model.label,
        origin.commit.hash,
        changes,
        origin.env,
        tuple(pipelines),
        tuple(node.name for node in nodes),
        origin.runtime_parameters,
        {file.path: file.md5 for file in inputs},
        {file.path: file.md5 for file in outputs},
        model.run.identity,
        tuple(notes),
    )


def record_of_lock(project: Path, file: str | None = None) -> Record:
    """Return what the `dvc.lock` of the commit that is checked out says of a plain run.

    Args:
        project: the root of the project.
        file: from there, one that the plain run must have made.

    Raises:
        ProvenanceError: there is no commit, no such lock in it, or the lock does not have the file as it is.
    """
    commit, text = git(project, "rev-parse", "HEAD"), git(project, "show", "HEAD:dvc.lock")
    if commit is None or text is None:
        raise ProvenanceError(f"{project}: no commit with a dvc.lock, which would say what is to come of a run.")
    stages = yaml.safe_load(text).get("stages", {})
    outputs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", []) if "md5" in out}
    if file is not None and not any(
        Path(file).is_relative_to(path) and hash_path(project / path) == md5 for path, md5 in outputs.items()
    ):
        raise ProvenanceError(f"{file}: no run in the tracking store has made this file, nor does dvc.lock have it so.")
    made_at = git(project, "log", "-1", "--format=%H", "--", "dvc.lock")
    notes = _compare_packages({}, made_at, project)
    return Record(f"dvc.lock of commit {commit[:10]}", commit, outputs=outputs, notes=tuple(notes))


def _compare_packages(installed: Mapping[str, str], commit: str | None, project: Path) -> list[str]:
    """Say which packages are others than they were.

    Args:
        installed: the version of each; empty where only the lock file tells.
        commit: that has the lock file.
        project: the root of the project, which has the lock file of today.
    """
    lock = project / LOCK_FILE
    pins = pinned_packages(git(project, "show", f"{commit}:./{LOCK_FILE}") or "")
    others = compare_packages(installed or pins, installed_packages())
    since = compare_packages(pins, pinned_packages(lock.read_text(encoding="utf-8"))) if lock.exists() else []
    pending = [each for each in since if each not in others]
    notes = [f"it was made with other packages than are installed: {', '.join(others)}"] if others else []
    return notes + ([f"{LOCK_FILE} was changed, and is not what is installed: {', '.join(pending)}"] if pending else [])


@dataclass(frozen=True)
class Comparison:
    """How an output that was made again compares with the recorded one.

    Attributes:
        path: of the output.
        verdict: what came of it.
        difference: the first one, in words.
    """

    path: str
    verdict: Verdict
    difference: str = ""


def verify(record: Record, project: Path, *, tolerance: float, echo: Any = None) -> list[Comparison]:
    """Make everything again, and compare each output with what was recorded.

    Args:
        record: what there is to make.
        project: the root of the project, whose data and DVC cache may hold the inputs.
        tolerance: how far a metric may be from the recorded one, relative to it.
        echo: is told what goes on.

    Raises:
        ProvenanceError: something that it takes is not to be had, or the run fails.
    """
    say = echo or (lambda _: None)
    with _worktree(project, record) as scratch:
        for path, md5 in record.inputs.items():
            _bring(path, md5, project, scratch)
        say(f"running commit {record.commit[:10]} in a scratch copy ...")
        _run(record, project, scratch)
        return [
            _compare(path, md5, scratch / path, find_content(path, md5, project), tolerance)
            for path, md5 in sorted(record.outputs.items())
        ]


def conclude(comparisons: list[Comparison]) -> Verdict:
    """Return the verdict on all outputs: other bytes do not matter as long as every metric is the same."""
    if all(each.verdict == "identical" for each in comparisons):
        return "identical"
    metrics = [each for each in comparisons if Path(each.path).name == METRICS_FILE]
    return "within tolerance" if metrics and all(each.verdict != "different" for each in metrics) else "different"


@contextmanager
def _worktree(project: Path, record: Record) -> Iterator[Path]:
    """Check a commit out in a folder of its own, which is gone at the end."""
    with TemporaryDirectory(prefix="verify-") as folder:
        scratch = Path(folder, "project")
        try:
            _git(project, "worktree", "add", "--quiet", "--detach", str(scratch), record.commit)
            if record.changes:
                _git(scratch, "apply", "--whitespace=nowarn", "-", given=record.changes)
            yield scratch
        finally:
            git(project, "worktree", "remove", "--force", str(scratch))
            git(project, "worktree", "prune")


def _git(folder: Path, *arguments: str, given: str | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ProvenanceError(f"git {arguments[0]}: {' '.join(done.stderr.split())}")


def _bring(path: str, md5: str, project: Path, scratch: Path) -> None:
    """Put an input in its place in the scratch folder."""
    target = Path(path) if Path(path).is_absolute() else scratch / path
    if target.exists() and hash_path(target) == md5:
        return
    found = find_content(path, md5, project)
    if found is None or Path(path).is_absolute():
        raise ProvenanceError(
            f"{path}: what it was then ({md5}) is neither in the project's data nor in DVC's cache; `dvc fetch` may "
            "bring it."
        )
    if target.exists():
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    for part, source in found.items():
        place = target / part if part else target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)


def _run(record: Record, project: Path, scratch: Path) -> None:
    command = [sys.executable, "-m", "kedro", "run"]
    command += ["--env", record.env] if record.env else []
    command += [f"--pipelines={','.join(record.pipelines)}"] if record.pipelines else []
    command += [f"--nodes={','.join(record.nodes)}"] if record.nodes else []
    given = [f"{name}={value}" for name, value in _flatten(record.parameters, project)]
    command += ["--params", ",".join(given)] if given else []
    environment = _environment(record, project, scratch)
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise ProvenanceError(
            f"{record.label}: it cannot be run again: {lines[-1].strip() if lines else 'no word why'}"
        )


def _environment(record: Record, project: Path, scratch: Path) -> dict[str, str]:
    """Return the environment of a run in a scratch folder: its own code and store, the identity of the first run."""
    foreign = ("GIT_", "DVC_", "KEDRO_", VERIFIED_RUN)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment |= {
        "PYTHONPATH": os.pathsep.join(
            [str(scratch / "src"), *(path for path in others if path != str(project / "src"))]
        ),
        # a verification is no run of the project's
        "MLFLOW_TRACKING_URI": f"sqlite:///{scratch.parent}/mlflow.db",
    }
    if record.identity:
        environment[VERIFIED_RUN] = record.identity.model_dump_json()
    return environment


def _flatten(parameters: Mapping[str, Any], project: Path, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves by dotted name; a path from the root of the project becomes a whole one."""
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, project, f"{prefix}{name}.")
        elif isinstance(value, str) and value and (project / value).is_file():
            yield f"{prefix}{name}", project / value
        else:
            yield f"{prefix}{name}", value


def _compare(path: str, md5: str, made: Path, recorded: Mapping[str, Path] | None, tolerance: float) -> Comparison:
    if not made.exists():
        return Comparison(path, "different", "it was not made")
    if hash_path(made) == md5:
        return Comparison(path, "identical")
    if recorded is None:
        return Comparison(path, "different", "other bytes; the recorded ones are not at hand to tell which")
    if "" in recorded:
        return Comparison(path, *_compare_contents(recorded[""], made, tolerance))
    return Comparison(path, *_compare_folders(recorded, made, tolerance))


def _compare_folders(recorded: Mapping[str, Path], made: Path, tolerance: float) -> tuple[Verdict, str]:
    """Return the worst verdict on the parts of two folders, and the first difference that led to it."""
    found: list[tuple[Verdict, str]] = []
    for part in sorted(recorded.keys() | hash_parts(made).keys()):
        if part not in recorded:
            found.append(("different", f"{part} is new"))
        elif not (made / part).exists():
            found.append(("different", f"{part} is missing"))
        elif hash_file(recorded[part]) != hash_file(made / part):
            verdict, difference = _compare_contents(recorded[part], made / part, tolerance)
            found.append((verdict, f"{part}: {difference}"))
    return min(found, key=lambda each: each[0] != "different", default=("different", "another listing"))


def _compare_contents(recorded: Path, made: Path, tolerance: float) -> tuple[Verdict, str]:
    """Return the verdict on two files that differ, and the first difference."""
    if made.suffix == ".json":
        first, largest = compare_values(*(json.loads(file.read_text()) for file in (recorded, made)))
        return "different" if largest > tolerance else "within tolerance", first or "another layout"
    if made.suffix in (".parquet", ".csv"):
        return "different", compare_tables(recorded, made)
    return "different", "other bytes"


def compare_tables(recorded: Path, made: Path) -> str:
    """Return the first difference between two tables, in words."""
    import pandas as pd

    read = pd.read_csv if made.suffix == ".csv" else pd.read_parquet
    one, other = (read(path).reset_index(drop=True) for path in (recorded, made))
    if list(one.columns) != list(other.columns):
        return f"columns {', '.join(one.columns)}, now {', '.join(other.columns)}"
    if len(one) != len(other):
        return f"{len(one):,} rows, now {len(other):,}"
    for column in one:
        same = (one[column] == other[column]) | (one[column].isna() & other[column].isna())
        if not same.all():
            row = int((~same.to_numpy(bool)).argmax())
            return f"row {row}, {column}: {one[column].iloc[row]!r}, now {other[column].iloc[row]!r}"
    return "the same values in other bytes"


def compare_values(one: Any, other: Any, name: str = "") -> tuple[str, float]:
    """Return the first difference between two trees of values, in words, and the largest; infinite but for numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        pairs = [(f"{name}.{key}" if name else key, one.get(key), other.get(key)) for key in keys]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{name}[{place}]", *values) for place, values in enumerate(zip(one, other, strict=True))]
    elif one == other and type(one) is type(other):
        return "", 0.0
    else:
        numbers = [each for each in (one, other) if isinstance(each, int | float) and not isinstance(each, bool)]
        apart = abs(one - other) / max(abs(one), abs(other)) if len(numbers) == 2 and one != other else float("inf")
        return f"{name}: {one!r}, now {other!r}", 0.0 if one == other else apart
    found = [compare_values(a, b, path) for path, a, b in pairs]
    return next((first for first, _ in found if first), ""), max((largest for _, largest in found), default=0.0)
