import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from mlflow.entities import Run
from pydantic import ValidationError

from question_classification.models.fitting import cross_validate
from question_classification.models.persistence import load_model
from question_classification.models.selection import average_precision_by_fold
from question_classification.pipelines.modelling.folds import assign_folds
from question_classification.pipelines.modelling.nodes import fit_candidate, tokenize_questions
from question_classification.pipelines.modelling.parameters import Candidate, TextParameters, with_values
from question_classification.pipelines.tuning.nodes import TUNED, collect_tuned, tune_candidate
from question_classification.pipelines.tuning.parameters import TuningParameters
from question_classification.pipelines.tuning.pipeline import create_pipeline
from question_classification.runner import FOREGROUND
from question_classification.stackexchange.errors import InputError

TARGET = {"target_tag": "machine-learning", "match": "exact"}
TEXT = TextParameters(formulas="keep")
CANDIDATE = Candidate.model_validate(
    {
        "kind": "nb_svm_logistic",
        "weights": {"title": 0.6, "prose": 1.0},
        "bigrams": [],
        "min_questions": 1,
        "smoothing": 1.0,
        "C": 1.0,
    }
)
RANGES: dict[str, Any] = {
    "nb_svm_logistic": {"C": {"low": 0.1, "high": 10.0}, "weights": {"title": {"low": 0.2, "high": 2.0}}},
    "fielded_logistic": {"C": {"low": 0.1, "high": 10.0}},
}
PARAMETERS: dict[str, Any] = {"trials": 3, "folds": 3, "seed": 7, "ranges": RANGES}


def parameters(**changes: Any) -> TuningParameters:
    return TuningParameters.model_validate({**PARAMETERS, **changes})


def make_questions(rows: int = 60) -> pd.DataFrame:
    """Return questions whose words say much about the target, but not all."""
    random = np.random.default_rng(5)
    label = np.arange(rows) % 3 == 0
    words = np.array(["forest", "net", "mean", "median", "variance", "test"])
    weights = np.where(label[:, None], [4, 3, 2, 2, 1, 1], [1, 1, 2, 2, 2, 2])
    texts = [" ".join(random.choice(words, 5, p=each / each.sum())) for each in weights]
    return pd.DataFrame(
        {
            "question_id": range(rows),
            "title": [text.rpartition(" ")[2] for text in texts],
            "body": [f"<p>{text}</p>" for text in texts],
            "is_target": label,
        }
    )


QUESTIONS = make_questions()


def tune(
    finished: list[dict[str, Any]] | None = None,
    *,
    questions: pd.DataFrame = QUESTIONS,
    target: dict[str, str] = TARGET,
    text: TextParameters = TEXT,
    candidate: Candidate = CANDIDATE,
    **changes: Any,
) -> list[dict[str, Any]]:
    """Return the trials that are made; they and the finished ones go through JSON, as in a run."""
    tokenized = tokenize_questions(questions, text)
    trials = tune_candidate(tokenized, target, text, parameters(**changes), candidate, finished or [])
    return json.loads(json.dumps(list(trials)))


@pytest.fixture(scope="module")
def trials() -> list[dict[str, Any]]:
    return tune(trials=7)


