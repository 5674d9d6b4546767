"""What the parameters of all pipelines have in common."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from question_classification.stackexchange.sources import FILE_SOURCES, SOURCES


class Parameters(BaseModel):
    """Parameters of a pipeline: typed, immutable, and no name is taken that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Interval(Parameters):
    """The bootstrap that gives a metric its interval."""

    resamples: PositiveInt
    level: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)


class SimulatedParameters(Parameters):
    """How large the simulated site is, and until which month it goes."""

    questions: PositiveInt
    seed: NonNegativeInt
    until: str = Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")


class RunParameters(Parameters):
    """What a run is about, see conf/base/parameters.yml."""

    source: str
    path: str | None = None
    site: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]*$")
    api_url: str | None = Field(default=None, pattern=r"^https?://[^/?#]+/?$")
    refresh: bool = False
    simulated: SimulatedParameters | None = None
    target_tag: str = Field(min_length=1)
    match: Literal["exact", "contains"]

    @field_validator("source")
    @classmethod
    def _check_source(cls, source: str) -> str:
        if source not in SOURCES:
            raise ValueError(f"unknown; known are {', '.join(SOURCES)}")
        return source

    @model_validator(mode="after")
    def _check_path(self) -> Self:
        if self.path is None and self.source in FILE_SOURCES:
            raise ValueError(f"source {self.source} reads a file; give its path, path=FILE")
        if self.path is not None and self.source not in FILE_SOURCES:
            files = " or ".join(f"source={source}" for source in sorted(FILE_SOURCES))
            raise ValueError(f"source {self.source} reads no file, yet there is a path; did you mean {files}?")
        return self

    @model_validator(mode="after")
    def _check_refresh(self) -> Self:
        if self.refresh and self.source != "api":
            raise ValueError(f"source {self.source} cannot be refreshed, only api can; leave refresh out")
        return self
