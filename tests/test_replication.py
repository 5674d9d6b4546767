"""The replication page: what it measures is what it says, on a few hundred simulated questions."""

import csv
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from question_classification.models.metrics import METRICS, paired_bootstrap_difference
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.question import REQUIRED_COLUMNS
from question_classification.stackexchange.simulated import simulate

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "replication.py"
TAG = "machine-learning"
QUESTIONS, TWINS, WIDER = 600, 3, 5  # twins: pairs of questions of one text; wider: tags that contain the target's text


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replication", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replication"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


replication: Any = load_script()


def make_rows() -> list[dict[str, Any]]:
    rows = [row for month in simulate(QUESTIONS, seed=3) for row in month.select(REQUIRED_COLUMNS).to_pylist()]
    others = [row for row in rows if TAG not in row["Tags"]]
    for row in others[:WIDER]:
        row["Tags"] = f"<{TAG}-theory>"
    for first, second in zip(rows[:TWINS], rows[-TWINS:], strict=True):
        second |= {"Title": first["Title"], "Body": first["Body"]}
    return rows[::-1]  # not in the order of their ids


def write_export(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(REQUIRED_COLUMNS) + "\r\n")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        for row in rows:
            writer.writerow({**row, "CreationDate": f"{row['CreationDate']:%Y-%m-%d %H:%M:%S}"}.values())
    return path


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return make_rows()


