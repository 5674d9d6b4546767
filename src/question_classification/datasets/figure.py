"""A figure as a PNG file. Nodes draw; the file is only bytes, so that no run imports matplotlib for its catalog."""

import base64
from typing import NewType

from question_classification.datasets.files import LocalDataset
from question_classification.stackexchange.files import write_bytes

ImagePreview = NewType("ImagePreview", str)
"""kedro-viz recognises an image by the name of this type."""


class FigureDataset(LocalDataset):
    """A PNG image."""

    def save(self, data: bytes) -> None:
        """Write the image."""
        write_bytes(self.path, data)

    def load(self) -> bytes:
        """Read the image."""
        return self.path.read_bytes()

    def preview(self) -> ImagePreview:
        """Return the image for kedro-viz, base64."""
        return ImagePreview(base64.b64encode(self.path.read_bytes()).decode())
