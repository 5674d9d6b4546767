"""Parameters of the reporting."""

from pydantic import Field

from question_classification.pipelines.parameters import Interval, Parameters


class ReportingParameters(Parameters):
    """See conf/base/parameters_reporting.yml."""

    threshold: float = Field(gt=0, lt=1)
    precision: float = Field(gt=0, le=1)
    interval: Interval
    curve_points: int = Field(ge=10)
    reliability_bins: int = Field(ge=2, le=100)
