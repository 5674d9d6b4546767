"""What happens around a run: inputs checked, progress shown, outputs all or none, origin and parameters in MLflow."""

import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from question_classification.datasets.staging import StagedOutputs, check_inputs
from question_classification.parameter_names import check_parameter_names
from question_classification.provenance.tracking import flatten_parameters

logger = logging.getLogger(__name__)


class Secrets:
    """Keeps credentials out of every log: at the level DEBUG, Kedro itself logs what it hands to its hooks."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        secrets = [value for entry in context.config_loader["credentials"].values() for value in _texts(entry)]
        create = logging.getLogRecordFactory()

        def create_redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
            record = create(*args, **kwargs)
            try:
                message = record.getMessage()
            except (TypeError, ValueError):  # a wrong format string, of which logging itself will say so
                return record
            if any(secret in message for secret in secrets):
                for secret in secrets:
                    message = message.replace(secret, "***")
                record.msg, record.args = message, None
            return record

        if secrets:
            logging.setLogRecordFactory(create_redacted)


def _texts(entry: Any) -> Iterator[str]:
    """Yield the texts in a part of the credentials."""
    if isinstance(entry, Mapping):
        for value in entry.values():
            yield from _texts(value)
    elif isinstance(entry, str) and entry.strip():
        yield entry.strip()


class Progress:
    """Names each node as it starts, and how far the run has come."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        self._of = len(pipeline.nodes)
        self._started = 0

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        self._started += 1
        logger.info("%*d/%d %s", len(str(self._of)), self._started, self._of, node.name)


class ParameterNames:
    """Refuses a misspelt `--params` name, which Kedro would take without a word."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        check_parameter_names(context.config_loader)


class AllOrNothing:
    """A run replaces all its outputs at its end, or none: a run that fails leaves earlier outputs as they were."""

    def __init__(self) -> None:
        self._staged: StagedOutputs | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        self._root = Path(context.project_path, context.config_loader["globals"]["data"])

    @hook_impl(tryfirst=True)  # before kedro-mlflow starts a run
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        # `--only-missing-outputs` asks which outputs exist, so they must be where they are
        self._staged = None if run_params["only_missing_outputs"] else StagedOutputs(pipeline, catalog, self._root)
        check_inputs(pipeline, catalog)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        if self._staged:
            self._staged.commit()

    @hook_impl
    def on_pipeline_error(self) -> None:
        if self._staged:
            self._staged.discard()


class Origin:
    """Tags the MLflow run with the code and the data that it comes from."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        from question_classification.provenance.tracking import ensure_store

        ensure_store(context.config_loader["mlflow"]["server"]["mlflow_tracking_uri"])

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        import mlflow

        from question_classification.provenance.git import describe_commit

        if mlflow.active_run():
            pipelines = "+".join(sorted(run_params["pipeline_names"] or ["__default__"]))
            mlflow.set_tags({"pipeline": pipelines, **describe_commit(Path(run_params["project_path"]))})

    @hook_impl(tryfirst=True)  # before kedro-mlflow ends the run, after the outputs are in place
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        import mlflow

        # What the questions of the later layers were made from, which is not always what lies in the raw layer now
        if mlflow.active_run() and catalog.exists("data_quality"):
            origin = catalog.load("data_quality")
            tags = {
                "source": origin["source"],
                "site": origin["site"],
                "raw_questions.md5": origin["raw_questions"]["md5"],
            }
            made = pipeline.all_outputs()
            if catalog.exists("target") and ("target" in made or "data_quality" not in made):  # else it is an older one
                tags |= catalog.load("target")
            mlflow.set_tags({name: value for name, value in tags.items() if value is not None})


class TypedParameters:
    """Lets kedro-mlflow log typed parameters one by one: it flattens dictionaries, but no pydantic models."""

    @hook_impl
    def before_pipeline_run(self) -> None:
        from kedro_mlflow.framework.hooks import mlflow_hook

        module = sys.modules[type(mlflow_hook).__module__]
        module._flatten_dict = flatten_parameters
