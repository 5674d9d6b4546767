"""Nodes of the thresholding."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from question_classification.models.thresholds import (
    Threshold,
    least_cost,
    max_f1,
    precision_at_least,
    recall_at_least,
)
from question_classification.pipelines.thresholding.parameters import Policy, ThresholdingParameters


def choose_threshold(out_of_fold_scores: pd.DataFrame, parameters: ThresholdingParameters) -> dict[str, Any]:
    """Choose a threshold by a policy, on scores within the training set.

    Returns:
        `policy`; `threshold`, at or above which a score is about the target; and for every policy, in `policies`, its
        `threshold`, and whether what it asks for was `reached` on these scores.
    """
    scores = out_of_fold_scores["is_target"].to_numpy(), out_of_fold_scores["score"].to_numpy()
    thresholds = {policy: choose(*scores) for policy, choose in _policies(parameters).items()}
    return {
        "policy": parameters.policy,
        "threshold": thresholds[parameters.policy].value,
        "policies": {
            policy: {"threshold": threshold.value, "reached": threshold.reached}
            for policy, threshold in thresholds.items()
        },
    }


def _policies(parameters: ThresholdingParameters) -> dict[Policy, Callable[..., Threshold]]:
    return {
        "max_f1": max_f1,
        "precision_at_least": partial(precision_at_least, precision=parameters.precision),
        "recall_at_least": partial(recall_at_least, recall=parameters.recall),
        "least_cost": partial(
            least_cost,
            false_positive=parameters.false_positive_cost,
            false_negative=parameters.false_negative_cost,
        ),
    }
