"""`kedro model`: register a model, promote it past a gate, roll back.

Kedro imports this with each of its own commands, so it imports nothing but click; the rest is imported by the command
that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from question_classification.provenance.plain_errors import PlainGroup

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

    from question_classification.promotion.desk import Desk
    from question_classification.promotion.parameters import Mode

_REASON = click.option("--reason", metavar="TEXT", help="Why; it is noted on the version.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=PlainGroup)
def model() -> None:
    """The versions of the model in MLflow's registry, and which of them is in use."""


@model.command()
@click.argument("run_id", required=False)
@click.pass_obj
def register(metadata: ProjectMetadata, run_id: str | None) -> None:
    """Make the model of RUN_ID a version, and the challenger; by default that of the newest run with one."""
    with _open(metadata) as desk:
        version, is_new = desk.register(run_id)
        was = "" if is_new else " was there before; it"
        now = " and ".join(version.aliases)
        click.echo(f"version {version.number} of {desk.registry.name}{was} is {now}: run {version.run_id}.")


@model.command(name="list")
@_JSON
@click.pass_obj
def list_versions(metadata: ProjectMetadata, as_json: bool) -> None:
    """Print all versions, the newest first."""
    with _open(metadata) as desk:
        from question_classification.promotion.tables import print_versions, to_plain
        from question_classification.provenance.store import to_json

        versions = desk.registry.versions()
        if as_json:
            click.echo(to_json([to_plain(version) for version in versions]))
        elif versions:
            print_versions(versions)
        else:
            click.echo(f"{desk.registry.name} has no version yet; `kedro model register` makes one.")


@model.command()
@click.argument("version")
@_JSON
@click.pass_obj
def show(metadata: ProjectMetadata, version: str, as_json: bool) -> None:
    """Print all that is known of VERSION: a number, or an alias."""
    with _open(metadata) as desk:
        from question_classification.promotion.tables import describe_version, to_plain
        from question_classification.provenance.store import to_json

        shown = desk.registry.get(version)
        click.echo(to_json(to_plain(shown)) if as_json else "\n".join(describe_version(shown)))


@model.command()
@click.argument("version", default="challenger")
@click.option(
    "--mode", type=click.Choice(["enabled", "dry_run", "disabled"]), help="Of the gate, instead of promotion.yml's."
)
@click.option("--force", is_flag=True, help="Promote it even where the gate refuses; needs --reason.")
@_REASON
@click.pass_obj
def promote(metadata: ProjectMetadata, version: str, mode: Mode | None, force: bool, reason: str | None) -> None:
    """Make VERSION the champion, if the gate lets it pass; by default the challenger.

    What is decided is noted on the version. Exit code: 1 where it is refused.
    """
    if force and not (reason or "").strip():
        raise click.UsageError("--force needs --reason TEXT, which is noted on the version.")
    with _open(metadata) as desk:
        from question_classification.promotion.tables import print_verdict

        candidate = desk.registry.get(version)
        if candidate.archived:
            raise click.ClickException(f"version {candidate.number} is archived.")
        if "champion" in candidate.aliases:
            click.echo(f"version {candidate.number} is the champion already.")
            return
        decision, verdict, champion = desk.decide(
            candidate, mode=mode or desk.parameters.mode, force=force, reason=reason
        )
        if verdict.checks:
            print_verdict(verdict)
        failed = f" ({', '.join(verdict.failed)})" if verdict.failed else ""
        if decision.outcome == "refused":
            raise click.ClickException(
                f"version {candidate.number} is refused{failed}; --force --reason TEXT promotes it all the same."
            )
        if decision.outcome in ("promoted", "forced"):
            how = f", by force{failed}" if decision.outcome == "forced" else ""
            instead = f"; version {champion.number} is the previous one" if champion else ""
            click.echo(f"version {candidate.number} is the champion of {desk.registry.name}{how}{instead}.")
        else:
            click.echo(f"dry run: version {candidate.number} {decision.outcome}{failed}; the champion is the same.")


@model.command()
@_REASON
@click.pass_obj
def rollback(metadata: ProjectMetadata, reason: str | None) -> None:
    """Make the previous champion the champion again."""
    with _open(metadata) as desk:
        champion, before = desk.registry.roll_back(by=desk.person, reason=reason)
        click.echo(f"version {champion.number} is the champion again, in place of version {before.number}.")


@model.command()
@click.argument("version")
@_REASON
@click.pass_obj
def archive(metadata: ProjectMetadata, version: str, reason: str | None) -> None:
    """Take VERSION out of use: it loses its aliases, and cannot be promoted any more."""
    with _open(metadata) as desk:
        archived = desk.registry.get(version)
        desk.registry.archive(archived, by=desk.person, reason=reason)
        click.echo(f"version {archived.number} is archived.")


@contextmanager
def _open(metadata: ProjectMetadata) -> Iterator[Desk]:
    """Open the project's registry; what goes wrong with it is put in one line."""
    from mlflow.exceptions import MlflowException

    from question_classification.promotion.desk import Desk

    try:
        yield Desk(metadata.project_path, metadata.package_name)
    except MlflowException as error:
        raise click.ClickException(" ".join(str(error).split())) from error
