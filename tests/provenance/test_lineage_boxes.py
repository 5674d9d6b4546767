"""A small project: ingestion ─▶ questions ─▶ modelling (two candidates, one of which is selected) ─▶ reporting."""

from collections.abc import Iterable
from copy import deepcopy
from graphlib import TopologicalSorter
from typing import Any

import pytest

from question_classification.provenance.lineage_boxes import DEFAULT, Graph, draw_boxes

TASKS = {
    "read": (["ingestion"], ["source"], ["questions", "quality"]),
    "count": (["modelling", "reporting"], ["questions"], ["counts"]),
    "one.fit": (["modelling"], ["counts", "params:modelling"], ["one.model", "one.log"]),
    "two.fit": (["modelling"], ["counts", "params:modelling"], ["two.model", "two.log"]),
    "selected.choose": (["modelling"], ["one.model", "two.model"], ["selected.model", "choice"]),
    "selected.score": (["modelling"], ["selected.model", "counts"], ["scores"]),
    "reporting.draw": (["reporting"], ["scores", "counts"], ["figure"]),
    "reporting.write": (["reporting"], ["quality", "figure", "choice"], ["report"]),
}
LANDMARKS = {"source", "questions", "selected.model", "report"}


def graph(pipeline: str = DEFAULT) -> Graph:
    """Return what Kedro-Viz has of a pipeline, with the names as ids."""
    tasks = {name: task for name, task in TASKS.items() if pipeline in (*task[0], DEFAULT)}
    datasets = sorted({name for _, inputs, outputs in tasks.values() for name in (*inputs, *outputs)})
    return {
        "selected_pipeline": pipeline,
        "layers": ["raw"],
        "nodes": [
            *(_node(name, "task", [*tasks[name][0], DEFAULT], full_name=name) for name in tasks),
            *(_node(name, "parameters" if name.startswith("params:") else "data", [DEFAULT]) for name in datasets),
            _node("one", "modularPipeline", [DEFAULT]),
        ],
        "edges": [
            *({"source": source, "target": name} for name, task in tasks.items() for source in task[1]),
            *({"source": name, "target": target} for name, task in tasks.items() for target in task[2]),
            {"source": "counts", "target": "one"},
        ],
        "modular_pipelines": {"__root__": {}, "one": {}},
    }


def _node(name: str, kind: str, pipelines: list[str], **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "type": kind, "tags": [], "pipelines": pipelines, **more}


def children(drawn: Graph, box: str) -> set[str]:
    return {child["id"] for child in drawn["modular_pipelines"][box]["children"]}


def seen(drawn: Graph, opened: Iterable[str] = ()) -> set[str]:
    """Return what is in the picture, with some boxes open: what is in these, and what goes in and out of the others."""
    tree = drawn["modular_pipelines"]
    shown = set().union(*(children(drawn, box) for box in ("__root__", *opened))) - set(opened)
    around = (name for box in shown & tree.keys() for name in tree[box]["inputs"] + tree[box]["outputs"])
    return shown.union(around) - {"params:modelling"}


def lines(drawn: Graph, opened: Iterable[str] = ()) -> set[tuple[str, str]]:
    """Return the lines of that picture."""
    shown = seen(drawn, opened)
    edges = {(edge["source"], edge["target"]) for edge in drawn["edges"]}
    return {(source, target) for source, target in edges if {source, target} <= shown}


def test_pipelines_and_landmarks_are_what_is_seen_at_first() -> None:
    drawn = draw_boxes(graph(), LANDMARKS)
    assert seen(drawn) == {"ingestion", "modelling", "reporting"} | LANDMARKS
    assert lines(drawn) == {
        *(("source", "ingestion"), ("ingestion", "questions"), ("questions", "modelling")),
        *(("modelling", "selected.model"), ("modelling", "reporting"), ("reporting", "report")),
    }


def test_dataset_lies_in_the_box_of_what_makes_it() -> None:
    drawn = draw_boxes(graph(), LANDMARKS)
    assert children(drawn, "modelling") == {"count", "counts", "modelling.one", "modelling.two", "modelling.selected"}
    assert children(drawn, "modelling.one") == {"one.fit", "one.model", "one.log"}
    assert children(drawn, "modelling.selected") == {"selected.choose", "selected.score", "scores", "choice"}
    assert children(drawn, "reporting") == {"reporting.draw", "reporting.write", "figure"}


def test_task_of_several_pipelines_lies_in_the_first() -> None:
    assert "count" in children(draw_boxes(graph(), LANDMARKS), "modelling")


def test_lines_of_closed_boxes_stand_for_those_within() -> None:
    drawn = draw_boxes(graph(), LANDMARKS)
    within = lines(drawn, ["modelling"])
    assert {("modelling.one", "modelling.selected"), ("counts", "modelling.two"), ("counts", "reporting")} <= within
    assert ("modelling.selected", "reporting") in within
    assert ("scores", "reporting.draw") in lines(drawn, ["modelling", "modelling.selected", "reporting"])


def test_landmark_stands_for_the_hidden_lines_of_its_box() -> None:
    """The quality goes from the ingestion to the reporting, as the questions do by way of the modelling."""
    drawn = draw_boxes(graph(), LANDMARKS)
    assert ("ingestion", "reporting") not in lines(drawn)
    assert ("ingestion", "reporting.write") not in lines(drawn, ["reporting"])
    assert ("quality", "reporting") in lines(drawn, ["ingestion"])
    assert ("ingestion", "reporting") in lines(draw_boxes(graph(), {"source"}))


@pytest.mark.parametrize("opened", [[], ["modelling"], ["modelling", "modelling.selected"], ["reporting"]], ids=str)
def test_picture_has_no_circle(opened: list[str]) -> None:
    """The selected model is read in the box that makes it; Kedro-Viz draws nothing where there is a circle."""
    following: dict[str, set[str]] = {}
    for source, target in lines(draw_boxes(graph(), LANDMARKS), opened):
        following.setdefault(source, set()).add(target)
    assert len(list(TopologicalSorter(following).static_order())) == len(seen(draw_boxes(graph(), LANDMARKS), opened))


def test_picture_of_one_pipeline_has_the_boxes_of_its_namespaces() -> None:
    drawn = draw_boxes(graph("modelling"), LANDMARKS)
    boxes = {"one", "two", "selected"}
    assert seen(drawn) == {"questions", "count", "counts", "selected.model"} | boxes
    assert {node["id"] for node in drawn["nodes"] if node["type"] == "modularPipeline"} == boxes
    assert {"reporting.draw", "figure"} <= children(draw_boxes(graph("reporting"), LANDMARKS), "__root__")


def test_dataset_of_another_pipeline_lies_where_it_is_read() -> None:
    assert "counts" in children(draw_boxes(graph("modelling"), ()), "__root__")
    alone = graph("modelling")
    alone["edges"] = [edge for edge in alone["edges"] if edge["target"] != "one.model"]
    assert "one.model" in children(draw_boxes(alone, ()), "selected")


def test_nothing_is_lost_and_what_is_drawn_can_be_drawn_again() -> None:
    given = graph()
    before = deepcopy(given)
    drawn = draw_boxes(given, LANDMARKS)
    assert given == before
    assert {node["id"] for node in drawn["nodes"]} >= {node["id"] for node in given["nodes"]} - {"one"}
    real = {(edge["source"], edge["target"]) for edge in given["edges"]} - {("counts", "one")}
    assert {(edge["source"], edge["target"]) for edge in drawn["edges"]} >= real
    assert draw_boxes(drawn, LANDMARKS) == drawn
