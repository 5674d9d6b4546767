"""A line that says that something still goes on, and for how long."""

import logging
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

logger = logging.getLogger(__name__)

_PATIENCE = 2.0  # seconds that nobody minds
_EVERY = 1.0  # second between live lines
_EVERY_PLAIN = 30.0  # seconds between plain ones


_shown_elsewhere = threading.Event()


@contextmanager
def shown_elsewhere() -> Iterator[None]:
    """While the block runs, what goes on has a line of its own, which says more."""
    _shown_elsewhere.set()
    try:
        yield
    finally:
        _shown_elsewhere.clear()


class Ticker:
    """Shows what goes on, if it takes longer than a person waits without wondering.

    On a terminal it is one line that is drawn anew each second, and is gone at the end; elsewhere a plain line of the
    log each half minute.

    Args:
        stream: where a live line is drawn; standard error by default.
        patience: seconds before the first one.
        every: seconds between live ones.
        every_plain: seconds between plain ones.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        patience: float = _PATIENCE,
        every: float = _EVERY,
        every_plain: float = _EVERY_PLAIN,
    ) -> None:
        self._stream = stream
        self._patience, self._every, self._every_plain = patience, every, every_plain
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, what: str) -> None:
        """Begin to wait for something, and for nothing else any more."""
        self.stop()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tick, args=(what, self._stopped), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait no more; the line is gone when this returns."""
        self._stopped.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _tick(self, what: str, stopped: threading.Event) -> None:
        stream = self._stream or sys.stderr
        began = time.monotonic()
        live = stream.isatty()
        if stopped.wait(self._patience if live else self._every_plain):
            return
        while True:
            said = f"{what}: {describe_duration(time.monotonic() - began)} so far"
            if _shown_elsewhere.is_set():
                pass
            elif live:
                columns = shutil.get_terminal_size().columns - 1
                # The cursor stays at the start of the line, so that what is logged meanwhile is written over it.
                stream.write(f"\x1b[2K{said[:columns]}\r")
                stream.flush()
            else:
                logger.info(said)
            if stopped.wait(self._every if live else self._every_plain):
                break
        if live and not _shown_elsewhere.is_set():
            stream.write("\x1b[2K\r")
            stream.flush()


def describe_duration(seconds: float) -> str:
    """Return a duration in minutes and seconds.

    >>> describe_duration(7.9), describe_duration(83)
    ('7 s', '1 min 23 s')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
