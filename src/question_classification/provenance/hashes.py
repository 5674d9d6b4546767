"""The identity of files and folders, as DVC computes it: https://dvc.org/doc/user-guide/data-management/importing."""

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def hash_file(path: Path) -> str:
    """Return the MD5 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def hash_bytes(content: bytes) -> str:
    """Return the MD5 of a content, in hexadecimal."""
    digest: str = _md5(content).hexdigest()
    return digest


def hash_files(paths: Iterable[Path]) -> list[str]:
    """Return the MD5 of each file; many at a time, for hashing lets go of Python's lock."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(hash_file, paths))


def hash_parts(folder: Path) -> dict[str, str]:
    """Return the MD5 of each file below a folder, by its path from there, in the order of these paths."""
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.as_posix())
    return dict(zip((file.relative_to(folder).as_posix() for file in files), hash_files(files), strict=True))


def hash_listing(parts: dict[str, str]) -> str:
    """Return the identity of a folder of which the files have these MD5s: that of their listing, and `.dir`."""
    listing = [{"md5": md5, "relpath": path} for path, md5 in sorted(parts.items())]
    return f"{_md5(json.dumps(listing, sort_keys=True).encode()).hexdigest()}.dir"


def _md5(data: bytes = b"") -> Any:
    return hashlib.md5(data, usedforsecurity=False)
