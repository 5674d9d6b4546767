"""One run at a time in a project."""

import os
from datetime import datetime
from pathlib import Path
from typing import IO

from question_classification.stackexchange.errors import InputError


class RunLock:
    """A lock file that a run holds while it goes on; that of a process that was killed is free.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            InputError: another run has it; the message says which.
        """
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(100).strip()
            file.close()
            raise InputError(
                f"{self._path.parent}: another run is going on here ({holder}); wait until it is done."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now():%H:%M:%S}")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give it back, if this run has it."""
        if self._file:
            self._file.close()
            self._file = None
