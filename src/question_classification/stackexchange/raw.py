"""The raw layer: questions as they came, in a folder of parquet parts, one a creation month.

The same questions give the same bytes, however they were batched, and a month that did not change keeps its part, so
DVC stores only the months that are new.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from question_classification.stackexchange.errors import BrokenSourceError, InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.lock import alone
from question_classification.stackexchange.parts import Months, read_part
from question_classification.stackexchange.question import QUESTION_SCHEMA

SOURCE = "_source.json"
"""What says where a raw layer came from."""

PAGES = "_pages"
"""Folder of what a feed has handed out and is not yet merged into the parts."""


def write_raw(harvest: Harvest, folder: str | Path, *, buffer_bytes: int = 16 * 2**20) -> None:
    """Write a harvest to a folder: `2010-07.parquet`, ..., `undated.parquet` and `_source.json`.

    The rows of a month are sorted by `Id`, those without one last, equal ones in the order in which they came. What
    the folder held before is replaced at the very end: an error or a kill on the way leaves it as it was. A part that
    comes out the same as before stays the very same file.

    Args:
        harvest: the questions, read once, in any order.
        folder: the folder of the raw layer, made where absent.
        buffer_bytes: questions held in memory before they are spilled to disk. A row group is held as well, some 16 MB,
            whatever the size of the harvest.

    Raises:
        BrokenSourceError: the source breaks off; the questions before the break have been written, and the error is
            among the `warnings` of `_source.json`, unless the folder holds more of the same kind of source.
        InputError: the harvest has no questions or cannot be read, `folder` is something else than a raw layer, or
            another process is writing it.
    """
    folder = Path(folder)
    with alone(folder):
        check_replaceable(folder)
        with replacing(folder) as (parts, scratch):
            months = Months(scratch, buffer_bytes)
            rows, broken = _read_all(harvest, months)
            left_out = {kind: count for kind, count in sorted(harvest.left_out.items()) if count}
            if not rows:
                raise InputError(
                    f"{harvest.source}: no questions to write to {folder} (left out: {left_out or 'nothing'}), which "
                    "stays as it was; widen what is asked for"
                )
            if broken and (held := _rows_of(folder, harvest.source)) > rows:
                raise BrokenSourceError(
                    f"{broken}; {folder} stays as it is, for it holds {held:,} questions, not {rows:,}"
                )
            months.write(parts)
            source = {
                "source": harvest.source,
                "site": harvest.site,
                "rows": rows,
                "left_out": left_out,
                "repaired": {kind: count for kind, count in sorted(harvest.repaired.items()) if count},
                "warnings": harvest.warnings,
            }
            text = json.dumps(source, indent=2, ensure_ascii=False) + "\n"
            (parts / SOURCE).write_text(text, encoding="utf-8", newline="\n")
    if broken:
        raise BrokenSourceError(f"{broken}; the {rows:,} questions before that are in {folder}")


def _read_all(harvest: Harvest, months: Months) -> tuple[int, BrokenSourceError | None]:
    """Return the number of rows, and what broke the source off after the last of them."""
    rows, broken = 0, None
    try:
        for batch in harvest:
            months.add(batch.cast(QUESTION_SCHEMA))
            rows += batch.num_rows
    except BrokenSourceError as error:
        if not rows:
            raise
        broken = error
        harvest.warnings.append(str(error))
    if rows and not harvest.site and not harvest.sites:
        harvest.warnings.append(
            "The site of these questions is not known, so they have no links, which their licence asks for where they "
            "are shown. Give it: site=NAME, as in the address of the site."
        )
    return rows, broken


def _rows_of(folder: Path, source: str) -> int:
    """Return how many rows a layer of a kind of source has; 0 if it is none."""
    with suppress(InputError):
        held = read_source(folder)
        return int(held["rows"]) if held["source"] == source else 0
    return 0


def read_raw(folder: str | Path) -> pa.Table:
    """Read all parts of a raw layer, in the order of their names, and after them the pages that are not yet merged.

    Returns:
        A table of `QUESTION_SCHEMA`.

    Raises:
        InputError: there is no such folder, it has no part, or a part is no parquet file of questions.
    """
    folder = _existing(folder)
    parts = [*sorted(folder.glob("*.parquet")), *sorted((folder / PAGES).glob("*.parquet"))]
    if not parts:
        raise InputError(f"{folder}: no parquet parts; fetch or write the raw layer again")
    return pa.concat_tables([read_part(part) for part in parts])


def read_source(folder: str | Path) -> dict[str, Any]:
    """Read where a raw layer came from.

    Returns:
        `source` (the kind), `site` (or None), `rows`, `left_out` and `repaired` (counts by kind) and `warnings`
        (sentences).

    Raises:
        InputError: there is no such folder, or its `_source.json` is absent or damaged.
    """
    path = _existing(folder) / SOURCE
    restore = "restore it (`dvc checkout`), or move its folder away and fetch again"
    try:
        source = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {restore}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); {restore}") from None
    if not isinstance(source, dict) or not source.keys() >= {
        "source",
        "site",
        "rows",
        "left_out",
        "repaired",
        "warnings",
    }:
        raise InputError(f"{path}: does not say where the questions came from; {restore}")
    return source


def fingerprint(folder: str | Path) -> dict[str, Any]:
    """Compute the identity of a folder's content, as DVC does.

    Returns:
        `md5` as in the `.dvc` file or `dvc.lock` (it ends in `.dir`), `files` (a count) and `bytes` (their total).

    Raises:
        InputError: there is no such folder.
    """
    folder = _existing(folder)
    sizes, entries = [], []
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, _md5).hexdigest()
            sizes.append(path.stat().st_size)
            entries.append({"md5": md5, "relpath": path.relative_to(folder).as_posix()})
    entries.sort(key=lambda entry: entry["relpath"])
    listing = json.dumps(entries, sort_keys=True).encode()
    return {"md5": f"{_md5(listing).hexdigest()}.dir", "files": len(entries), "bytes": sum(sizes)}


def _md5(data: bytes = b"") -> Any:
    return hashlib.md5(data, usedforsecurity=False)


def _existing(folder: str | Path) -> Path:
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; fetch or write the raw layer first")
    return folder


def check_replaceable(folder: Path) -> None:
    """Check that nothing is lost if another source takes the folder: a wrong path must not cost anyone their files.

    Raises:
        InputError: it is no folder, or holds something else than a raw layer, or questions that took days to fetch.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file, not a folder; choose another path for the raw layer")
    others = [path.name for path in folder.glob("*") if path.name not in (SOURCE, PAGES) and path.suffix != ".parquet"]
    if others:
        raise InputError(
            f"{folder}: holds {min(others)}, which is no part of a raw layer; choose another folder or move it away"
        )
    try:
        source = read_source(folder)
    except InputError:  # none, or a damaged one, which is what writing the layer again is to mend
        return
    if "current_as_of" in source:
        raise InputError(
            f"{folder}: holds {source['rows']:,} questions of {source['site']} that were fetched one page at a time; "
            "before another source takes their place, move it away or delete it"
        )


