"""How far an ingestion has come: a live line on a terminal, a plain one now and then elsewhere."""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from question_classification.progress import shown_elsewhere
from question_classification.stackexchange.follow import Progress

logger = logging.getLogger(__name__)

_EVERY = 30.0  # seconds between plain lines
_QUESTIONS_A_REQUEST = 100


class ProgressLine:
    """A line with the questions, the month reached, the rate, the quota and an estimate, while the block runs."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self._began = self._shown = time.monotonic()
        self._progress = Progress()
        self._before: int | None = None
        console = Console(stderr=True)
        self._live = Live(console=console, transient=True, refresh_per_second=4, get_renderable=self._describe)
        self._elsewhere = shown_elsewhere()
        self._elsewhere.__enter__()
        if console.is_terminal:
            self._live.start()
        return self

    def show(self, progress: Progress) -> None:
        """Show what has come in by now."""
        self._progress = progress
        if self._before is None:  # what an earlier run has fetched does not count for the rate
            self._before = progress.questions
        now = time.monotonic()
        if not self._live.is_started and now - self._shown >= _EVERY:
            self._shown = now
            logger.info(self._describe())

    def watch(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield the batches of a harvest, and show how far it has come."""
        self.show(Progress())
        questions = newest = 0
        for batch in batches:
            questions += batch.num_rows
            created = pc.max(batch["CreationDate"].cast(pa.int64())).as_py() or 0
            newest = max(newest, created // 1000)
            self.show(Progress(questions=questions, cursor=newest))
            yield batch

    def _describe(self) -> str:
        """Describe the progress now: the rate falls while the service lets us wait."""
        received = self._progress.questions + self._progress.waiting - (self._before or 0)
        return describe(self._progress, received / max(1.0, time.monotonic() - self._began))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        self._elsewhere.__exit__(kind, error, traceback)


def describe(progress: Progress, rate: float) -> str:
    """Say how far a harvest has come; `rate` is in questions a second.

    >>> describe(Progress(questions=12_000, cursor=1_330_000_000, remaining=88_000, quota_remaining=180), 40.0)
    '12,000 questions, until 2012-02; 40 a second, some 37 min to go; 180 requests left today, fewer than it takes'
    """
    reached = f", until {_month(progress.cursor)}" if progress.cursor else ""
    parts = [f"{progress.questions + progress.waiting:,} questions{reached}"]
    if rate:
        parts.append(f"{rate:,.0f} a second" + (_time_left(progress.remaining / rate) if progress.remaining else ""))
    if progress.quota_remaining is not None:
        enough = (progress.remaining or 0) <= _QUESTIONS_A_REQUEST * progress.quota_remaining
        parts.append(f"{progress.quota_remaining:,} requests left today" + ("" if enough else ", fewer than it takes"))
    return "; ".join(parts)


def _month(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m}"


def _time_left(seconds: float) -> str:
    return f", some {seconds / 60:.0f} min to go" if seconds >= 90 else f", some {seconds:.0f} s to go"
