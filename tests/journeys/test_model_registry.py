"""`kedro model`: registered, judged, promoted, refused, forced, rolled back, archived; and what is noted of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from click.testing import Result
from sklearn.metrics import average_precision_score

from question_classification.provenance.hashes import hash_file

NAME = "question_classification"
ADA = "Ada <ada@example.com>"
FEW_TERMS = "modelling.tfidf_logistic.max_features=3,modelling.fielded_logistic.min_questions=400"
FEW_TERMS += ",modelling.nb_svm_logistic.min_questions=400"
SCORES = "evidence/test_scores.parquet"


@pytest.fixture(scope="module")
def story(finished_project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project after a whole run. The tests follow one another in it."""
    project = finished_project.copy(tmp_path_factory.mktemp("registry") / "project")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        assert project.execute("git", "config", name, value).returncode == 0
    return project


@pytest.fixture
def client(story: Any) -> Iterator[mlflow.MlflowClient]:
    """The registry looks for logged models in the store of the whole process, whatever the client's own is."""
    earlier, uri = mlflow.get_tracking_uri(), f"sqlite:///{story.folder}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    yield mlflow.MlflowClient(uri)
    mlflow.set_tracking_uri(earlier)


@pytest.fixture
def aliases(client: mlflow.MlflowClient) -> Callable[[], dict[str, int]]:
    return lambda: {alias: int(number) for alias, number in client.get_registered_model(NAME).aliases.items()}


def decisions(client: mlflow.MlflowClient, number: int) -> list[dict[str, Any]]:
    tags = client.get_model_version(NAME, str(number)).tags
    return [json.loads(tags[key]) for key in sorted(tags) if key.startswith("decision.")]


def run_of(client: mlflow.MlflowClient, number: int) -> mlflow.entities.Run:
    return client.get_run(client.get_model_version(NAME, str(number)).run_id)


def artifact(run: mlflow.entities.Run, path: str) -> Path:
    return Path(run.info.artifact_uri.removeprefix("file://"), path)


def test_there_is_nothing_before_the_first_one(kedro: Callable[..., Result]) -> None:
    answer = kedro("model", "list")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"{NAME} has no version yet; `kedro model register` makes one.\n"
    for command in (["promote"], ["rollback"], ["show", "champion"], ["archive", "1"]):
        answer = kedro("model", *command)
        assert (answer.exit_code, answer.stdout, answer.stderr.count("\n")) == (1, "", 1), command
        assert answer.stderr.startswith(f"Error: {NAME} has no "), command


def test_a_model_is_registered_as_the_challenger(
    story: Any, kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "register")
    assert answer.exit_code == 0, answer.output
    run = run_of(client, 1)
    assert answer.stdout == f"version 1 of {NAME} is challenger: run {run.info.run_id}.\n"
    assert aliases() == {"challenger": 1}

    tags = client.get_model_version(NAME, "1").tags
    assert tags["model.md5"] == hash_file(story.folder / "data/test/06_models/selected.skops")
    assert tags["git.commit"] == story.execute("git", "rev-parse", "HEAD").stdout.strip()
    assert tags["raw_questions.md5"] == run.data.tags["raw_questions.md5"]
    scores = pd.read_parquet(story.folder / "data/test/07_model_output/selected/test_scores.parquet")
    precision = average_precision_score(scores["is_target"], scores["score"])
    assert float(tags["average_precision"]) == pytest.approx(precision, abs=1e-6)
    assert float(tags["average_precision_low"]) < precision < float(tags["average_precision_high"])


def test_what_it_is_judged_by_holds_no_text(client: mlflow.MlflowClient) -> None:
    logged = pd.read_parquet(artifact(run_of(client, 1), SCORES))
    assert list(logged.columns) == ["question_id", "is_target", "score"]


def test_a_run_is_registered_once(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "register", run_of(client, 1).info.run_id)
    assert answer.exit_code == 0, answer.output
    assert "version 1 of question_classification was there before; it is challenger" in answer.stdout
    assert aliases() == {"challenger": 1}
    assert len(client.search_model_versions(f"name = '{NAME}'")) == 1


