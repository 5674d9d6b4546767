"""The sources that questions can come from. A new source is a function here that returns a `Harvest`."""

from collections.abc import Callable, Mapping
from typing import Any

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest


def open_source(source: str, *, path: str | None, simulated: Mapping[str, Any]) -> Harvest:
    """Open the source called `source`.

    Args:
        source: a key of `SOURCES`.
        path: the file to read, for a source that reads one.
        simulated: options of the simulated site: `questions`, `seed`, `until`.

    Raises:
        InputError: the source is unknown, needs a file that is not given, or cannot be read.
    """
    if source not in SOURCES:
        raise InputError(f"source: {source!r} is unknown; known are {', '.join(SOURCES)}.")
    return SOURCES[source](path, simulated)


def _open_simulated(_path: str | None, simulated: Mapping[str, Any]) -> Harvest:
    from question_classification.stackexchange.simulated import simulate

    return simulate(**simulated)


def _open_sede(path: str | None, _simulated: Mapping[str, Any]) -> Harvest:
    from question_classification.stackexchange.sede import read_sede

    if not path:
        raise InputError("source: sede reads a CSV of the Stack Exchange Data Explorer; give its path, path=FILE.")
    return read_sede(str(path))


SOURCES: dict[str, Callable[[str | None, Mapping[str, Any]], Harvest]] = {
    "simulated": _open_simulated,
    "sede": _open_sede,
}

FILE_SOURCES = frozenset({"sede"})
"""The sources that read a file of the user's."""
