"""Time as something that is handed in, so that a day of quota can pass in a test without anyone waiting for it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def time(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""


class SystemClock:
    """The clock on the wall."""

    def time(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        time.sleep(seconds)
