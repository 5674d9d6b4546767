"""A writer of `Posts.xml`, as it stands in a data dump of Stack Exchange."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

_ATTRIBUTES = (  # in the order of the dump
    "Id",
    "PostTypeId",
    "AcceptedAnswerId",
    "ParentId",
    "CreationDate",
    "Score",
    "ViewCount",
    "Body",
    "OwnerUserId",
    "OwnerDisplayName",
    "LastEditDate",
    "LastActivityDate",
    "Title",
    "Tags",
    "AnswerCount",
    "CommentCount",
    "FavoriteCount",
    "ClosedDate",
    "ContentLicense",
)
_OF_QUESTIONS_ONLY = ("AcceptedAnswerId", "ViewCount", "Title", "Tags", "AnswerCount", "FavoriteCount", "ClosedDate")
_ESCAPES = {
    "&": "&amp;",  # first, for the others bring their own
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#x9;",
    "\n": "&#xA;",
    "\r": "&#xD;",
}
_QUESTION, _ANSWER = "1", "2"  # PostTypeId


def write_dump(
    path: str | Path,
    questions: Iterable[pa.Table],
    *,
    answers: bool = False,
    older_tags: bool = False,
    encoding: str = "utf-8",
) -> None:
    """Write questions as Stack Exchange does.

    The dump carries neither `Site`, `Link`, `OwnerLink` nor `Unreadable`, and the name of the author only where they
    have no `OwnerUserId`, that is where they have been deleted.

    Args:
        path: the file to write.
        questions: tables of `QUESTION_SCHEMA`, by increasing `Id` for a genuine order.
        answers: whether each question is followed by `AnswerCount` answers, as far as its Ids reach before the next
            question. They repeat its words.
        older_tags: tags as `<a><b>`, as until March 2024, rather than `|a|b|`.
        encoding: of the file: `utf-8`, or `utf-16-le` or `utf-16-be` as once in 2024; each with a byte order mark.
    """
    with Path(path).open("w", encoding=encoding, newline="") as file:
        file.write(f'\ufeff<?xml version="1.0" encoding="{encoding[:6]}"?>\r\n<posts>\r\n')
        for table in questions:
            file.writelines(_rows(table, answers, older_tags))
        file.write("</posts>")


def _rows(table: pa.Table, answers: bool, older_tags: bool) -> list[str]:
    posts = {name: _written(name, table[name], older_tags) for name in _ATTRIBUTES if name in table.column_names}
    posts["OwnerDisplayName"] = pc.if_else(table["OwnerUserId"].is_valid(), None, posts["OwnerDisplayName"])
    rows = list(zip(table["Id"].to_pylist(), _elements(posts, _QUESTION), strict=True))
    if answers:
        parents, numbers = _answers(table)
        texts = {name: text.take(parents) for name, text in posts.items() if name not in _OF_QUESTIONS_ONLY}
        texts |= {"Id": pc.cast(numbers, pa.string()), "ParentId": posts["Id"].take(parents)}
        rows = sorted([*rows, *zip(numbers.to_pylist(), _elements(texts, _ANSWER), strict=True)])
    return [row for _, row in rows]


def _written(name: str, values: pa.ChunkedArray, older_tags: bool) -> pa.Array:
    """Return the values as they stand in their attribute."""
    if pa.types.is_timestamp(values.type):
        # Without its time zone, which is UTC, a timestamp needs no time zone database.
        return pc.strftime(values.cast(pa.timestamp("ms")), "%Y-%m-%dT%H:%M:%S").combine_chunks()
    text = pc.cast(values, pa.string())
    if name == "Tags" and not older_tags:
        text = pc.replace_substring(pc.replace_substring(text, "><", "|"), "<", "|")
        text = pc.replace_substring(text, ">", "|")
    for character, escape in _ESCAPES.items():
        text = pc.replace_substring(text, character, escape)
    return text.combine_chunks()


def _elements(posts: dict[str, pa.Array], kind: str) -> list[str]:
    posts = {**posts, "PostTypeId": pa.repeat(kind, len(posts["Id"]))}
    attributes = [
        pc.coalesce(pc.binary_join_element_wise(f' {name}="', posts[name], '"', ""), "")
        for name in _ATTRIBUTES
        if name in posts
    ]
    rows: list[str] = pc.binary_join_element_wise("  <row", *attributes, " />\r\n", "").to_pylist()
    return rows


def _answers(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Return the positions of the questions that have answers, once for each answer, and the Ids of the answers."""
    parents: list[int] = []
    numbers: list[int] = []
    questions = table["Id"].to_pylist()
    counts = table["AnswerCount"].to_pylist()
    for position, (question, following) in enumerate(zip(questions, [*questions[1:], None], strict=True)):
        room = range(question + 1, following or question + 1)[: counts[position] or 0]
        parents += [position] * len(room)
        numbers += room
    return pa.array(parents, pa.int64()), pa.array(numbers, pa.int64())
