"""What happens around a run: inputs checked, progress and summary, outputs all or none, origin in MLflow."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from inspect import isgeneratorfunction
from pathlib import Path
from threading import Lock, get_ident
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from question_classification.datasets.run_lock import RunLock
from question_classification.datasets.staging import StagedOutputs, check_inputs, find_files
from question_classification.parameter_names import check_parameter_names
from question_classification.progress import Ticker
from question_classification.stackexchange.errors import InputError

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
    """Names each node as it starts, how far the run has come, and what takes long."""

    def __init__(self, ticker: Ticker | None = None) -> None:
        self._ticker = ticker or Ticker()
        self._lock = Lock()
        self._going_on: dict[int, str] = {}  # by thread, for nodes run side by side

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        self._of = len(pipeline.nodes)
        self._started = 0

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        with self._lock:
            self._started += 1
            logger.info("%*d/%d %s", len(str(self._of)), self._started, self._of, node.name)
        self._show(node.name)

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str) -> None:
        self._show(f"reading {dataset_name}")

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        # A node goes on while its outputs are written: those of a generator are made one by one.
        if dataset_name == node.outputs[-1] and not isgeneratorfunction(node.func):
            self._show(None)

    def _show(self, what: str | None) -> None:
        with self._lock:
            self._going_on.pop(get_ident(), None)
            if what:
                self._going_on[get_ident()] = what
            self._ticker.stop()
            if self._going_on:
                self._ticker.start(", ".join(self._going_on.values()))

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        self._end()

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self) -> None:
        self._end()

    def _end(self) -> None:
        self._going_on.clear()
        self._ticker.stop()


class ParameterNames:
    """Refuses a misspelt `--params` name, which Kedro would take without a word."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        check_parameter_names(context.config_loader)


class Summary:
    """Says at the end of a run what it has found, from the record that the reporting has made."""

    @hook_impl(trylast=True)  # when the outputs are in their places
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog, run_params: dict[str, Any]) -> None:
        made = pipeline.all_outputs()
        if "metrics" not in made:
            return
        from question_classification.experiments.summary import print_summary

        root = Path(run_params["project_path"])
        report = find_files({"report"} & made, catalog).get("report")
        shown = report and (report.relative_to(root) if report.is_relative_to(root) else report)
        print_summary(catalog.load("metrics"), str(shown) if shown else None)


class AllOrNothing:
    """A run has the project to itself, and replaces all its outputs at its end, or none.

    So a run that fails leaves earlier outputs as they were, and two at once do not mix theirs.
    """

    def __init__(self) -> None:
        self._staged: StagedOutputs | None = None
        self._lock: RunLock | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        self._root = Path(context.project_path, context.config_loader["globals"]["data"])

    @hook_impl(tryfirst=True)  # before kedro-mlflow starts a run
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        self._end()  # of a run in this process that another hook has kept from starting
        self._lock = RunLock(Path(run_params["project_path"], ".run.lock"))
        self._lock.acquire()
        try:
            check_inputs(pipeline, catalog)
        except InputError:
            self._end()
            raise
        # `--only-missing-outputs` asks which outputs exist, so they must be where they are
        self._staged = None if run_params["only_missing_outputs"] else StagedOutputs(pipeline, catalog, self._root)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        if self._staged:
            self._staged.commit()

    @hook_impl(trylast=True)
    def on_pipeline_error(self) -> None:
        self._end()

    @hook_impl(specname="after_pipeline_run", trylast=True)  # when all others have seen the outputs in their places
    def end(self) -> None:
        self._end()

    def _end(self) -> None:
        if self._staged:
            self._staged.discard()
        if self._lock:
            self._lock.release()
        self._staged = self._lock = None


class Provenance:
    """Takes down in the MLflow run what it was made from and what it made: tags, datasets and `origin.json`.

    To nodes that ask for it, it gives the identity of the run, which may be one that MLflow does not track.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        from question_classification.provenance.tracking import ensure_store

        config = context.config_loader["mlflow"]
        uri = config["server"]["mlflow_tracking_uri"]
        ensure_store(uri)
        if uri.startswith("http"):  # a server keeps the artifacts itself, for whoever cannot reach our disk
            config["tracking"]["experiment"].pop("create_experiment_kwargs", None)
            context.config_loader["mlflow"] = config

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        import mlflow

        from question_classification.provenance.git import describe_commit
        from question_classification.provenance.identity import RUN_IDENTITY, RunIdentity, identify_run
        from question_classification.provenance.origin import CODE, NodeRecord, Recorder
        from question_classification.provenance.tracking import log_parameters

        self._recorder = None
        run = mlflow.active_run()
        project, started = Path(run_params["project_path"]), datetime.now(UTC)
        commit, inputs = describe_commit(project), find_files(pipeline.inputs(), catalog)
        if RUN_IDENTITY in pipeline.inputs():
            taken = [name for name in sorted(inputs) if inputs[name].exists()]
            identity = RunIdentity(id=run and run.info.run_id, started=started, commit=commit, taken=taken)
            catalog.save(RUN_IDENTITY, identify_run(identity).model_dump(mode="json"))
        if not run:
            return
        environment = run_params["env"]
        code = [*CODE, *([f"conf/{environment}"] if environment else [])]
        parameters = {name: catalog.load(name) for name in sorted(pipeline.inputs()) if name.startswith("params:")}
        log_parameters({name.removeprefix("params:"): value for name, value in parameters.items()})
        self._recorder = Recorder(
            project,
            started=started,
            commit=commit,
            code=code,
            nodes=[NodeRecord(name=node.name, inputs=node.inputs, outputs=node.outputs) for node in pipeline.nodes],
            inputs=inputs,
            parameters=parameters,
            env=environment,
            runtime_parameters=run_params["runtime_params"] or {},
            pipelines=run_params["pipeline_names"] or ["__default__"],
            ranges=("Id", "CreationDate", "question_id", "creation_date"),
        )
        mlflow.set_tags({"pipeline": "+".join(self._recorder.pipelines), **commit.tags()})

    @hook_impl(tryfirst=True)  # before kedro-mlflow ends the run, after the outputs are in place
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        from question_classification.provenance.tracking import log_origin

        if self._recorder:
            facts = self._describe_data(pipeline, catalog)
            files = find_files(pipeline.all_outputs(), catalog)
            log_origin(self._recorder.finish(files, status="finished", facts=facts), self._recorder.changes, tags=facts)

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self, error: Exception) -> None:
        from question_classification.provenance.tracking import log_origin

        if self._recorder:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            log_origin(
                self._recorder.finish({}, status="failed", facts={"error": said}),
                self._recorder.changes,
                tags={"error": said},
            )

    @staticmethod
    def _describe_data(pipeline: Pipeline, catalog: DataCatalog) -> dict[str, Any]:
        """Return what the questions of the later layers were made from, not what lies in the raw layer by now."""
        if not catalog.exists("data_quality"):
            return {}
        quality = catalog.load("data_quality")
        facts = {
            "source": quality["source"],
            "site": quality["site"],
            "raw_questions.md5": quality["raw_questions"]["md5"],
        }
        made = pipeline.all_outputs()
        if catalog.exists("target") and ("target" in made or "data_quality" not in made):  # else it is an older one
            facts |= catalog.load("target")
        return {name: value for name, value in facts.items() if value is not None}
