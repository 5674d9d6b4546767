"""Questions as the API writes them, in JSON: https://api.stackexchange.com/docs/types/question."""

import json
from collections.abc import Callable, Sequence
from html import unescape
from typing import Any

import pyarrow as pa

from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.tags import format_tags, parse_tags

_LAST_SECOND = 253_402_300_799  # of the year 9999


def to_questions(items: Sequence[Any], site: str) -> pa.Table:
    """Type the items of an answer.

    Titles and names come encoded for HTML and are decoded once. Nothing is lost: what is not what its column holds
    becomes null there and is kept in `Unreadable`.

    Args:
        items: objects of the type `question`, as they came; every field may be absent.
        site: the site that was asked.

    Returns:
        A table of `QUESTION_SCHEMA`, row for row.
    """
    return pa.Table.from_pylist([_to_row(item, site) for item in items], schema=QUESTION_SCHEMA)


def _to_row(item: Any, site: str) -> dict[str, Any]:
    row: dict[str, Any] = {"Site": site}
    if not isinstance(item, dict):
        return {**row, "Unreadable": _to_json({"row": [item]})}
    owner = item.get("owner")
    fields = {**item, **{f"owner.{name}": value for name, value in (owner if isinstance(owner, dict) else {}).items()}}
    unreadable: dict[str, Any] = {}
    for column, name, read in _FIELDS:
        value = fields.get(name)
        if value is not None:
            row[column] = read(value)
            if row[column] is None:
                unreadable[column] = value
    if unreadable:
        row["Unreadable"] = _to_json(unreadable)
    return row


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63 else None


def _milliseconds(value: Any) -> int | None:
    seconds = _integer(value)
    return None if seconds is None or not 0 <= seconds <= _LAST_SECOND else 1000 * seconds


def _text(value: Any) -> str | None:
    return _without_surrogates(value) if isinstance(value, str) else None


def _decoded(value: Any) -> str | None:
    return _without_surrogates(unescape(value)) if isinstance(value, str) else None


def _tags(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(tag, str) and parse_tags(tag) == [tag] for tag in value):
        return None
    return _without_surrogates(format_tags(value))


def _without_surrogates(text: str) -> str:
    """Replace halves of characters, which JSON can hold and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _to_json(value: Any) -> str:
    return _without_surrogates(json.dumps(value, ensure_ascii=False))


_FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("Id", "question_id", _integer),
    ("Title", "title", _decoded),
    ("Body", "body", _text),
    ("Tags", "tags", _tags),
    ("CreationDate", "creation_date", _milliseconds),
    ("Score", "score", _integer),
    ("ViewCount", "view_count", _integer),
    ("AnswerCount", "answer_count", _integer),
    ("CommentCount", "comment_count", _integer),
    ("FavoriteCount", "favorite_count", _integer),
    ("AcceptedAnswerId", "accepted_answer_id", _integer),
    ("LastEditDate", "last_edit_date", _milliseconds),
    ("LastActivityDate", "last_activity_date", _milliseconds),
    ("ClosedDate", "closed_date", _milliseconds),
    ("ContentLicense", "content_license", _text),
    ("Link", "link", _text),
    ("OwnerUserId", "owner.user_id", _integer),
    ("OwnerDisplayName", "owner.display_name", _decoded),
    ("OwnerLink", "owner.link", _text),
)
