"""A text in Markdown, which kedro-viz can show."""

import re
from typing import NewType

from kedro_datasets.text import TextDataset

HTMLPreview = NewType("HTMLPreview", str)
"""kedro-viz recognises a text by the name of this type, and makes HTML of its Markdown."""


class MarkdownDataset(TextDataset):
    """Kedro's `text.TextDataset`, which has no preview."""

    def preview(self) -> HTMLPreview:
        """Return the text for kedro-viz, without what stands before it for other readers, between lines of dashes."""
        return HTMLPreview(re.sub(r"\A---\n.*?\n---\n", "", self.load(), flags=re.DOTALL))
