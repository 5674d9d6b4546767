import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_classification.stackexchange.api.items import to_questions
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.server import to_item
from question_classification.stackexchange.simulated import simulate

ITEM = {
    "question_id": 49_799_624,
    "title": "Is &quot;a &amp;lt; b&quot; R&#39;s &#252;ber-test?",
    "body": "<p>a &lt; b</p>",
    "tags": ["r", "c++"],
    "owner": {"user_id": 980_048, "display_name": "S &amp; K", "link": "https://stackoverflow.com/users/980048/sk"},
    "creation_date": 1_523_544_518,
    "last_activity_date": 1_523_544_600,
    "last_edit_date": 1_523_544_590,
    "closed_date": 1_523_544_595,
    "score": -4,
    "view_count": 14,
    "answer_count": 2,
    "accepted_answer_id": 49_799_700,
    "content_license": "CC BY-SA 4.0",
    "link": "https://stackoverflow.com/questions/49799624/is-a",
    "is_answered": True,
}


def read(item: Any) -> dict[str, Any]:
    (row,) = to_questions([item], "stackoverflow").to_pylist()
    return row


def test_a_question() -> None:
    assert {column: value for column, value in read(ITEM).items() if value is not None} == {
        "Id": 49_799_624,
        "Title": 'Is "a &lt; b" R\'s über-test?',  # decoded once
        "Body": "<p>a &lt; b</p>",
        "Tags": "<r><c++>",
        "CreationDate": datetime(2018, 4, 12, 14, 48, 38, tzinfo=UTC),
        "Score": -4,
        "ViewCount": 14,
        "AnswerCount": 2,
        "AcceptedAnswerId": 49_799_700,
        "OwnerUserId": 980_048,
        "OwnerDisplayName": "S & K",
        "OwnerLink": "https://stackoverflow.com/users/980048/sk",
        "LastEditDate": datetime(2018, 4, 12, 14, 49, 50, tzinfo=UTC),
        "LastActivityDate": datetime(2018, 4, 12, 14, 50, tzinfo=UTC),
        "ClosedDate": datetime(2018, 4, 12, 14, 49, 55, tzinfo=UTC),
        "ContentLicense": "CC BY-SA 4.0",
        "Link": "https://stackoverflow.com/questions/49799624/is-a",
        "Site": "stackoverflow",
    }


@pytest.mark.parametrize("owner", [{"user_type": "does_not_exist", "display_name": "user797257"}, {}, None])
def test_an_author_who_is_gone(owner: Any) -> None:
    row = read({**ITEM, "owner": owner})
    assert (row["OwnerUserId"], row["OwnerLink"], row["Unreadable"]) == (None, None, None)
    assert row["OwnerDisplayName"] == (owner or {}).get("display_name")


def test_what_cannot_be_read_is_kept_as_it_came() -> None:
    wrong = {"score": "many", "creation_date": -1, "closed_date": 10**15, "tags": ["a b", "<c>"], "view_count": True}
    row = read({**ITEM, **wrong, "title": 5, "answer_count": 2**63})
    columns = ["Score", "CreationDate", "ClosedDate", "Tags", "ViewCount", "Title", "AnswerCount"]
    assert [row[column] for column in columns] == [None] * 7
    assert json.loads(row["Unreadable"]) == {
        "Score": "many",
        "CreationDate": -1,
        "ClosedDate": 10**15,
        "Tags": ["a b", "<c>"],
        "ViewCount": True,
        "Title": 5,
        "AnswerCount": 2**63,
    }
    assert row["Id"] == ITEM["question_id"]


def test_halves_of_characters_are_replaced_and_whole_ones_are_not() -> None:
    assert read({**ITEM, "title": "a\ud83d b", "body": "\ud83d\ude00 😀"})["Title"] == "a\ufffd b"
    assert read({**ITEM, "body": "\ud83d\ude00 😀"})["Body"] == "😀 😀"


def test_simulated_questions_survive_the_journey() -> None:
    questions = pa.concat_tables(simulate(200, seed=3))
    arrived = to_questions([json.loads(json.dumps(to_item(row))) for row in questions.to_pylist()], "simulated")
    not_carried = ["CommentCount", "FavoriteCount"]
    assert arrived.drop_columns(not_carried).equals(questions.drop_columns(not_carried))
    assert [arrived[column].null_count for column in not_carried] == [200, 200]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=3)
ITEMS = VALUES | st.dictionaries(
    st.sampled_from([*ITEM, "owner"]), VALUES | st.dictionaries(st.sampled_from(["user_id", "display_name"]), VALUES)
)


@given(st.lists(ITEMS, max_size=5))
def test_no_item_is_lost_and_no_value(items: list[Any]) -> None:
    questions = to_questions(items, "stats")
    assert questions.num_rows == len(items)
    assert questions.schema == QUESTION_SCHEMA
    for item, row in zip(items, questions.to_pylist(), strict=True):
        unreadable = json.loads(row["Unreadable"] or "{}")
        if not isinstance(item, dict):
            assert list(unreadable) == ["row"]
            continue
        for name, column in (("question_id", "Id"), ("score", "Score"), ("title", "Title"), ("tags", "Tags")):
            if item.get(name) is not None:
                assert (row[column] is None) == (column in unreadable)
