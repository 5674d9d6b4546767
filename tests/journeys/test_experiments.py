"""What runs have found, in the terminal: at the end of each, and side by side."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import Result

from question_classification.experiments.gathering import METRICS_FILE
from question_classification.models.metrics import paired_bootstrap_difference
from question_classification.provenance.hashes import hash_file

ROOT = Path(__file__).parents[2]
METRICS = "data/test/08_reporting/metrics.json"


@pytest.fixture(scope="module")
def story(finished_project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project after a whole run. The tests follow one another in it."""
    return finished_project.copy(tmp_path_factory.mktemp("experiments") / "project")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the tests of the story have found: the runs, the newest last, and their test scores."""
    return {"metrics": [], "scores": []}


def remember(story: Any, found: dict[str, Any]) -> None:
    found["metrics"].append(json.loads((story.folder / METRICS).read_text()))
    found["scores"].append(pd.read_parquet(story.folder / "data/test/07_model_output/selected/test_scores.parquet"))


def test_a_run_ends_with_what_it_has_found(story: Any, kedro: Callable[..., Result], found: dict[str, Any]) -> None:
    remember(story, found)
    run = kedro("run", "--env", "test", "--params", "modelling.tfidf_logistic.C=0.2")
    assert run.exit_code == 0, run.output
    remember(story, found)
    metrics = found["metrics"][-1]
    selected = metrics["selected"]
    summary = run.stdout[run.stdout.index("candidate ") :]
    for name, candidate in metrics["candidates"].items():
        (line,) = (line for line in summary.splitlines() if line.startswith(f"{name} "))
        test = candidate["test"]
        low, high = test["average_precision_interval"]
        assert f"{test['average_precision']:.3f} [{low:.3f}, {high:.3f}]" in line
        assert line.rstrip().endswith("selected") == (name == selected["candidate"])
    assert f"Threshold {selected['threshold']:.3f} (policy max_f1)" in summary
    assert "data/test/08_reporting/report.html  the report" in summary
    assert "simulated" in summary
    assert not re.search("Traceback|Warning", run.output)


def test_a_run_without_the_reporting_ends_without(kedro: Callable[..., Result]) -> None:
    run = kedro("run", "--env", "test", "--pipelines", "thresholding")
    assert run.exit_code == 0, run.output
    assert "average precision" not in run.output


def test_runs_are_listed_and_can_be_compared_by_the_beginning_of_their_ids(
    story: Any, kedro: Callable[..., Result], found: dict[str, Any]
) -> None:
    listed = json.loads(kedro("experiments", "list", "--json").stdout)
    assert [row["given"] for row in listed] == [{"modelling.tfidf_logistic.C": 0.2}, {}]
    found["runs"] = [row["run"] for row in reversed(listed)]
    store = hash_file(story.folder / "mlflow.db")
    answer = kedro("experiments", "compare", *(run_id[:8] for run_id in found["runs"]), "--json")
    assert answer.exit_code == 0, answer.output
    assert hash_file(story.folder / "mlflow.db") == store
    compared = json.loads(answer.stdout)
    assert compared["different_parameters"] == {"modelling.tfidf_logistic.C": [1.0, 0.2]}
    assert compared["differences"] == {}
    assert compared["same_test_set"] == [True]
    row = next(
        row for row in compared["rows"] if (row["candidate"], row["metric"]) == ("selected", "average_precision")
    )
    values = [metrics["selected"]["stratified"]["average_precision"] for metrics in found["metrics"]]
    assert [value["value"] for value in row["values"]] == values
    one, other = (scores.sort_values("question_id") for scores in found["scores"])
    difference, low, high = paired_bootstrap_difference(
        one["is_target"].to_numpy(), other["score"].to_numpy(), one["score"].to_numpy(), resamples=1000, seed=42
    )
    (change,) = row["changes"]
    assert change["difference"] == pytest.approx(difference, abs=2e-6)  # the record is rounded
    assert (change["low"], change["high"]) == pytest.approx((low, high))


def test_table_says_what_differs_and_then_how_much(kedro: Callable[..., Result], found: dict[str, Any]) -> None:
    answer = kedro("experiments", "compare", found["runs"][0], METRICS)
    assert answer.exit_code == 0, answer.output
    assert re.search(r"^modelling\.tfidf_logistic\.C +1\.0 +0\.2 *$", answer.stdout, re.MULTILINE)
    assert "modelling.nb_svm_logistic.C" not in answer.stdout
    assert "paired bootstrap interval" in answer.stdout
    every = kedro("experiments", "compare", found["runs"][0], METRICS, "--all").stdout
    assert re.search(r"^modelling\.nb_svm_logistic\.C +0\.3 +0\.3 *$", every, re.MULTILINE)


def test_a_revision_of_git_is_compared_by_its_metrics(
    story: Any, kedro: Callable[..., Result], found: dict[str, Any]
) -> None:
    file = story.folder / METRICS_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found["metrics"][0]))
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    for command in (("add", "--force", METRICS_FILE), (*author, "commit", "--quiet", "--message", "Metrics")):
        assert story.execute("git", *command).returncode == 0
    file.unlink()
    answer = kedro("experiments", "compare", "HEAD", METRICS)
    assert answer.exit_code == 0, answer.output
    assert "The parameters of A are not known: no run in the tracking store has made it." in answer.stdout
    catalog = yaml.safe_load((ROOT / "conf/base/catalog_08_reporting.yml").read_text())
    assert catalog["metrics"]["dataset"]["filepath"].replace("${globals:data}", "data") == METRICS_FILE


def test_page_is_whole(kedro: Callable[..., Result], found: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "comparison.html"
    answer = kedro("experiments", "compare", *found["runs"], "--page", str(page))
    assert answer.exit_code == 0, answer.output
    assert f"The page is {page}." in answer.stdout
    assert "modelling.tfidf_logistic.C" in page.read_text()


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (("nothing-of-the-kind", METRICS), 1, "nothing-of-the-kind: no such run"),
        (("99", METRICS), 1, "has no version 99"),
        (("dvc.yaml", METRICS), 1, "no run in the tracking store has made this file"),
        ((METRICS,), 2, "give two to 6 experiments to compare, not 1"),
        ((METRICS, METRICS, "--page", "absent/page.html"), 1, "absent: there is no such folder"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(
    names: tuple[str, ...], code: int, said: str, kedro: Callable[..., Result]
) -> None:
    answer = kedro("experiments", "compare", *names)
    assert answer.exit_code == code
    assert said in answer.output.splitlines()[-1]
    assert not re.search("Traceback|Warning", answer.output)


@pytest.mark.parametrize("command", [("lineage",), ("experiments", "list"), ("model", "list"), ("dvc", "check")])
def test_a_broken_configuration_is_said_in_a_line_by_every_command(
    command: tuple[str, ...], story: Any, kedro: Callable[..., Result]
) -> None:
    broken = story.folder / "conf/base/globals.yml"
    text = broken.read_text()
    broken.write_text(f"{text}\nsite: [")
    try:
        answer = kedro(*command)
        assert answer.exit_code == 1
        (line,) = answer.output.splitlines()
        assert line.startswith("Error: ")
    finally:
        broken.write_text(text)
