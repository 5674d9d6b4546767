"""Parameters of the feature engineering."""

from typing import Literal

from pydantic import Field, NonNegativeFloat

from question_classification.pipelines.parameters import Parameters


class TargetParameters(Parameters):
    """What the labels mean, see conf/base/parameters.yml."""

    target_tag: str = Field(min_length=1)
    match: Literal["exact", "contains"]


class NearDuplicateParameters(Parameters):
    """What counts as a near-duplicate, and whether such questions stay on one side of a split."""

    similarity: float = Field(gt=0, le=1)
    across: Literal["report", "group"]
    seed: int = Field(ge=0, lt=2**32)


class FeatureEngineeringParameters(Parameters):
    """See conf/base/parameters_feature_engineering.yml."""

    split: Literal["stratified", "temporal"]
    test_share: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)
    gap_days: NonNegativeFloat
    near_duplicates: NearDuplicateParameters
