import tarfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recorded_pages(stackexchange_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the 840 recorded pages of the API."""
    archive = stackexchange_data / "stackoverflow_api_pages.tar.gz"
    if not archive.exists():
        pytest.skip(f"no {archive}")
    folder = tmp_path_factory.mktemp("recorded")
    with tarfile.open(archive) as pages:
        pages.extractall(folder, filter="data")
    return folder / "pages"
