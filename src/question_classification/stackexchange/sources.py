"""The sources that questions can come from. A new source is a function here that returns a `Source`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from question_classification.stackexchange.attribution import find_site
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest, Source

DEFAULT_SITE = "stats"
"""Cross Validated."""


@dataclass(frozen=True)
class SourceOptions:
    """What a source may need to know.

    Attributes:
        path: the file of a source that reads one.
        site: the site to ask the API for.
        api_url: scheme, host and port of the API.
        key: key for the API.
        simulated: options of the simulated site: `questions`, `seed`, `until`.
    """

    path: str | None = None
    site: str | None = None
    api_url: str | None = None
    key: str | None = field(default=None, repr=False)
    simulated: Mapping[str, Any] = field(default_factory=dict)


def open_source(source: str, options: SourceOptions) -> Source:
    """Open the source called `source`.

    Raises:
        InputError: the source is unknown, needs a file that is not given, or cannot be read.
    """
    if source not in SOURCES:
        raise InputError(f"source: {source!r} is unknown; known are {', '.join(SOURCES)}.")
    if source in FILE_SOURCES and not options.path:
        raise InputError(f"source: {source} reads a file; give its path, path=FILE.")
    return SOURCES[source](options)


def _open_simulated(options: SourceOptions) -> Harvest:
    from question_classification.stackexchange.simulated import simulate

    return simulate(**options.simulated)


def _open_sede(options: SourceOptions) -> Harvest:
    from question_classification.stackexchange.sede import read_sede

    return read_sede(Path(str(options.path)).expanduser())


def _open_dump(options: SourceOptions) -> Harvest:
    from question_classification.stackexchange.dump import read_dump

    return read_dump(Path(str(options.path)).expanduser())


def _open_api(options: SourceOptions) -> Source:
    from question_classification.stackexchange.api.client import API_URL, ApiClient
    from question_classification.stackexchange.api.feed import ApiFeed

    client = ApiClient(options.api_url or API_URL, key=options.key)
    site = find_site(options.site) if options.site else DEFAULT_SITE if client.url == API_URL else _only_site(client)
    return ApiFeed(client, site)


def _only_site(client: Any) -> str:
    """Return the site of a service that has one, such as the simulated one."""
    moment = int(10 * client.clock.time())  # so that another run, within a minute, asks for something else
    answer = client.get("sites", lambda attempt: {"pagesize": 100, "_": moment + attempt})
    names = [str(site.get("api_site_parameter")) for site in answer.items if isinstance(site, dict)]
    return names[0] if len(names) == 1 else DEFAULT_SITE


SOURCES: dict[str, Callable[[SourceOptions], Source]] = {
    "simulated": _open_simulated,
    "sede": _open_sede,
    "dump": _open_dump,
    "api": _open_api,
}

FILE_SOURCES = frozenset({"sede", "dump"})
"""The sources that read a file of the user's."""

KEPT_SOURCES = frozenset({"dump", "api"})
"""The sources whose questions are kept even if the run fails later, for they are costly to fetch or to read."""
