"""The stages of `dvc.yaml`, as they follow from the pipelines, the catalog and the parameters of a Kedro project.

A stage rests on the files that its pipeline reads; on the modules that its nodes and datasets import; on the parameters
that its nodes take; on the files of the catalog that declare its datasets; and on the globals that either interpolates.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from question_classification.provenance.configuration import BaseConfiguration, Declaration
from question_classification.provenance.datasets import OUTPUT_OPTIONS, PLOT_OPTIONS, Dataset, Datasets
from question_classification.provenance.errors import StageError
from question_classification.provenance.modules import ModuleGraph

DEFAULT = "__default__"
HEADER = """\
# Written by `kedro dvc write`: a stage per pipeline, from the registry, the catalog and the parameters. What only DVC
# needs to know stands in the catalog, under `metadata: dvc:`. A pipeline that a plain run leaves out is frozen.
"""
_STAGES = "stages:\n"


@dataclass(frozen=True)
class Project:
    """Where a Kedro project lies.

    Attributes:
        root: its folder.
        source: the folder that its package lies in.
        package: the name of its package.
    """

    root: Path
    source: Path
    package: str


def build(pipelines: Mapping[str, Pipeline], loader: OmegaConfigLoader, project: Project) -> dict[str, Any]:
    """Return what `dvc.yaml` holds: the stages, in the order in which data flow, and the plots.

    Args:
        pipelines: the registry.
        loader: the project's configuration loader, which must load the base environment alone.
        project: where it all lies.

    Raises:
        StageError: the project cannot be put as stages.
    """
    configuration = BaseConfiguration(loader, project.root)
    datasets = Datasets(configuration, project.root)
    modules = ModuleGraph(project.source, project.package)
    flows = {name: _Flow.of(pipelines[name], datasets) for name in _stage_names(pipelines)}
    plain = set(pipelines[DEFAULT].nodes) if DEFAULT in pipelines else None
    stages: dict[str, Any] = {}
    for name in _sorted(flows):
        pipeline, flow = pipelines[name], flows[name]
        files, params = _configured(pipeline, flow, configuration)
        code = _code(name, pipeline, flow, modules, project)
        stage: dict[str, Any] = {
            "desc": _describe(modules.file(f"{project.package}.pipelines.{name}")),
            "frozen": plain is not None and not set(pipeline.nodes) <= plain,
            "cmd": "kedro run" if name == DEFAULT else f"kedro run --pipelines={name}",
            "deps": sorted(flow.inputs | files | code),
            "params": [{file: sorted(params[file])} for file in sorted(params)],
            "outs": _outputs(flow, metric=False),
            "metrics": _outputs(flow, metric=True),
        }
        stages[name] = {key: value for key, value in stage.items() if value}
    plots = _plots(flows[name] for name in stages)
    return {"stages": stages, "plots": plots} if plots else {"stages": stages}


def render(document: Mapping[str, Any]) -> str:
    """Return the text of `dvc.yaml`."""
    stages = [_dump({"stages": {name: stage}}).removeprefix(_STAGES) for name, stage in document["stages"].items()]
    rest = [_dump({name: value}) for name, value in document.items() if name != "stages"]
    return HEADER + _STAGES + "\n".join([*stages, *rest])


class _Dumper(yaml.SafeDumper):
    """Indents the items of a list."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _dump(tree: Any) -> str:
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text


@dataclass(frozen=True)
class _Flow:
    """What of a pipeline's data a stage has.

    Attributes:
        datasets: of the pipeline.
        inputs: what it reads of others.
        outputs: what it writes, with DVC's options.
        plots: the files to plot, with DVC's options.
    """

    datasets: list[Dataset]
    inputs: set[str]
    outputs: dict[str, dict[str, Any]]
    plots: dict[str, Any]

    @classmethod
    def of(cls, pipeline: Pipeline, datasets: Datasets) -> "_Flow":
        read = {name: datasets.get(name) for node in pipeline.nodes for name in node.inputs if _is_dataset(name)}
        written = {name: datasets.get(name) for node in pipeline.nodes for name in node.outputs}
        outputs: dict[str, dict[str, Any]] = {}
        plots: dict[str, Any] = {}
        for dataset in written.values():
            if dataset.path is not None and dataset.output is not None:
                outputs.setdefault(dataset.output, {}).update(dataset.options)
                if "plot" in dataset.options:
                    plots[dataset.path] = dataset.options["plot"]
        inputs = {dataset.output for dataset in read.values() if dataset.output is not None}
        return cls(
            datasets=list((read | written).values()),
            inputs={path for path in inputs if not _lies_in(path, outputs)},
            outputs={path: outputs[path] for path in sorted(outputs) if not _lies_in(path, outputs.keys() - {path})},
            plots={path: plots[path] for path in sorted(plots)},
        )


def _is_dataset(name: str) -> bool:
    return name != "parameters" and not name.startswith("params:")


def _lies_in(path: str, paths: Iterable[str]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in paths)


