from datetime import UTC, datetime

import pytest

from question_classification.provenance.git import Commit
from question_classification.provenance.identity import VERIFIED_RUN, RunIdentity, identify_run

NOW = datetime(2026, 11, 28, 9, 5, 7, 123456, UTC)
COMMIT = Commit(hash="c0ffee", branch="main", dirty=False)


@pytest.mark.parametrize("run_id", ["1234abcd", None])
def test_of_the_run_that_goes_on(run_id: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VERIFIED_RUN, raising=False)
    assert identify_run(run_id, NOW, COMMIT) == RunIdentity(id=run_id, started=NOW, commit=COMMIT)


def test_of_the_run_that_it_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    first = RunIdentity(id="1234abcd", started=NOW, commit=COMMIT)
    monkeypatch.setenv(VERIFIED_RUN, first.model_dump_json())
    now = identify_run("5678", datetime.now(UTC), Commit(hash="decaf", branch=None, dirty=True))
    assert now == first
    assert now.model_dump_json() == first.model_dump_json()
