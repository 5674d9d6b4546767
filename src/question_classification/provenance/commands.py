"""The commands of this package, which any Kedro project of the environment has: entry point `kedro.project_commands`.

Kedro imports them with each of its own commands, so their modules import nothing but click; the rest is imported by the
command that needs it.
"""

import click

from question_classification.provenance.dvc_command import dvc
from question_classification.provenance.lineage_command import lineage
from question_classification.provenance.verify_command import verify


@click.group(name="provenance")
def commands() -> None:
    """Git, DVC and MLflow bound together."""


commands.add_command(dvc)
commands.add_command(lineage)
commands.add_command(verify)
