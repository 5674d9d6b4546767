import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.server import Site, to_item
from question_classification.stackexchange.server.query import SORT_FIELDS, ApiError, Query

FULL_ROW = {
    **dict.fromkeys(QUESTION_SCHEMA.names),
    "Id": 11,
    "Title": 'Is "R" < S & T\'s größer?',
    "Body": '<p>Is "R"?</p>\n',
    "Tags": "<r><t-test>",
    "CreationDate": datetime(2018, 5, 1, tzinfo=UTC),
    "Score": -2,
    "ViewCount": 40,
    "AnswerCount": 3,
    "CommentCount": 7,
    "FavoriteCount": 1,
    "AcceptedAnswerId": 12,
    "OwnerUserId": 5,
    "OwnerDisplayName": "Zoë O'Neil",
    "OwnerLink": "https://simulated.example.org/users/5",
    "LastEditDate": datetime(2018, 5, 1, 0, 0, 10, tzinfo=UTC),
    "LastActivityDate": datetime(2018, 5, 1, 0, 1, tzinfo=UTC),
    "ClosedDate": datetime(2018, 5, 2, tzinfo=UTC),
    "ContentLicense": "CC BY-SA 3.0",
    "Link": "https://simulated.example.org/questions/11",
    "Site": "simulated",
}
MAY_FIRST = 1_525_132_800  # 2018-05-01 00:00 UTC


def question(number: int, **fields: object) -> dict[str, object]:
    return {
        "question_id": number,
        "tags": ["r"],
        "score": 0,
        "view_count": 0,
        "creation_date": 0,
        "last_activity_date": 0,
        "link": f"https://stats.stackexchange.com/questions/{number}/title",
        **fields,
    }


def select(site: Site, **query: object) -> tuple[list[dict[str, object]], bool]:
    page, has_more = site.select(Query(**query))
    return [json.loads(item) for item in page], has_more


def ids(site: Site, **query: object) -> list[int]:
    return [item["question_id"] for item in select(site, **query)[0]]


def test_an_item_says_what_the_row_says():
    item = to_item(FULL_ROW)
    owner = item.pop("owner")
    assert item == {
        "question_id": 11,
        "title": "Is &quot;R&quot; &lt; S &amp; T&#39;s gr&#246;&#223;er?",
        "body": '<p>Is "R"?</p>\n',
        "tags": ["r", "t-test"],
        "score": -2,
        "view_count": 40,
        "answer_count": 3,
        "is_answered": True,
        "accepted_answer_id": 12,
        "creation_date": MAY_FIRST,
        "last_edit_date": MAY_FIRST + 10,
        "last_activity_date": MAY_FIRST + 60,
        "closed_date": MAY_FIRST + 86_400,
        "content_license": "CC BY-SA 3.0",
        "link": "https://simulated.example.org/questions/11",
    }
    assert (owner["user_id"], owner["display_name"], owner["link"]) == (5, "Zo&#235; O&#39;Neil", FULL_ROW["OwnerLink"])


def test_an_item_leaves_out_what_is_not_there():
    bare = {name: FULL_ROW[name] for name in ("Id", "Title", "Site", "CreationDate", "OwnerDisplayName")}
    item = to_item({**dict.fromkeys(QUESTION_SCHEMA.names), **bare})
    assert item["owner"] == {"user_type": "does_not_exist", "display_name": "Zo&#235; O&#39;Neil"}
    assert item["last_activity_date"] == MAY_FIRST
    assert item["link"] == "https://simulated.example.org/questions/11"
    assert (item["tags"], item["is_answered"]) == ([], False)
    assert not {"body", "accepted_answer_id", "last_edit_date", "closed_date", "content_license"} & set(item)


@pytest.fixture(scope="module")
def simulated() -> Site:
    return Site.simulated(questions=120, seed=1, until="2026-10")


def test_a_simulated_site_has_the_questions_asked_for(simulated):
    assert (simulated.name, simulated.host) == ("simulated", "simulated.example.org")
    assert len({item["question_id"] for item in simulated.items}) == 120


def test_the_default_filter_has_no_body(simulated):
    assert all("body" not in item for item in select(simulated)[0])
    assert all("body" in item for item in select(simulated, filter="withbody")[0])


