"""Questions on their way from a source."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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
