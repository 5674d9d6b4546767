"""Parameters of the tuning."""

from collections.abc import Mapping
from typing import Self

from pydantic import PositiveFloat, PositiveInt, model_validator

from question_classification.pipelines.modelling.parameters import CrossValidationParameters
from question_classification.pipelines.parameters import Parameters


class RangeParameters(Parameters):
    """The values that a hyperparameter may take, evenly in their logarithm."""

    low: PositiveFloat
    high: PositiveFloat

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low, {self.low}, must be below high, {self.high}")
        return self


class TuningParameters(CrossValidationParameters):
    """See conf/base/parameters_tuning.yml."""

    trials: PositiveInt
    ranges: Mapping[str, Mapping[str, RangeParameters | Mapping[str, RangeParameters]]]

    def ranges_of(self, candidate: str) -> dict[str, RangeParameters]:
        """Return the range of each hyperparameter of a candidate by dotted name, such as `weights.title`."""
        found: dict[str, RangeParameters] = {}
        for name, each in self.ranges[candidate].items():
            if isinstance(each, RangeParameters):
                found[name] = each
            else:
                found |= {f"{name}.{key}": inner for key, inner in each.items()}
        return found
