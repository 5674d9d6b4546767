"""Parameters of the ingestion."""

from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from question_classification.pipelines.parameters import Parameters
from question_classification.stackexchange.sources import FILE_SOURCES, SOURCES


class IngestionParameters(Parameters):
    """See conf/base/parameters_ingestion.yml."""

    max_quarantined_share: float = Field(ge=0, le=1)


class SimulatedParameters(Parameters):
    """How large the simulated site is, and until which month it goes."""

    questions: PositiveInt
    seed: NonNegativeInt
    until: str = Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")


class RunParameters(Parameters):
    """Where the questions of a run come from, see conf/base/parameters.yml."""

    source: str
    path: str | None = None
    site: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]*$")
    api_url: str | None = Field(default=None, pattern=r"^https?://[^/?#]+/?$")
    refresh: bool = False
    simulated: SimulatedParameters | None = None

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
