"""What a run was made from and what it made, so that every model can tell where it comes from.

It is taken down while the run goes on: code and inputs as they were when it started, outputs as it left them.
"""

import platform
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from question_classification.provenance.environment import installed_packages
from question_classification.provenance.git import Commit, describe_changes
from question_classification.provenance.hashes import hash_file, hash_files, hash_listing, hash_parts

ORIGIN_FILE = "origin.json"
CHANGES_FILE = "uncommitted.diff"
LOCK_FILE = "requirements.lock"
CODE = ("src", "conf/base", "pyproject.toml")
"""The files and folders of a project that say what a plain run does."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may say more


class FileRecord(_Record):
    """A file or folder that a run has read or written.

    Attributes:
        dataset: its name in the catalog.
        path: from the root of the project; an absolute one where it lies elsewhere.
        md5: its identity, as DVC has it.
        bytes: its size.
        rows: of its tables; None where it has none.
        ranges: the least and the greatest value of some of their columns.
        parts: of a folder, the MD5 of each file.
    """

    dataset: str
    path: str
    md5: str
    bytes: int
    rows: int | None = None
    ranges: dict[str, tuple[str, str]] = Field(default_factory=dict)
    parts: dict[str, str] | None = None


class NodeRecord(_Record):
    """A node that was run, and the names of what it read and wrote."""

    name: str
    inputs: list[str]
    outputs: list[str]


class Environment(_Record):
    """What the code ran on.

    Attributes:
        python: its version.
        platform: the operating system.
        lock: the MD5 of the lock file; None where there was none.
        packages: the version of each that was installed; empty of a run that did not take them down.
    """

    python: str
    platform: str
    lock: str | None
    packages: dict[str, str] = Field(default_factory=dict)


class Origin(_Record):
    """Where the outputs of a run come from.

    Attributes:
        status: how it ended.
        pipelines: their names.
        started: when, in UTC.
        ended: when, in UTC.
        env: the configuration environment, if one was asked for.
        runtime_parameters: those that were given on the command line.
        parameters: all that the nodes took, by the name of the dataset, such as `params:modelling.text`.
        commit: the commit, and whether tracked files differed from it.
        code: the MD5 of each file of code and configuration when the run started.
        changed_code: those that were not the same at its end: what ran may have been either.
        environment: what it ran on.
        nodes: in the order in which they were run.
        inputs: what was read that the run had not made.
        outputs: what it made.
        facts: what else is worth knowing, such as the source of the data.
    """

    version: Literal[1] = 1
    status: Literal["finished", "failed"]
    pipelines: list[str]
    started: datetime
    ended: datetime
    env: str | None = None
    runtime_parameters: dict[str, Any]
    parameters: dict[str, Any]
    commit: Commit
    code: dict[str, str]
    changed_code: list[str]
    environment: Environment
    nodes: list[NodeRecord]
    inputs: list[FileRecord]
    outputs: list[FileRecord]
    facts: dict[str, Any]

    def output(self, path: str) -> FileRecord | None:
        """Return the output with a path, if there is one."""
        return next((file for file in self.outputs if file.path == path), None)


def base_name(dataset: str) -> str:
    """Return a name without the `@format` by which one file has several datasets."""
    return dataset.partition("@")[0]


class Recorder:
    """Takes down the origin of a run.

    Args:
        project: the root of the project.
        started: when, in UTC.
        commit: that is checked out.
        code: the files and folders, from there, that say what a run does.
        nodes: what is about to run.
        inputs: the file of each dataset that the run reads and does not make.
        parameters: what the nodes take, by the name of the dataset.
        env: the configuration environment, if one was asked for.
        runtime_parameters: those that were given on the command line.
        pipelines: their names.
        ranges: the columns of tables of which the least and greatest values are worth knowing.
    """

    def __init__(
        self,
        project: Path,
        *,
        started: datetime,
        commit: Commit,
        code: Iterable[str],
        nodes: Iterable[NodeRecord],
        inputs: Mapping[str, Path],
        parameters: Mapping[str, Any],
        env: str | None,
        runtime_parameters: Mapping[str, Any],
        pipelines: Collection[str],
        ranges: Collection[str] = (),
    ) -> None:
        self._project, self._roots, self._ranges = project, list(code), ranges
        self._code = self._hash_code()
        self.pipelines = sorted(pipelines)
        self.changes = describe_changes(project) if commit.dirty else ""
        """What differs from the commit, as a patch."""
        self._fixed = {
            "started": started,
            "pipelines": self.pipelines,
            "nodes": list(nodes),
            "parameters": {name: _plain(value) for name, value in parameters.items()},
            "env": env,
            "runtime_parameters": _plain(runtime_parameters),
            "commit": commit,
            "environment": Environment(
                python=platform.python_version(),
                platform=platform.platform(),
                lock=self._hash_lock(),
                packages=installed_packages(),
            ),
            "inputs": self._describe(inputs),
        }

    def finish(
        self, outputs: Mapping[str, Path], *, status: Literal["finished", "failed"], facts: Mapping[str, Any]
    ) -> Origin:
        """Return the origin, when the outputs are in their places.

        Args:
            outputs: the file of each dataset that the run has made.
            status: how it ended.
            facts: what else is worth knowing.
        """
        now = self._hash_code()
        changed = sorted(path for path in self._code.keys() | now.keys() if self._code.get(path) != now.get(path))
        return Origin(
            status=status,
            ended=datetime.now(UTC),
            code=self._code,
            changed_code=changed,
            outputs=self._describe(outputs),
            facts=_plain(facts),
            **self._fixed,
        )

    def _hash_code(self) -> dict[str, str]:
        files = []
        for root in (self._project / name for name in self._roots):
            found = [root] if root.is_file() else root.rglob("*")
            files += [path for path in found if path.is_file() and "__pycache__" not in path.parts]
        names = [path.relative_to(self._project).as_posix() for path in files]
        return dict(sorted(zip(names, hash_files(files), strict=True)))

    def _hash_lock(self) -> str | None:
        lock = self._project / LOCK_FILE
        return hash_file(lock) if lock.exists() else None

    def _describe(self, files: Mapping[str, Path]) -> list[FileRecord]:
        return [
            describe_file(dataset, path, self._project, ranges=self._ranges)
            for dataset, path in sorted(files.items())
            if path.exists()
        ]


def describe_file(dataset: str, path: Path, project: Path, *, ranges: Collection[str] = ()) -> FileRecord:
    """Return the record of a file or folder that is there."""
    parts = hash_parts(path) if path.is_dir() else None
    files = [path] if parts is None else [path / part for part in parts]
    rows, found = describe_tables([file for file in files if file.suffix == ".parquet"], ranges)
    return FileRecord(
        dataset=dataset,
        path=path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path),
        md5=hash_file(path) if parts is None else hash_listing(parts),
        bytes=sum(file.stat().st_size for file in files),
        rows=rows,
        ranges=found,
        parts=parts,
    )


def describe_tables(files: list[Path], columns: Collection[str]) -> tuple[int | None, dict[str, tuple[str, str]]]:
    """Return rows and ranges as the footers of Parquet files have them."""
    if not files:
        return None, {}
    from pyarrow.parquet import read_metadata

    rows, least, greatest = 0, dict[str, Any](), dict[str, Any]()
    for metadata in map(read_metadata, files):
        rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                statistics, name = column.statistics, column.path_in_schema
                if name in columns and statistics is not None and statistics.has_min_max:
                    least[name] = min(least.get(name, statistics.min), statistics.min)
                    greatest[name] = max(greatest.get(name, statistics.max), statistics.max)
    return rows, {name: (str(least[name]), str(greatest[name])) for name in least}


def _plain(value: Any) -> Any:
    """Return parameters as JSON has them."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
