"""Whether two files say the same, and what differs first: tables cell by cell, JSON key by key, folders by part."""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

Status = Literal["identical", "within tolerance", "different"]


@dataclass(frozen=True)
class ValueDifference:
    """A value that is not the same.

    Attributes:
        where: the column and row, or the dotted path.
        recorded: as it was.
        now: as it is; `nothing` where it is gone, as for `recorded` where it is new.
        tolerable: whether both are numbers that agree within the tolerance.
    """

    where: str
    recorded: str
    now: str
    tolerable: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.recorded} recorded, {self.now} now"


@dataclass(frozen=True)
class Comparison:
    """What became of an output.

    Attributes:
        path: of the file or folder.
        status: `identical` bytes; numbers `within tolerance`; or `different`.
        difference: the first one, in words; the first beyond the tolerance, if there is one.
        values: of a JSON file, every number or text that is not the same.
    """

    path: str
    status: Status
    difference: str | None = None
    values: tuple[ValueDifference, ...] = ()


def compare_files(path: str, recorded: Path, now: Path, tolerance: float) -> Comparison:
    """Compare two files of which the bytes are not the same.

    Args:
        path: what they are called.
        recorded: the file as it was.
        now: the file as it is.
        tolerance: by which two numbers may differ, as a share of the greater one.
    """
    suffix = now.suffix
    try:
        if suffix == ".json":
            return _judge(path, _compare_json(recorded, now, tolerance), keep=True)
        if suffix in _READERS:
            return _judge(path, _compare_tables(_READERS[suffix](recorded), _READERS[suffix](now), tolerance))
    except (ValueError, OSError) as error:  # damaged: Arrow's and JSON's errors are both
        return Comparison(path, "different", f"cannot be read ({' '.join(str(error).split())})")
    sizes = recorded.stat().st_size, now.stat().st_size
    what = f"{sizes[0]:,} bytes recorded, {sizes[1]:,} now" if sizes[0] != sizes[1] else f"{sizes[0]:,} of them"
    return Comparison(path, "different", f"other bytes ({what})")


def compare_folders(
    path: str,
    recorded: Mapping[str, str],
    now: Mapping[str, str],
    compare_part: Callable[[str], Comparison],
) -> Comparison:
    """Compare two folders by the MD5s of their files, and the first that differs by its content.

    Args:
        path: what they are called.
        recorded: the MD5 of each file as it was.
        now: the MD5 of each file as it is.
        compare_part: compares a file that both have, with another content.
    """
    parts = sorted(part for part in recorded.keys() | now.keys() if recorded.get(part) != now.get(part))
    if not parts:
        return Comparison(path, "identical")
    more = f" (and {len(parts) - 1} more files)" if len(parts) > 1 else ""
    within: Comparison | None = None
    for part in parts:
        if part not in now or part not in recorded:
            said = "not made again" if part not in now else "not in the record"
            return Comparison(path, "different", f"{part}: {said}{more}")
        found = compare_part(part)
        if found.status == "different":
            return Comparison(path, "different", f"{part}: {found.difference}{more}")
        within = within or found
    assert within is not None
    return Comparison(path, "within tolerance", f"{parts[0]}: {within.difference}{more}")


def _judge(path: str, differences: Iterator[ValueDifference], *, keep: bool = False) -> Comparison:
    """Return the verdict on a file; a file of which every value differs is not read to its end unless all are kept."""
    kept: list[ValueDifference] = []
    first: ValueDifference | None = None
    for difference in differences:
        first = first if first and (difference.tolerable or not first.tolerable) else difference
        if keep:
            kept.append(difference)
        elif not first.tolerable:
            break
    if first is None:
        return Comparison(path, "within tolerance", "other bytes, the same values")
    return Comparison(path, "within tolerance" if first.tolerable else "different", str(first), tuple(kept))


