"""`kedro lineage`: where a model comes from, and what differs between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from question_classification.provenance.plain_errors import PlainCommand

if TYPE_CHECKING:
    from pathlib import Path

    from kedro.framework.startup import ProjectMetadata
    from rich.tree import Tree

    from question_classification.provenance.comparison import Difference
    from question_classification.provenance.lineage import Ancestor
    from question_classification.provenance.origin import FileRecord
    from question_classification.provenance.snapshot import Snapshot
    from question_classification.provenance.store import Model, RunStore, TrackedRun


@click.command(cls=PlainCommand)
@click.argument("model", required=False)
@click.option("--diff", "other", metavar="OTHER", help="Say what differs from MODEL to this one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def lineage(metadata: ProjectMetadata, model: str | None, other: str | None, as_json: bool) -> None:
    """Print the ancestry of MODEL as a tree: a version, an alias, a run, or a file; the newest by default.

    For a difference, either may be a branch, tag or commit, too: of a model whose run is in another tracking store, Git
    and DVC tell. MODEL is by default HEAD where there are no runs.
    """
    from question_classification.provenance.comparison import compare
    from question_classification.provenance.lineage import describe, trace
    from question_classification.provenance.store import to_json
    from question_classification.provenance.tracking import open_store

    project = metadata.project_path
    store = open_store(project, metadata.package_name)
    if other is None:
        found = store.find_model(model, project)
        ancestry = trace(found, store)
        click.echo(to_json(describe(ancestry))) if as_json else _print(_draw(found, ancestry))
        return
    difference = compare(_find(model, store, project), _find(other, store, project), project)
    click.echo(to_json(difference.lines) if as_json else _tell(difference))


def _find(reference: str | None, store: RunStore, project: Path) -> Snapshot:
    """Return what is known of a model: by its run or, where no run is known, by its commit."""
    from question_classification.provenance.configuration import BaseConfiguration, load_base
    from question_classification.provenance.datasets import Datasets
    from question_classification.provenance.errors import ProvenanceError
    from question_classification.provenance.snapshot import is_revision, snapshot_of_commit, snapshot_of_run
    from question_classification.provenance.store import MODEL_DATASET

    try:
        return snapshot_of_run(store.find_model(reference, project), store, project)
    except ProvenanceError:
        revision = reference or "HEAD"
        if not is_revision(revision, project):
            raise
    path = Datasets(BaseConfiguration(load_base(project), project), project).get(MODEL_DATASET).path
    namespace, dot, _ = MODEL_DATASET.rpartition(".")
    return snapshot_of_commit(revision, project, model=path, namespace=namespace + dot)


def _draw(model: Model, ancestry: Ancestor) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(model.label, style="bold"))
    shown_runs: set[str] = set()

    def add(branch: Tree, ancestor: Ancestor, is_source: bool = False) -> None:
        file, run = ancestor.file, ancestor.run
        line = Text(file.path if file else ancestor.dataset, style="cyan")
        line.append(f"  {_describe_source(ancestor, is_source) if file is None else _describe_file(ancestor, file)}")
        node = branch.add(line)
        if ancestor.told or run is None:
            return
        if file and run.id not in shown_runs:
            shown_runs.add(run.id)
            for detail in _describe_run(run):
                node.add(Text(detail, style="green"))
        if ancestor.nodes:
            node.add(Text(f"made by {', '.join(ancestor.nodes)}"))
        for name, value in ancestor.parameters.items():
            node.add(Text(f"{name} = {value}", style="yellow"))
        for parent in ancestor.parents:
            add(node, parent, is_source=all(each.file is None for each in ancestor.parents))

    add(root, ancestry)
    return root


def _describe_source(ancestor: Ancestor, is_source: bool) -> str:
    facts = ancestor.run.origin.facts if ancestor.run and is_source else {}
    return ", ".join(f"{name} {facts[name]}" for name in ("source", "site") if facts.get(name)) or "no file"


def _describe_file(ancestor: Ancestor, file: FileRecord) -> str:
    if ancestor.told:
        return "told above"
    parts = [f"md5 {file.md5}"]
    if file.parts is not None:
        parts.append(f"{len(file.parts):,} files")
    if file.rows is not None:
        parts.append(f"{file.rows:,} rows")
    parts += [f"{column} {least} to {greatest}" for column, (least, greatest) in file.ranges.items()]
    if ancestor.run is None:
        parts.append("made by no run in the tracking store")
    return ", ".join(parts)


def _describe_run(run: TrackedRun) -> list[str]:
    origin = run.origin
    state = " with uncommitted changes" if origin.commit.dirty else ""
    lines = [
        f"run {run.id}: {' '.join(origin.pipelines)}",
        f"{origin.started:%Y-%m-%d %H:%M:%S} to {origin.ended:%H:%M:%S} UTC",
        f"commit {origin.commit.hash or 'none'}{state}, branch {origin.commit.branch or 'none'}",
        f"Python {origin.environment.python}, lock file {origin.environment.lock or 'none'}",
    ]
    if origin.changed_code:
        lines.append(f"code changed while it ran: {', '.join(origin.changed_code)}")
    return lines


def _tell(difference: Difference) -> str:
    if not difference.any:
        return "nothing differs"
    return "\n".join(
        f"{kind}\n" + "\n".join(f"  {line}" for line in lines) for kind, lines in difference.lines.items() if lines
    )


def _print(tree: Tree) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 10_000  # a line is for `grep` to find: it is not wrapped
    console.print(tree)