def test_the_first_one_is_promoted_by_what_is_asked_of_it_alone(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "promote")
    assert answer.exit_code == 0, answer.output
    assert [line.split()[:2] for line in answer.stdout.splitlines()[1:3]] == [
        ["passed", "average_precision"],
        ["passed", "quarantine"],
    ]
    assert answer.stdout.splitlines()[-1] == f"version 1 is the champion of {NAME}."
    assert aliases() == {"champion": 1}
    (decision,) = decisions(client, 1)
    assert (decision["outcome"], decision["by"], decision["mode"]) == ("promoted", ADA, "enabled")
    assert [check["name"] for check in decision["checks"]] == ["average_precision", "quarantine"]
    assert client.get_model_version(NAME, "1").tags["outcome"] == "promoted"


def test_the_champion_is_not_promoted_again(kedro: Callable[..., Result], client: mlflow.MlflowClient) -> None:
    answer = kedro("model", "promote", "1")
    assert (answer.exit_code, answer.stdout) == (0, "version 1 is the champion already.\n")
    assert len(decisions(client, 1)) == 1


def test_the_champion_can_be_loaded_by_its_alias(story: Any) -> None:
    earlier = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{story.folder}/mlflow.db")
    try:
        champion = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
        questions = pd.read_parquet(story.folder / "data/test/05_model_input/test_set.parquet")
        columns = champion.metadata.get_input_schema().input_names()
        scores = champion.predict(questions[columns].head(20))[:, 1]
    finally:
        mlflow.set_tracking_uri(earlier)
    expected = pd.read_parquet(story.folder / "data/test/07_model_output/selected/test_scores.parquet")
    assert scores == pytest.approx(expected["score"].head(20).to_numpy())


