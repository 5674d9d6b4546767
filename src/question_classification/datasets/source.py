"""The source of the questions, as a dataset that is only read."""

from collections.abc import Mapping
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.sources import open_source


class SourceDataset(AbstractDataset[None, Harvest]):
    """Opens the source that the configuration names.

    Args:
        source: name of the source, one of `stackexchange.sources.SOURCES`.
        path: the file of a source that reads one.
        simulated: options of the simulated site.
        metadata: for plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        source: str,
        path: str | None = None,
        simulated: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._source = source
        self._path = path
        self._simulated = simulated or {}
        self.metadata = metadata

    def load(self) -> Harvest:
        """Open the source; the questions are read when the harvest is iterated."""
        return open_source(self._source, path=self._path, simulated=self._simulated)

    def save(self, _data: None) -> NoReturn:
        """Refuse: a source is read, never written."""
        raise DatasetError("A source is read, never written.")

    def _describe(self) -> dict[str, Any]:
        return {"source": self._source, "path": self._path}

    def _exists(self) -> bool:
        return True
