"""Questions on their way from a source: a harvest, which is read once, or a feed, which is followed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import pyarrow as pa


@dataclass
class Harvest:
    """Batches of `QUESTION_SCHEMA` tables, read once, with an account of what was left out.

    Attributes:
        source: name of the kind of source, such as `sede`.
        batches: the tables; reading them may raise `InputError`.
        default_site: the site that the questions come from where the source does not say.
        sites: the sites that the source names, filled while the batches are read.
        left_out: rows that are no questions, counted by kind (such as `answers`) while the batches are read.
        repaired: what was mended in rows that were kept (such as `illegal_characters`), counted while they are read.
        warnings: what the user should know, in full sentences, filled while the batches are read.
    """

    source: str
    batches: Iterable[pa.Table]
    default_site: str | None = None
    sites: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    @property
    def site(self) -> str | None:
        """The site that all questions come from, as far as it is known by now."""
        return next(iter(self.sites), self.default_site) if len(self.sites) < 2 else None

    def __iter__(self) -> Iterator[pa.Table]:
        return iter(self.batches)


@dataclass(frozen=True)
class Page:
    """Some questions of a feed.

    Attributes:
        questions: a table of `QUESTION_SCHEMA`; some may have been on an earlier page.
        watermark: the moment up to which, with this page, all questions have been handed out (seconds since 1970).
        repeated: answers of the service that were repetitions, in questions, and dropped before this page.
        remaining: questions still to come, about; None where nobody knows.
        quota_remaining: requests that the service still allows today, where it says so.
    """

    questions: pa.Table
    watermark: int
    repeated: int = 0
    remaining: int | None = None
    quota_remaining: int | None = None


class Feed(Protocol):
    """A source that goes on: it can be asked for what is new or has changed since a moment (seconds since 1970).

    Reading pages may raise `TryAgainLaterError`, or another `InputError`.
    """

    source: str
    site: str

    def resume_at(self, not_before: float, remember: Callable[[float], None]) -> None:
        """Ask nothing before a moment, and tell of each further one that the service asks for."""

    def created(self, since: int) -> Iterator[Page]:
        """Yield the questions created from then on, earliest first."""

    def active(self, since: int) -> Iterator[Page]:
        """Yield the questions active from then on, the one longest at rest first."""

    def newest_activity(self) -> int:
        """Return when the site was last active; 0 if it has no question."""


Source: TypeAlias = Harvest | Feed
