"""The project's own commands, with errors that a person can act on in one line."""

import gc
import re
import sys
from copy import copy
from typing import Any

import click
import yaml
from kedro.config import MissingConfigException
from kedro.framework.cli import project
from kedro.validation.exceptions import DataValidationError, ParameterValidationError
from omegaconf.errors import OmegaConfBaseException

from question_classification.experiments.command import experiments
from question_classification.memory import keep_freed_memory
from question_classification.promotion.command import model
from question_classification.provenance.plain_errors import EXPLANATIONS, call_plainly, causes
from question_classification.stackexchange.errors import InputError


@click.group(name="question_classification")
def cli() -> None:
    """Commands of the project."""


def _run(*args: Any, **kwargs: Any) -> Any:
    keep_freed_memory()
    try:
        return call_plainly(lambda: project.run.callback(*args, **kwargs))
    except KeyboardInterrupt:
        if mlflow := sys.modules.get("mlflow"):
            mlflow.end_run("KILLED")  # at exit, MLflow would call it finished
        raise
    finally:
        gc.freeze()  # the process ends: spare it a last search for garbage, which takes a second


def _split_params(context: click.Context, option: click.Parameter, value: Any) -> Any:
    return call_plainly(lambda: _kedro_split_params(context, option, value))


run = copy(project.run)
run.callback = _run
run.params = [copy(option) for option in run.params]
_options = {option.name: option for option in run.params}
_kedro_split_params, _options["params"].callback = _options["params"].callback, _split_params
_options["runner"].default = "question_classification.runner.SideBySideRunner"
_options["runner"].help = (
    "How nodes are run: by default side by side where they do not wait for each other. Also: 'SequentialRunner', "
    "'ParallelRunner' and 'ThreadRunner'."
)
cli.add_command(run)
cli.add_command(model)
cli.add_command(experiments)


def explain(error: BaseException) -> str | None:
    """Return one line that says what a person can do about the error; None where it is a fault of the program."""
    for cause in causes(error):
        if isinstance(cause, InputError):
            return str(cause)
        if isinstance(cause, ParameterValidationError):
            return _explain_parameters(str(cause))
        if isinstance(cause, DataValidationError):
            return " ".join(str(cause).split())
        if isinstance(cause, yaml.YAMLError | OmegaConfBaseException):
            return f"--params or conf/: a value is no valid YAML ({_first_line(cause)}); write it between quotes."
        if isinstance(cause, ValueError | MissingConfigException | AttributeError) and _KEDRO.match(str(cause)):
            return " ".join(str(cause).split())
    missing = re.search(r"importing the '\S+\.pipelines\.(\w+)' module", str(error))
    if isinstance(error, ImportError) and missing and error.__cause__ is None:
        return f"--pipelines: there is no pipeline {missing[1]!r}; `kedro registry list` names them."
    return None


# What Kedro says of a wrong --tags, --from-nodes, --namespaces, --env or --runner is fit for a person as it stands.
_KEDRO = re.compile(
    "Pipeline contains no nodes|Pipeline does not contain|Given configuration path|No files of YAML or JSON format"
    "|The following datasets cannot be used with multiprocessing"
)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


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
            said = message.removeprefix("Value error, ")
            problems.append(f"{path}: {said} (got {value})" if field else f"{path}: {said}")
        if not fields:
            problems.append(" ".join(part.split()))
    return "parameters: " + "; ".join(problems)


EXPLANATIONS.append(explain)
