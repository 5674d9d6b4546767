"""Parameters of the threshold."""

from typing import Literal

from pydantic import Field, NonNegativeFloat

from question_classification.pipelines.parameters import Parameters

Policy = Literal["max_f1", "precision_at_least", "recall_at_least", "least_cost"]


class ThresholdingParameters(Parameters):
    """See conf/base/parameters_thresholding.yml."""

    policy: Policy
    precision: float = Field(gt=0, le=1)
    recall: float = Field(gt=0, le=1)
    false_positive_cost: NonNegativeFloat
    false_negative_cost: NonNegativeFloat
