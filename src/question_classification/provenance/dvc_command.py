"""`kedro dvc`: `dvc.yaml` written from the registry, and held against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from question_classification.provenance.plain_errors import PlainGroup

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

FILE = "dvc.yaml"


@click.group(cls=PlainGroup)
def dvc() -> None:
    """DVC's stages, as they follow from the pipelines, the catalog and the parameters."""


@dvc.command()
@click.pass_obj
def write(metadata: ProjectMetadata) -> None:
    """Write dvc.yaml."""
    path = metadata.project_path / FILE
    text = _compose(metadata)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        click.echo(f"{FILE} is up to date.")
        return
    aside = path.with_name(f".{FILE}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
    click.echo(f"{FILE} is written; `dvc status` says which stages are to run again.")


@dvc.command()
@click.pass_obj
def check(metadata: ProjectMetadata) -> None:
    """Fail, with the difference, where dvc.yaml is not what `write` would write."""
    import difflib

    path = metadata.project_path / FILE
    if not path.exists():
        raise click.ClickException(f"{FILE} is missing; `kedro dvc write` writes it.")
    text, found = _compose(metadata), path.read_text(encoding="utf-8")
    if text == found:
        click.echo(f"{FILE} is up to date.")
        return
    difference = difflib.unified_diff(found.splitlines(), text.splitlines(), FILE, "what the project has", lineterm="")
    click.echo("\n".join(difference))
    raise click.ClickException(f"{FILE} is out of date; `kedro dvc write` brings it up to date.")


def _compose(metadata: ProjectMetadata) -> str:
    """Return the text of dvc.yaml, or fail with one line."""
    import warnings

    from kedro.framework.project import pipelines, validate_settings

    from question_classification.provenance.configuration import load_base
    from question_classification.provenance.stages import Project, build, render

    project = Project(metadata.project_path, metadata.source_dir, metadata.package_name)
    try:
        validate_settings()
        with warnings.catch_warnings():
            # a pipeline that cannot be imported must not be left out
            warnings.filterwarnings("error", message="An error occurred while importing")
            registry = dict(pipelines)
        return render(build(registry, load_base(metadata.project_path), project))
    except Exception as error:
        raise click.ClickException(_explain(error)) from error


def _explain(error: BaseException) -> str:
    """Return an error and what caused it, in one line."""
    from question_classification.provenance.errors import StageError

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = " ".join(lines if len(lines) < 5 else (lines[0], lines[-1]))  # between which there is a traceback
    if not isinstance(error, StageError):
        said = f"{type(error).__name__}: {said}"
    return f"{said} {_explain(error.__cause__)}" if error.__cause__ else said
