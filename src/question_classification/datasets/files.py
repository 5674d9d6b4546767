"""What datasets that keep one local file or folder have in common."""

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset


class LocalDataset(AbstractDataset[Any, Any]):
    """Base of the datasets of a local file or folder.

    Args:
        filepath: the file or folder.
        metadata: for plugins such as kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = PurePosixPath(filepath)  # of this name and type, as Kedro's own datasets have it
        self.metadata = metadata

    @property
    def path(self) -> Path:
        """Where the data is now; a run redirects it until it has succeeded."""
        return Path(self._filepath)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

    def _exists(self) -> bool:
        return self.path.exists()
