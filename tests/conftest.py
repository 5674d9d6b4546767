import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def stackexchange_data() -> Path:
    """The folder with real Stack Exchange data, which is never part of the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("STACKEXCHANGE_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no real Stack Exchange data in {folder}; set STACKEXCHANGE_DATA to a folder that has it")
    return folder
