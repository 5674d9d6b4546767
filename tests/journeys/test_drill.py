"""The reproducibility drill: does a model still come out the same, and if not, what is named?"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sklearn

from question_classification.stackexchange.question import REQUIRED_COLUMNS
from question_classification.stackexchange.server import ApiServer, Site
from question_classification.stackexchange.simulated import simulate

KEDRO = Path(sys.executable).with_name("kedro")
DVC = (sys.executable, "-m", "dvc")
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def verify(project: Any, *arguments: str) -> tuple[int, list[str]]:
    done = project.kedro("verify", *arguments)
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()


@pytest.mark.long
def test_newest_model_comes_out_the_same(finished_project, tmp_path: Path) -> None:
    project = finished_project.copy(tmp_path / "project")
    before = project.contents()
    code, lines = verify(project)
    assert (code, lines[-1]) == (0, "identical"), lines
    count = re.fullmatch(r"(\d+) of \1 outputs are identical", lines[-2])
    assert count is not None
    assert int(count[1]) > 50
    assert project.contents() == before
    assert project.execute("git", "worktree", "list").stdout.count("\n") == 1

    code, lines = verify(project, "nothing-like-it")
    assert (code, len(lines)) == (2, 1)
    assert "nothing-like-it: no such run" in lines[0]


@pytest.fixture(scope="module")
def shared(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project after `make run` on few questions, committed to Git, its data pushed to a folder."""
    folder = tmp_path_factory.mktemp("drill")
    project = make_project(folder / "project")
    path = project.folder / "conf/base/globals.yml"
    path.write_text(path.read_text().replace("questions: 20000", "questions: 600"))
    commands = [
        (Path(sys.executable).with_name("kedro"), "run"),
        (*DVC, "commit", "--quiet", "--force"),
        (*DVC, "remote", "add", "--default", "storage", str(folder / "remote")),
        (*DVC, "push"),
        (*GIT, "add", "."),
        (*GIT, "commit", "--quiet", "--message", "Run"),
    ]
    for command in commands:
        done = project.execute(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return project


def change(project: Any, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert project.execute(*GIT, "commit", "--quiet", "--all", "--message", f"Change {file}").returncode == 0


@pytest.fixture
def clone(shared: Any, tmp_path: Path) -> Any:
    clone = shared.clone(tmp_path / "clone")
    done = clone.execute(*DVC, "pull")
    assert done.returncode == 0, done.stdout + done.stderr
    return clone


@pytest.mark.long
def test_clone_that_has_no_runs_goes_by_dvc_lock(clone: Any) -> None:
    code, lines = verify(clone)
    assert lines[0].startswith("dvc.lock of commit ")
    assert (code, lines[-1]) == (0, "identical"), lines


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("conf/base/globals.yml", "seed: ", "seed: 1", "data/01_raw/questions: different: "),
        ("conf/base/parameters_modelling.yml", "C: 0.3", "C: 0.4", "data/06_models/nb_svm_logistic.skops: different"),
        (
            "src/question_classification/pipelines/feature_engineering/nodes.py",
            '"title_length": title.str.len()',
            '"title_length": title.str.len().mod(7)',
            "data/04_feature/question_features.parquet: different: row 0, title_length: ",
        ),
    ],
    ids=["data", "parameter", "code"],
)
def test_change_that_was_committed_without_a_run_is_caught_and_named(
    clone: Any, file: str, old: str, new: str, named: str
) -> None:
    change(clone, file, old, new)
    code, lines = verify(clone)
    assert (code, lines[-1]) == (1, "different"), lines
    assert any(line.startswith(named) for line in lines), lines


@pytest.mark.long
def test_lock_file_that_was_changed_and_not_installed_is_named(clone: Any) -> None:
    pin = f"joblib=={version('joblib')}"
    change(clone, "requirements.lock", pin, "joblib==1.0.1")
    code, lines = verify(clone)
    assert (code, lines[-1]) == (0, "identical"), lines
    named = f"requirements.lock was changed, and is not what is installed: joblib {version('joblib')} → 1.0.1"
    assert lines[-2] == f"note: {named}"


@pytest.mark.long
def test_raw_layer_that_was_fetched_is_taken_as_it_was(kedro_run, new_project: Any) -> None:
    with ApiServer(Site.simulated(questions=600, seed=3)) as server:
        run = kedro_run(new_project, "--params", f"source=api,api_url={server.url}")
        assert run.exit_code == 0, run.output
    code, lines = verify(new_project)  # the service is gone
    assert (code, lines[-1]) == (0, "identical"), lines
    assert lines[-2] == "note: what it read of the source, raw_questions, is not fetched again but taken as it was"

    run = kedro_run(new_project, "--pipelines", "modelling", "--params", "modelling.tfidf_logistic.C=0.5")
    assert run.exit_code == 0, run.output
    code, lines = verify(new_project)
    assert (code, lines[-1]) == (0, "identical"), lines
    assert lines[-2] == "note: the run was of modelling alone; what it read of earlier runs is taken as it was"


ROWS = 600
EXPORT = "questions.csv"
START = "start"


