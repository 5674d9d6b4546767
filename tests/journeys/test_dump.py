"""A data dump as the source of `kedro run`: whole, broken, and after a run that was killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from question_classification.stackexchange.raw import read_raw, read_source
from question_classification.stackexchange.simulated import simulate
from question_classification.stackexchange.simulation.dump import write_dump

RAW = "data/test/01_raw/questions"


@pytest.fixture
def project(finished_project, tmp_path: Path):
    return finished_project.copy(tmp_path / "project")


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "Posts.xml"
    write_dump(path, simulate(1_000, seed=4), answers=True)
    return path


def test_the_whole_job(project, kedro_run, stackexchange_data: Path) -> None:
    posts = stackexchange_data / "dumps" / "ai.stackexchange.com_2017-03" / "Posts.xml"
    run = kedro_run(project, "--params", f"source=dump,path={posts},site=ai")
    assert run.exit_code == 0, run.output
    report = (project.folder / "data/test/08_reporting/report.html").read_text()
    assert "questions of ai, from a Stack Exchange data dump" in report
    quality = json.loads((project.folder / "data/test/02_intermediate/data_quality.json").read_text())
    assert (quality["valid"], quality["left_out"]) == (604, {"answers": 1_004, "other_posts": 127})


def test_a_broken_one_keeps_what_comes_before_unless_there_is_more(project, kedro_run, dump: Path) -> None:
    content = dump.read_bytes()
    cut = dump.with_name("cut.xml")
    cut.write_bytes(content[: len(content) // 2])
    parameters = ("--pipelines", "ingestion", "--params", f"source=dump,path={cut},site=simulated")
    before = project.contents("data/test/02_intermediate")

    broken = kedro_run(project, *parameters)
    assert broken.exit_code == 1
    (line,) = broken.stderr.splitlines()
    kept = read_raw(project.folder / RAW).num_rows
    assert f"Error: {cut}: breaks off at byte " in line
    assert f"the {kept:,} questions before that are in " in line
    assert 300 < kept < 700
    assert "breaks off" in read_source(project.folder / RAW)["warnings"][0]
    assert project.contents("data/test/02_intermediate") == before

    whole = kedro_run(project, "--pipelines", "ingestion", "--params", f"source=dump,path={dump},site=simulated")
    assert whole.exit_code == 0, whole.output
    raw = project.contents(RAW)
    again = kedro_run(project, *parameters)
    assert again.exit_code == 1
    assert "stays as it is, for it holds 1,000 questions, not " in again.stderr
    assert project.contents(RAW) == raw


@pytest.mark.long
def test_killed_in_the_middle_it_leaves_the_earlier_layer(project, kedro_run, tmp_path: Path) -> None:
    large = tmp_path / "large.xml"
    write_dump(large, simulate(20_000, seed=4))
    before = project.contents(RAW)
    command = [Path(sys.executable).with_name("kedro"), "run", "--env", "test", "--pipelines", "ingestion"]
    command += ["--params", f"source=dump,path={large},site=simulated"]
    with subprocess.Popen(command, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None and not list(project.folder.glob("data/test/01_raw/.questions.partial/*/*")):
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert project.contents(RAW) == before
    assert kedro_run(project).exit_code == 0
    assert [path.name for path in project.folder.glob("data/test/01_raw/.*") if path.suffix != ".lock"] == []
