"""The source of the questions, as a dataset that is only read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Source
from question_classification.stackexchange.sources import SourceOptions, open_source


class SourceDataset(AbstractDataset[None, Source]):
    """Opens the source that the configuration names.

    Args:
        source: name of the source, one of `stackexchange.sources.SOURCES`.
        path: the file of a source that reads one.
        site: the site to ask the API for.
        api_url: scheme, host and port of the API.
        simulated: options of the simulated site.
        credentials: `key`, for the API.
        metadata: for plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        source: str,
        path: str | None = None,
        site: str | None = None,
        api_url: str | None = None,
        simulated: Mapping[str, Any] | None = None,
        credentials: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._source = source
        self._options = SourceOptions(path=path, site=site, api_url=api_url, simulated=simulated or {})
        self._credentials = credentials
        self.metadata = metadata

    def load(self) -> Source:
        """Open the source; the questions are read when the raw layer is written."""
        return open_source(self._source, replace(self._options, key=_find_key(self._credentials)))

    def save(self, _data: None) -> NoReturn:
        """Refuse: a source is read, never written."""
        raise DatasetError("A source is read, never written.")

    def _describe(self) -> dict[str, Any]:
        return {"source": self._source, "path": self._options.path, "site": self._options.site}

    def _exists(self) -> bool:
        return True


def _find_key(credentials: Any) -> str | None:
    """Return the key. What is wrong with the credentials is said without them."""
    if credentials is None:
        return None
    if not isinstance(credentials, Mapping) or set(credentials) - {"key"}:
        raise InputError("credentials: stack_exchange holds one entry, key; write it as in docs/sources.md")
    key = credentials.get("key")
    if key is not None and not (isinstance(key, str) and key.strip()):
        raise InputError("credentials: stack_exchange.key is no text; write it between quotes")
    return key and key.strip()
