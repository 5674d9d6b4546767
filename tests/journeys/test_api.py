"""The API as a source of `kedro run`: from the simulated service to the report, cut off and taken up again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from question_classification.stackexchange.raw import read_raw, read_source
from question_classification.stackexchange.server import ApiServer, FaultPlan, Html, Recorded, Reset, Site, Throttle

KEY = "ZTm7wNotARealKey((fKp"
PLAIN = "ZTm7wNotARealKey"  # what is left of it where it is escaped
RAW = "data/test/01_raw/questions"


@pytest.fixture(scope="module")
def site() -> Site:
    return Site.simulated(questions=1_000, seed=3)


@contextmanager
def serve(site: Site, *faults) -> Iterator[tuple[ApiServer, str]]:
    with ApiServer(site, faults=FaultPlan(faults=faults)) as server:
        yield server, f"source=api,api_url={server.url}"


@pytest.mark.long
def test_the_whole_job_and_no_trace_of_the_key(finished_project, tmp_path: Path, site: Site) -> None:
    """The key is looked for in output, debug log, traceback, data, the store of MLflow and what DVC writes."""
    project = finished_project.copy(tmp_path / "project")
    credentials = project.folder / "conf" / "local" / "credentials.yml"
    credentials.write_text(f"stack_exchange:\n  key: {KEY}\n")
    with serve(site, Reset(at=2), Html(at=3, status=503), Throttle(at=17, seconds=1_000)) as (server, source):
        run = project.kedro("run", "--params", source)
        assert run.returncode == 0, run.stdout + run.stderr
        assert (server.requests, server.violations) == (16, {})
        assert list(server._service._accounts) == [KEY]

        logging = project.folder / "conf" / "logging.yml"
        logging.write_text(re.sub("INFO|WARNING|ERROR|CRITICAL", "DEBUG", logging.read_text()))
        cut = project.kedro("run", "--pipelines", "ingestion", "--params", f"{source},refresh=true")
        assert cut.returncode == 75
    report = (project.folder / "data" / "08_reporting" / "report.html").read_text()
    assert "simulated questions" in report
    assert read_source(project.folder / "data/01_raw/questions")["site"] == "simulated"

    output = run.stdout + run.stderr + cut.stdout + cut.stderr
    assert "/2.3/sites?" in output  # urllib3 did log the addresses,
    assert "conf_creds" in output  # and Kedro what it hands to hooks
    (project.folder / "output.txt").write_text("".join(output.split()))
    assert project.execute("dvc", "commit", "--quiet", "--force").returncode == 0
    credentials.unlink()
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert len(files) > 200
    assert [path for path in files if PLAIN.encode() in path.read_bytes()] == []


def test_the_key_reaches_the_service_from_the_environment(
    kedro_run, finished_project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    project = finished_project.copy(tmp_path / "project")
    monkeypatch.setenv("STACK_EXCHANGE_KEY", KEY)
    with serve(site) as (server, source):
        run = kedro_run(project, "--pipelines", "ingestion", "--params", source)
        assert run.exit_code == 0, run.output
        quota = server._service._accounts
    assert list(quota) == [KEY]


class TestCutOff:
    """By a genuine answer: page 650 of the recording."""

    def test_keeps_what_it_has_and_goes_on(
        self, kedro_run, finished_project, tmp_path: Path, recorded_pages: Path, site: Site
    ) -> None:
        project = finished_project.copy(tmp_path / "project")
        ingestion = ("--pipelines", "ingestion", "--params")
        with serve(site, Recorded(at=6, path=recorded_pages / "650.json")) as (server, source):
            cut = kedro_run(project, *ingestion, source)
            assert cut.exit_code == 75
            (line,) = cut.stderr.splitlines()
            kept = read_raw(project.folder / RAW).num_rows
            assert line.startswith(f"Error: simulated: {kept} questions until ")
            assert "more requests available in 85909 seconds; go on after " in line
            assert 0 < kept < 1_000
            assert server.requests == 6

            whole = kedro_run(project, *ingestion, source)
            assert whole.exit_code == 0, whole.output
            assert server.requests == 6 + 2 + (1_000 - kept + 99) // 100
            assert server.violations == {}
        assert read_raw(project.folder / RAW).num_rows == 1_000

    def test_outputs_of_an_earlier_run_stay(self, kedro_run, finished_project, tmp_path: Path, site: Site) -> None:
        project = finished_project.copy(tmp_path / "project")
        before = project.contents()
        with serve(site, Throttle(at=1, seconds=1_000)) as (_, source):
            assert kedro_run(project, "--params", source).exit_code == 75
        assert project.contents() == before

    def test_the_questions_outlive_a_run_that_fails_later(
        self, kedro_run, finished_project, tmp_path: Path, site: Site
    ) -> None:
        project = finished_project.copy(tmp_path / "project")
        before = project.contents("data/test/02_intermediate")
        with serve(site) as (_, source):
            run = kedro_run(project, "--params", f"{source},target_tag=no-such-tag")
        assert run.exit_code == 1
        assert "none of 1000 questions has the tag" in run.stderr
        assert read_raw(project.folder / RAW).num_rows == 1_000
        assert project.contents("data/test/02_intermediate") == before

        other = kedro_run(project)  # the simulated source again: it must not cost anyone what was fetched
        assert other.exit_code == 1
        assert "holds 1,000 questions of simulated that were fetched one page at a time" in other.stderr
        assert read_raw(project.folder / RAW).num_rows == 1_000


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("site=nowhere", "refuses to list questions: bad_parameter (400): No site found for name `nowhere`"),
        ("refresh=perhaps", "run.refresh: Input should be a valid boolean"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    kedro_run, finished_project, tmp_path: Path, site: Site, parameters: str, expected: str
) -> None:
    project = finished_project.copy(tmp_path / "project")
    with serve(site) as (_, source):
        run = kedro_run(project, "--params", f"{source},{parameters}")
    assert run.exit_code == 1
    (line,) = run.stderr.splitlines()
    assert expected in line


def test_api_url_is_an_address(kedro_run, finished_project, tmp_path: Path) -> None:
    run = kedro_run(finished_project.copy(tmp_path / "project"), "--params", "source=api,api_url=localhost")
    assert run.exit_code == 1
    assert "run.api_url: String should match pattern" in run.stderr
