"""Files that are whole or not there."""

import os
from pathlib import Path


def write_bytes(path: Path, data: bytes) -> None:
    """Write to a temporary name, then rename: no reader ever sees half a file, nor does a machine that lost power."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    publish(temporary, path)


def sync_folder(folder: Path) -> None:
    """See that renames in a folder are on the disk before what they replace is removed."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def publish(temporary: Path, path: Path) -> None:
    """Rename a file that is complete, once its content is on the disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
