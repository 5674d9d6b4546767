"""One schema for a question, whichever source it comes from, in Stack Exchange's own names.

Every source yields `pyarrow.Table` batches of `QUESTION_SCHEMA`. All columns may be null: a raw row is
kept as it came, and what is wrong with it is said later, when questions are validated.
"""

import pyarrow as pa

TIMESTAMP = pa.timestamp("ms", tz="UTC")

QUESTION_SCHEMA = pa.schema(
    [
        ("Id", pa.int64()),
        ("Title", pa.string()),
        ("Body", pa.string()),  # HTML
        ("Tags", pa.string()),  # canonical: <a><b>
        ("CreationDate", TIMESTAMP),
        ("Score", pa.int64()),
        ("ViewCount", pa.int64()),
        ("AnswerCount", pa.int64()),
        ("CommentCount", pa.int64()),
        ("FavoriteCount", pa.int64()),
        ("AcceptedAnswerId", pa.int64()),
        ("OwnerUserId", pa.int64()),
        ("OwnerDisplayName", pa.string()),
        ("OwnerLink", pa.string()),
        ("LastEditDate", TIMESTAMP),
        ("LastActivityDate", TIMESTAMP),
        ("ClosedDate", TIMESTAMP),
        ("ContentLicense", pa.string()),
        ("Link", pa.string()),
        ("Site", pa.string()),
        ("Unreadable", pa.string()),  # JSON object: values that are not what their column holds, as they came
    ]
)

REQUIRED_COLUMNS = (
    "Id",
    "Title",
    "Body",
    "Tags",
    "CreationDate",
    "Score",
    "ViewCount",
    "AnswerCount",
    "CommentCount",
    "FavoriteCount",
)
"""The ten columns that every source carries, some of them possibly all null."""