class TestTuneCandidate:
    def test_search_begins_with_what_is_configured(self, trials: list[dict[str, Any]]) -> None:
        assert [trial["number"] for trial in trials] == list(range(7))
        assert trials[0]["values"] == {"C": 1.0, "weights.title": 0.6}
        assert len({json.dumps(trial["values"]) for trial in trials}) == 7
        assert len({trial["study"] for trial in trials}) == 1

    def test_trial_is_judged_by_cross_validation_with_its_values(self, trials: list[dict[str, Any]]) -> None:
        label = QUESTIONS["is_target"].to_numpy()
        fold = assign_folds(label, parameters())
        for trial in trials:
            pipeline = with_values(CANDIDATE, trial["values"]).root.build("machine-learning", "keep")
            decision = cross_validate(pipeline, tokenize_questions(QUESTIONS, TEXT), label, fold)
            scores = average_precision_by_fold(label, decision, fold)
            np.testing.assert_allclose(trial["scores"], scores[: len(trial["scores"])], rtol=1e-12)

    @pytest.mark.parametrize("cut", [0, 1, 6, 7])
    def test_search_that_goes_on_is_the_one_that_was_never_stopped(
        self, trials: list[dict[str, Any]], cut: int
    ) -> None:
        assert tune(trials[:cut], trials=7) == trials[cut:]

    def test_ranges_of_other_candidates_play_no_part(self, trials: list[dict[str, Any]]) -> None:
        others = {**RANGES, "fielded_logistic": {"C": {"low": 1.0, "high": 2.0}}}
        assert tune(trials[:2], ranges=others) == trials[2:3]

    @pytest.mark.parametrize(
        "changes",
        [
            {"questions": QUESTIONS.assign(is_target=QUESTIONS["is_target"][::-1].to_numpy())},
            {"questions": QUESTIONS.assign(title="Why?")},
            {"questions": QUESTIONS.assign(body=QUESTIONS["body"] + "!")},
            {"questions": QUESTIONS[:-3]},
            {"target": {**TARGET, "target_tag": "r"}},
            {"text": TextParameters(formulas="fold")},
            {"candidate": with_values(CANDIDATE, {"smoothing": 2.0})},
            {"candidate": with_values(CANDIDATE, {"C": 2.0})},
            {"seed": 8},
            {"folds": 4},
            {"ranges": {"nb_svm_logistic": {"C": {"low": 0.1, "high": 11.0}}}},
        ],
        ids=["labels", "titles", "bodies", "rows", "target", "text", "parameter", "value", "seed", "folds", "ranges"],
    )
    def test_search_begins_anew_where_anything_is_different(
        self, trials: list[dict[str, Any]], changes: dict[str, Any]
    ) -> None:
        (begun,) = tune(trials, trials=1, **changes)
        assert begun["number"] == 0
        assert begun["study"] != trials[0]["study"]

    def test_too_few_questions_are_said(self) -> None:
        with pytest.raises(InputError, match=r"^training set: 1 of 60 questions are about the target tag"):
            tune(questions=QUESTIONS.assign(is_target=QUESTIONS["question_id"] == 0))


def trial(number: int, value: float, *scores: float, pruned: bool = False) -> dict[str, Any]:
    return {"study": "a", "number": number, "values": {"C": value}, "scores": scores, "pruned": pruned}


class TestCollectTuned:
    CONFIGURED = trial(0, 1.0, 0.5, 0.7)

    def test_best_trial_of_each_candidate_is_taken(self) -> None:
        better, pruned = trial(1, 2.34567, 0.6, 0.61), trial(2, 3.0, 0.9, pruned=True)
        tuned = collect_tuned(TARGET, [self.CONFIGURED, better, pruned], [self.CONFIGURED])
        assert tuned == {
            "target": TARGET,
            "candidates": {
                "fielded_logistic": {
                    "values": {"C": 2.346},  # three digits more say nothing
                    "average_precision": 0.605,
                    "configured_average_precision": 0.6,
                    "trials": 3,
                },
                "nb_svm_logistic": {
                    "values": {"C": 1.0},
                    "average_precision": 0.6,
                    "configured_average_precision": 0.6,
                    "trials": 1,
                },
            },
        }

    def test_what_is_configured_stays_where_nothing_is_better(self) -> None:
        tuned = collect_tuned(TARGET, *[[self.CONFIGURED, trial(1, 2.0, 0.7, 0.5), trial(2, 3.0, 0.1, 0.1)]] * 2)
        assert [each["values"] for each in tuned["candidates"].values()] == [{"C": 1.0}] * 2

    def test_is_what_a_fit_takes(self, trials: list[dict[str, Any]]) -> None:
        tuned = collect_tuned(TARGET, [self.CONFIGURED], trials)
        values = tuned["candidates"]["nb_svm_logistic"]["values"]
        assert values != trials[0]["values"]
        model = fit_candidate(tokenize_questions(QUESTIONS, TEXT), TARGET, tuned, TEXT, CANDIDATE).model
        assert values["C"] == model["classifier"].C
        assert model["fields"].transformer_weights == {"title": values["weights.title"], "prose": 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"trials": 0},
        {"folds": 1},
        {"seed": -1},
        {"ranges": {"nb_svm_logistic": {"C": {"low": 1.0, "high": 1.0}}}},
        {"ranges": {"nb_svm_logistic": {"C": {"low": 0.0, "high": 1.0}}}},
        {"ranges": {"nb_svm_logistic": {"C": {"low": 1.0}}}},
        {"ranges": {"nb_svm_logistic": {"weights": {"title": {"low": 2.0, "high": 1.0}}}}},
        {"sampler": "random"},
    ],
    ids=str,
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)


