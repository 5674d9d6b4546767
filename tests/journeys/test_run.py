"""`kedro run`, from an empty clone to the report."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Run

from question_classification.provenance.identity import VERIFIED_RUN
from question_classification.provenance.store import RunStore
from question_classification.stackexchange.raw import fingerprint

CANDIDATES = ["prior", "keyword", "numeric_logistic", "tfidf_logistic", "fielded_logistic", "nb_svm_logistic"]
PIPELINES = ["ingestion", "feature_engineering", "modelling", "thresholding", "error_analysis", "reporting"]
METRICS = {"roc_auc", "average_precision", "accuracy", "precision", "recall", "f1", "log_loss", "brier_score"}
LAYERS = [
    "01_raw",
    "02_intermediate",
    "03_primary",
    "04_feature",
    "05_model_input",
    "06_models",
    "07_model_output",
    "08_reporting",
]


@pytest.fixture(scope="module")
def data(finished_project) -> Path:
    return finished_project.folder / "data" / "test"


@pytest.fixture(scope="module")
def metrics(data: Path) -> dict[str, Any]:
    return json.loads((data / "08_reporting" / "metrics.json").read_text())


class TestOutputs:
    def test_fill_every_layer_and_nothing_else(self, data: Path) -> None:
        assert sorted(path.name for path in data.iterdir()) == LAYERS
        assert all(any(path.is_file() for path in (data / layer).rglob("*")) for layer in LAYERS)
        assert [path for path in data.rglob(".*") if path.name != ".gitkeep"] == []

    def test_run_leaves_nothing_for_git(self, finished_project) -> None:
        status = finished_project.execute("git", "status", "--porcelain")
        assert (status.returncode, status.stdout) == (0, "")

    def test_record_of_the_data_is_right(self, data: Path, metrics: dict[str, Any]) -> None:
        labels = pd.read_parquet(data / "03_primary" / "question_labels.parquet")
        questions = pd.read_parquet(data / "02_intermediate" / "questions.parquet")
        assert metrics["data"] == {
            "source": "simulated",
            "site": "simulated",
            "target_tag": "machine-learning",
            "match": "exact",
            "rows": 2000,
            "positives": int(questions["tags"].str.contains("<machine-learning>").sum()),
            "differing_labels": int(
                (questions["tags"].str.count("machine-learning") > 0).sum() - labels["is_target"].sum()
            ),
            "first_creation_date": questions["creation_date"].min().isoformat(),
            "last_creation_date": questions["creation_date"].max().isoformat(),
            "raw_questions_md5": fingerprint(data / "01_raw" / "questions")["md5"],
        }

    def test_record_has_every_metric_of_every_candidate(self, metrics: dict[str, Any]) -> None:
        assert list(metrics["candidates"]) == CANDIDATES
        for results in metrics["candidates"].values():
            assert set(results["train"]) == METRICS
            assert set(results["test"]) == METRICS | {f"{metric}_interval" for metric in METRICS}
            for metric in METRICS:
                low, high = results["test"][f"{metric}_interval"]
                assert low <= high

    def test_candidates_are_worth_what_they_should_be(self, metrics: dict[str, Any]) -> None:
        """Text says much, numbers little, and nothing is near perfect, as on a real site."""
        average_precision = {name: of["test"]["average_precision"] for name, of in metrics["candidates"].items()}
        prevalence = metrics["data"]["positives"] / metrics["data"]["rows"]
        assert average_precision["prior"] == pytest.approx(prevalence, abs=0.01)
        numbers, texts = average_precision["numeric_logistic"], list(average_precision.values())[3:]
        assert numbers < 2 * prevalence < min(texts)
        assert max(texts) < 0.75

    def test_selected_is_one_that_can_be_deployed(self, metrics: dict[str, Any]) -> None:
        selected = metrics["selected"]
        of_each = {
            name: of["cross_validation"]["average_precision"]
            for name, of in metrics["candidates"].items()
            if of["cross_validation"]
        }
        assert set(of_each) == set(CANDIDATES) - {"numeric_logistic"}
        chosen = metrics["candidates"][selected["candidate"]]["cross_validation"]
        assert max(of_each.values()) - of_each[selected["candidate"]] <= chosen["behind_standard_error"]
        assert selected["policy"] == "max_f1"
        assert 0 < selected["threshold"] < 1
        assert set(selected["stratified"]) & set(selected["temporal"]) > METRICS

    def test_no_question_is_both_learnt_from_and_judged_by(self, data: Path) -> None:
        train, test = (pd.read_parquet(data / "05_model_input" / f"{split}_set.parquet") for split in ("train", "test"))
        assert (len(train), len(test)) == (1500, 500)
        assert set(train["question_id"]).isdisjoint(test["question_id"])
        assert not {"tags", "favorite_count"} & set(train.columns)


class TestBytes:
    def test_running_again_gives_the_same(
        self, finished_project, run: Run, tmp_path: Path, kedro_run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the same report, too, where the second run is there to verify the first one."""
        again = finished_project.copy(tmp_path / "project")
        tracked = RunStore(mlflow.MlflowClient(), "").get(run.info.run_id)
        monkeypatch.setenv(VERIFIED_RUN, tracked.identity.model_dump_json())
        run = kedro_run(again)
        assert run.exit_code == 0, run.stderr
        assert again.contents() == finished_project.contents()
        times = [
            (project.folder / "data/test/06_models/prior.skops").stat().st_mtime
            for project in (finished_project, again)
        ]
        assert times[0] < times[1]

    @pytest.mark.long
    def test_pipelines_one_after_the_other_give_the_same(self, finished_project, new_project, kedro_run) -> None:
        for pipeline in PIPELINES:
            run = kedro_run(new_project, "--pipelines", pipeline)
            assert run.exit_code == 0, run.output
        assert new_project.versioned_contents() == finished_project.versioned_contents()