def _stage_names(pipelines: Mapping[str, Pipeline]) -> list[str]:
    """Return the pipelines that are stages: all but `__default__` and those that only put others together."""
    nodes = {name: set(pipeline.nodes) for name, pipeline in pipelines.items() if pipeline.nodes}
    if not nodes:
        raise StageError("The registry has no pipeline with a node.")
    named = {name: own for name, own in sorted(nodes.items()) if name != DEFAULT}
    parts = {name: [other for other in named.values() if other < own] for name, own in named.items()}
    return [name for name, own in named.items() if set().union(*parts[name]) != own] or [DEFAULT]


def _sorted(flows: Mapping[str, _Flow]) -> list[str]:
    """Return the stages in the order in which data flow, and by name where that leaves a choice."""
    writers: dict[str, str] = {}
    for name, flow in flows.items():
        for path in flow.outputs:
            if other := next((writers[each] for each in writers if _overlap(path, each)), None):
                raise StageError(f"{path}: {other} and {name} both write it; DVC wants one stage for each output.")
            writers[path] = name
    sorter = TopologicalSorter(
        {
            name: {writer for path in flow.inputs for out, writer in writers.items() if _overlap(path, out)}
            for name, flow in flows.items()
        }
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise StageError(f"Pipelines that read of one another cannot be stages: {circle}.") from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def _overlap(one: str, other: str) -> bool:
    return _lies_in(one, [other]) or _lies_in(other, [one])


def _configured(
    pipeline: Pipeline, flow: _Flow, configuration: BaseConfiguration
) -> tuple[set[str], dict[str, set[str]]]:
    """Return the files of the configuration that a pipeline rests on as a whole, and the keys that it needs of others.

    A parameter that interpolates counts with its file: DVC would show it as it is written, and could not set it.
    """
    entries = {one for dataset in flow.datasets for one in dataset.declarations}
    parameters: set[Declaration] = set()
    for name in sorted({name for node in pipeline.nodes for name in node.inputs if not _is_dataset(name)}):
        declarations = configuration.parameter(name.removeprefix("parameters").removeprefix("params:"))
        if not declarations and name != "parameters":
            raise StageError(f"{name}: no parameters of the base environment have it.")
        parameters.update(declarations)
    interpolating = {one for one in parameters if one.interpolates}
    referred = configuration.references(entries | interpolating)
    global_values = {one for one in referred if one.kind == "globals"}
    files = {one.file for one in entries | interpolating | (referred - global_values)}
    keys: dict[str, set[str]] = {}
    tracked = (parameters - interpolating) | global_values
    for one in tracked:
        if not any(one.file == other.file and _starts_with(one.path, other.path) for other in tracked - {one}):
            keys.setdefault(one.file, set()).add(".".join(one.path))
    return files, keys


def _starts_with(path: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return path[: len(start)] == start


def _code(name: str, pipeline: Pipeline, flow: _Flow, modules: ModuleGraph, project: Project) -> set[str]:
    """Return the modules of a pipeline, of its nodes and of its datasets, with all that they import and read."""
    home = f"{project.package}.pipelines.{name}"
    roots = [home if modules.file(home) else f"{project.package}.pipeline_registry"]
    roots += [module for node in pipeline.nodes for module in _modules_of(node)]
    roots += [text for dataset in flow.datasets for text in _texts(dataset.config)]  # a class is named by one
    files = modules.closure(roots)
    return {file.relative_to(project.root).as_posix() for file in files | modules.resources(files)}


def _modules_of(node: Node) -> Iterator[str]:
    """Yield the modules of a node's function, through partial functions and decorators."""
    function: Any = node.func
    while function is not None:
        yield getattr(function, "__module__", None) or type(function).__module__
        function = function.func if isinstance(function, partial) else getattr(function, "__wrapped__", None)


def _texts(value: Any) -> Iterator[str]:
    """Yield each text in a catalog entry."""
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, str):
        yield value
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)


def _describe(file: Path | None) -> str | None:
    """Return the first line of what a pipeline's package says of itself."""
    text = ast.get_docstring(ast.parse(file.read_bytes())) if file else None
    return text.splitlines()[0].removesuffix(".") if text else None


def _outputs(flow: _Flow, *, metric: bool) -> list[Any]:
    outputs: list[Any] = []
    for path, options in flow.outputs.items():
        if bool(options.get("metric")) is metric:
            own = {name: options[name] for name in OUTPUT_OPTIONS if name in options}
            outputs.append({path: own} if own else path)
    return outputs


def _plots(flows: Iterable[_Flow]) -> list[Any]:
    """Return the plots of the stages, those of one `id` together."""
    plots: dict[str, dict[str, Any]] = {}
    for path, plot in (plot for flow in flows for plot in flow.plots.items()):
        given = {} if plot is True else plot
        options = {name: given[name] for name in PLOT_OPTIONS if name in given}
        if "y" in options:
            options["y"] = {path: options["y"]}
        name = given.get("id", path)
        others = plots.setdefault(name, options)
        if {**others, "y": None} != {**options, "y": None}:
            raise StageError(f"{path}: its options of the plot {name!r} are not those of the files before it.")
        if "y" in options:
            others["y"] |= options["y"]
    return [{name: options} if options else name for name, options in plots.items()]