@pytest.fixture(scope="module")
def export(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = write_export(tmp_path_factory.mktemp("export") / "simulated.csv", rows)
    return replication.Export(path, TAG, name="Simulated | questions")


@pytest.fixture(scope="module")
def settings() -> Any:
    found = replication.read_settings()
    return found._replace(interval=found.interval.model_copy(update={"resamples": 40}))


@pytest.fixture(scope="module", autouse=True)
def two_seeds() -> Iterator[None]:
    """Two seeds take a fifth of the time of ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replication, "SEEDS", range(2))
        yield


@pytest.fixture(scope="module")
def measured(export: Any, settings: Any) -> Any:
    return replication.replicate(export, settings)


@pytest.fixture(scope="module")
def page(measured: Any) -> str:
    text: str = replication.write_page([measured], "python benchmarks/replication.py simulated.csv")
    return text


class TestQuestions:
    def test_are_in_the_order_of_the_file(self, measured: Any, rows: list[dict[str, Any]]) -> None:
        assert measured.questions.features["question_id"].tolist() == [row["Id"] for row in rows]

    def test_have_the_labels_of_both_rules(self, measured: Any, rows: list[dict[str, Any]]) -> None:
        assert measured.questions.target.tolist() == [TAG in row["Tags"] for row in rows]
        assert measured.questions.exact.tolist() == [f"<{TAG}>" in row["Tags"] for row in rows]

    def test_without_targets_are_refused(self, export: Any, settings: Any) -> None:
        rare = replication.Export(export.path, f"{TAG}-theory")
        with pytest.raises(InputError, match=rf"{WIDER} questions about 'machine-learning-theory' \(rule: contains\)"):
            replication.load(rare, settings)

    def test_with_targets_by_substring_only_are_refused(self, export: Any, settings: Any) -> None:
        part = replication.Export(export.path, "machine-learn")
        with pytest.raises(InputError, match=r"0 questions about 'machine-learn' \(rule: exact\)"):
            replication.load(part, settings)


class TestSides:
    def test_of_the_recipe_are_those_of_scikit_learn(self, measured: Any) -> None:
        target = measured.questions.target
        train, test = train_test_split(np.arange(len(target)), test_size=0.25, stratify=target, random_state=42)
        sides = replication.split_as_published(measured.questions)
        assert sides.train.tolist() == train.tolist()
        assert sides.test.tolist() == test.tolist()

    def test_of_the_projects_random_split_are_the_same_in_the_same_order(self, measured: Any) -> None:
        questions = measured.questions
        sides, _ = replication.split_as_configured(questions, questions.labels, split="stratified", across="report")
        for ours, published in zip(sides, replication.split_as_published(questions), strict=True):
            assert ours.tolist() == published.tolist()

    def test_by_time_leave_the_last_quarter_to_the_test(self, measured: Any) -> None:
        questions = measured.questions
        sides, _ = replication.split_as_configured(questions, questions.labels, split="temporal", across="report")
        created = questions.features["creation_time"].to_numpy()
        assert created[sides.train].max() < created[sides.test].min()
        assert len(sides.test) == pytest.approx(QUESTIONS / 4, abs=1)

    def test_that_keep_near_duplicates_together_do(self, measured: Any) -> None:
        questions = measured.questions
        sides, near = replication.split_as_configured(questions, questions.labels, split="stratified", across="group")
        first = questions.near_duplicates["first_id"].to_numpy()
        assert near["questions"] == 2 * TWINS
        assert set(first[sides.train]).isdisjoint(first[sides.test])


class TestScored:
    TARGET = np.array([True, False, True, False, False, True])
    ONE = np.array([0.9, 0.1, 0.4, 0.6, 0.2, 0.8])
    OTHER = np.array([0.2, 0.3, 0.7, 0.1, 0.9, 0.6])

    def make(self, settings: Any, *scores: np.ndarray, threshold: float = 0.5) -> Any:
        return replication.Scored(self.TARGET, scores, settings.interval, threshold)

    def test_does_not_differ_from_itself(self, settings: Any) -> None:
        for metric in METRICS:
            difference = self.make(settings, self.ONE).minus(self.make(settings, self.ONE), metric)
            assert difference == (0, 0, 0)

    def test_differs_by_what_the_paired_bootstrap_says(self, settings: Any) -> None:
        interval = settings.interval
        for metric in METRICS:
            expected = paired_bootstrap_difference(
                self.TARGET, self.ONE, self.OTHER, metric=metric, resamples=interval.resamples, seed=interval.seed
            )
            assert self.make(settings, self.ONE).minus(self.make(settings, self.OTHER), metric) == expected

    def test_of_two_seeds_is_the_mean(self, settings: Any) -> None:
        both, one, other = (self.make(settings, *each) for each in ((self.ONE, self.OTHER), (self.ONE,), (self.OTHER,)))
        for metric in METRICS:
            assert both.values[metric] == pytest.approx((one.values[metric] + other.values[metric]) / 2)
        np.testing.assert_allclose(both.resampled, (one.resampled + other.resampled) / 2)

    def test_cannot_be_paired_with_other_labels(self, settings: Any) -> None:
        flipped = replication.Scored(~self.TARGET, [self.ONE], settings.interval)
        with pytest.raises(ValueError, match="the same labels"):
            self.make(settings, self.ONE).minus(flipped)


class TestMeasurements:
    def test_own_text_features_are_those_of_scikit_learn_where_no_term_is_cut_off(self, measured: Any) -> None:
        for classifier, scored in measured.published.test.items():
            own = next(at.scored for at in measured.thresholds if at.classifier == classifier)
            np.testing.assert_allclose(own.scores[0], scored.scores[0], atol=1e-6)

    def test_threshold_leaves_average_precision_as_it_is(self, measured: Any) -> None:
        assert {at.policy for at in measured.thresholds} == {"0.5", "max_f1", "precision_at_least"}
        for classifier in ("SGD", "logistic regression"):
            values = [at.scored.values for at in measured.thresholds if at.classifier == classifier]
            assert len({each["average_precision"] for each in values}) == 1
            assert len({each["recall"] for each in values}) > 1

    def test_probabilities_are_those_of_the_classifier(self) -> None:
        X = np.random.default_rng(0).normal(size=(200, 5))
        y = X[:, 0] + X[:, 1] > 1
        for (classifier,) in replication.make_classifiers([42]).values():
            decisions = classifier.fit(X, y).decision_function(X)
            expected = classifier.predict_proba(X)[:, 1]
            np.testing.assert_allclose(replication.probabilities(classifier, decisions), expected, atol=1e-12)

    def test_exact_tag_changes_labels_and_not_questions(self, measured: Any) -> None:
        exact = next(other for other in measured.other_rows if other.name == "exact tag")
        wider = measured.questions.target.sum() - measured.questions.exact.sum()
        assert wider >= WIDER
        assert exact.what.startswith(f"{wider} labels differ")
        lost = measured.recipe["SGD"].target.sum() - exact.measured["SGD"].target.sum()
        assert f"{lost} of them in the test set" in exact.what

    def test_changes_are_paired_with_the_recipe(self, measured: Any) -> None:
        for change in measured.changes.values():
            for classifier, scored in change.items():
                assert scored.target.tolist() == measured.recipe[classifier].target.tolist()

    def test_splits_have_a_value_for_each_seed(self, measured: Any) -> None:
        splits = measured.splits
        assert set(splits.changes) == set(measured.changes)
        found = [*splits.recipe.values(), *splits.candidates.values()]
        found += [values for change in splits.changes.values() for values in change.values()]
        assert all(values.shape == (2,) for values in found)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.1, 0.01, 0.2), "raises average precision"),
        ((-0.1, -0.2, -0.01), "lowers average precision"),
        ((0.1, 0.0, 0.2), "cannot be told from no change"),
        ((-0.1, -0.2, 0.1), "cannot be told from no change"),
    ],
)
def test_verdict_goes_by_whether_the_interval_excludes_0(interval: tuple[float, ...], words: str) -> None:
    assert replication._verdict(replication.Estimate(*interval)) == words


class TestPage:
    def test_has_the_counts_of_the_data(self, page: str, measured: Any) -> None:
        target = measured.questions.target
        assert f"| {QUESTIONS} | {target.sum()} ({target.mean():.1%}) |" in page
        assert "`simulated.csv`" in page

    def test_tables_are_well_formed(self, page: str) -> None:
        tables = re.findall(r"(?:^\|.*\|$\n?)+", page, re.MULTILINE)
        assert len(tables) == 4 + 9  # of the whole page and of the data set
        for table in tables:
            lines = table.splitlines()
            assert re.fullmatch(r"\|(---\|)+", lines[1])
            assert {line.count("|") for line in lines} == {lines[0].count("|")}, lines[0]
            assert len(lines) > 2

    def test_has_no_gap_and_no_number_that_is_none(self, page: str) -> None:
        assert not re.search(r"\bnan\b|\binf\b|None|\{|\}", page)

    def test_shows_no_question_and_no_folder(self, page: str, rows: list[dict[str, Any]], export: Any) -> None:
        assert str(export.path.parent) not in page
        assert str(SCRIPT.parent) not in page
        assert not [row["Id"] for row in rows if row["Title"] in page]

    def test_quotes_the_published_figures_as_such(self, page: str) -> None:
        assert "quoted, not replicated" in page
        assert "| test | 0.8611 | 0.4583 |" in page

    def test_sets_the_november_file_beside_the_published_figures(self, measured: Any) -> None:
        page = replication.write_page([], "python benchmarks/replication.py", measured)
        here = measured.published.test["SGD"].values["average_precision"]
        assert f"| test | Average precision | 0.4583 | {here:.4f} | {here - 0.4583:+.4f} |" in page
        assert "not as many as published" in page
        assert "quoted, not replicated" not in page

    @pytest.mark.long
    def test_is_the_same_when_all_is_measured_again(self, page: str, export: Any, settings: Any) -> None:
        again = replication.replicate(export, settings)
        assert replication.write_page([again], "python benchmarks/replication.py simulated.csv") == page


class TestCommand:
    def test_takes_one_tag_for_all_files_or_one_each(self) -> None:
        asked = replication.parse_arguments(["a.csv", "b.csv", "--tag", "r", "--match", "exact", "--match", "contains"])
        assert [(each.tag, each.match) for each in asked.exports] == [("r", "exact"), ("r", "contains")]

    def test_without_a_file_takes_the_real_ones(self) -> None:
        asked = replication.parse_arguments([])
        assert [each.path.name for each in asked.exports] == ["stackoverflow_2018.csv.gz", "cross_validated_2016.csv"]
        assert asked.command == "python benchmarks/replication.py"

    def test_is_shown_without_folders(self) -> None:
        words = ["/home/me/a b.csv", "--tag", "c++", "--november-2020=/home/me/n.csv", "--output=/me/page.md"]
        asked = replication.parse_arguments(words)
        assert asked.command == "python benchmarks/replication.py 'a b.csv' --tag c++ --november-2020 n.csv"

    @pytest.mark.parametrize("words", [["a.csv", "--tag", "x", "--tag", "y"], ["--tag", "x"]])
    def test_refuses_tags_that_match_no_files(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="2"):
            replication.parse_arguments(words)
        assert "--tag" in capsys.readouterr().err

    def test_on_what_is_no_export_ends_with_one_line_and_writes_nothing(self, tmp_path: Path) -> None:
        notes = tmp_path / "notes.csv"
        notes.write_text("just some notes\nand more\n")
        output = tmp_path / "page.md"
        ended = subprocess.run(
            [sys.executable, SCRIPT, notes, "--output", output], capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 1
        assert ended.stdout == ""
        (line,) = ended.stderr.splitlines()
        assert line.startswith(f"{notes}: not a CSV file of the Data Explorer")
        assert not output.exists()