def test_ranges_go_by_dotted_name() -> None:
    ranges = parameters().ranges_of("nb_svm_logistic")
    assert {name: (each.low, each.high) for name, each in ranges.items()} == {
        "C": (0.1, 10.0),
        "weights.title": (0.2, 2.0),
    }


def test_a_search_is_where_ctrl_c_reaches_it() -> None:
    assert {node.name for node in create_pipeline().nodes if FOREGROUND in node.tags} == {f"{c}.tune" for c in TUNED}


ARGUMENTS = ("--pipelines=tuning", "--params")


@pytest.mark.long
def test_journey(finished_project, tmp_path: Path, kedro_run: Callable[..., Result]) -> None:
    """A search, killed or not, ends the same; it goes on where it was left; and a plain run uses what it found."""

    def search(project: Any, trials: int) -> dict[str, list[dict[str, Any]]]:
        """Search until there are so many trials; return them by candidate."""
        run = kedro_run(project, *ARGUMENTS, f"tuning.trials={trials},tuning.folds=2")
        assert run.exit_code == 0, run.stderr
        folder = project.folder / "data/test/06_models/tuning"
        return {path.stem: json.loads(path.read_text()) for path in sorted(folder.iterdir())}

    project = finished_project.copy(tmp_path / "project")
    before = project.contents("data/test")
    made = search(project, 2)
    assert {name: len(trials) for name, trials in made.items()} == dict.fromkeys(TUNED, 2)
    after = project.contents("data/test")
    written = {"06_models/tuned.json", *(f"06_models/tuning/{name}.json" for name in TUNED)}
    assert {name for name in after if after[name] != before.get(name)} == written

    assert sorted(run.info.run_name for run in nested_runs(project)) == [
        f"{name} {n}" for name in TUNED for n in range(2)
    ]
    (parent,) = {run.data.tags["mlflow.parentRunId"] for run in nested_runs(project)}
    assert mlflow.MlflowClient(store_of(project)).get_run(parent).data.tags["pipeline"] == "tuning"

    assert search(project, 2) == made
    assert project.contents("data/test") == after
    assert len(nested_runs(project)) == 4

    killed = finished_project.copy(tmp_path / "killed")
    kill_after_a_trial(killed, "tuning.trials=2,tuning.folds=2")
    search(killed, 2)
    assert killed.contents("data/test") == after
    assert len(nested_runs(killed)) in (3, 4)  # none was made twice; the last one may be in its file only

    more = search(project, 3)
    assert {name: trials[:2] for name, trials in more.items()} == made
    assert {name: len(trials) for name, trials in more.items()} == dict.fromkeys(TUNED, 3)

    models = project.folder / "data/test/06_models"
    tuned = json.loads((models / "tuned.json").read_text())["candidates"]
    configured = ",".join(f"modelling.{name}.C=99" for name in TUNED)
    outputs = ",".join(f"{name}.model" for name in TUNED)
    run = kedro_run(project, "--pipelines=modelling", "--to-outputs", outputs, "--params", configured)
    assert run.exit_code == 0, run.stderr
    fitted = {name: load_model((models / f"{name}.skops").read_bytes())["classifier"].C for name in TUNED}
    assert fitted == {name: tuned[name]["values"]["C"] for name in TUNED}


def store_of(project: Any) -> str:
    return f"sqlite:///{project.folder}/mlflow.db"


def nested_runs(project: Any) -> list[Run]:
    runs = mlflow.MlflowClient(store_of(project)).search_runs(["1"])
    return [run for run in runs if "mlflow.parentRunId" in run.data.tags]


def kill_after_a_trial(project: Any, parameters: str) -> None:
    """Kill a search (kill -9) when its first trial is on disk."""
    command = [Path(sys.executable).with_name("kedro"), "run", "--env", "test", *ARGUMENTS, parameters]
    models = project.folder / "data" / "test" / "06_models"
    with subprocess.Popen(
        command, cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        while run.poll() is None and not list(models.glob("tuning/*.json")):
            time.sleep(0.02)
        run.kill()
        output, _ = run.communicate(timeout=60)
    assert run.returncode != 0, output
    assert not (models / "tuned.json").exists()
