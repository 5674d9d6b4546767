"""`kedro verify`: does a model still come out the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from question_classification.provenance.plain_errors import PlainCommand

if TYPE_CHECKING:
    from pathlib import Path

    from kedro.framework.startup import ProjectMetadata

    from question_classification.provenance.verification import Record

EXIT_CODES = {"identical": 0, "within tolerance": 3, "different": 1}


class _CannotVerify(click.ClickException):
    exit_code = 2


@click.command(cls=PlainCommand)
@click.argument("model", required=False)
@click.option("--tolerance", default=1e-6, show_default=True, help="Of a metric, relative to the recorded one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def verify(metadata: ProjectMetadata, model: str | None, tolerance: float, as_json: bool) -> None:
    """Make MODEL again from its commit and data, and compare each output with what was recorded.

    MODEL is a version, an alias, a run, or a file; the newest by default. Where no run is known, as in a fresh clone,
    dvc.lock is the record. Exit code: 0 identical, 3 within tolerance, 1 different, 2 cannot be verified.
    """
    import dataclasses

    from question_classification.provenance.errors import ProvenanceError
    from question_classification.provenance.store import to_json
    from question_classification.provenance.verification import conclude
    from question_classification.provenance.verification import verify as make_again

    say = (lambda _: None) if as_json else click.echo
    try:
        record = _find_record(metadata.project_path, metadata.package_name, model)
        say(record.label)
        comparisons = make_again(record, metadata.project_path, tolerance=tolerance, echo=say)
    except ProvenanceError as error:
        raise _CannotVerify(f"cannot be verified: {error}") from error
    verdict = conclude(comparisons)
    if as_json:
        click.echo(
            to_json({"verdict": verdict, "notes": record.notes, "outputs": list(map(dataclasses.asdict, comparisons))})
        )
    else:
        for each in comparisons:
            if each.verdict != "identical":
                click.echo(f"{each.path}: {each.verdict}: {each.difference}")
        same = sum(each.verdict == "identical" for each in comparisons)
        click.echo(f"{same} of {len(comparisons)} outputs are identical")
        for note in record.notes:
            click.echo(f"note: {note}")
        click.echo(verdict)
    raise click.exceptions.Exit(EXIT_CODES[verdict])


def _find_record(project: Path, package_name: str, model: str | None) -> Record:
    from mlflow.artifacts import load_text
    from mlflow.exceptions import MlflowException

    from question_classification.provenance.errors import ProvenanceError
    from question_classification.provenance.origin import CHANGES_FILE
    from question_classification.provenance.tracking import open_store
    from question_classification.provenance.verification import record_of_lock, record_of_run

    store = open_store(project, package_name)
    try:
        found = store.find_model(model, project)
    except ProvenanceError:
        if model is None or (project / model).is_file():  # a clone has no runs yet
            return record_of_lock(project, model)
        raise
    origin = found.run.origin
    try:
        uri = store.artifact_uri(found.run.id)
        changes = load_text(f"{uri}/{CHANGES_FILE}") if origin.commit.dirty else ""
    except (OSError, MlflowException) as error:
        raise ProvenanceError(f"{found.label}: its uncommitted changes are not to be had any more.") from error
    return record_of_run(found, changes, project)
