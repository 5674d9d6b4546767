"""Two people, two branches, one DVC remote on S3 and one Git origin: nothing is lost, and each can tell them apart."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

pytestmark = pytest.mark.long

DVC = (sys.executable, "-m", "dvc")
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
KEDRO = Path(sys.executable).with_name("kedro")
BUCKET = "questions"
SECRETS = ".dvc/config.local"


@dataclass(frozen=True)
class Storage:
    """A server that speaks S3."""

    url: str

    def keys(self) -> set[str]:
        """Return the MD5 of each file that DVC has there."""
        answer = urllib3.request("GET", f"{self.url}/{BUCKET}?list-type=2&max-keys=1000").data.decode()
        assert "<IsTruncated>false" in answer
        return {key.replace("/", "") for key in re.findall(r"<Key>project/files/md5/([^<]+)</Key>", answer)}


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    """A server process with an empty bucket, which ends with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while not _answers(f"{url}/moto-api/"):
                assert server.poll() is None
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.1)
            assert urllib3.request("PUT", f"{url}/{BUCKET}").status == 200
            yield Storage(url)
        finally:
            server.terminate()


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=1).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def execute(project: Any, *command: str | Path) -> str:
    done = project.execute(*command)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def run_and_commit(project: Any, message: str) -> None:
    """Do what the README says: run, let DVC know, commit."""
    execute(project, KEDRO, "run")
    execute(project, *DVC, "commit", "--quiet", "--force")
    execute(project, "git", "add", ".")
    execute(project, *GIT, "commit", "--quiet", "--message", message)


def share(project: Any, branch: str) -> None:
    execute(project, *DVC, "push")
    execute(project, "git", "push", "--quiet", "origin", branch)


