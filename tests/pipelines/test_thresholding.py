import json
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from question_classification.pipelines.thresholding.nodes import choose_threshold
from question_classification.pipelines.thresholding.parameters import Policy, ThresholdingParameters

PARAMETERS: dict[str, Any] = {
    "policy": "max_f1",
    "precision": 0.8,
    "recall": 0.8,
    "false_positive_cost": 1,
    "false_negative_cost": 5,
}
POLICIES = get_args(Policy)


def parameters(**changes: Any) -> ThresholdingParameters:
    return ThresholdingParameters.model_validate({**PARAMETERS, **changes})


def scored(*labels: int) -> pd.DataFrame:
    """Return questions with scores from 0.9 down, in steps of 0.1."""
    score = [round(0.9 - 0.1 * place, 1) for place in range(len(labels))]
    return pd.DataFrame({"question_id": range(len(labels)), "is_target": np.array(labels, bool), "score": score})


# Of those from 0.9 on 1/1 is right, and 1/4 found; from 0.6 on 3/4 and 3/4; from 0.2 on 4/8 and 4/4
SCORES = scored(1, 0, 1, 1, 0, 0, 0, 1).assign(fold=0)


@pytest.mark.parametrize(
    ("changes", "threshold"),
    [
        ({"policy": "max_f1"}, 0.6),
        ({"policy": "precision_at_least", "precision": 0.75}, 0.6),
        ({"policy": "precision_at_least", "precision": 0.76}, 0.9),
        ({"policy": "recall_at_least", "recall": 0.75}, 0.6),
        ({"policy": "recall_at_least", "recall": 0.76}, 0.2),
        ({"policy": "least_cost", "false_positive_cost": 1, "false_negative_cost": 5}, 0.2),  # 4 false alarms
        ({"policy": "least_cost", "false_positive_cost": 1, "false_negative_cost": 1}, 0.6),  # 1, and 1 missed
        ({"policy": "least_cost", "false_positive_cost": 5, "false_negative_cost": 1}, 0.9),  # 3 missed
        ({"policy": "least_cost", "false_positive_cost": 1, "false_negative_cost": 0}, 1.0),  # none flagged
    ],
    ids=str,
)
def test_worked_out_by_hand(changes: dict[str, Any], threshold: float) -> None:
    chosen = choose_threshold(SCORES, parameters(**changes))
    assert (chosen["policy"], chosen["threshold"]) == (changes["policy"], threshold)
    policy = chosen["policies"][changes["policy"]]
    assert (policy["threshold"], policy["reached"]) == (threshold, True)
    assert [changes["policy"], *policy["aim"].values()] == list(changes.values())


def test_every_policy_is_reported_whichever_is_chosen() -> None:
    chosen = [choose_threshold(SCORES, parameters(policy=policy)) for policy in POLICIES]
    assert all(each["policies"] == chosen[0]["policies"] for each in chosen)
    assert tuple(chosen[0]["policies"]) == POLICIES
    assert [each["threshold"] for each in chosen] == [0.6, 0.9, 0.2, 0.2]


def test_what_cannot_be_reached_is_said() -> None:
    """The best precision is that from 0.6 on."""
    chosen = choose_threshold(scored(0, 1, 1, 1, 0), parameters(policy="precision_at_least"))
    assert chosen["threshold"] == 0.6
    assert chosen["policies"]["precision_at_least"] == {"aim": {"precision": 0.8}, "threshold": 0.6, "reached": False}
    assert [policy["reached"] for policy in chosen["policies"].values()] == [True, False, True, True]


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=30).filter(
        lambda rows: len({label for label, _ in rows}) == 2
    ),
    share=st.floats(0.01, 1),
)
def test_on_the_scores_it_was_chosen_on_it_does_what_it_says(rows: list[tuple[bool, float]], share: float) -> None:
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    scores = pd.DataFrame({"is_target": label, "score": score})
    chosen = json.loads(json.dumps(choose_threshold(scores, parameters(precision=share, recall=share))))
    flagged = {policy: score >= each["threshold"] for policy, each in chosen["policies"].items()}
    assert label[flagged["recall_at_least"]].sum() / label.sum() >= share
    if chosen["policies"]["precision_at_least"]["reached"]:
        assert label[flagged["precision_at_least"]].mean() >= share
    costs = {policy: (~label & on).sum() + 5 * (label & ~on).sum() for policy, on in flagged.items()}
    assert costs["least_cost"] == min(costs.values())
    f1 = {policy: 2 * (label & on).sum() / (label.sum() + on.sum()) for policy, on in flagged.items()}
    assert f1["max_f1"] == max(f1.values())


def test_policy_is_changed_without_training_again(finished_project, tmp_path, kedro_run) -> None:
    project = finished_project.copy(tmp_path / "project")
    before = project.contents("data/test")
    changes = "thresholding.policy=recall_at_least,thresholding.recall=0.95"
    run = kedro_run(project, "--pipelines=thresholding", "--params", changes)
    assert run.exit_code == 0, run.stderr
    after = project.contents("data/test")
    assert {name for name in after if after[name] != before.get(name)} == {"06_models/threshold.json"}
    assert set(after) == set(before)
    file = "06_models/threshold.json"
    earlier, chosen = (
        json.loads((each.folder / "data/test" / file).read_text()) for each in (finished_project, project)
    )
    assert chosen["policy"] == "recall_at_least"
    assert chosen["threshold"] == chosen["policies"]["recall_at_least"]["threshold"] < earlier["threshold"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": "accuracy"},
        {"precision": 0},
        {"precision": 1.01},
        {"recall": 0},
        {"recall": float("nan")},
        {"false_positive_cost": -1},
        {"false_negative_cost": "much"},
        {"threshold": 0.5},
    ],
    ids=str,
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)
