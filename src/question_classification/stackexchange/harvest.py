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
        site: the site that the questions come from, where the source knows it.
        left_out: rows that are no questions, counted by kind (such as `answers`) while the batches are read.
        warnings: what the user should know, in full sentences, filled while the batches are read.
    """

    source: str
    batches: Iterable[pa.Table]
    site: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[pa.Table]:
        return iter(self.batches)