@dataclass(frozen=True)
class Story:
    """A project with a champion, made of an export; each chapter changes one thing and runs again."""

    project: Any
    packages: Path

    def run(self, *, packages: Path | None = None) -> None:
        environment = self.project.environment
        if packages:
            environment["PYTHONPATH"] += f"{os.pathsep}{packages}"
        command = [KEDRO, "run", "--env", "test", "--params", f"source=sede,path={EXPORT}"]
        done = subprocess.run(command, cwd=self.project.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def difference(self) -> dict[str, list[str]]:
        """Return what differs from the champion to the newest model, in words; without what goes without saying."""
        done = self.project.kedro("lineage", "champion", "--diff", "data/test/06_models/selected.skops", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        del found["derived data"]
        return {
            **found,
            "code": [line for line in found["code"] if not line.startswith(("commit", "  "))],
        }


@pytest.fixture(scope="module")
def story(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    project = make_project(folder / "project")
    questions = pa.concat_tables(simulate(ROWS, seed=1)).select(REQUIRED_COLUMNS).to_pandas()
    questions["CreationDate"] = questions["CreationDate"].dt.strftime("%Y-%m-%d %H:%M:%S")
    questions.to_csv(project.folder / EXPORT, index=False)
    story = Story(project, _other_scikit_learn(folder / "packages"))
    story.run()
    assert project.execute("git", "tag", START).returncode == 0
    for command in (("register",), ("promote", "--reason", "the first")):
        done = project.kedro("model", *command)
        assert done.returncode == 0, done.stderr
    return story


def _other_scikit_learn(folder: Path) -> Path:
    """Make a release of scikit-learn that fits otherwise, to be found before the installed one."""
    installed = Path(sklearn.__file__).parents[1]
    for name in ("sklearn", "scikit_learn.libs"):
        if (installed / name).exists():
            shutil.copytree(installed / name, folder / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (folder / "scikit_learn-99.0.dist-info").mkdir()
    (folder / "scikit_learn-99.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: scikit-learn\nVersion: 99.0\n"
    )
    with (folder / "sklearn/linear_model/_logistic.py").open("a") as module:
        module.write(OTHER_FIT)
    return folder


OTHER_FIT = """

def _fit_otherwise(self, X, y, sample_weight=None, fit=LogisticRegression.fit):
    fit(self, X, y, sample_weight)
    self.coef_ = self.coef_ / 2
    return self


LogisticRegression.fit = _fit_otherwise
"""


@pytest.mark.long
class TestOneChangeIsNamedAndNothingElse:
    @pytest.fixture(autouse=True)
    def revert(self, story: Story) -> Iterator[None]:
        export = (story.project.folder / EXPORT).read_bytes()
        yield
        (story.project.folder / EXPORT).write_bytes(export)
        assert story.project.execute("git", "reset", "--hard", "--quiet", START).returncode == 0

    def check(self, story: Story, **expected: list[str]) -> None:
        found = story.difference()
        assert found["model"] != []
        named = {kind: lines for kind, lines in found.items() if lines and kind not in ("model", "metrics")}
        assert named == expected

    def test_raw_row(self, story: Story) -> None:
        path = story.project.folder / EXPORT
        questions = pd.read_csv(path, dtype=str, keep_default_na=False)
        place = len(questions) - 1
        questions.loc[place, "Title"] = "machine learning " * 5
        questions.to_csv(path, index=False)
        code, lines = verify(story.project, "champion")
        assert code == 1, lines
        month = questions.loc[place, "CreationDate"][:7]
        named = f"data/test/01_raw/questions: different: {month}.parquet: row "
        assert any(line.startswith(named) and ", Title: " in line for line in lines), lines
        story.run()
        self.check(story, data=[f"data/test/01_raw/questions: 1 part changed ({month}.parquet)"])

    def test_parameter(self, story: Story) -> None:
        change(story.project, "conf/base/parameters_modelling.yml", "max_features: 25000", "max_features: 500")
        story.run()
        file = "1 file with other content: conf/base/parameters_modelling.yml"
        self.check(story, parameters=["modelling.tfidf_logistic.max_features: 25000 → 500"], code=[file])

    def test_line_of_code(self, story: Story) -> None:
        module = "src/question_classification/models/estimators.py"
        change(story.project, module, "tol=0.01", "tol=0.5")
        story.run()
        self.check(story, code=[f"1 file with other content: {module}"])

    def test_dependency(self, story: Story) -> None:
        story.run(packages=story.packages)
        named = f"scikit-learn {version('scikit-learn')} → 99.0"
        self.check(story, environment=[named])
        code, lines = verify(story.project)  # with the installed one
        assert (code, lines[-1]) == (1, "different"), lines
        back = f"scikit-learn 99.0 → {version('scikit-learn')}"
        assert lines[-2] == f"note: it was made with other packages than are installed: {back}"

    def test_champion_still_comes_out_the_same(self, story: Story) -> None:
        code, lines = verify(story.project, "champion")
        assert (code, lines[-1]) == (0, "identical"), lines
        assert lines[0] == "version 1 of question_classification"
