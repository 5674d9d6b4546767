"""The pictures of the pipelines, as Kedro-Viz draws them, with less on them at first sight.

Left alone, Kedro-Viz draws every dataset that a namespace writes outside of its box: of a hundred datasets, ninety.
Here a dataset lies in the box of what makes it, to be seen when that is opened, unless it is a landmark: one of the few
that lie between the boxes, by which a reader finds the way. In the picture of all, each pipeline is a box as well.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

DEFAULT = "__default__"
_ROOT = "__root__"
_EVERYWHERE = ""  # the box that holds all boxes

Graph = dict[str, Any]
"""What Kedro-Viz answers for `api/main` and `api/pipelines/NAME`."""


def draw_boxes(graph: Graph, landmarks: Collection[str]) -> Graph:
    """Return the graph of a pipeline, or of all, with what belongs in boxes in them.

    Args:
        graph: the graph, of which `selected_pipeline` says whose it is.
        landmarks: the datasets that lie between the boxes.
    """
    plan = _Plan.of(graph, landmarks)
    pipeline = graph["selected_pipeline"]
    nodes = [dict(node) for node in graph["nodes"] if node["type"] != "modularPipeline"]
    boxes = [_box(name, pipeline, [node for node in nodes if node["id"] in plan.tasks_in(name)]) for name in plan.boxes]
    tree = {name: _branch(name, plan, nodes) for name in (_EVERYWHERE, *plan.boxes)}
    for node in nodes:
        around = [name for name, branch in tree.items() if name and node["id"] in _members(branch)]
        node["modular_pipelines"] = around or None
    return graph | {
        "nodes": nodes + boxes,
        "edges": [{"source": source, "target": target} for source, target in sorted(plan.drawn_edges())],
        "modular_pipelines": {branch["id"]: branch for branch in tree.values()},
    }


@dataclass(frozen=True)
class _Plan:
    """Which box each node of a graph lies in, by the node's id; and the edges between nodes."""

    home: Mapping[str, str]
    tasks: Mapping[str, str]
    edges: Collection[tuple[str, str]]

    @classmethod
    def of(cls, graph: Graph, landmarks: Collection[str]) -> "_Plan":
        nodes = {node["id"]: node for node in graph["nodes"] if node["type"] != "modularPipeline"}
        edges = {(edge["source"], edge["target"]) for edge in graph["edges"]}
        edges = {(source, target) for source, target in edges if source in nodes and target in nodes}
        pipeline = graph["selected_pipeline"]
        if pipeline == DEFAULT:
            tasks = {name: _nest(of, nodes[name]) for name, of in _pipelines_of_tasks(nodes, edges).items()}
        else:
            tasks = {
                name: _nest(pipeline, node).removeprefix(pipeline).removeprefix(".")
                for name, node in nodes.items()
                if node["type"] == "task"
            }
        home = {
            name: _EVERYWHERE
            if node["type"] == "parameters" or node["name"] in landmarks
            else _common([tasks[source] for source, target in edges if target == name])
            or _common([tasks[target] for source, target in edges if source == name])
            for name, node in nodes.items()
            if name not in tasks
        }
        return cls(home | tasks, tasks, edges)

    @property
    def boxes(self) -> list[str]:
        return sorted({box for path in self.tasks.values() for box in _with_ancestors(path)})

    def tasks_in(self, box: str) -> set[str]:
        return {name for name, path in self.tasks.items() if _is_in(path, box)}

    def drawn_edges(self) -> set[tuple[str, str]]:
        """Return each edge, and for what can be closed, the edges of the boxes that its ends lie in.

        A box that reads what it has made itself would make a circle, of which the way back is left out. So is what goes
        out of a closed box to where a landmark of the box leads anyway.
        """
        made_in = {target: self.tasks[source] for source, target in self.edges if source in self.tasks}
        led_to = self._led_to(made_in)
        drawn = set()
        for source, target in self.edges:
            for start in (source, *_with_ancestors(self.home[source])):
                for end in (target, *_with_ancestors(self.home[target])):
                    apart = not (_is_in(self.home[target], start) or _is_in(self.home[source], end))
                    back = source in made_in and _is_in(made_in[source], end)
                    hidden = start != source and source not in self.tasks
                    if apart and not back and not (hidden and end in led_to.get(start, ())):
                        drawn.add((start, end))
        return drawn

    def _led_to(self, made_in: Mapping[str, str]) -> dict[str, set[str]]:
        """Return of each box what its landmarks lead to outside of it: nodes, and the boxes that these lie in."""
        readers: dict[str, set[str]] = {}
        for source, target in self.edges:
            readers.setdefault(source, set()).add(target)
        led_to: dict[str, set[str]] = {}
        for landmark, maker in made_in.items():
            for box in _with_ancestors(maker) if self.home[landmark] == _EVERYWHERE else ():
                reached: set[str] = set()
                pending = [landmark]
                while pending:
                    new = {
                        name for name in readers.get(pending.pop(), ()) if not _is_in(self.home[name], box)
                    } - reached
                    reached |= new
                    pending += new
                reached |= {box for name in reached for box in _with_ancestors(self.home[name])}
                led_to.setdefault(box, set()).update(reached)
        return led_to


