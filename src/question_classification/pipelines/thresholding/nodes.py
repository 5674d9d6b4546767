"""Nodes of the thresholding."""

from typing import Any

import pandas as pd

from question_classification.pipelines.thresholding.parameters import ThresholdingParameters


def choose_threshold(out_of_fold_scores: pd.DataFrame, parameters: ThresholdingParameters) -> dict[str, Any]:
    """Choose a threshold by a policy, on scores within the training set.

    Returns:
        `policy`; `threshold`, at or above which a score is about the target; and for every policy, in `policies`, its
        `aim` in numbers, its `threshold`, and whether the aim was `reached` on these scores.
    """
    from question_classification.models.thresholds import least_cost, max_f1, precision_at_least, recall_at_least

    costs = {"false_positive": parameters.false_positive_cost, "false_negative": parameters.false_negative_cost}
    aims: dict[str, tuple[Any, dict[str, float]]] = {
        "max_f1": (max_f1, {}),
        "precision_at_least": (precision_at_least, {"precision": parameters.precision}),
        "recall_at_least": (recall_at_least, {"recall": parameters.recall}),
        "least_cost": (least_cost, costs),
    }
    scores = out_of_fold_scores["is_target"].to_numpy(), out_of_fold_scores["score"].to_numpy()
    policies = {}
    for policy, (choose, aim) in aims.items():
        threshold = choose(*scores, **aim)
        policies[policy] = {"aim": aim, "threshold": threshold.value, "reached": threshold.reached}
    return {
        "policy": parameters.policy,
        "threshold": policies[parameters.policy]["threshold"],
        "policies": policies,
    }
