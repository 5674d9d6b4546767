"""Every run says where it comes from, and every model can be followed back to the questions."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from click.testing import Result

from question_classification.provenance.hashes import hash_file
from question_classification.provenance.origin import CHANGES_FILE, ORIGIN_FILE, Origin
from question_classification.stackexchange.raw import fingerprint

MODEL = "data/test/06_models/selected.skops"


@pytest.fixture(scope="module")
def runs() -> list[str]:
    """The runs of the story, in their order."""
    return []


@pytest.fixture(scope="module")
def story(finished_project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project after a whole run. The tests follow one another in it."""
    return finished_project.copy(tmp_path_factory.mktemp("lineage") / "project")


def client(project: Any) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db")


def newest(project: Any) -> mlflow.entities.Run:
    return client(project).search_runs(["1"], order_by=["attributes.start_time DESC"], max_results=1)[0]


def origin_of(run: mlflow.entities.Run) -> Origin:
    return Origin.model_validate_json(Path(run.info.artifact_uri.removeprefix("file://"), ORIGIN_FILE).read_text())


def walk(ancestor: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield ancestor
    for parent in ancestor.get("parents", ()):
        yield from walk(parent)


def ancestry(answer: Result) -> dict[str, dict[str, Any]]:
    """Return the ancestors by dataset, each as it is told in full."""
    assert answer.exit_code == 0, answer.output
    return {
        each["dataset"]: each for each in reversed(list(walk(json.loads(answer.stdout)))) if "told_above" not in each
    }


def test_a_run_says_what_it_was_made_from_and_what_it_made(story: Any, runs: list[str]) -> None:
    run = newest(story)
    runs.append(run.info.run_id)
    origin = origin_of(run)
    assert origin.commit.hash == story.execute("git", "rev-parse", "HEAD").stdout.strip()
    assert (origin.commit.dirty, origin.changed_code, origin.status) == (False, [], "finished")
    assert "src/question_classification/hooks.py" in origin.code
    assert not any("local" in path for path in origin.code)
    raw = next(file for file in origin.outputs if file.path == "data/test/01_raw/questions")
    assert raw.md5 == fingerprint(story.folder / raw.path)["md5"] == run.data.tags["raw_questions.md5"]
    assert raw.rows == 2000
    for file in origin.outputs:
        assert file.path.startswith("data/test/"), file.path
        if file.parts is None:
            assert file.md5 == hash_file(story.folder / file.path), file.path
    logged = {(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs}
    assert logged == {(file.dataset, file.md5) for file in (*origin.inputs, *origin.outputs)}


def test_a_model_is_followed_back_to_its_source(story: Any, runs: list[str], kedro: Callable[..., Result]) -> None:
    found = ancestry(kedro("lineage", "--json"))
    model = found["selected.model"]
    assert model["md5"] == hash_file(story.folder / MODEL)
    assert model["nodes"][0] == "selected.calibrate_selected"
    for dataset in ("train_set", "question_features", "question_labels", "questions"):
        assert found[dataset]["run"]["id"] == runs[0], dataset
    assert found["train_set"]["parameters"]["params:feature_engineering"]["seed"] == 42
    (raw,) = (each for each in found.values() if each.get("path") == "data/test/01_raw/questions")
    assert [parent["dataset"] for parent in raw["parents"]] == ["source_questions"]
    assert raw["run"]["facts"]["source"] == "simulated"

    tree = kedro("lineage", MODEL)
    assert tree.exit_code == 0, tree.output
    assert "data/test/01_raw/questions" in tree.stdout
    assert "source_questions  source simulated" in tree.stdout


def test_across_runs_each_file_is_that_of_the_run_that_made_it(
    story: Any, runs: list[str], kedro: Callable[..., Result]
) -> None:
    for pipelines in ("modelling", "thresholding,error_analysis,reporting"):
        parameters = "modelling.tfidf_logistic.C=0.5,modelling.nb_svm_logistic.C=0.5"
        run = kedro("run", "--env", "test", "--pipelines", pipelines, "--params", parameters)
        assert run.exit_code == 0, run.output
        runs.append(newest(story).info.run_id)
    found = ancestry(kedro("lineage", MODEL, "--json"))
    assert found["selected.model"]["run"]["id"] == runs[1]
    assert found["train_set"]["run"]["id"] == runs[0]


def test_difference_of_parameters_is_named_and_nothing_else(runs: list[str], kedro: Callable[..., Result]) -> None:
    answer = kedro("lineage", runs[0], "--diff", MODEL, "--json")
    assert answer.exit_code == 0, answer.output
    difference = json.loads(answer.stdout)
    assert difference["parameters"] == [
        "modelling.nb_svm_logistic.C: 0.3 → 0.5",
        "modelling.tfidf_logistic.C: 1.0 → 0.5",
    ]
    assert [line for line in difference["data"] if "from other files" not in line] == []
    assert difference["code"] == difference["environment"] == []
    assert any(line.startswith("selected.stratified.average_precision: ") for line in difference["metrics"])
    assert kedro("lineage", runs[0], "--diff", runs[0]).stdout == "nothing differs\n"


def test_difference_of_data_and_code_is_named(story: Any, runs: list[str], kedro: Callable[..., Result]) -> None:
    page = story.folder / "src/question_classification/pipelines/reporting/templates/report.html.j2"
    page.write_text(page.read_text() + "<!-- changed -->")
    parameters = "simulated.until=2026-09"
    run = kedro("run", "--env", "test", "--params", parameters)
    assert run.exit_code == 0, run.output
    runs.append(newest(story).info.run_id)
    artifacts = Path(newest(story).info.artifact_uri.removeprefix("file://"))
    assert "+{% endblock" not in (artifacts / CHANGES_FILE).read_text()
    assert "<!-- changed -->" in (artifacts / CHANGES_FILE).read_text()

    difference = json.loads(kedro("lineage", runs[0], "--diff", runs[-1], "--json").stdout)
    assert "data/test/01_raw/questions: " in difference["data"][0]
    assert "1 part removed (2026-10.parquet)" in difference["data"][0]
    assert difference["code"] == [
        "the second ran with uncommitted changes",
        "1 file with other content: src/question_classification/pipelines/reporting/templates/report.html.j2",
    ]
    assert difference["parameters"] == ["run.simulated.until: 2026-10 → 2026-09"]


def test_a_run_that_fails_says_why_and_leaves_the_outputs(story: Any, kedro: Callable[..., Result]) -> None:
    before = story.contents()
    run = kedro("run", "--env", "test", "--params", "target_tag=regresion")
    assert run.exit_code == 1
    assert story.contents() == before
    failed = newest(story)
    assert failed.info.status == "FAILED"
    assert failed.data.tags["error"].startswith(
        "InputError: target_tag: none of 2000 questions has the tag 'regresion'"
    )
    assert origin_of(failed).outputs == []


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("data/test/06_models/selection.json", ""),
        ("dvc.yaml", "no run in the tracking store has made this file"),
        ("champion-of-nothing", "no such run"),
        ("99", "has no version 99"),
    ],
)
def test_what_cannot_be_found_is_said_in_a_line(reference: str, said: str, kedro: Callable[..., Result]) -> None:
    answer = kedro("lineage", reference)
    if said:
        assert answer.exit_code == 1
        assert said in answer.output
        assert len(answer.output.strip().splitlines()) == 1
    else:  # any file that a run has made can be followed
        assert answer.exit_code == 0, answer.output
