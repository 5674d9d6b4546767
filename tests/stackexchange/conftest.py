import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest


class FakeClock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


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
