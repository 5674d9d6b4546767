import re
from pathlib import Path

import pytest
import yaml

from question_classification.stackexchange import server
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.server import (
    Backoff,
    Drift,
    FaultPlan,
    Html,
    Recorded,
    Reset,
    Slow,
    Throttle,
    Unavailable,
)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a plan and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "plan.yml"
        path.write_text(text)
        return path

    return write


def kinds(plan: FaultPlan, requests: int) -> list[str]:
    faults = (plan.fault_at(request) for request in range(1, requests + 1))
    return ["" if fault is None else fault.kind for fault in faults]


def test_a_plan_says_which_requests_meet_what():
    plan = FaultPlan(faults=(Reset(at=2), Slow(at=(3, 5), seconds=1), Html(every=3)))
    assert kinds(plan, 9) == ["", "reset", "slow", "", "slow", "html", "", "", "html"]
    assert kinds(FaultPlan(), 2) == ["", ""]


def test_chance_is_the_same_each_time_and_follows_the_seed():
    plan, other = (FaultPlan(faults=(Reset(probability=0.25),), seed=seed) for seed in (1, 2))
    assert kinds(plan, 1000) == kinds(plan, 1000) != kinds(other, 1000)
    assert 200 <= kinds(plan, 1000).count("reset") <= 300  # 3.6 standard deviations around 250
    assert kinds(FaultPlan(faults=(Reset(probability=1),)), 2) == ["reset", "reset"]
    assert kinds(FaultPlan(faults=(Reset(probability=0),)), 2) == ["", ""]


def test_a_plan_is_read_from_yaml(write):
    path = write(
        """
        seed: 7
        faults:
          - {at: 3, fault: backoff, seconds: 5}
          - {at: [4, 6], fault: throttle, seconds: 9}
          - {every: 25, fault: unavailable}
          - {probability: 0.5, fault: drift, questions: 30}
          - {at: 8, fault: recorded, path: plan.yml}
        """
    )
    assert FaultPlan.read(path) == FaultPlan(
        seed=7,
        faults=(
            Backoff(at=3, seconds=5),
            Throttle(at=(4, 6), seconds=9),
            Unavailable(every=25, status=503),
            Drift(probability=0.5, questions=30),
            Recorded(at=8, path=path),
        ),
    )
    assert FaultPlan.read(write("")) == FaultPlan()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults: [", "not YAML"),
        ("- {at: 1, fault: reset}", "a plan has `faults`, a list"),
        ("faults: 5", "faults: "),
        ("fault: []", "fault: Extra inputs"),
        ("faults: [{at: 1}]", "fault 1: "),
        ("faults: [{at: 1, fault: fire}]", "fault 1: "),
        ("faults: [{at: 1, fault: reset}, {at: 1, fault: backoff}]", "fault 2, backoff, seconds: Field required"),
        ("faults: [{at: 1, fault: reset, seconds: 5}]", "fault 1, reset, seconds: Extra inputs"),
        ("faults: [{at: 0, fault: reset}]", "fault 1, reset, at"),
        ("faults: [{fault: reset}]", "fault 1, reset: say which requests by exactly one of"),
        ("faults: [{at: 1, every: 2, fault: reset}]", "fault 1, reset: say which requests by exactly one of"),
        ("faults: [{probability: 1.5, fault: reset}]", "fault 1, reset, probability: "),
        ("faults: [{at: 1, fault: html, status: 404}]", "fault 1, html, status: "),
        ("faults: [{at: 1, fault: recorded, path: absent.json}]", "fault 1, recorded, path: "),
        ("seed: -1", "seed: "),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_in_one_line(write, text, said):
    path = write(text)
    with pytest.raises(InputError) as error:
        FaultPlan.read(path)
    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)


def test_a_plan_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yml: No such file"):
        FaultPlan.read(tmp_path / "absent.yml")
    with pytest.raises(InputError, match="Is a directory"):
        FaultPlan.read(tmp_path)


def test_the_plan_on_the_page_about_it_has_every_kind():
    page = (Path(server.__file__).parent / "README.md").read_text()
    plan = FaultPlan.model_validate(yaml.safe_load(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]))
    known = {kind.model_fields["fault"].default for kind in server.Fault.__subclasses__()}
    assert {fault.kind for fault in plan.faults} == known - {"recorded"}  # its file would have to exist
