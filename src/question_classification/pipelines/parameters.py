"""What the parameters of all pipelines have in common."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Parameters(BaseModel):
    """Parameters of a pipeline: typed, immutable, and no name is taken that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class RunParameters(Parameters):
    """What a run is about, see conf/base/parameters.yml."""

    site: str | None = None
    target_tag: str = Field(min_length=1)
    match: Literal["exact", "contains"]
