"""Parameters of the error analysis."""

from pydantic import Field, PositiveInt

from question_classification.pipelines.parameters import Interval, Parameters


class LearningCurveParameters(Parameters):
    """On how many folds the curve is measured, and the seed of the training sets."""

    folds: int = Field(ge=2, le=20)
    seed: int = Field(ge=0, lt=2**31)


class NeighbourTagParameters(Parameters):
    """When a tag goes with the target."""

    min_questions: PositiveInt
    min_lift: float = Field(ge=1)


class ExportedModelParameters(Parameters):
    """How large an export may be, in bytes, and where it has to be smaller, how far off a probability may be."""

    max_bytes: PositiveInt
    max_error: float = Field(gt=0, lt=1)


class ErrorAnalysisParameters(Parameters):
    """See conf/base/parameters_error_analysis.yml."""

    terms: PositiveInt
    mistakes: PositiveInt
    terms_of_a_mistake: PositiveInt
    exported_model: ExportedModelParameters
    neighbour_tags: NeighbourTagParameters
    learning_curve: LearningCurveParameters
    interval: Interval