def test_pipeline_needs_no_more_than_it_reads(finished_project, tmp_path: Path, kedro_run) -> None:
    """Someone may have pulled only the features, their labels and the split, to try a model."""
    project = finished_project.copy(tmp_path / "project")
    for layer in ("01_raw", "02_intermediate"):
        shutil.rmtree(project.folder / "data" / "test" / layer)
    before = project.contents()
    run = kedro_run(project, "--pipelines", "modelling")
    assert run.exit_code == 0, run.stderr
    assert project.contents() == before


@pytest.mark.long
def test_target_is_that_of_the_labels_whoever_comes_later(finished_project, tmp_path: Path, kedro_run) -> None:
    """A run of a later pipeline goes by the labels that are there, whatever the parameters have become."""
    project = finished_project.copy(tmp_path / "project")
    data = project.folder / "data" / "test"
    run = kedro_run(project, "--pipelines", "feature_engineering", "--params", "target_tag=regression,match=contains")
    assert run.exit_code == 0, run.stderr
    target = {"target_tag": "regression", "match": "contains"}
    assert json.loads((data / "03_primary" / "target.json").read_text()) == target

    for pipeline in PIPELINES[2:]:
        run = kedro_run(project, "--pipelines", pipeline)
        assert run.exit_code == 0, run.stderr
    of_data = json.loads((data / "08_reporting" / "metrics.json").read_text())["data"]
    labels = pd.read_parquet(data / "03_primary" / "question_labels.parquet")
    assert {name: of_data[name] for name in target} == target
    assert of_data["positives"] == labels["is_target"].sum()
    report = (data / "08_reporting" / "report.html").read_text()
    assert "regression" in report
    assert "machine-learning" not in report

    store = mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db")
    runs = store.search_runs(["1"], order_by=["attributes.start_time DESC"], max_results=5)
    assert [{name: run.data.tags[name] for name in target} for run in runs] == [target] * 5


@pytest.fixture
def run(finished_project) -> Iterator[Run]:
    """The only run in the tracking store."""
    earlier = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{finished_project.folder}/mlflow.db")
    (run,) = mlflow.search_runs(experiment_names=["question_classification"], output_format="list")
    yield run
    mlflow.set_tracking_uri(earlier)