SMALL = st.integers(0, 12)
ITEMS = st.lists(st.tuples(SMALL, SMALL, st.integers(-3, 3), SMALL, st.sets(st.sampled_from("abc"))), max_size=15)
BOUND = st.none() | st.integers(-4, 13)


@given(
    rows=ITEMS,
    sort=st.sampled_from(list(SORT_FIELDS)),
    descending=st.booleans(),
    pagesize=st.integers(1, 5),
    bounds=st.tuples(BOUND, BOUND, BOUND, BOUND),
    tagged=st.sets(st.sampled_from("abc"), max_size=2),
)
def test_the_pages_have_each_question_that_matches_once(rows, sort, descending, pagesize, bounds, tagged):
    items = [
        question(
            number, creation_date=created, last_activity_date=active, score=score, view_count=views, tags=sorted(tags)
        )
        for number, (created, active, score, views, tags) in enumerate(rows, 1)
    ]
    least, most, fromdate, todate = bounds
    expected = [
        item
        for item in items
        if (least is None or item[SORT_FIELDS[sort]] >= least)
        and (most is None or item[SORT_FIELDS[sort]] <= most)
        and (fromdate is None or item["creation_date"] >= fromdate)
        and (todate is None or item["creation_date"] <= todate)
        and tagged <= set(item["tags"])
    ]
    site = Site("stats", items)
    query = {"sort": sort, "descending": descending, "pagesize": pagesize, "tagged": tuple(tagged)}
    query |= {"min": least, "max": most, "fromdate": fromdate, "todate": todate}

    read, page, has_more = [], 1, True
    while has_more:
        found, has_more = select(site, page=page, **query)
        read += found
        page += 1
    assert sorted(item["question_id"] for item in read) == [item["question_id"] for item in expected]
    values = [item[SORT_FIELDS[sort]] for item in read]
    assert values == sorted(values, reverse=descending)
    assert page - 1 == max(1, -(-len(expected) // pagesize))  # no empty page at the end
    assert site.count(Query(**query)) == len(expected)
    assert ids(site, **query, page=page) == []


def test_a_page_of_none_only_says_whether_there_are_any():
    assert select(Site("stats", [question(1)]), pagesize=0) == ([], True)
    assert select(Site("stats"), pagesize=0) == ([], False)


def test_more_tags_than_a_question_can_have():
    tags = tuple("abcdef")
    assert ids(Site("stats", [question(1, tags=list(tags))]), tagged=tags) == []
    assert ids(Site("stats", [question(1, tags=list(tags))]), tagged=tags[:5]) == [1]


def test_questions_by_id_are_those_that_exist():
    site = Site("stats", [question(1), question(2), question(3)])
    assert ids(site, ids=(3, 1, 9, 3)) == [3, 1]


def test_an_edit_shows_in_the_next_page():
    site = Site("stats", [question(1, title="Old", body="<p>Old</p>", body_markdown="Old"), question(2)])
    assert ids(site) == [2, 1]
    site.edit(1, at=datetime.fromtimestamp(50, UTC), tags=["a", "b"])
    assert ids(site) == [1, 2]
    assert site.items[0]["tags"] == ["a", "b"]
    assert "last_edit_date" not in site.items[0]
    site.edit(1, at=datetime(2018, 5, 2, tzinfo=UTC), title="Is 1 < 2?", body="<p>New</p>")
    changed = select(site, filter="withbody")[0][0]
    assert changed["title"] == "Is 1 &lt; 2?"
    assert changed["body"] == "<p>New</p>"
    assert "body_markdown" not in changed
    assert changed["last_edit_date"] == changed["last_activity_date"] == MAY_FIRST + 86_400
    assert changed["content_license"] == "CC BY-SA 4.0"
    site.add(question(3, last_activity_date=2_000_000_000))
    assert ids(site) == [3, 1, 2]
    with pytest.raises(KeyError):
        site.edit(4, at=datetime.now(UTC))


def test_a_question_without_what_it_is_sorted_by_is_refused():
    with pytest.raises(InputError, match="question 7: cannot be served without score, tags"):
        Site("stats", [{**question(7, tags="r"), "score": None}])


@pytest.fixture
def pages(tmp_path):
    """Return a function that writes pages by their name and returns their folder."""

    def write(**contents: object) -> Path:
        for name, content in contents.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name.removeprefix('_')}.json").write_text(text)
        return tmp_path

    return write


def test_the_last_page_that_has_a_question_counts(pages):
    folder = pages(
        _10={"items": [question(1, title="last")]},
        _9={"items": [question(1, title="before"), question(2)]},
        _11={"error_id": 502, "error_name": "throttle_violation", "error_message": "too many"},
    )
    site = Site.recorded(folder)
    assert site.name == "stats"
    assert [(item["question_id"], item.get("title")) for item in site.items] == [(1, "last"), (2, None)]


def elsewhere(number: int) -> dict[str, object]:
    return question(number, link="https://stackoverflow.com/questions/1")


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({}, "no questions"),
        ({"_1": {"error_id": 502}}, "no questions"),
        ({"_1": "<html>"}, "1.json: not JSON"),
        ({"_1": [1]}, "1.json: JSON without a list of items"),
        ({"_1": {"items": 5}}, "1.json: JSON without a list of items"),
        ({"_1": {"items": [5]}}, "1.json: an item that is no question"),
        ({"_1": {"items": [{"question_id": 5}]}}, "1.json: an item that is no question"),
        ({"_1": {"items": [question(1, link="here")]}}, "1.json: an item that is no question"),
        ({"_1": {"items": [question(1), elsewhere(2)]}}, "several sites (stackoverflow.com, stats.stackexchange.com)"),
    ],
)
def test_what_is_wrong_with_recorded_pages_is_said_in_one_line(pages, contents, said):
    folder = pages(**contents)
    with pytest.raises(InputError) as error:
        Site.recorded(folder)
    assert str(error.value).startswith(str(folder))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        Site.recorded(tmp_path / "absent")