def _pipelines_of_tasks(nodes: Mapping[str, Any], edges: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the pipeline of each task; if several have it, the one from which the data flow to the others."""
    known = {name: set(node["pipelines"]) - {DEFAULT} for name, node in nodes.items() if node["type"] == "task"}
    own = {name: next(iter(pipelines)) for name, pipelines in known.items() if len(pipelines) == 1}
    makers = {target: own[source] for source, target in edges if source in own}
    before: dict[str, set[str]] = {pipeline: set() for pipeline in own.values()}
    for source, target in edges:
        if target in own and makers.get(source, own[target]) != own[target]:
            before[own[target]].add(makers[source])
    order = list(TopologicalSorter(before).static_order())
    return {name: min(pipelines & set(order), key=order.index) for name, pipelines in known.items()}


def _nest(pipeline: str, task: Mapping[str, Any]) -> str:
    """Return the path of the box of a task: its namespace, within its pipeline."""
    namespace = task["full_name"].rpartition(".")[0]
    return namespace if _is_in(namespace, pipeline) else f"{pipeline}.{namespace}".rstrip(".")


def _common(paths: list[str]) -> str:
    """Return the smallest box that holds all of what lies at these paths.

    >>> _common(["modelling.prior", "modelling.prior", "modelling.keyword"])
    'modelling'
    """
    boxes = _with_ancestors(paths[0]) if paths else []
    return next((box for box in reversed(boxes) if all(_is_in(path, box) for path in paths)), _EVERYWHERE)


def _with_ancestors(path: str) -> list[str]:
    """Return a box and those that it lies in.

    >>> _with_ancestors("modelling.prior")
    ['modelling', 'modelling.prior']
    """
    parts = path.split(".") if path else []
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _is_in(path: str, box: str) -> bool:
    return path == box or path.startswith(f"{box}.")


def _box(name: str, pipeline: str, tasks: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the node that a closed box is."""
    return {
        "id": name,
        "name": name.rpartition(".")[2],
        "type": "modularPipeline",
        "tags": sorted({tag for task in tasks for tag in task["tags"]}),
        "pipelines": [pipeline],
        "modular_pipelines": None,
        "node_extras": None,
        "layer": None,
        "dataset_type": None,
    }


def _branch(box: str, plan: _Plan, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is in a box, and what goes in and out of it."""
    tasks = plan.tasks_in(box)
    outside = {node["id"] for node in nodes if node["type"] != "task" and box != plan.home[node["id"]]}
    outside = {name for name in outside if _is_in(box, plan.home[name]) or plan.home[name] == _EVERYWHERE}
    types = {node["id"]: node["type"] for node in nodes}
    inner = [name for name in plan.boxes if name.rpartition(".")[0] == box]
    return {
        "id": box or _ROOT,
        "name": box or _ROOT,
        "inputs": sorted({source for source, target in plan.edges if target in tasks} & outside) if box else [],
        "outputs": sorted({target for source, target in plan.edges if source in tasks} & outside) if box else [],
        "children": [{"id": name, "type": "modularPipeline"} for name in inner]
        + [{"id": name, "type": types[name]} for name, home in plan.home.items() if home == box],
    }


def _members(branch: Mapping[str, Any]) -> set[str]:
    return {child["id"] for child in branch["children"]} | set(branch["inputs"]) | set(branch["outputs"])