def edit(project: Any, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@dataclass
class Team:
    """Two clones of one origin, and what their branches hold."""

    ada: Any
    ben: Any
    clone: Callable[[str], Any]
    contents: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def team(make_project: Callable[[Path], Any], storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Ada has made the project, shared its data, and Ben has cloned it. The tests follow one another in it."""
    folder = tmp_path_factory.mktemp("team")
    ada = make_project(folder / "ada")
    execute(ada, "git", "init", "--quiet", "--bare", "--initial-branch=main", folder / "origin.git")
    execute(ada, "git", "remote", "add", "origin", folder / "origin.git")
    execute(ada, "git", "branch", "--move", "main")
    edit(ada, "conf/base/globals.yml", "questions: 20000", "questions: 1000")
    execute(ada, *DVC, "remote", "add", "--default", "storage", f"s3://{BUCKET}/project")
    execute(ada, *DVC, "remote", "modify", "storage", "endpointurl", storage.url)
    for name in ("access_key_id", "secret_access_key"):
        execute(ada, *DVC, "remote", "modify", "--local", "storage", name, "testing")
    run_and_commit(ada, "Run")
    share(ada, "main")
    assert SECRETS not in execute(ada, "git", "ls-files").splitlines()

    def clone(name: str) -> Any:
        execute(ada, "git", "clone", "--quiet", folder / "origin.git", folder / name)
        made = type(ada)(folder / name)
        shutil.copy(ada.folder / SECRETS, made.folder / SECRETS)
        return made

    return Team(ada, clone("ben"), clone, {"main": ada.versioned_contents()})


def test_a_clone_pulls_and_has_nothing_left_to_do(team: Team, storage: Storage) -> None:
    assert not (team.ben.folder / "data/06_models/selected.skops").exists()
    execute(team.ben, *DVC, "pull")
    assert team.ben.versioned_contents() == team.contents["main"]
    assert "up to date" in execute(team.ben, *DVC, "status")
    assert "in sync" in execute(team.ben, *DVC, "status", "--cloud")

    before = storage.keys()
    execute(team.ben, KEDRO, "run")
    assert team.ben.versioned_contents() == team.contents["main"]
    assert "up to date" in execute(team.ben, *DVC, "status")
    assert execute(team.ben, "git", "status", "--porcelain") == ""
    execute(team.ben, *DVC, "push")
    assert storage.keys() == before


def test_two_branches_with_other_data_and_models_are_shared(team: Team) -> None:
    """Ada has more questions and changes code, Ben has another simulated site and another hyperparameter."""
    execute(team.ada, "git", "switch", "--quiet", "--create", "more-questions")
    edit(team.ada, "conf/base/globals.yml", "questions: 1000", "questions: 1200")
    nodes = "src/question_classification/pipelines/feature_engineering/nodes.py"
    edit(team.ada, nodes, '"title_length": title.str.len()', '"title_length": title.str.len().clip(upper=100)')
    run_and_commit(team.ada, "More questions, and their titles cut")

    execute(team.ben, "git", "switch", "--quiet", "--create", "other-site")
    edit(team.ben, "conf/base/globals.yml", "seed: 42", "seed: 43")
    edit(team.ben, "conf/base/parameters_modelling.yml", "C: 0.3", "C: 0.4")
    run_and_commit(team.ben, "Another site, weaker regularisation")

    for branch, project in (("more-questions", team.ada), ("other-site", team.ben)):
        team.contents[branch] = project.versioned_contents()
        share(project, branch)
    models = {contents["06_models/selected.skops"] for contents in team.contents.values()}
    assert len(models) == 3


@pytest.mark.parametrize("person", ["ada", "ben"])
def test_each_branch_comes_back_byte_by_byte_in_either_clone(team: Team, person: str) -> None:
    project = getattr(team, person)
    execute(project, "git", "fetch", "--quiet")
    for branch in team.contents:
        execute(project, "git", "checkout", "--quiet", branch)
        execute(project, *DVC, "fetch")
        execute(project, *DVC, "checkout")
        assert project.versioned_contents() == team.contents[branch], branch
        assert "up to date" in execute(project, *DVC, "status")
        assert execute(project, "git", "status", "--porcelain") == ""


def test_the_branches_are_told_apart_in_words(team: Team) -> None:
    """By Git and DVC: of the other's runs, no clone has a record."""
    answer = execute(team.ben, *DVC, "metrics", "diff", "more-questions", "other-site", "--json")
    changed = json.loads(answer)["data/08_reporting/metrics.json"]
    assert changed["data.rows"] == {"old": 1200, "new": 1000, "diff": -200}
    assert "selected.stratified.average_precision" in changed

    answer = execute(team.ben, KEDRO, "lineage", "more-questions", "--diff", "other-site", "--json")
    difference = json.loads(answer)
    assert re.match(r"data/01_raw/questions: .*parts? changed \(.*, rows 1,200 → 1,000", difference["data"][0])
    assert len(difference["derived data"]) == 1
    assert difference["code"][1:3] == [
        f"  + {short(team.ben, 'other-site')} Another site, weaker regularisation",
        f"  - {short(team.ben, 'more-questions')} More questions, and their titles cut",
    ]
    assert "src/question_classification/pipelines/feature_engineering/nodes.py" in difference["code"][3]
    assert difference["parameters"] == [
        "modelling.nb_svm_logistic.C: 0.3 → 0.4",
        "simulated.questions: 1200 → 1000",
        "simulated.seed: 42 → 43",
    ]
    assert difference["environment"] == []
    assert any(line.startswith("selected.stratified.average_precision: ") for line in difference["metrics"])

    here = json.loads(execute(team.ada, KEDRO, "lineage", "--diff", "other-site", "--json"))  # a run against a commit
    assert here["model"] == difference["model"]
    assert here["parameters"] == difference["parameters"][:1]


def short(project: Any, revision: str) -> str:
    return execute(project, "git", "log", "-1", "--format=%h", revision).strip()


def test_what_no_branch_uses_is_collected_and_nothing_else(team: Team, storage: Storage) -> None:
    before = storage.keys()
    execute(team.ada, "git", "switch", "--quiet", "--create", "draft", "main")
    execute(team.ada, *DVC, "checkout")
    edit(team.ada, "conf/base/parameters_thresholding.yml", "policy: max_f1", "policy: least_cost")
    execute(team.ada, *DVC, "repro", "thresholding")
    execute(team.ada, *GIT, "commit", "--quiet", "--all", "--message", "Draft")
    execute(team.ada, *DVC, "push")
    drafted = storage.keys() - before
    assert drafted
    execute(team.ada, "git", "switch", "--quiet", "main")
    execute(team.ada, "git", "branch", "--quiet", "--delete", "--force", "draft")
    execute(team.ada, *DVC, "checkout")

    execute(team.ada, *DVC, "gc", "--all-branches", "--cloud", "--force")
    assert storage.keys() == before

    execute(team.ada, *DVC, "gc", "--workspace", "--force")  # the cache alone: the other branches are in the remote
    assert storage.keys() == before
    newcomer = team.clone("newcomer")
    for project in (team.ada, newcomer):
        for branch in team.contents:
            execute(project, "git", "checkout", "--quiet", branch)
            execute(project, *DVC, "pull")
            assert project.versioned_contents() == team.contents[branch], branch
