"""A figure as a PNG file. Nodes draw; the file is only bytes, so that no run imports matplotlib for its catalog."""

import base64
from pathlib import Path, PurePosixPath
from typing import Any, NewType

from kedro.io import AbstractDataset

from question_classification.datasets.files import write_bytes

ImagePreview = NewType("ImagePreview", str)
"""kedro-viz recognises an image by the name of this type."""


class FigureDataset(AbstractDataset[bytes, bytes]):
    """A PNG image.

    Args:
        filepath: the file.
        metadata: for plugins such as kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = PurePosixPath(filepath)
        self.metadata = metadata

    def save(self, data: bytes) -> None:
        """Write the image."""
        write_bytes(Path(self._filepath), data)

    def load(self) -> bytes:
        """Read the image."""
        return Path(self._filepath).read_bytes()

    def preview(self) -> ImagePreview:
        """Return the image for kedro-viz, base64."""
        return ImagePreview(base64.b64encode(Path(self._filepath).read_bytes()).decode())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

    def _exists(self) -> bool:
        return Path(self._filepath).is_file()