def clear_abandoned(folder: Path) -> Path:
    """Make good what a run that was killed has left beside a folder; return where it was."""
    staging = folder.with_name(f".{folder.name}.partial")
    earlier = staging / "earlier"
    if earlier.exists() and not folder.exists():
        earlier.rename(folder)
    shutil.rmtree(staging, ignore_errors=True)
    return staging


@contextmanager
def replacing(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a folder that replaces `folder` if all goes well, and one for scratch; nothing else stays behind.

    A file with the same bytes as before stays the very same file, so that DVC need not look into it again. Both folders
    lie beside `folder`, on the same disk, so that the swap is two renames. A kill between the two is made good by the
    next call.
    """
    staging = clear_abandoned(folder)
    parts, scratch, earlier = staging / "parts", staging / "scratch", staging / "earlier"
    try:
        parts.mkdir(parents=True)
        scratch.mkdir()
        yield parts, scratch
        _keep_unchanged(folder, parts, scratch / "kept")
        if folder.exists():
            folder.rename(earlier)
        try:
            parts.rename(folder)
        except OSError:
            earlier.rename(folder)
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _keep_unchanged(folder: Path, parts: Path, link: Path) -> None:
    for part in parts.iterdir():
        earlier = folder / part.name
        if earlier.is_file() and not earlier.is_symlink() and _same_bytes(earlier, part):
            with suppress(OSError):  # a file system without hard links: DVC looks into the part again
                link.hardlink_to(earlier)
                link.replace(part)


def _same_bytes(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        return hashlib.file_digest(first, _md5).digest() == hashlib.file_digest(second, _md5).digest()
