"""The project's own commands: `kedro run`, with errors that a person can act on in one line."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from copy import copy
from typing import Any

import click
from kedro.framework.cli import project
from kedro.validation.exceptions import DataValidationError, ParameterValidationError

from question_classification.stackexchange.errors import InputError

TRACEBACK = "QUESTION_CLASSIFICATION_TRACEBACK"
"""Set this environment variable to see the whole traceback of an error."""


@click.group(name="question_classification")
def cli() -> None:
    """Commands of the project."""


def _run(*args: Any, **kwargs: Any) -> Any:
    try:
        return project.run.callback(*args, **kwargs)
    except KeyboardInterrupt:
        if mlflow := sys.modules.get("mlflow"):
            mlflow.end_run("KILLED")  # at exit, MLflow would call it finished
        raise
    except Exception as error:
        message = explain(error)
        if message is None or os.environ.get(TRACEBACK):
            raise
        raise click.ClickException(message) from error
    finally:
        gc.freeze()  # the process ends: spare it a last search for garbage, which takes a second


run = copy(project.run)
run.callback = _run
cli.add_command(run)


def explain(error: BaseException) -> str | None:
    """Return one line that says what a person can do about the error; None where it is a fault of the program."""
    for cause in _causes(error):
        if isinstance(cause, InputError):
            return str(cause)
        if isinstance(cause, ParameterValidationError):
            return _explain_parameters(str(cause))
        if isinstance(cause, DataValidationError):
            return " ".join(str(cause).split())
    missing = re.search(r"importing the '\S+\.pipelines\.(\w+)' module", str(error))
    if isinstance(error, ImportError) and missing and error.__cause__ is None:
        return f"--pipelines: there is no pipeline {missing[1]!r}; `kedro registry list` names them."
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


# Kedro hands pydantic's errors on as text: a line with the field, a line with the message and its input.
_PARAMETER = re.compile(r"Parameter '([\w.]+)':")
_FIELD = re.compile(r"^(?:(\S+)\n)?  (.+?) \[type=\w+, input_value=(.*), input_type=\w+\]$", re.MULTILINE)


def _explain_parameters(text: str) -> str:
    problems = []
    for part in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        parameter = _PARAMETER.match(part)
        name = parameter[1] if parameter else "?"
        fields = _FIELD.findall(part)
        # pydantic names the kind of a candidate once more, before the field
        kind = name.rpartition(".")[2] + "."
        for field, message, value in fields:
            path = f"{name}.{field.removeprefix(kind)}" if field else name
            problems.append(f"{path}: {message} (got {value})")
        if not fields:
            problems.append(" ".join(part.split()))
    return "parameters: " + "; ".join(problems)
