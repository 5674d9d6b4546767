"""What the data of a project were: a content that is in its place, or in DVC's cache."""

import json
import re
from pathlib import Path

from question_classification.provenance.hashes import hash_file, hash_listing, hash_parts


def hash_path(path: Path) -> str:
    """Return the identity of a file or folder, as DVC has it."""
    return hash_listing(hash_parts(path)) if path.is_dir() else hash_file(path)


def find_content(path: str, md5: str, project: Path) -> dict[str, Path] | None:
    """Return the files with a content, by their path in its folder or, of one file, by ''; None where they are gone.

    Args:
        path: where the content was, from the root of the project.
        md5: its identity, as DVC has it.
        project: the root of the project.
    """
    here = project / path
    if here.exists() and hash_path(here) == md5:
        return {part: here / part for part in hash_parts(here)} if here.is_dir() else {"": here}
    parts = list_parts(md5, project)
    found = (
        {"": _in_cache(md5, project)} if parts is None else {part: _in_cache(parts[part], project) for part in parts}
    )
    return found if all(file.exists() for file in found.values()) else None


def list_parts(md5: str, project: Path) -> dict[str, str] | None:
    """Return the MD5 of each file of a folder, as DVC's cache has them; None of what is no folder, or not there."""
    listing = _in_cache(md5, project)
    if not md5.endswith(".dir") or not listing.exists():
        return None
    return {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_text())}


def _in_cache(md5: str, project: Path) -> Path:
    return _cache(project) / "files/md5" / md5[:2] / md5[2:]


def _cache(project: Path) -> Path:
    """Return the folder of DVC's cache, which several clones on one machine may share."""
    folder = project / ".dvc"
    for name in ("config.local", "config"):
        config = folder / name
        text = config.read_text(encoding="utf-8") if config.exists() else ""
        section = re.search(r"^\[cache\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
        if section and (found := re.search(r"^\s*dir\s*=\s*(.+?)\s*$", section[1], re.MULTILINE)):
            return folder / found[1]
    return folder / "cache"
