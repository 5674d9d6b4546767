"""What a valid question is: the one schema that both quarantines rows and validates the dataset `questions`."""

from typing import Any

import pandas as pd
import pandera.pandas as pa

FIRST_QUESTION = pd.Timestamp("2008-07-31", tz="UTC")
"""No question of Stack Exchange is older."""

_TIMESTAMP = pd.DatetimeTZDtype("s", "UTC")


def _number(description: str, *checks: pa.Check) -> pa.Column:
    return pa.Column("Int64", list(checks), nullable=True, description=description)


def _text(description: str) -> pa.Column:
    return pa.Column(str, nullable=True, description=description)


def _time(description: str, *checks: pa.Check) -> pa.Column:
    return pa.Column(_TIMESTAMP, list(checks), nullable=True, description=description)


def _not_negative() -> pa.Check:
    return pa.Check.ge(0, error="negative")


# A check's `error` is the reason that a quarantined row is given, after the column's name.
Questions = pa.DataFrameSchema(
    {
        "question_id": pa.Column(
            "Int64", pa.Check.ge(1, error="not positive"), unique=True, description="Id, unique on its site"
        ),
        "title": _text("plain text"),
        "body": _text("HTML"),
        "tags": pa.Column(str, description="<a><b>"),
        "creation_date": pa.Column(
            _TIMESTAMP, pa.Check.ge(FIRST_QUESTION, error="before Stack Exchange"), description="UTC"
        ),
        "score": _number("up-votes less down-votes"),
        "view_count": _number("views", _not_negative()),
        "answer_count": _number("answers", _not_negative()),
        "comment_count": _number("comments", _not_negative()),
        "favorite_count": _number("bookmarks; private since 2022", _not_negative()),
        "accepted_answer_id": _number("id of the accepted answer"),
        "owner_user_id": _number("id of the author; null for a deleted user"),
        "owner_display_name": _text("name of the author"),
        "owner_link": _text("address of the author"),
        "last_edit_date": _time("UTC"),
        "last_activity_date": _time("UTC"),
        "closed_date": _time("UTC"),
        "content_license": _text("CC BY-SA and its version"),
        "content_license_derived": pa.Column(bool, description="true where the source was silent"),
        "link": _text("address of the question"),
        "site": _text("site of the question"),
    },
    checks=[
        pa.Check(
            lambda questions: questions["title"].notna() | questions["body"].notna(),
            error="neither title nor body",
        )
    ],
    strict=True,
    ordered=True,
    name="questions",
)


def find_failures(questions: pd.DataFrame) -> "pd.Series[Any]":
    """Return a reason for each row that is no valid question, by the row's index label.

    Duplicate ids are no failure here: of two valid rows with one id, one stays.

    Args:
        questions: candidates with the columns of `Questions`, of any validity, under a unique index.

    Returns:
        Reasons such as `creation_date missing; score negative`, indexed like the rows that they are about.
    """
    schema = Questions.update_column("question_id", unique=False)
    try:
        schema.validate(questions, lazy=True)
    except pa.errors.SchemaErrors as failures:
        cases = failures.failure_cases.dropna(subset=["index"])
        missing = cases["check"].eq("not_nullable")
        whole_row = cases["schema_context"].eq("DataFrameSchema")
        reason = cases["column"].where(~whole_row, "")
        reason = (reason + " " + cases["check"].mask(missing, "missing").astype(str)).str.strip()
        return reason.groupby(cases["index"].astype(questions.index.dtype)).agg(
            lambda reasons: "; ".join(dict.fromkeys(reasons))
        )
    return pd.Series(dtype=str, index=questions.index[:0])
