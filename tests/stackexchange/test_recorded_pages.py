"""The questions of 840 recorded pages, fetched from the local server while everything goes wrong that can."""

import csv
import gzip
from pathlib import Path

import pytest

from question_classification.stackexchange.api.client import ApiClient
from question_classification.stackexchange.api.feed import ApiFeed
from question_classification.stackexchange.errors import TryAgainLaterError
from question_classification.stackexchange.follow import follow
from question_classification.stackexchange.raw import read_raw
from question_classification.stackexchange.server import ApiServer, FaultPlan, Site

PLAN = """
seed: 7
faults:
  - {every: 31, fault: backoff, seconds: 5}
  - {at: [20, 90], fault: throttle, seconds: 7}
  - {at: [7, 50, 51], fault: unavailable, status: 503}
  - {at: [12, 77, 78, 79], fault: reset}
  - {at: [25], fault: truncated}
  - {at: [26], fault: truncated_gzip}
  - {at: [40, 41], fault: html, status: 429}
  - {at: [60], fault: slow, seconds: 2}
  - {every: 17, fault: duplicate}
  - {every: 13, fault: drift, questions: 30}
  - {probability: 0.03, fault: unavailable, status: 500}
"""


@pytest.fixture(scope="module")
def site(recorded_pages: Path) -> Site:
    return Site.recorded(recorded_pages)


@pytest.fixture(scope="module")
def export(stackexchange_data: Path) -> dict[int, dict[str, str]]:
    csv.field_size_limit(2**24)
    with gzip.open(stackexchange_data / "stackoverflow_2018.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return {int(row["Id"]): row for row in csv.DictReader(file)}


def check_is_the_export(folder: Path, export: dict[int, dict[str, str]]) -> None:
    rows = read_raw(folder).select(["Id", "Title", "Body", "Unreadable"]).to_pylist()
    assert len(rows) == len(export) == 16_586
    assert {row["Id"]: (row["Title"], row["Body"]) for row in rows} == {
        number: (row["Title"], row["Body"]) for number, row in export.items()
    }
    assert not any(row["Unreadable"] for row in rows)


def test_each_question_arrives_once_and_as_it_was(site: Site, export, clock, tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text(PLAN)
    with ApiServer(site, faults=FaultPlan.read(tmp_path / "plan.yml"), clock=clock) as server:
        account = follow(ApiFeed(ApiClient(server.url, clock=clock), "stackoverflow"), tmp_path / "raw")
        assert server.violations == {}
        served = set(server.faults_served)
        received = account.new + account.repeated
    check_is_the_export(tmp_path / "raw", export)
    assert (account.questions, account.new, account.changed) == (16_586, 16_586, 0)
    assert received - account.repeated == 16_586
    assert account.repeated > 500  # stale answers, and what neighbouring pages share
    assert served >= {"backoff", "throttle", "unavailable", "reset", "html", "duplicate"}


def test_a_genuine_throttle_ends_a_run_and_the_next_goes_on(
    site: Site, export, recorded_pages: Path, clock, tmp_path: Path
) -> None:
    """Page 650 of the recording: more requests available in 85909 seconds."""
    (tmp_path / "plan.yml").write_text(f"faults: [{{at: 60, fault: recorded, path: {recorded_pages / '650.json'}}}]")
    with ApiServer(site, faults=FaultPlan.read(tmp_path / "plan.yml"), clock=clock) as server:
        feed = ApiFeed(ApiClient(server.url, clock=clock), "stackoverflow")
        with pytest.raises(TryAgainLaterError) as raised:
            follow(feed, tmp_path / "raw")
        assert raised.value.exit_code == 75
        kept = read_raw(tmp_path / "raw").num_rows
        assert f"stackoverflow: {kept:,} questions until 2018-04-" in str(raised.value)
        assert "85909 seconds; go on after 2026-11-02 11:5" in str(raised.value)
        assert server.requests == 60

        clock.sleep(85_909)
        follow(ApiFeed(ApiClient(server.url, clock=clock), "stackoverflow"), tmp_path / "raw")
        assert server.violations == {}
        assert server.requests < 60 + 120  # what was kept is not fetched again
    check_is_the_export(tmp_path / "raw", export)
