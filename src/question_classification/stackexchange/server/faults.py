"""What goes wrong, and when: a plan of faults, which a small YAML file may hold. README.md shows one."""

from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from question_classification.stackexchange.errors import InputError


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Model):
    """Something that goes wrong with some requests; give exactly one of `at`, `every` and `probability`.

    Attributes:
        at: the numbers of the requests, counted from 1 over the life of the server.
        every: every so many requests.
        probability: of each request on its own, 0 to 1.
    """

    at: PositiveInt | tuple[PositiveInt, ...] | None = None
    every: PositiveInt | None = None
    probability: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _check_requests(self) -> "Fault":
        if sum(value is not None for value in (self.at, self.every, self.probability)) != 1:
            raise ValueError("say which requests by exactly one of at, every and probability")
        return self

    @property
    def kind(self) -> str:
        """What the plan calls it, such as `backoff`."""
        name: str = type(self).model_fields["fault"].default
        return name

    def hits(self, request: int, random: Random) -> bool:
        """Return whether it is due at a request."""
        if self.at is not None:
            return request in (self.at if isinstance(self.at, tuple) else (self.at,))
        if self.every is not None:
            return request % self.every == 0
        return random.random() < (self.probability or 0)


class Backoff(Fault):
    """A good answer that asks for so many seconds without the same method."""

    fault: Literal["backoff"] = "backoff"
    seconds: PositiveInt


class Throttle(Fault):
    """The error `throttle_violation`; for so many seconds every request is refused, whatever its method or key."""

    fault: Literal["throttle"] = "throttle"
    seconds: PositiveInt


class Unavailable(Fault):
    """The error `internal_error` (status 500) or `temporarily_unavailable` (502, 503), under that HTTP status."""

    fault: Literal["unavailable"] = "unavailable"
    status: Literal[500, 502, 503] = 503


class Slow(Fault):
    """A good answer that comes so many seconds late."""

    fault: Literal["slow"] = "slow"
    seconds: NonNegativeFloat


class Reset(Fault):
    """No answer: the connection is reset."""

    fault: Literal["reset"] = "reset"


class Truncated(Fault):
    """Half of a good answer, then the connection is closed; its Content-Length promised all of it."""

    fault: Literal["truncated"] = "truncated"


class TruncatedGzip(Fault):
    """Half of a good answer under a Content-Length that agrees: only its gzip stream tells that there was more."""

    fault: Literal["truncated_gzip"] = "truncated_gzip"


class Html(Fault):
    """An HTML page instead of JSON, as proxies in front of the service send it."""

    fault: Literal["html"] = "html"
    status: Literal[200, 400, 429, 503] = 429


class Duplicate(Fault):
    """The previous good answer of the same method once more, whatever is asked: a stale cache."""

    fault: Literal["duplicate"] = "duplicate"


class Drift(Fault):
    """So many questions are posted at the head of the site's order while a client is between two pages.

    All later pages of the same query thus begin so many questions earlier than they would have, until the query is
    begun again at page 1. The posted questions themselves are not served.
    """

    fault: Literal["drift"] = "drift"
    questions: PositiveInt


class Recorded(Fault):
    """A recorded body, as it is: under HTTP 400 if it is an error of the API, otherwise under 200."""

    fault: Literal["recorded"] = "recorded"
    path: FilePath

    @field_validator("path", mode="before")
    @classmethod
    def _resolve(cls, path: Any, info: ValidationInfo) -> Any:
        folder = (info.context or {}).get("folder")  # of the plan, if there is a file with it
        return folder / path if folder and isinstance(path, str) else path


AnyFault = Annotated[
    Backoff | Throttle | Unavailable | Slow | Reset | Truncated | TruncatedGzip | Html | Duplicate | Drift | Recorded,
    Field(discriminator="fault"),
]


class FaultPlan(_Model):
    """Which requests go wrong, and how; of several faults that a request meets, it gets the first.

    Attributes:
        faults: what goes wrong.
        seed: of the random numbers behind `probability`.
    """

    faults: tuple[AnyFault, ...] = ()
    seed: NonNegativeInt = 0

    @classmethod
    def read(cls, path: str | Path) -> "FaultPlan":
        """Read a plan from a YAML file; paths in it are relative to its folder.

        Raises:
            InputError: there is no such file, or it is not YAML, or not a plan.
        """
        path = Path(path)
        try:
            plan = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls.model_validate(plan if plan is not None else {}, context={"folder": path.parent})
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; give a fault plan in YAML") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
        except ValidationError as error:
            raise InputError(f"{path}: {_first_error(error)}") from error

    def fault_at(self, request: int) -> AnyFault | None:
        """Return what goes wrong with a request, by its number from 1; always the same under the same plan."""
        for place, fault in enumerate(self.faults):
            if fault.hits(request, Random(f"{self.seed} {place} {request}")):  # noqa: S311 (a simulation)
                return fault
        return None


def _first_error(error: ValidationError) -> str:
    """Say in one line what is wrong with a plan first, and where."""
    first = error.errors()[0]
    match first["loc"]:
        case ("faults", int(place), *fields):
            where = ", ".join([f"fault {place + 1}", *map(str, fields)])
        case ():
            where = "a plan has `faults`, a list, and perhaps a `seed`"
        case fields:
            where = ", ".join(map(str, fields))
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