def test_recorded_pages_of_stack_overflow(recorded_pages):
    folder = recorded_pages
    site = Site.recorded(folder)
    assert site.name == "stackoverflow"
    assert len(site.items) == 16_586
    errors = [path for path in folder.glob("*.json") if b'"error_id"' in path.read_bytes()[:200]]
    assert (len(list(folder.glob("*.json"))), len(errors)) == (840, 10)
    last = json.loads((folder / "840.json").read_text())["items"]
    served = {item["question_id"]: item for item in site.items}
    assert all(served[item["question_id"]] == item for item in last)


@pytest.mark.parametrize(
    ("parameters", "error_id", "message"),
    [
        ({"sort": "newest"}, 400, "sort"),
        ({"order": "up"}, 400, "order"),
        ({"filter": "!abc"}, 400, "filter"),
        ({"page": "0"}, 400, "page"),
        ({"page": "1.2"}, 400, "page"),
        ({"pagesize": "101"}, 400, "pagesize"),
        ({"pagesize": "-1"}, 400, "pagesize"),
        ({"min": "today"}, 400, "min"),
        ({"fromdate": "٣"}, 400, "fromdate"),
        ({"sort": "hot", "min": "5"}, 400, "min"),
        ({"sort": "week", "max": "5"}, 400, "max"),
        ({"page": "26"}, 403, "page above 25 requires access token or app key"),
        ({"page": "26", "key": ""}, 403, "page above 25 requires access token or app key"),
    ],
)
def test_parameters_that_are_refused(parameters, error_id, message):
    with pytest.raises(ApiError, match=message) as error:
        Query.parse(parameters)
    assert error.value.error_id == error_id
    assert error.value.body["error_message"] == message


def test_parameters_that_are_taken():
    assert Query.parse({}) == Query()
    assert Query.parse({"page": "25", "pagesize": "0", "order": "asc"}) == Query(page=25, pagesize=0, descending=False)
    assert Query.parse({"page": "26", "key": "k"}).page == 26
    assert Query.parse({"sort": "votes", "min": "-5", "tagged": "a;b", "unknown": "1"}) == Query(
        sort="votes", min=-5, tagged=("a", "b")
    )
    with pytest.raises(ApiError, match="ids"):
        Query.parse({}, ids=tuple(range(101)))
