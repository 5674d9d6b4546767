"""Parameters of the reporting."""

from pydantic import Field, PositiveInt

from question_classification.pipelines.parameters import Parameters


class Interval(Parameters):
    """The bootstrap that gives each test metric its interval."""

    resamples: PositiveInt
    level: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)


class ReportingParameters(Parameters):
    """See conf/base/parameters_reporting.yml."""

    threshold: float = Field(gt=0, lt=1)
    interval: Interval
    curve_points: int = Field(ge=10)
