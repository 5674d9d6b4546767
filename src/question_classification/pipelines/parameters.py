"""What the parameters of all pipelines have in common."""

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class Parameters(BaseModel):
    """Parameters of a pipeline: typed, immutable, and no name is taken that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Interval(Parameters):
    """The bootstrap that gives a metric its interval."""

    resamples: PositiveInt
    level: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)
