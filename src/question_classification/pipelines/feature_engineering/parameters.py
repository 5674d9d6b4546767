"""Parameters of the feature engineering."""

from typing import Literal

from pydantic import Field

from question_classification.pipelines.parameters import Parameters


class FeatureEngineeringParameters(Parameters):
    """See conf/base/parameters_feature_engineering.yml."""

    target_tag: str = Field(min_length=1)
    match: Literal["exact", "contains"]
    test_share: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)
