"""Commands that say what is wrong in one line; the traceback is for who asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from question_classification.provenance.errors import ProvenanceError, StageError

TRACEBACK = "QUESTION_CLASSIFICATION_TRACEBACK"
"""Set this environment variable to see the whole traceback of an error."""

_PASSED_ON = (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError)


def wants_traceback() -> bool:
    """Return whether the person has asked for tracebacks."""
    return bool(os.environ.get(TRACEBACK))


def describe(error: BaseException) -> str:
    """Return an error in one line: its own where it is made for people, else with its kind, and how to see more.

    >>> describe(ProvenanceError("1f: no such run."))
    '1f: no such run.'
    """
    said = " ".join(str(error).split())
    if isinstance(error, ProvenanceError | StageError):
        return said
    most = 300
    shortened = said[:most].rsplit(" ", 1)[0] + " …" if len(said) > most else said
    where = f"{TRACEBACK}=1 shows where it arose."
    return f"{type(error).__name__}: {shortened}{'' if shortened.endswith(('.', '…', '!')) else '.'} {where}"


def call_plainly(call: Callable[[], Any]) -> Any:
    """Call a function; put what goes wrong in it in one line.

    Raises:
        click.ClickException: with that line.
    """
    try:
        return call()
    except _PASSED_ON:
        raise
    except Exception as error:
        if wants_traceback():
            raise
        raise click.ClickException(describe(error)) from error


class PlainCommand(click.Command):
    """A command, the errors of which are one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        return call_plainly(lambda: super(PlainCommand, self).invoke(ctx))


class PlainGroup(click.Group):
    """A group of commands, the errors of which are one line."""

    command_class = PlainCommand

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        return call_plainly(lambda: super(PlainGroup, self).invoke(ctx))
