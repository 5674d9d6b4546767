"""Parameters of the feature engineering."""

from pydantic import Field

from question_classification.pipelines.parameters import Parameters


class FeatureEngineeringParameters(Parameters):
    """See conf/base/parameters_feature_engineering.yml."""

    test_share: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)
