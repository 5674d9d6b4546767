from datetime import UTC, datetime

import pytest

from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.git import Commit
from question_classification.provenance.identity import VERIFIED_RUN, RunIdentity, identify_run

COMMIT = Commit(hash="c0ffee", branch="main", dirty=False)
NOW = datetime(2026, 11, 28, 9, 5, 7, 123456, UTC)
ONE = RunIdentity(id="1234abcd", started=NOW, commit=COMMIT, taken=["metrics"])
OTHER = RunIdentity(id=None, started=datetime.now(UTC), commit=Commit(hash=None, branch=None, dirty=True), taken=[])


@pytest.mark.parametrize("identity", [ONE, OTHER])
def test_is_that_of_the_run_that_goes_on(identity: RunIdentity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VERIFIED_RUN, raising=False)
    assert identify_run(identity) == identity


def test_is_that_of_the_run_that_it_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VERIFIED_RUN, ONE.model_dump_json())
    assert identify_run(OTHER) == ONE
    assert identify_run(OTHER).model_dump_json() == ONE.model_dump_json()


def test_what_is_no_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VERIFIED_RUN, "garbage")
    with pytest.raises(ProvenanceError, match=rf"^{VERIFIED_RUN} is for `kedro verify` alone"):
        identify_run(ONE)