class TestTrackedRun:
    def test_finished_in_the_projects_own_store(self, run: Run, finished_project) -> None:
        assert run.info.status == "FINISHED"
        assert run.info.artifact_uri.removeprefix("file://").startswith(f"{finished_project.folder}/mlartifacts/")

    def test_parameters_one_by_one(self, run: Run) -> None:
        expected = {
            "run.source": "simulated",
            "run.path": "None",
            "run.site": "None",
            "run.simulated.questions": "2000",
            "run.simulated.seed": "7",
            "run.simulated.until": "2026-10",
            "target.target_tag": "machine-learning",
            "target.match": "exact",
            "ingestion.max_quarantined_share": "0.05",
            "feature_engineering.test_share": "0.25",
            "feature_engineering.seed": "42",
            "modelling.keyword.kind": "keyword",
            "modelling.numeric_logistic.C": "1.0",
            "modelling.tfidf_logistic.C": "1.0",
            "modelling.tfidf_logistic.max_features": "25000",
            "reporting.threshold": "0.5",
            "reporting.interval.resamples": "1000",
        }
        assert {name: run.data.params.get(name) for name in expected} == expected
        names = set(run.data.params)
        assert {name.partition(".")[0] for name in names} == {"run", "target", *PIPELINES}
        assert {name for name in names if any(other.startswith(f"{name}.") for other in names)} == set()
        aggregates = ("{", "root=", "target_tag=")
        assert {name: value for name, value in run.data.params.items() if any(s in value for s in aggregates)} == {}

    def test_metrics_are_those_of_the_record(self, run: Run, metrics: dict[str, Any]) -> None:
        expected = {
            f"{candidate}.{split}.{metric}": results[split][metric]
            for candidate, results in metrics["candidates"].items()
            for split in ("train", "test")
            for metric in METRICS
        }
        expected |= {
            f"selected.{split}.{metric}": value
            for split in ("stratified", "temporal")
            for metric, value in metrics["selected"][split].items()
            if not metric.endswith("_interval")
        }
        found = {name: value for name, value in run.data.metrics.items() if not name.startswith("learning_curve.")}
        assert found == pytest.approx(expected, abs=1e-6)
        assert run.data.metrics["learning_curve.fit_seconds"] > 0

    def test_tags_say_where_it_came_from(self, run: Run, finished_project, metrics: dict[str, Any]) -> None:
        expected = {
            "pipeline": "__default__",
            "git.commit": finished_project.execute("git", "rev-parse", "HEAD").stdout.strip(),
            "git.dirty": "false",
            "source": "simulated",
            "site": "simulated",
            "raw_questions.md5": metrics["data"]["raw_questions_md5"],
            "target_tag": "machine-learning",
            "match": "exact",
        }
        assert {name: run.data.tags.get(name) for name in expected} == expected

    def test_figures_and_reports_are_its_artifacts(self, run: Run, data: Path) -> None:
        expected = {
            "figures/confusion.png": "figures/confusion.png",
            "figures/precision_recall.png": "figures/precision_recall.png",
            "figures/roc.png": "figures/roc.png",
            "figures/reliability.png": "figures/reliability.png",
            "figures/learning_curve.png": "figures/learning_curve.png",
            "metrics.json": "metrics.json",
            "report.html": "report.html",
            "model_card.md": "model_card.md",
            "data_card.md": "data_card.md",
        }
        root = Path(run.info.artifact_uri.removeprefix("file://"))
        found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        assert found.pop("origin.json")  # see test_lineage.py
        evidence = {  # see test_model_registry.py
            "evidence/data_quality.json": "02_intermediate/data_quality.json",
            "evidence/test_scores.parquet": "07_model_output/selected/test_scores.parquet",
            "evidence/slices.csv": "08_reporting/analysis/slices.csv",
        }
        files = {name: f"08_reporting/{file}" for name, file in expected.items()} | evidence
        assert found == {name: (data / file).read_bytes() for name, file in files.items()}

    def test_report_names_it_and_its_commit(self, run: Run, data: Path) -> None:
        report = (data / "08_reporting" / "report.html").read_text()
        assert f"<code>{run.info.run_id}</code>" in report
        assert f"<code>{run.data.tags['git.commit']}</code></td>" in report

    def test_every_candidate_can_be_served(self, run: Run, data: Path) -> None:
        logged = mlflow.search_logged_models(experiment_ids=[run.info.experiment_id], output_format="list")
        assert {model.name for model in logged} == {*CANDIDATES, "selected"}
        test_set = pd.read_parquet(data / "05_model_input" / "test_set.parquet")
        for candidate in (*CANDIDATES, "selected"):
            model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/{candidate}")
            scores = pd.read_parquet(data / "07_model_output" / candidate / "test_scores.parquet")
            questions = test_set[model.metadata.signature.inputs.input_names()]
            assert model.predict(questions)[:, 1].tolist() == scores["score"].tolist()
            assert model.input_example is not None
