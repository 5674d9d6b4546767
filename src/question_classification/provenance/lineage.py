"""The ancestry of a model, from itself back to the raw parts and their source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from question_classification.provenance.origin import FileRecord, Origin, base_name
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
    return next((file for file in files if base_name(file.dataset) == base_name(dataset)), None)


def _read_by(dataset: str, origin: Origin) -> tuple[tuple[str, ...], list[str]]:
    """Return the nodes that made a dataset, and what they read; what went by memory is followed, not named."""
    files = {base_name(file.dataset) for file in (*origin.outputs, *origin.inputs)}
    made = {base_name(name) for node in origin.nodes for name in node.outputs}
    nodes: list[str] = []
    reads: list[str] = []
    pending = [dataset]
    while pending:
        wanted = pending.pop(0)
        node = next((node for node in origin.nodes if base_name(wanted) in map(base_name, node.outputs)), None)
        if node is None:
            reads.append(wanted)
        elif node.name not in nodes:
            nodes.append(node.name)
            for name in node.inputs:
                if base_name(name) in made - files:  # in memory
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
