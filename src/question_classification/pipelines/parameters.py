"""What the parameters of all pipelines have in common."""

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Parameters of a pipeline: typed, immutable, and no name is taken that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)
