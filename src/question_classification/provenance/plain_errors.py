"""Commands that say what is wrong in one line; the traceback is for who asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any

import click

from question_classification.provenance.errors import ProvenanceError, StageError

TRACEBACK = "QUESTION_CLASSIFICATION_TRACEBACK"
"""Set this environment variable to see the whole traceback of an error."""

_MOST = 300  # characters of an error that was not made for people
_PASSED_ON = (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError)


EXPLANATIONS: list[Callable[[BaseException], str | None]] = []
"""What a project has to say of its own errors, in one line each; None where it has nothing to say."""


def describe(error: BaseException) -> str:
    """Return an error in one line: its own where it is made for people, else with its kind, and how to see more.

    >>> describe(ProvenanceError("1f: no such run."))
    '1f: no such run.'
    >>> describe(KeyError("raw"))
    "KeyError: 'raw'. QUESTION_CLASSIFICATION_TRACEBACK=1 shows where it arose."
    """
    said = " ".join(str(error).split())
    if isinstance(error, ProvenanceError | StageError):
        return said
    for explain in EXPLANATIONS:
        if explained := explain(error):
            return explained
    shortened = shorten(said, _MOST, placeholder=" …")
    end = "" if shortened.endswith((".", "…", "!")) else "."
    return f"{type(error).__name__}{': ' if said else ''}{shortened}{end} {TRACEBACK}=1 shows where it arose."


def call_plainly(call: Callable[[], Any]) -> Any:
    """Call a function; put what goes wrong in it in one line, unless the person has asked for the traceback.

    Raises:
        click.ClickException: with that line, and the `exit_code` of the error or of what caused it, if one has any.
    """
    try:
        return call()
    except _PASSED_ON:
        raise
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        failure = click.ClickException(describe(error))
        failure.exit_code = next((each.exit_code for each in causes(error) if hasattr(each, "exit_code")), 1)  # type: ignore[misc]
        raise failure from error


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


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
