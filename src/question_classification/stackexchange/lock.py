"""One process at a time on a folder."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from question_classification.stackexchange.errors import InputError

_MOMENT = re.compile(r"[0-9]{1,12}\.[0-9]{3}")


@contextmanager
def alone(folder: Path) -> Iterator[tuple[float, Callable[[float], None]]]:
    """Keep other processes from writing a folder, by a lock file beside it; that of a process that was killed is free.

    Yields:
        The moment (seconds since 1970) before which a service does not want to be asked again, as the last holder of
        the lock has noted it, and a function that notes another one.

    Raises:
        InputError: another process has the lock.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield 0.0, lambda _: None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another run is writing questions into it; wait until it is done") from None

        def note(moment: float) -> None:
            file.truncate(0)
            file.write(f"{moment:.3f}")
            file.flush()

        file.seek(0)
        noted = file.read(20)
        yield float(noted) if _MOMENT.fullmatch(noted) else 0.0, note
