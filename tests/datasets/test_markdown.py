from pathlib import Path

import pytest

from question_classification.datasets.markdown import MarkdownDataset


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("---\nlicense: mit\n---\n# Card\n\nText\n---\nMore\n", "# Card\n\nText\n---\nMore\n"),
        ("# Card\n---\nText\n---\n", "# Card\n---\nText\n---\n"),
    ],
    ids=["front matter", "lines in the text"],
)
def test_preview_is_what_kedro_viz_shows(text: str, shown: str, tmp_path: Path) -> None:
    dataset = MarkdownDataset(filepath=str(tmp_path / "card.md"))
    dataset.save(text)
    assert dataset.load() == text
    assert dataset.preview() == shown
    assert MarkdownDataset.preview.__annotations__["return"].__name__ == "HTMLPreview"
