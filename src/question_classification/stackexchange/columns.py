"""From strings, as a source wrote them, to the typed columns of `QUESTION_SCHEMA`.

Nothing is lost on the way: what is not what its column holds becomes null there and is kept, as it came, in the
column `Unreadable`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from question_classification.stackexchange.question import QUESTION_SCHEMA, TIMESTAMP

_INTEGER = r"^[+-]?[0-9]{1,19}(\.0+)?$"  # pandas writes 3.0 in a column with nulls
_TIMESTAMP = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z?$"
_CANONICAL_TAGS = r"^(<[^<>|\s]+>)+$"
_OTHER_TAGS = r"^\|?[^<>|\s]+(\|[^<>|\s]+)*\|?$"


def type_questions(
    columns: Mapping[str, pa.Array | Sequence[str | None]], broken_rows: Mapping[int, Sequence[str]] | None = None
) -> pa.Table:
    """Type the columns of questions that are still text.

    - An empty string is null.
    - Integers are whole numbers within 64 bits: `5` and `-5`, but not `5.0`.
    - Timestamps are UTC: `2010-07-19 19:12:12` or `2010-07-19T19:12:12.123`, with or without a final `Z`.
    - Tags may be written `<a><b>`, `|a|b|` or `a|b` and become `<a><b>`.

    Args:
        columns: string arrays (or sequences of `str | None`) of one length, by name; those that `QUESTION_SCHEMA`
            does not know are kept out.
        broken_rows: the fields, as they came, of rows with the wrong number of fields, by position. Whatever
            `columns` hold there is dropped.

    Returns:
        A table of `QUESTION_SCHEMA`, row for row. `Unreadable` is null where all could be read, otherwise
        `{"Score": "many", ...}`, or `{"row": [fields...]}` for a broken row.
    """
    broken_rows = broken_rows or {}
    texts = {
        field.name: _null_where_empty(columns[field.name], broken_rows)
        for field in QUESTION_SCHEMA
        if field.name in columns and field.name != "Unreadable"
    }
    rows = len(next(iter(texts.values()))) if texts else 0

    typed: dict[str, Any] = {}
    unreadable: dict[int, dict[str, Any]] = {row: {"row": list(fields)} for row, fields in broken_rows.items()}
    for name, text in texts.items():
        typed[name] = _typed(name, text)
        if typed[name].null_count > text.null_count:
            for row in pc.indices_nonzero(pc.and_(text.is_valid(), typed[name].is_null())).to_pylist():
                unreadable.setdefault(row, {})[name] = text[row].as_py()

    if unreadable:
        notes = [json.dumps(unreadable[row], ensure_ascii=False) if row in unreadable else None for row in range(rows)]
        typed["Unreadable"] = pa.array(notes, pa.string())
    return pa.table(
        [typed[field.name] if field.name in typed else pa.nulls(rows, field.type) for field in QUESTION_SCHEMA],
        schema=QUESTION_SCHEMA,
    )


def _null_where_empty(column: pa.Array | Sequence[str | None], broken_rows: Mapping[int, Sequence[str]]) -> pa.Array:
    text = column if isinstance(column, pa.Array) else pa.array(column, pa.string())
    present = pc.greater(pc.binary_length(text), 0)
    if broken_rows:
        present = pc.and_(present, pa.array([row not in broken_rows for row in range(len(text))]))
    return text if pc.all(present, skip_nulls=False).as_py() else pc.if_else(present, text, None)


def _typed(name: str, text: pa.Array) -> pa.Array:
    """Type a column; what cannot be read is null."""
    target = QUESTION_SCHEMA.field(name).type
    if pa.types.is_integer(target):
        return _parsed(_only(text, _INTEGER), _cast_integers, _parse_integer, target)
    if pa.types.is_timestamp(target):
        return _parsed(_only(text, _TIMESTAMP), _cast_timestamps, _parse_timestamp, target)
    if name == "Tags":
        return _canonical_tags(text)
    return text


def _only(text: pa.Array, pattern: str) -> pa.Array:
    """Keep what has the right shape. Arrow's casts alone also take hexadecimal numbers and bare dates."""
    matches = pc.match_substring_regex(text, pattern)
    return text if pc.all(matches).as_py() else pc.if_else(matches, text, None)


def _parsed(
    text: pa.Array, cast: Callable[[pa.Array], pa.Array], parse: Callable[[str], Any], target: pa.DataType
) -> pa.Array:
    try:
        return cast(text)
    except pa.ArrowInvalid:  # a number beyond 64 bits or a day like February 30: one value fails the whole column
        return pa.array([None if value is None else parse(value) for value in text.to_pylist()], target)


def _cast_integers(text: pa.Array) -> pa.Array:
    whole = pc.replace_substring_regex(text, r"\.0+$", "")
    return pc.cast(pc.utf8_ltrim(whole, characters="+"), pa.int64())


def _parse_integer(value: str) -> int | None:
    number = int(value.partition(".")[0])
    return number if -(2**63) <= number < 2**63 else None


def _cast_timestamps(text: pa.Array) -> pa.Array:
    naive = pc.cast(pc.utf8_rtrim(text, characters="Z"), pa.timestamp("ms"))
    return naive.cast(pa.int64()).cast(TIMESTAMP)


def _parse_timestamp(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _canonical_tags(text: pa.Array) -> pa.Array:
    canonical = _only(text, _CANONICAL_TAGS)
    if canonical.null_count == text.null_count:
        return canonical
    others = pc.utf8_trim(_only(text, _OTHER_TAGS), characters="|")
    return pc.coalesce(canonical, pc.binary_join_element_wise("<", pc.replace_substring(others, "|", "><"), ">", ""))
