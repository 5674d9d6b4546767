import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

AT_FIRST_SIGHT = {
    *("ingestion", "feature_engineering", "modelling", "thresholding", "error_analysis", "reporting"),
    *("source_questions", "questions", "train_set", "test_set", "selected.model", "threshold"),
    *("report", "model_card", "data_card"),
}
OF_KEDRO_VIZ = {
    "definition-list": "between the terms of its panel stands the head of the statistics, which React keeps there",
}
"""What axe-core finds in Kedro-Viz that a page around it cannot mend, and why."""

each_reader = pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)], ids=["desktop", "phone"])
each_scheme = pytest.mark.parametrize("colour_scheme", ["light", "dark"])


@pytest.fixture(scope="session")
def page(finished_project: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page that `make viz-static` makes, of the small run: made once, in a copy."""
    project = finished_project.copy(tmp_path_factory.mktemp("lineage") / "project")
    made = project.folder / "lineage.html"
    for command in (
        ("env", "KEDRO_ENV=test", Path(sys.executable).with_name("kedro"), "viz", "build", "--include-previews"),
        (sys.executable, "-m", "question_classification.provenance.lineage_site", "build", made),
    ):
        done = project.execute(*command)
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def answers(page: Path) -> dict[str, Any]:
    """Return what Kedro-Viz is told by the page."""
    found = re.search(r'<script type="application/json" id="answers">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def datasets_of(answers: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the datasets of all pipelines by name, with what the pictures and what the panel has of them."""
    graphs = [answers["main"], *(answer for path, answer in answers.items() if path.startswith("pipelines/"))]
    nodes = {node["id"]: node for graph in graphs for node in graph["nodes"] if node["type"] == "data"}
    return {node["name"]: answers[f"nodes/{node['id']}"] | node for node in nodes.values()}


def shapes(lineage: Any) -> list[str]:
    """Return the names in the picture, once it stands."""
    lineage.page.locator(".pipeline-node").first.wait_for()
    return list(lineage.page.locator(".pipeline-node").evaluate_all("nodes => nodes.map(node => node.textContent)"))


def choose(lineage: Any, name: str) -> Any:
    """Return the panel of a node or dataset that is clicked on."""
    lineage.page.locator(f".pipeline-node[data-node-fullname='{name}']").dispatch_event("click")
    panel = lineage.page.locator(".pipeline-metadata--visible")
    panel.get_by_role("heading", name=name, exact=True).wait_for()
    return panel


@each_reader
@each_scheme
def test_opens_from_disk_without_a_complaint(
    visit: Callable[..., Any], page: Path, width: int, height: int, colour_scheme: str
) -> None:
    lineage = visit(page, width=width, height=height, colour_scheme=colour_scheme)
    assert set(shapes(lineage)) == AT_FIRST_SIGHT
    assert lineage.page.locator(f".kui-theme--{colour_scheme}").count()
    assert lineage.page.get_by_text("1 of 5").count() == 0  # the tour of Kedro-Viz's features
    assert lineage.complaints == []
    assert lineage.outside_requests == []


def test_settings_of_a_reader_stay(visit: Callable[..., Any], page: Path) -> None:
    lineage = visit(page, colour_scheme="light")
    shapes(lineage)
    lineage.page.get_by_role("button", name="Change to dark theme").click()
    lineage.page.reload()
    shapes(lineage)
    assert lineage.page.locator(".kui-theme--dark").count()


def test_box_opens_to_what_is_in_it(visit: Callable[..., Any], page: Path) -> None:
    lineage = visit(page)
    shapes(lineage)
    lineage.page.locator(".pipeline-node[data-id='modelling']").dispatch_event("click")
    lineage.page.locator(".pipeline-node[data-id='modelling.prior']").wait_for()
    assert {"tokenized_train_set", "selected", "nb_svm_logistic", "selected.model"} < set(shapes(lineage))
    lineage.page.locator(".pipeline-node[data-id='modelling.prior']").dispatch_event("click")
    lineage.page.locator(".pipeline-node[data-node-fullname='prior.model']").wait_for()
    assert lineage.complaints == []


@pytest.mark.parametrize(
    ("pipeline", "most"),
    [
        ("ingestion", 10),
        ("feature_engineering", 15),
        ("modelling", 20),
        ("tuning", 11),
        ("thresholding", 5),
        ("error_analysis", 30),
        ("reporting", 45),
    ],
)
def test_each_pipeline_fits_on_a_screen(visit: Callable[..., Any], page: Path, pipeline: str, most: int) -> None:
    lineage = visit(page)
    lineage.page.goto(f"{page.resolve().as_uri()}?pid={pipeline}")
    assert 0 < len(shapes(lineage)) <= most
    assert lineage.complaints == []


def test_panel_says_what_a_dataset_is(visit: Callable[..., Any], page: Path) -> None:
    lineage = visit(page)
    shapes(lineage)
    panel = choose(lineage, "train_set")
    head = panel.locator(".pipeline-metadata__list").evaluate("list => getComputedStyle(list, '::before').content")
    assert head == '"The train set: features and label of each of its questions."'
    assert panel.get_by_text("data/test/05_model_input/train_set.parquet", exact=True).count() == 1
    assert panel.get_by_role("cell").count() > 10  # of the first rows
    model = choose(lineage, "selected.model")
    assert "Pipeline(steps=[" in model.inner_text()
    card = choose(lineage, "model_card")
    assert card.locator(".html-renderer h1").count() == 1


def test_node_shows_how_it_works(visit: Callable[..., Any], page: Path) -> None:
    """As a flowchart, of which the code lies in modules of its own."""
    lineage = visit(page)
    lineage.page.goto(f"{page.resolve().as_uri()}?pid=ingestion")
    shapes(lineage)
    panel = choose(lineage, "validate_questions")
    panel.get_by_text("counted as duplicate").wait_for()
    assert lineage.complaints == []
    assert lineage.outside_requests == []


@each_reader
@each_scheme
def test_has_no_accessibility_problem(
    visit: Callable[..., Any], page: Path, width: int, height: int, colour_scheme: str
) -> None:
    lineage = visit(page, width=width, height=height, colour_scheme=colour_scheme)
    shapes(lineage)
    assert lineage.accessibility_problems() == []
    choose(lineage, "train_set").get_by_role("cell").first.wait_for()
    problems = lineage.accessibility_problems()
    assert [problem for problem in problems if problem.partition(":")[0] not in OF_KEDRO_VIZ] == []
    assert {problem.partition(":")[0] for problem in problems} == OF_KEDRO_VIZ.keys(), "mended? strike it off the list"


def test_every_dataset_has_a_layer_and_a_description(answers: dict[str, Any]) -> None:
    datasets = datasets_of(answers)
    assert len(datasets) > 100
    assert [name for name, dataset in datasets.items() if not dataset["layer"]] == []
    assert [
        name for name, dataset in datasets.items() if not re.fullmatch(r"[A-Z][^{]+\.", dataset["description"])
    ] == []
    layers = answers["main"]["layers"]
    assert layers == sorted(layers)
    assert len(layers) == 9


def test_every_file_has_a_preview(answers: dict[str, Any]) -> None:
    without = {
        name for name, dataset in datasets_of(answers).items() if dataset.get("filepath") and not dataset.get("preview")
    }
    assert without == {
        "raw_questions",
        "report",
    }  # Kedro-Viz has none for a file that two datasets read, nor for a page


def test_no_folder_of_this_machine_is_told(answers: dict[str, Any]) -> None:
    nodes = [answer for path, answer in answers.items() if path.startswith("nodes/")]
    assert [node["filepath"] for node in nodes if str(node.get("filepath", "")).startswith("/")] == []