def _compare_json(recorded: Path, now: Path, tolerance: float) -> Iterator[ValueDifference]:
    return _compare_trees("", *(json.loads(file.read_text(encoding="utf-8")) for file in (recorded, now)), tolerance)


_NOTHING = object()


def _compare_trees(path: str, recorded: Any, now: Any, tolerance: float) -> Iterator[ValueDifference]:
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key in [*recorded, *(key for key in now if key not in recorded)]:
            below = f"{path}.{key}" if path else str(key)
            yield from _compare_trees(below, recorded.get(key, _NOTHING), now.get(key, _NOTHING), tolerance)
    elif isinstance(recorded, list) and isinstance(now, list):
        for index, (one, other) in enumerate(zip_longest(recorded, now, fillvalue=_NOTHING)):
            yield from _compare_trees(f"{path}[{index}]", one, other, tolerance)
    else:
        yield from _compare_values(path or "the whole", recorded, now, tolerance)


def _compare_values(where: str, recorded: Any, now: Any, tolerance: float) -> Iterator[ValueDifference]:
    if recorded is now or _is_same(recorded, now):
        return
    tolerable = _is_number(recorded) and _is_number(now) and math.isclose(recorded, now, rel_tol=tolerance)
    yield ValueDifference(where, _show(recorded), _show(now), tolerable)


def _is_same(recorded: Any, now: Any) -> bool:
    if isinstance(recorded, float) and isinstance(now, float) and math.isnan(recorded) and math.isnan(now):
        return True
    return isinstance(recorded, bool) == isinstance(now, bool) and bool(recorded == now)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _show(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_LONGEST = 60

Table = dict[str, Any]
"""The columns by name: lists, or Arrow's, which are quick to tell whether they are the same."""


def _read_parquet(path: Path) -> Table:
    from pyarrow.parquet import read_table

    table = read_table(path)
    return dict(zip(table.column_names, table.columns, strict=True))


def _read_csv(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    columns = zip_longest(*rows, fillvalue="") if rows else [()] * len(header)
    return {name: [_to_number(text) for text in column] for name, column in zip(header, columns, strict=False)}


_READERS: dict[str, Callable[[Path], Table]] = {".parquet": _read_parquet, ".csv": _read_csv}


def _to_number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _compare_tables(recorded: Table, now: Table, tolerance: float) -> Iterator[ValueDifference]:
    if list(recorded) != list(now):
        for name in [*recorded, *now]:
            if name not in recorded or name not in now:
                kinds = ("a column" if name in columns else "nothing" for columns in (recorded, now))
                yield ValueDifference(f"column {name}", *kinds, tolerable=False)
        yield ValueDifference("columns", ", ".join(recorded), ", ".join(now), tolerable=False)
    names = [name for name in recorded if name in now]
    for name in names:
        one, other = (_type_of(columns[name]) for columns in (recorded, now))
        if one != other:
            yield ValueDifference(f"column {name}", f"type {one}", f"type {other}", tolerable=False)
    for name in names:
        yield from _compare_columns(name, recorded[name], now[name], tolerance)
    lengths = [len(next(iter(columns.values()), ())) for columns in (recorded, now)]
    if lengths[0] != lengths[1]:
        yield ValueDifference("rows", f"{lengths[0]:,}", f"{lengths[1]:,}", tolerable=False)


def _type_of(column: Any) -> str | None:
    return None if isinstance(column, list) else str(column.type)


def _compare_columns(name: str, recorded: Any, now: Any, tolerance: float) -> Iterator[ValueDifference]:
    """Yield the cells of a column that are not the same, up to the end of the shorter one; rows count from 0."""
    if not isinstance(recorded, list):
        if recorded.equals(now):
            return
        recorded, now = recorded.to_pylist(), now.to_pylist()
    for row, (one, other) in enumerate(zip(recorded, now, strict=False)):
        yield from _compare_values(f"column {name}, row {row}", one, other, tolerance)