def test_runs_of_single_pipelines_are_put_together(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    run = kedro("run", "--env", "test", "--pipelines=modelling,thresholding", "--params", FEW_TERMS)
    assert run.exit_code == 0, run.output
    early = kedro("model", "register")
    assert early.exit_code == 1
    assert "no finished run is known that has made slices and report of this model" in early.stderr
    assert aliases() == {"champion": 1}

    for pipeline in ("error_analysis", "reporting"):
        run = kedro("run", "--env", "test", f"--pipelines={pipeline}")
        assert run.exit_code == 0, run.output
    answer = kedro("model", "register")
    assert answer.exit_code == 0, answer.output
    assert aliases() == {"champion": 1, "challenger": 2}
    made, reported = run_of(client, 2), client.get_model_version(NAME, "2").tags["report.run_id"]
    assert made.data.tags["pipeline"] == "modelling+thresholding"
    assert client.get_run(reported).data.tags["pipeline"] == "reporting"


def test_a_worse_one_is_refused(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "promote")
    assert answer.exit_code == 1
    table = [line.split() for line in answer.stdout.splitlines()]
    assert table[0] == ["check", "champion", "challenger", "why"]
    outcomes = {line[1]: line[0] for line in table[1:]}
    assert (outcomes["test_set"], outcomes["average_precision"]) == ("passed", "failed")
    assert answer.stderr.startswith("Error: version 2 is refused (average_precision, ")
    assert answer.stderr.count("\n") == 1
    assert aliases() == {"champion": 1, "challenger": 2}
    (decision,) = decisions(client, 2)
    assert (decision["outcome"], decision["by"], decision["champion"]) == ("refused", ADA, 1)
    assert {check["name"]: check["passed"] for check in decision["checks"]} == {
        name: outcome == "passed" for name, outcome in outcomes.items()
    }


def test_a_dry_run_changes_nothing_but_the_record(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    before = aliases()
    answer = kedro("model", "promote", "--mode", "dry_run")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.splitlines()[-1].startswith("dry run: version 2 would be refused (average_precision, ")
    assert aliases() == before
    assert [decision["outcome"] for decision in decisions(client, 2)] == ["refused", "would be refused"]


def test_force_needs_a_reason(kedro: Callable[..., Result], client: mlflow.MlflowClient) -> None:
    for reason in ([], ["--reason", " "]):
        answer = kedro("model", "promote", "--force", *reason)
        assert answer.exit_code == 2
        assert "--force needs --reason TEXT" in answer.stderr
    assert len(decisions(client, 2)) == 2


def test_a_forced_promotion_is_noted(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "promote", "--force", "--reason", "the old one reads no code")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.splitlines()[-1].endswith("; version 1 is the previous one.")
    assert "by force (average_precision, " in answer.stdout
    assert aliases() == {"champion": 2, "previous": 1}
    decision = decisions(client, 2)[-1]
    assert (decision["outcome"], decision["by"]) == ("forced", ADA)
    assert decision["reason"] == "the old one reads no code"
    assert decision["at"] > decisions(client, 2)[0]["at"]
    assert client.get_model_version(NAME, "2").tags["outcome"] == "forced"


def test_list_and_show(kedro: Callable[..., Result], client: mlflow.MlflowClient) -> None:
    lines = kedro("model", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["version", "aliases"], ["2", "champion"], ["1", "previous"]]
    run, tags = run_of(client, 1), client.get_model_version(NAME, "1").tags
    for part in (run.info.run_id, tags["git.commit"][:10], tags["raw_questions.md5"][:10]):
        assert part in lines[2], part
    bounds = (float(tags[f"average_precision{end}"]) for end in ("", "_low", "_high"))
    assert "{:.3f} [{:.3f}, {:.3f}]".format(*bounds) in lines[2]

    shown = kedro("model", "show", "champion").stdout
    assert shown.startswith("version 2\n  aliases: champion\n")
    assert f"forced by {ADA}, champion was version 1, reason: the old one reads no code" in shown
    assert json.loads(kedro("model", "show", "2", "--json").stdout)["decisions"][0]["outcome"] == "refused"
    assert [each["number"] for each in json.loads(kedro("model", "list", "--json").stdout)] == [2, 1]


def test_lineage_knows_versions_and_aliases(kedro: Callable[..., Result], client: mlflow.MlflowClient) -> None:
    answer = kedro("lineage", "previous")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(f"version 1 of {NAME}\n")
    assert run_of(client, 1).info.run_id in answer.stdout


def test_rollback_brings_the_previous_one_back(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "rollback", "--reason", "it finds nothing")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == "version 1 is the champion again, in place of version 2.\n"
    assert aliases() == {"champion": 1}
    decision = decisions(client, 2)[-1]
    assert (decision["outcome"], decision["reason"], decision["by"]) == ("rolled back", "it finds nothing", ADA)

    again = kedro("model", "rollback")
    assert again.exit_code == 1
    assert again.stderr.startswith(f"Error: {NAME} has no previous champion")


def test_a_model_of_which_too_little_is_known_is_refused(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    scores = artifact(run_of(client, 2), SCORES)
    aside = scores.with_suffix(".aside")
    scores.rename(aside)
    gone = kedro("model", "promote", "2")
    pd.read_parquet(aside).assign(score=1.0).to_parquet(scores)
    changed = kedro("model", "promote", "2")
    aside.replace(scores)
    assert (gone.exit_code, changed.exit_code) == (1, 1)
    assert f"its artifact {SCORES} is not to be had" in gone.stdout
    assert f"its artifact {SCORES} is not what the run had made" in changed.stdout
    assert aliases() == {"champion": 1}


def test_archive(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    answer = kedro("model", "archive", "champion")
    assert answer.exit_code == 1
    assert answer.stderr == "Error: version 1 is the champion; promote another one before.\n"

    client.set_registered_model_alias(NAME, "challenger", "2")
    answer = kedro("model", "archive", "2", "--reason", "superseded")
    assert (answer.exit_code, answer.stdout) == (0, "version 2 is archived.\n")
    assert aliases() == {"champion": 1}
    assert client.get_model_version(NAME, "2").tags["archived"] == "true"
    assert decisions(client, 2)[-1]["outcome"] == "archived"
    assert kedro("model", "list").stdout.splitlines()[1].split()[:2] == ["2", "archived"]

    run = run_of(client, 2).info.run_id
    for command in (["promote", "2"], ["promote", "2", "--force", "--reason", "x"], ["register", run]):
        refused = kedro("model", *command)
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1), command
        assert "is archived." in refused.stderr


def test_disabled_promotes_without_asking(
    story: Any, kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    of_first = client.get_model_version(NAME, "1")
    client.create_model_version(NAME, of_first.source, of_first.run_id, await_creation_for=0)
    client.set_registered_model_alias(NAME, "challenger", "3")
    parameters = story.folder / "conf/local/promotion.yml"
    base = (story.folder / "conf/base/promotion.yml").read_text()
    parameters.write_text(base.replace("mode: enabled", "mode: disabled"))
    answer = kedro("model", "promote")
    parameters.unlink()
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"version 3 is the champion of {NAME}; version 1 is the previous one.\n"
    assert aliases() == {"champion": 3, "previous": 1}
    decision = decisions(client, 3)[-1]
    assert (decision["outcome"], decision["mode"], decision["checks"]) == ("promoted", "disabled", [])


def test_bad_parameters_are_named(story: Any, kedro: Callable[..., Result]) -> None:
    parameters = story.folder / "conf/local/promotion.yml"
    base = (story.folder / "conf/base/promotion.yml").read_text()
    parameters.write_text(base.replace("mode: enabled", "mode: off?").replace("slice_margin: 0.1", "slice_margin: -1"))
    answer = kedro("model", "list")
    parameters.unlink()
    assert (answer.exit_code, answer.stderr.count("\n")) == (1, 1)
    assert "promotion.yml: mode: Input should be 'enabled', 'dry_run' or 'disabled' (got 'off?')" in answer.stderr
    assert "gate.slice_margin: Input should be greater than or equal to 0 (got -1)" in answer.stderr


def test_unknown_references_are_named(kedro: Callable[..., Result]) -> None:
    for command, said in (
        (["show", "7"], "has no version 7; `kedro model list` names those there are."),
        (["promote", "favourite"], "has no version with the alias favourite; aliases are: champion, previous."),
        (["register", "nonsense"], "nonsense: no such run in the tracking store."),
    ):
        answer = kedro("model", *command)
        assert (answer.exit_code, answer.stderr.count("\n")) == (1, 1), command
        assert said in answer.stderr


def test_a_promotion_that_was_killed_half_way_leaves_a_champion(
    kedro: Callable[..., Result], client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    """It sets the previous one first, so for a moment one version is both."""
    client.set_registered_model_alias(NAME, "previous", "3")
    answer = kedro("model", "rollback")
    assert answer.exit_code == 1
    assert "has no previous champion" in answer.stderr
    answer = kedro("model", "promote", "1")
    assert answer.exit_code == 0, answer.output
    assert aliases() == {"champion": 1, "previous": 3}


def test_two_promotions_at_once_leave_one_champion(
    story: Any, client: mlflow.MlflowClient, aliases: Callable[[], dict[str, int]]
) -> None:
    source = client.get_model_version(NAME, "1")
    made = [client.create_model_version(NAME, source.source, source.run_id, await_creation_for=0) for _ in range(2)]
    numbers = [int(version.version) for version in made]
    command = [Path(sys.executable).with_name("kedro"), "model", "promote", "--mode", "disabled"]
    both = [
        subprocess.Popen(
            [*command, str(number)],
            cwd=story.folder, env=story.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in numbers
    ]  # fmt: skip
    answers = [process.communicate(timeout=60) for process in both]
    codes = [process.returncode for process in both]
    assert 0 in codes, answers
    for code, (_, said) in zip(codes, answers, strict=True):
        assert code == 0 or "the champion has changed" in said, said
    champion = aliases()["champion"]
    assert champion in numbers
    assert codes[numbers.index(champion)] == 0
    assert aliases()["previous"] != champion
