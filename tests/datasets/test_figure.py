import base64
from pathlib import Path

import pytest
from kedro.io import DatasetError

from question_classification.datasets.figure import FigureDataset

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_image_comes_back_as_it_was(tmp_path: Path) -> None:
    dataset = FigureDataset(filepath=str(tmp_path / "deep" / "figure.png"))
    assert not dataset.exists()
    dataset.save(b"an earlier one, and a longer one at that" * 9)
    dataset.save(PNG)
    assert dataset.exists()
    assert dataset.load() == PNG
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["figure.png"]


def test_preview_is_what_kedro_viz_shows(tmp_path: Path) -> None:
    dataset = FigureDataset(filepath=str(tmp_path / "figure.png"))
    dataset.save(PNG)
    assert base64.b64decode(dataset.preview()) == PNG
    assert FigureDataset.preview.__annotations__["return"].__name__ == "ImagePreview"


def test_absent_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"figure\.png"):
        FigureDataset(filepath=str(tmp_path / "figure.png")).load()
