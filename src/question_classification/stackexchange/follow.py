"""A raw layer that grows: the questions of a feed, kept up to date, and safe to interrupt at any moment.

Where a run goes on is read from the questions themselves: they are taken in by creation, so what comes next is what was
created after the newest one. Each page is kept as it arrives, in `_pages/`, and now and then the pages are merged into
the parts of their months. A month in which nothing changed keeps its file.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.files import publish, sync_folder, write_bytes
from question_classification.stackexchange.harvest import Feed, Page
from question_classification.stackexchange.lock import alone
from question_classification.stackexchange.parts import UNDATED, Months, count_rows, read_part, write_part
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.raw import PAGES, SOURCE, check_replaceable, read_source, replacing

logger = logging.getLogger(__name__)

_PAGES_AT_ONCE = 100
_PARTIAL = ".partial"


@dataclass
class Progress:
    """What a feed has handed out, and what the raw layer holds.

    Attributes:
        questions: those in the parts of the layer.
        waiting: those in pages that are not yet merged; some may be in the parts already.
        new: those that were not in it before.
        changed: those that were in it, though not as they are now.
        repeated: those that came once more just as they were known.
        cursor: creation of the newest one in the layer, in seconds since 1970; 0 if there is none.
        remaining: those still to come, about; None where nobody knows.
        quota_remaining: requests that the service still allows today, where it says so.
    """

    questions: int = 0
    waiting: int = 0
    new: int = 0
    changed: int = 0
    repeated: int = 0
    cursor: int = 0
    remaining: int | None = None
    quota_remaining: int | None = None


Report = Callable[[Progress], None]


def follow(feed: Feed, folder: str | Path, *, refresh: bool = False, report: Report = lambda _: None) -> Progress:
    """Bring a raw layer up to date with a feed: new questions and, if asked for, changes to known ones.

    A layer that came from another kind of source is replaced once the feed has answered.

    Args:
        feed: where the questions come from.
        folder: the folder of the raw layer, made where absent.
        refresh: whether to look for questions that were edited, retagged or answered since they were fetched. What is
            known of a question is replaced by what comes later.
        report: told after each page how far it has come.

    Returns:
        What came in.

    Raises:
        TryAgainLaterError: the service wants to be left alone; all that came is kept, and the next call goes on.
        InputError: the feed cannot be read, `folder` holds something else or questions of another site, or another
            process is at work on it.
    """
    folder = Path(folder)
    with alone(folder) as (not_before, note):
        feed.resume_at(not_before, note)
        layer = _GrowingLayer(feed, folder, report)
        layer.begin()
        try:
            if not (refresh and layer.complete):
                layer.take_in(feed.created(layer.progress.cursor))
                layer.complete = True
            if refresh:
                _refresh(layer, feed)
        except InputError as error:
            layer.merge()
            raise type(error)(f"{layer.describe()}; {error}") from None
        except KeyboardInterrupt:
            layer.merge()
            logger.warning("%s; the same command goes on from there", layer.describe())
            raise
        layer.merge()
    if not layer.progress.questions:
        raise InputError(f"{feed.site}: the site has no questions; check its name")
    return layer.progress


def _refresh(layer: "_GrowingLayer", feed: Feed) -> None:
    """Take in what has changed. Questions that are new are fetched by creation, or else some might be passed over.

    At every moment, what is not in the layer as it is now has been active at or after `current_as_of`.
    """
    limit: int | None = None  # the first question that the service lists as active, but not yet as created
    for page in feed.active(layer.current_as_of):
        known_until = layer.progress.cursor
        created = pc.divide(page.questions["CreationDate"].cast(pa.int64()), 1000)
        known = pc.fill_null(pc.less_equal(created, known_until), True)
        layer.keep(page, page.questions.filter(known))
        if not pc.all(known).as_py():
            layer.take_in(feed.created(known_until))
            late = pc.filter(created, pc.greater(created, layer.progress.cursor))
            limit = min((moment for moment in (limit, pc.min(late).as_py()) if moment is not None), default=None)
        layer.move_on(page.watermark if limit is None else min(page.watermark, limit))
        layer.merge_if_many()


class _GrowingLayer:
    """The folder: parts, pages that are not yet merged into them, and `_source.json`."""

    def __init__(self, feed: Feed, folder: Path, report: Report) -> None:
        self._feed, self._folder, self._report = feed, folder, report
        self._pages = 0
        self.progress = Progress()
        source = self._read_source()
        self._exists = source is not None
        self._rows = int(source["rows"]) if source else 0
        self.complete: bool = bool(source and source["complete"])
        self.current_as_of: int = int(datetime.fromisoformat(source["current_as_of"]).timestamp()) if source else 0

    def _read_source(self) -> dict[str, Any] | None:
        """Return what the layer says of itself, if it is one of this feed."""
        if not (self._folder / SOURCE).is_file() and not any(self._folder.glob("*.parquet")):
            return None
        source = read_source(self._folder)
        if (source["source"], source["site"]) == (self._feed.source, self._feed.site) and "current_as_of" in source:
            return source
        return None

    def begin(self) -> None:
        """Put in order what an earlier run has left, or find out when the site was last active."""
        if not self._exists:
            check_replaceable(self._folder)
            self.current_as_of = self._feed.newest_activity()
            return
        for unfinished in self._folder.rglob(".*"):  # names of files that are not yet whole
            unfinished.unlink()
        self._pages = len(list((self._folder / PAGES).glob("*.parquet")))
        if not self._pages and self._count() != self._rows:
            raise InputError(
                f"{self._folder}: holds {self._count():,} questions, but {SOURCE} says {self._rows:,}; a part was "
                "changed or removed: restore it (`dvc checkout`), or move the folder away and fetch again"
            )
        self.merge()
        self.progress = Progress(questions=self._rows, cursor=self._newest_creation())

    def take_in(self, pages: Iterable[Page]) -> None:
        """Keep questions that come by creation, each page at once."""
        for page in pages:
            self.progress.cursor = max(self.progress.cursor, page.watermark)
            self.progress.remaining = page.remaining
            self.keep(page, page.questions)
            self.merge_if_many()

    def keep(self, page: Page, questions: pa.Table) -> None:
        """Keep a page, of which these questions are to be taken in."""
        self.progress.repeated += page.repeated
        self.progress.quota_remaining = page.quota_remaining
        if not questions.num_rows:
            return
        self._pages += 1
        name = f"{PAGES}/{self._pages:06d}.parquet"
        if self._exists:
            _write(questions, self._folder / name)
        else:
            with replacing(self._folder) as (parts, _):
                _write(questions, parts / name)
                write_bytes(parts / SOURCE, self._source())
            self._exists = True
        self.progress.waiting += questions.num_rows
        self._report(self.progress)

    def move_on(self, current_as_of: int) -> None:
        """Say that everything that happened until then has been kept."""
        if current_as_of != self.current_as_of:
            self.current_as_of = current_as_of
            write_bytes(self._folder / SOURCE, self._source())

    def merge_if_many(self) -> None:
        """Merge the pages once there are so many that reading and writing parts is worth it."""
        if self._pages >= _PAGES_AT_ONCE:
            self.merge()

    def merge(self) -> None:
        """Merge the pages into the parts of their months, and say so in `_source.json`.

        A kill on the way leaves pages that are in the parts already; merging them once more changes nothing.
        """
        if not self._exists:
            return
        pages = sorted((self._folder / PAGES).glob("*.parquet"))
        if pages:
            for name, questions in _by_month(pa.concat_tables(read_part(page) for page in pages)):
                self._merge_month(self._folder / f"{name}.parquet", questions)
        self._rows = self._count()
        source = self._source()
        if (self._folder / SOURCE).read_bytes() != source:
            write_bytes(self._folder / SOURCE, source)
        if pages:
            sync_folder(self._folder)
        for page in pages:
            page.unlink()
        if (self._folder / PAGES).exists():
            (self._folder / PAGES).rmdir()
        self._pages = self.progress.waiting = 0
        pa.default_memory_pool().release_unused()  # else each merge keeps a little more, and harvests go on for days

    def _merge_month(self, part: Path, questions: pa.Table) -> None:
        known = read_part(part) if part.exists() else QUESTION_SCHEMA.empty_table()
        merged = _merge(known, questions, self.progress)
        if merged is not known:
            _write(merged, part)

    def _source(self) -> bytes:
        source = {
            "source": self._feed.source,
            "site": self._feed.site,
            "rows": self._rows,
            "left_out": {},
            "repaired": {},
            "warnings": [],
            "complete": self.complete,
            "current_as_of": datetime.fromtimestamp(self.current_as_of, UTC).isoformat(),
        }
        return (json.dumps(source, indent=2, ensure_ascii=False) + "\n").encode()

    def _count(self) -> int:
        return sum(count_rows(part) for part in self._folder.glob("*.parquet"))

    def _newest_creation(self) -> int:
        dated = sorted(part for part in self._folder.glob("*.parquet") if part.stem != UNDATED)
        if not dated:
            return 0
        newest = pc.max(read_part(dated[-1])["CreationDate"].cast(pa.int64()))
        return int(newest.as_py()) // 1000

    def describe(self) -> str:
        """Say how far it has come."""
        if not self._exists:
            return f"{self._feed.site}: nothing has been fetched"
        until = datetime.fromtimestamp(self.progress.cursor, UTC)
        return f"{self._feed.site}: {self._rows:,} questions until {until:%Y-%m-%d} are kept in {self._folder}"


def _merge(known: pa.Table, questions: pa.Table, progress: Progress) -> pa.Table:
    """Return the known questions and others, the last of an `Id`; `known` itself where nothing changed."""
    positions = {identity: position for position, identity in enumerate(_identities(questions))}
    fresh = questions.take(pa.array(list(positions.values()), pa.int64()))
    of_known = {identity: position for position, identity in enumerate(_identities(known))}
    shared = [identity for identity in positions if identity in of_known]
    before = known.take(pa.array([of_known[identity] for identity in shared], pa.int64())).to_pylist()
    now = questions.take(pa.array([positions[identity] for identity in shared], pa.int64())).to_pylist()
    changed = {identity for identity, old, new in zip(shared, before, now, strict=True) if old != new}
    added = len(positions) - len(shared)

    progress.new += added
    progress.questions += added
    progress.changed += len(changed)
    progress.repeated += questions.num_rows - added - len(changed)
    if not added and not changed:
        return known
    same = {identity for identity in shared if identity not in changed}
    taken = pa.array([identity not in same for identity in positions], pa.bool_())
    kept = pa.array([identity not in changed for identity in _identities(known)], pa.bool_())
    return pa.concat_tables([known.filter(kept), fresh.filter(taken)])


def _identities(questions: pa.Table) -> Iterator[Any]:
    """Yield what tells the questions apart: the `Id`, or all there is where a row has none."""
    for position, number in enumerate(questions["Id"].to_pylist()):
        yield number if number is not None else tuple(questions.slice(position, 1).to_pylist()[0].values())


def _by_month(questions: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    months = Months(Path(), buffer_bytes=2**62)
    months.add(questions)
    return iter(months)


def _write(questions: pa.Table, path: Path) -> None:
    temporary = path.with_name(f".{path.name}{_PARTIAL}")
    temporary.parent.mkdir(exist_ok=True)
    write_part(questions, temporary)
    publish(temporary, path)
