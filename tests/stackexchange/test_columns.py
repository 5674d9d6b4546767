import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_classification.stackexchange.columns import type_questions
from question_classification.stackexchange.question import QUESTION_SCHEMA


def typed(name: str, value: str) -> tuple[object, object]:
    """Type one value; return what its column and `Unreadable` hold."""
    (row,) = type_questions({name: [value]}).to_pylist()
    return row[name], json.loads(row["Unreadable"] or "null")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("5", 5),
        ("+5", 5),
        ("-5", -5),
        ("007", 7),
        ("5.0", 5),  # as pandas writes it
        ("5.000", 5),
        ("-5.0", -5),
        ("+5.0", 5),
        ("100.0", 100),
        ("", None),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775807.0", 2**63 - 1),
    ],
)
def test_integers(text, number):
    assert typed("Score", text) == (number, None)


@pytest.mark.parametrize(
    "text",
    [
        "5.5",
        "5.05",
        "5.",
        ".0",
        "5.0.0",
        "5.0\n",
        "5,0",
        " 5",
        "5\n",
        "1e3",
        "0x1F",
        "many",
        "+",
        "-",
        "+-5",
        "\N{ARABIC-INDIC DIGIT FIVE}",
        "9223372036854775808",
        "9223372036854775808.0",
    ],
)
def test_what_is_no_integer_is_unreadable(text):
    assert typed("Score", text) == (None, {"Score": text})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2010-07-19 19:12:12", datetime(2010, 7, 19, 19, 12, 12, tzinfo=UTC)),
        ("2010-07-19 19:12:12Z", datetime(2010, 7, 19, 19, 12, 12, tzinfo=UTC)),
        ("2010-07-19T19:12:12", datetime(2010, 7, 19, 19, 12, 12, tzinfo=UTC)),
        ("2010-07-19T19:12:12.5", datetime(2010, 7, 19, 19, 12, 12, 500_000, tzinfo=UTC)),
        ("2010-07-19T19:12:12.123Z", datetime(2010, 7, 19, 19, 12, 12, 123_000, tzinfo=UTC)),
        ("2012-02-29 00:00:00", datetime(2012, 2, 29, tzinfo=UTC)),
        ("", None),
    ],
)
def test_timestamps_are_utc(text, moment):
    assert typed("CreationDate", text) == (moment, None)


@pytest.mark.parametrize(
    "text",
    [
        "2010-07-19",
        "2011-02-29 00:00:00",
        "2010-13-01 00:00:00",
        "2010-07-19 24:00:00",
        "2010-07-19 19:12:12+02:00",
        "2010-07-19 19:12:12.1234",
        "0000-01-01 00:00:00",
        "19/07/2010 19:12:12",
        "yesterday",
    ],
)
def test_what_is_no_timestamp_is_unreadable(text):
    assert typed("CreationDate", text) == (None, {"CreationDate": text})


@pytest.mark.parametrize("text", ["<c++><.net>", "|c++|.net|", "c++|.net"])
def test_tags_become_canonical(text):
    assert typed("Tags", text) == ("<c++><.net>", None)


@pytest.mark.parametrize("text", ["<>", "||", "|", "<a", "a>", "<a>b", "<a>|b|", "two words", " "])
def test_what_is_no_list_of_tags_is_unreadable(text):
    assert typed("Tags", text) == (None, {"Tags": text})


def test_one_bad_value_spoils_no_other_and_unreadable_is_in_schema_order():
    table = type_questions(
        {
            "ViewCount": ["1", "99999999999999999999", "9999999999999999999"],
            "Unknown": ["a", "b", "c"],
            "CreationDate": ["2010-07-19 19:12:12", "2010-02-30 00:00:00", "2010-07-19 19:12:13"],
            "Unreadable": ["nothing", "to", "see"],
            "Title": ["", "naïve", "q"],
        }
    )
    assert table.schema == QUESTION_SCHEMA
    assert table["ViewCount"].to_pylist() == [1, None, None]
    assert table["Title"].to_pylist() == [None, "naïve", "q"]
    assert table["CreationDate"].is_valid().to_pylist() == [True, False, True]
    assert table["Unreadable"].to_pylist() == [
        None,
        '{"CreationDate": "2010-02-30 00:00:00", "ViewCount": "99999999999999999999"}',
        '{"ViewCount": "9999999999999999999"}',
    ]


def test_a_broken_row_is_null_and_kept_as_it_came():
    table = type_questions({"Id": ["1", "2", "3"], "Title": ["a", "b", "c"]}, {1: ["2", "é", "too", "many"]})
    assert table["Id"].to_pylist() == [1, None, 3]
    assert table["Title"].to_pylist() == ["a", None, "c"]
    assert table["Unreadable"].to_pylist() == [None, '{"row": ["2", "é", "too", "many"]}', None]


def test_no_columns_and_no_rows():
    assert type_questions({}).num_rows == type_questions({"Id": []}).num_rows == 0


NEAR_NUMBERS = st.one_of(
    st.integers().map(str), st.text(alphabet="+-0123456789.xeE _", max_size=22), st.integers(-(2**64), 2**64).map(str)
)
NEAR_TIMES = st.one_of(
    st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.isoformat(timespec="milliseconds")),
    st.from_regex(r"\A[0-2][0-9]{3}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,3})?Z?\Z"),
)


@given(st.lists(st.tuples(NEAR_NUMBERS, NEAR_TIMES), min_size=1, max_size=8))
def test_a_value_is_typed_the_same_whatever_its_neighbours_are(rows):
    numbers, times = zip(*rows, strict=True)
    together = type_questions({"Score": numbers, "CreationDate": times})
    alone = pa.concat_tables(type_questions({"Score": [number], "CreationDate": [time]}) for number, time in rows)
    assert together.equals(alone.combine_chunks())
