"""The ancestry of a model, from itself back to the raw parts and their source; and how those of two models differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from question_classification.provenance.git import git
from question_classification.provenance.origin import LOCK_FILE, FileRecord, Origin
from question_classification.provenance.store import Model, RunStore, TrackedRun


@dataclass(frozen=True)
class Ancestor:
    """A file, and what it was made from.

    Attributes:
        dataset: its name in the catalog.
        file: None for what lies in no file of the project, such as a service.
        run: the run that made it; None where none is known to.
        nodes: of that run, those that made it, the last one first: more than one where some of it went by memory.
        parameters: what these took.
        parents: what these read; empty where it has been told above.
        told: whether it has.
    """

    dataset: str
    file: FileRecord | None
    run: TrackedRun | None = field(default=None, repr=False)
    nodes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    parents: tuple[Ancestor, ...] = ()
    told: bool = False

    def walk(self) -> Iterator[Ancestor]:
        """Yield it and all that it was made from, each once."""
        if not self.told:
            yield self
            for parent in self.parents:
                yield from parent.walk()


def trace(model: Model, store: RunStore) -> Ancestor:
    """Return the ancestry of a model."""
    told: set[tuple[str, str]] = set()

    def follow(dataset: str, run: TrackedRun) -> Ancestor:
        """Follow a dataset of a run: it was made by it, or read."""
        made = _find(run.origin.outputs, dataset)
        if made is None and (read := _find(run.origin.inputs, dataset)) is not None:
            producer = store.find_producer(read.path, read.md5)
            same = producer.origin.output(read.path) if producer else None
            if producer is None or same is None:
                return Ancestor(dataset, read)
            return follow(same.dataset, producer)
        if made is None:
            return Ancestor(dataset, None, run)
        if (made.path, made.md5) in told:
            return Ancestor(dataset, made, run, told=True)
        told.add((made.path, made.md5))
        nodes, reads = _read_by(dataset, run.origin)
        return Ancestor(
            dataset,
            made,
            run,
            nodes,
            {name: run.origin.parameters[name] for name in reads if name in run.origin.parameters},
            tuple(follow(name, run) for name in reads if not name.startswith("params:") and name != "parameters"),
        )

    return follow(model.file.dataset, model.run)


def _find(files: list[FileRecord], dataset: str) -> FileRecord | None:
    return next((file for file in files if _base(file.dataset) == _base(dataset)), None)


def _base(dataset: str) -> str:
    """Return a name without the `@format` by which one file has several datasets."""
    return dataset.partition("@")[0]


def _read_by(dataset: str, origin: Origin) -> tuple[tuple[str, ...], list[str]]:
    """Return the nodes that made a dataset, and what they read; what went by memory is followed, not named."""
    files = {_base(file.dataset) for file in (*origin.outputs, *origin.inputs)}
    made = {_base(name) for node in origin.nodes for name in node.outputs}
    nodes: list[str] = []
    reads: list[str] = []
    pending = [dataset]
    while pending:
        wanted = pending.pop(0)
        node = next((node for node in origin.nodes if _base(wanted) in map(_base, node.outputs)), None)
        if node is None:
            reads.append(wanted)
        elif node.name not in nodes:
            nodes.append(node.name)
            for name in node.inputs:
                if _base(name) in made - files:  # in memory
                    pending.append(name)
                elif name not in reads:
                    reads.append(name)
    return tuple(nodes), reads


def describe(ancestor: Ancestor) -> dict[str, Any]:
    """Return an ancestry as plain data, for JSON."""
    run, file = ancestor.run, ancestor.file
    described: dict[str, Any] = {"dataset": ancestor.dataset}
    if file:
        described |= file.model_dump(mode="json", exclude={"dataset"}, exclude_none=True)
    if run and not ancestor.told:
        origin = run.origin
        described["run"] = {
            "id": run.id,
            "started": origin.started.isoformat(),
            "ended": origin.ended.isoformat(),
            "commit": origin.commit.model_dump(),
            "changed_code": origin.changed_code,
            "environment": origin.environment.model_dump(),
            "facts": origin.facts,
        }
        described |= {"nodes": ancestor.nodes, "parameters": dict(ancestor.parameters)}
    if ancestor.told:
        described["told_above"] = True
    if ancestor.parents:
        described["parents"] = [describe(parent) for parent in ancestor.parents]
    return described


@dataclass(frozen=True)
class Difference:
    """What differs between two models, in words, by kind.

    The kinds are model, data (files that rest on no other one), derived data, code, parameters, environment, metrics.
    """

    lines: dict[str, list[str]]

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return any(self.lines.values())


def compare(first: Model, second: Model, store: RunStore, project: Path) -> Difference:
    """Say what differs from a first model to a second one.

    Args:
        first: a model.
        second: another.
        store: of the runs.
        project: the root of the project, whose history tells the commits.
    """
    ancestries = [list(trace(model, store).walk()) for model in (first, second)]
    origin, other_origin = first.run.origin, second.run.origin
    data, derived = _compare_data(*ancestries)
    return Difference(
        {
            "model": [] if first.file.md5 == second.file.md5 else [f"md5 {first.file.md5} → {second.file.md5}"],
            "data": data,
            "derived data": derived,
            "code": _compare_code(origin, other_origin, project),
            "parameters": _compare_values(*map(collect_parameters, ancestries)),
            "environment": _compare_environment(origin, other_origin, project),
            "metrics": _compare_metrics(*(_metrics(model, store) for model in (first, second))),
        }
    )


def _compare_data(first: list[Ancestor], second: list[Ancestor]) -> tuple[list[str], list[str]]:
    """Say which files that the models come from differ: those that rest on no other file, and the rest."""
    files, others = ({each.file.path: each for each in ancestry[1:] if each.file} for ancestry in (first, second))
    lines, made = [], []
    for path in sorted(files.keys() | others.keys()):
        one, other = (ancestors.get(path) for ancestors in (files, others))
        if one is None or other is None:
            lines.append(f"{path}: only the {'second' if one is None else 'first'} comes from it")
        elif one.file and other.file and one.file.md5 != other.file.md5:
            if any(parent.file for parent in (*one.parents, *other.parents)):
                made.append(path)
            else:
                lines.append(f"{path}: {_compare_files(one.file, other.file)}")
    return lines, [_shorten(made)] if made else []


def _compare_files(one: FileRecord, other: FileRecord) -> str:
    what = [_compare_parts(one.parts, other.parts)] if one.parts is not None and other.parts is not None else []
    if one.rows != other.rows and one.rows is not None and other.rows is not None:
        what.append(f"rows {one.rows:,} → {other.rows:,}")
    what += [
        f"{column} up to {one.ranges[column][1]} → {other.ranges[column][1]}"
        for column in sorted(one.ranges.keys() & other.ranges.keys())
        if one.ranges[column][1] != other.ranges[column][1]
    ]
    return ", ".join(what) or "another content"


def _compare_parts(one: dict[str, str], other: dict[str, str]) -> str:
    kinds = {
        "added": sorted(other.keys() - one.keys()),
        "changed": sorted(part for part in one.keys() & other.keys() if one[part] != other[part]),
        "removed": sorted(one.keys() - other.keys()),
    }
    return ", ".join(f"{_count(parts, 'part')} {kind} ({_shorten(parts)})" for kind, parts in kinds.items() if parts)


def _compare_code(first: Origin, second: Origin, project: Path) -> list[str]:
    lines = []
    one, other = first.commit.hash, second.commit.hash
    if one != other:
        lines.append(f"commit {_abbreviate(one)} → {_abbreviate(other)}")
        if one and other:
            for a, b, sign in ((one, other, "+"), (other, one, "-")):
                log = (git(project, "log", "--oneline", "--no-decorate", f"{a}..{b}") or "").splitlines()
                lines += [f"  {sign} {line}" for line in log[:_MOST]]
                lines += [f"  {sign} and {len(log) - _MOST} more commits"] if len(log) > _MOST else []
    for which, origin in (("first", first), ("second", second)):
        if origin.commit.dirty:
            lines.append(f"the {which} ran with uncommitted changes")
        if origin.changed_code:
            lines.append(f"the {which} ran while its code was changed: {_shorten(origin.changed_code)}")
    changed = sorted(
        path for path in first.code.keys() | second.code.keys() if first.code.get(path) != second.code.get(path)
    )
    return [*lines, f"{_count(changed, 'file')} with other content: {_shorten(changed)}"] if changed else lines


def _compare_environment(first: Origin, second: Origin, project: Path) -> list[str]:
    one, other = first.environment, second.environment
    lines = [
        f"{name} {before} → {after}"
        for name, before, after in (("Python", one.python, other.python), ("platform", one.platform, other.platform))
        if before != after
    ]
    if one.lock != other.lock:
        packages = _compare_values(*(_packages(origin, project) for origin in (first, second)))
        lines.append(f"{LOCK_FILE}: {', '.join(packages[:_MOST]) or 'another content'}")
    return lines


def _packages(origin: Origin, project: Path) -> dict[str, str]:
    """Return the pinned packages as the commit has them."""
    text = git(project, "show", f"{origin.commit.hash}:{LOCK_FILE}") or ""
    pins = (
        line.split(" ")[0].split("==") for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))
    )
    return {name: version.rstrip("\\;") for name, version in pins}


def collect_parameters(ancestry: Iterable[Ancestor]) -> dict[str, Any]:
    """Return all parameters in an ancestry by dotted name."""
    flat: dict[str, Any] = {}

    def flatten(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                flatten(f"{name}.{key}", each)
        else:
            flat[name] = value

    for ancestor in ancestry:
        for name, value in ancestor.parameters.items():
            flatten(name.removeprefix("params:"), value)
    return flat


def _compare_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {first.get(name, 'none')} → {second.get(name, 'none')}"
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    ]


def _metrics(model: Model, store: RunStore) -> dict[str, float]:
    """Return the metrics of a model: those in the namespace of its dataset, if it has one."""
    namespace, dot, _ = model.file.dataset.rpartition(".")
    metrics = store.find_metrics(model.run)
    return {name: value for name, value in metrics.items() if name.startswith(namespace + dot)}


def _compare_metrics(first: Mapping[str, float], second: Mapping[str, float]) -> list[str]:
    return [
        f"{name}: {first[name]:.4f} → {second[name]:.4f} ({second[name] - first[name]:+.4f})"
        for name in sorted(first.keys() & second.keys())
        if first[name] != second[name]
    ]


_MOST = 8


def _shorten(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _count(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''}"


def _abbreviate(commit: str | None) -> str:
    return commit[:10] if commit else "none"
