"""`kedro experiments`: what the runs have found, side by side.

Kedro imports this with each of its own commands, so it imports nothing but click; the rest is imported by the command
that needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from question_classification.provenance.plain_errors import PlainGroup

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

    from question_classification.experiments.gathering import Recorded
    from question_classification.provenance.store import RunStore

_MOST = 6  # side by side
_KINDS = ("data", "code", "environment")


@click.group(cls=PlainGroup)
def experiments() -> None:
    """What runs have found, side by side."""


@experiments.command()
@click.argument("names", nargs=-1, required=True, metavar="A B ...")
@click.option("--all", "every", is_flag=True, help="Show what is the same, too, and all metrics of all candidates.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.html", help="Write a page, as well."
)
@click.pass_obj
def compare(metadata: ProjectMetadata, names: tuple[str, ...], every: bool, as_json: bool, page: Path | None) -> None:
    """Compare the parameters and metrics of A, B and more.

    Each is a run (the beginning of its id), a version or alias of the model, a file that a run has made (a model, or
    metrics.json), a revision of Git, or an experiment of DVC. Differences are to A.
    """
    if not 2 <= len(names) <= _MOST:
        raise click.UsageError(f"give two to {_MOST} experiments to compare, not {len(names)}.")
    if page and not page.absolute().parent.is_dir():
        raise click.ClickException(f"{page.parent}: there is no such folder to write the page to.")
    import mlflow

    from question_classification.experiments.comparison import compare_experiments
    from question_classification.experiments.gathering import find_experiment
    from question_classification.experiments.tables import print_comparison
    from question_classification.experiments.wording import LABELS
    from question_classification.provenance.store import to_json
    from question_classification.provenance.tracking import open_store

    project = metadata.project_path
    store = open_store(project, metadata.package_name)
    client = mlflow.MlflowClient()
    found = [find_experiment(name, store, client, project) for name in names]
    comparison = compare_experiments([each.experiment for each in found])
    differences = {
        label: kinds
        for label, other in zip(LABELS[1:], found[1:], strict=False)
        if (kinds := _find_differences(found[0], other, store, project))
    }
    told = [_tell(each) for each in found]
    if page:
        from question_classification.experiments.page import render_page
        from question_classification.stackexchange.files import write_bytes

        write_bytes(page, render_page(comparison, told, differences, command=" ".join(names)).encode())
    if as_json:
        click.echo(to_json(_to_plain(comparison, told, differences)))
        return
    print_comparison(comparison, told, differences, every=every)
    if page:
        click.echo(f"The page is {page}.")


@experiments.command(name="list")
@click.option("--most", default=20, show_default=True, type=click.IntRange(min=1), help="So many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_experiments(metadata: ProjectMetadata, most: int, as_json: bool) -> None:
    """Print the newest runs that have metrics."""
    import mlflow

    from question_classification.experiments.gathering import find_records, load_metrics
    from question_classification.experiments.tables import print_experiments
    from question_classification.provenance.store import to_json
    from question_classification.provenance.tracking import flatten_parameters, open_store

    store = open_store(metadata.project_path, metadata.package_name)
    client = mlflow.MlflowClient()
    rows = []
    for run in find_records(store, most):
        metrics = load_metrics(run, client, metadata.project_path)
        selected = metrics["selected"] if metrics else {}
        measured = selected.get(metrics["split"]["kind"]) if metrics else None
        rows.append(
            {
                "run": run.id,
                "ended": run.origin.ended.isoformat(),
                "commit": run.origin.commit.hash,
                "changed": run.origin.commit.dirty,
                "given": flatten_parameters(run.origin.runtime_parameters),
                "selected": selected.get("candidate"),
                "average_precision": [measured["average_precision"], *measured["average_precision_interval"]]
                if measured
                else None,
            }
        )
    if as_json:
        click.echo(to_json(rows))
    elif rows:
        print_experiments(rows)
    else:
        click.echo("No run has metrics yet; `kedro run` makes them.")


def _find_differences(first: Recorded, second: Recorded, store: RunStore, project: Path) -> dict[str, list[str]]:
    """Return what differs in data, code and environment, by kind."""
    from question_classification.provenance.comparison import compare
    from question_classification.provenance.snapshot import snapshot_of_run

    if first.record is None or second.record is None:
        return {}
    one, other = (snapshot_of_run(record, store, project) for record in (first.record, second.record))
    lines = compare(one, other, project).lines
    return {kind: lines[kind] for kind in _KINDS if lines[kind]}


def _tell(found: Recorded) -> str:
    """Say what an experiment is, in a line."""
    if found.record is None:
        return f"{found.experiment.label}, made by no run in the tracking store"
    from question_classification.provenance.tracking import flatten_parameters

    run = found.record.run
    commit = run.origin.commit
    parts = [] if found.experiment.label.startswith("run ") else [f"run {run.id[:8]}"]
    parts += [f"{run.origin.ended:%Y-%m-%d %H:%M} UTC", f"commit {commit.hash[:7] if commit.hash else 'none'}"]
    if commit.dirty:
        parts[-1] += " with uncommitted changes"
    parts += [f"{name}={value}" for name, value in flatten_parameters(run.origin.runtime_parameters).items()]
    label = f"run {run.id[:8]}" if found.experiment.label == f"run {run.id}" else found.experiment.label
    return ", ".join([label, *parts])


def _to_plain(comparison: Any, told: list[str], differences: Any) -> dict[str, Any]:
    import dataclasses

    plain = dataclasses.asdict(comparison)
    return {
        **plain,
        "described": told,
        "different_parameters": comparison.different_parameters,
        "differences": differences,
    }
