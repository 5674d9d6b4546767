import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from question_classification.datasets.schemas import Questions
from question_classification.pipelines.ingestion.nodes import ValidatedQuestions, identify_site, validate_questions
from question_classification.pipelines.ingestion.parameters import IngestionParameters, RunParameters
from question_classification.stackexchange.columns import type_questions
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.question import QUESTION_SCHEMA

GOOD = {
    "Id": 1,
    "Title": "Why?",
    "Body": "<p>Because</p>",
    "Tags": "<r><regression>",
    "CreationDate": datetime(2010, 7, 19, 19, 12, 12, tzinfo=UTC),
    "ViewCount": 5,
}
BROKEN = {
    "no Id": ({"Id": None}, "question_id missing"),
    "Id 0": ({"Id": 0}, "question_id not positive"),
    "no date": ({"CreationDate": None}, "creation_date missing"),
    "neither title nor body": ({"Title": None, "Body": None}, "neither title nor body"),
    "no tags": ({"Tags": None}, "tags missing"),
    "negative views": ({"ViewCount": -1}, "view_count negative"),
    "too old": ({"CreationDate": datetime(2008, 7, 30, 23, 59, 59, tzinfo=UTC)}, "creation_date before Stack Exchange"),
    "unreadable Id": ({"Id": None, "Unreadable": '{"Id": "one"}'}, "unreadable Id"),
    "unreadable date": ({"CreationDate": None, "Unreadable": '{"CreationDate": "today"}'}, "unreadable CreationDate"),
    "unreadable tags": ({"Tags": None, "Unreadable": '{"Tags": "< >"}'}, "unreadable Tags"),
    "unreadable in two": (
        {"Id": None, "Tags": None, "Unreadable": '{"Id": "one", "Score": "many", "Tags": "< >"}'},
        "unreadable Id, Tags",
    ),
    "unreadable, but no reason": ({"Tags": None, "Unreadable": '{"Score": "many"}'}, "tags missing"),
    "broken row": ({"Id": None, "Unreadable": '{"row": ["a", "b"]}'}, "unreadable row"),
    "two reasons": ({"Tags": None, "ViewCount": -1}, "tags missing; view_count negative"),
}
ORIGIN = {
    "source": "sede",
    "site": "stats",
    "rows": 1,
    "left_out": {"answers": 2},
    "repaired": {"illegal_characters": 3},
    "warnings": ["Probably cut."],
    "md5": "0123.dir",
    "files": 3,
    "bytes": 4,
}


def raw(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return rows as the raw layer is loaded; each is the good one but for what it says."""
    table = pa.Table.from_pylist([{**GOOD, **row} for row in rows], QUESTION_SCHEMA)
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def validate(*rows: dict[str, Any], most: float = 1.0, **origin: Any) -> ValidatedQuestions:
    return validate_questions(raw(*rows), {**ORIGIN, **origin}, IngestionParameters(max_quarantined_share=most))


class TestValidateQuestions:
    def test_good_row_becomes_a_question(self) -> None:
        questions, quarantined, _ = validate({})
        assert list(questions.columns) == list(Questions.columns)
        assert questions.dropna(axis="columns").to_dict("records") == [
            {
                "question_id": 1,
                "title": "Why?",
                "body": "<p>Because</p>",
                "tags": "<r><regression>",
                "creation_date": pd.Timestamp("2010-07-19 19:12:12", tz="UTC"),
                "view_count": 5,
                "content_license": "CC BY-SA 2.5",  # of the date, because the source has none
                "content_license_derived": True,
                "link": "https://stats.stackexchange.com/questions/1",
                "site": "stats",
            }
        ]
        assert quarantined.empty

    def test_questions_pass_their_own_schema(self) -> None:
        questions, _, _ = validate({"Id": 2, "Title": None}, {"Id": 1, "Body": None}, {"Tags": None})
        Questions.validate(questions)
        assert questions["question_id"].tolist() == [1, 2]

    @pytest.mark.parametrize(("broken", "reason"), BROKEN.values(), ids=BROKEN)
    def test_broken_row_is_quarantined_as_it_came(self, broken: dict[str, Any], reason: str) -> None:
        questions, quarantined, quality = validate({"Id": 7}, broken)
        assert questions["question_id"].tolist() == [7]
        assert quarantined["reason"].tolist() == [reason]
        pd.testing.assert_frame_equal(quarantined.drop(columns="reason"), raw(broken))
        assert quality["quarantine_reasons"] == {reason: 1}
        assert quality["unreadable_values"] == {}  # those of quarantined rows are seen there

    def test_unreadable_value_that_is_not_needed_is_missing(self) -> None:
        questions, quarantined, quality = validate({"Unreadable": '{"Score": "many"}'})
        assert questions["question_id"].tolist() == [1]
        assert questions["title"].tolist() == ["Why?"]
        assert questions["score"].isna().tolist() == [True]
        assert questions["view_count"].tolist() == [5]
        assert quarantined.empty
        assert (quality["valid"], quality["quarantined"], quality["quarantine_reasons"]) == (1, 0, {})
        assert quality["unreadable_values"] == {"Score": 1}

    def test_unreadable_text_of_a_column_that_is_not_needed_is_missing(self) -> None:
        """From the text of the source on, for it is there that values turn out to be unreadable."""
        text = {
            "Id": ["1", "2", "three"],
            "Title": ["Why?"] * 3,
            "Tags": ["<r>"] * 3,
            "CreationDate": ["2010-07-19 19:12:12"] * 3,
            "Score": ["many", "-4", "5"],
        }
        typed = type_questions(text).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        questions, quarantined, quality = validate_questions(
            typed, ORIGIN, IngestionParameters(max_quarantined_share=0.5)
        )
        assert questions["question_id"].tolist() == [1, 2]
        assert questions["score"].tolist() == [pd.NA, -4]
        assert quarantined["reason"].tolist() == ["unreadable Id"]
        assert quality["unreadable_values"] == {"Score": 1}

    def test_unreadable_values_are_counted_by_column(self) -> None:
        _, quarantined, quality = validate(
            {"Id": 1, "Unreadable": '{"Score": "many", "ClosedDate": "soon"}'},
            {"Id": 2, "Unreadable": '{"Score": "few"}'},
            {"Id": None, "Unreadable": '{"Id": "three", "Score": "none"}'},
            {"Id": 4},
        )
        assert quality["unreadable_values"] == {"Score": 2, "ClosedDate": 1}
        assert quarantined["reason"].tolist() == ["unreadable Id"]
        assert json.loads(json.dumps(quality)) == quality

    def test_share_of_quarantined_rows_does_not_count_unreadable_values(self) -> None:
        questions, _, _ = validate({"Id": 1, "Unreadable": '{"Score": "many"}'}, {"Id": 2}, most=0.0)
        assert questions["question_id"].tolist() == [1, 2]

    def test_first_day_of_stack_exchange_is_valid(self) -> None:
        questions, _, _ = validate({"CreationDate": datetime(2008, 7, 31, tzinfo=UTC)})
        assert len(questions) == 1

    def test_last_of_duplicates_wins(self) -> None:
        questions, _, quality = validate({"Id": 3}, {"Title": "first"}, {"Title": "second"}, {"Title": "third"})
        assert questions["question_id"].tolist() == [1, 3]
        assert questions["title"].tolist() == ["third", "Why?"]
        assert (quality["valid"], quality["duplicate"]) == (2, 2)

    def test_broken_duplicate_does_not_replace_a_valid_question(self) -> None:
        questions, _, quality = validate({"Title": "good"}, {"Tags": None})
        assert questions["title"].tolist() == ["good"]
        assert (quality["duplicate"], quality["quarantined"]) == (0, 1)

    def test_quality_counts(self) -> None:
        day = datetime(2011, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
        _, _, quality = validate({}, {}, {"Id": 2, "CreationDate": day}, {"Tags": None}, {"Tags": None}, {"Id": None})
        assert quality == {
            "source": "sede",
            "site": "stats",
            "raw_questions": {"md5": "0123.dir", "files": 3, "bytes": 4},
            "rows_read": 6,
            "valid": 2,
            "duplicate": 1,
            "quarantined": 3,
            "unreadable_values": {},
            "quarantine_reasons": {"tags missing": 2, "question_id missing": 1},
            "left_out": {"answers": 2},
            "repaired": {"illegal_characters": 3},
            "warnings": ["Probably cut."],
            "first_creation_date": "2010-07-19T19:12:12+00:00",
            "last_creation_date": "2011-01-02T03:04:05+00:00",
        }
        assert json.loads(json.dumps(quality)) == quality

    @pytest.mark.parametrize(
        ("created", "edited", "licence"),
        [
            ("2011-04-07T23:59:59", None, "CC BY-SA 2.5"),
            ("2011-04-08T00:00:00", None, "CC BY-SA 3.0"),
            ("2018-05-01T23:59:59", None, "CC BY-SA 3.0"),
            ("2018-05-02T00:00:00", None, "CC BY-SA 4.0"),
            ("2010-07-19T19:12:12", "2012-01-01T00:00:00", "CC BY-SA 3.0"),  # an edit publishes anew
        ],
    )
    def test_licence_is_that_of_the_last_edit(self, created: str, edited: str | None, licence: str) -> None:
        dates = {
            column: date and datetime.fromisoformat(date).replace(tzinfo=UTC)
            for column, date in (("CreationDate", created), ("LastEditDate", edited))
        }
        questions, _, _ = validate(dates, {**dates, "Id": 2, "ContentLicense": "CC BY-SA 9.9"})
        assert questions["content_license"].tolist() == [licence, "CC BY-SA 9.9"]
        assert questions["content_license_derived"].tolist() == [True, False]

    def test_links_lead_to_question_and_author(self) -> None:
        told = {"Link": "https://a.example/q/3", "OwnerLink": "https://a.example/u/9", "Site": "ai.meta"}
        questions, _, _ = validate({"OwnerUserId": 9}, {"Id": 2, "OwnerDisplayName": "gone"}, {"Id": 3, **told})
        host = "https://stats.stackexchange.com"
        assert questions["link"].tolist() == [f"{host}/questions/1", f"{host}/questions/2", "https://a.example/q/3"]
        assert questions["owner_link"].fillna("").tolist() == [f"{host}/users/9", "", "https://a.example/u/9"]
        nowhere, _, _ = validate({"OwnerUserId": 9}, site=None)
        assert nowhere[["link", "owner_link"]].isna().all(axis=None)

    def test_site_of_a_row_comes_before_that_of_the_source(self) -> None:
        questions, _, _ = validate({"Site": "ai"}, {"Id": 2})
        assert questions["site"].tolist() == ["ai", "stats"]

    def test_unknown_site_stays_unknown(self) -> None:
        questions, _, quality = validate({}, site=None)
        assert questions["site"].isna().all()
        assert quality["site"] is None

    @settings(max_examples=40, deadline=None)
    @given(
        kinds=st.lists(st.sampled_from([None, *BROKEN]), max_size=12),
        ids=st.lists(st.integers(1, 4), min_size=12, max_size=12),
    )
    def test_no_row_is_lost(self, kinds: list[str | None], ids: list[int]) -> None:
        """Rows read = valid + duplicate + quarantined, whatever the mixture."""
        rows = [{"Id": id_, **(BROKEN[kind][0] if kind else {})} for kind, id_ in zip(kinds, ids, strict=False)]
        questions, quarantined, quality = validate({"Id": 9}, *rows)
        good = {9} | {id_ for kind, id_ in zip(kinds, ids, strict=False) if kind is None}
        assert questions["question_id"].tolist() == sorted(good)
        assert quality["valid"] == len(questions) == len(good)
        assert quality["quarantined"] == len(quarantined) == sum(kind is not None for kind in kinds)
        assert quality["duplicate"] == kinds.count(None) + 1 - len(good)
        assert quality["rows_read"] == len(rows) + 1
        assert sum(quality["quarantine_reasons"].values()) == len(quarantined)

    def test_share_at_the_limit_passes(self) -> None:
        _, quarantined, _ = validate(*[{}] * 3, {"Tags": None}, most=0.25)
        assert len(quarantined) == 1

    def test_share_above_the_limit_fails_with_the_top_reasons(self) -> None:
        kinds = ["no tags"] * 4 + ["no Id"] * 3 + ["no date"] * 2 + ["negative views"]
        with pytest.raises(InputError) as error:
            validate(*[BROKEN[kind][0] for kind in kinds], *[{}] * 10, most=0.49)
        message = str(error.value)
        assert "of 20 rows read 50.0% are quarantined" in message
        assert "tags missing (4), question_id missing (3), creation_date missing (2); the first has " in message
        assert "view_count" not in message
        assert "max_quarantined_share" in message

    def test_no_valid_row_fails_whatever_the_limit(self) -> None:
        with pytest.raises(InputError, match=r"of 2 rows read no row is a valid question: tags missing \(2\); "):
            validate({"Tags": None}, {"Tags": None}, most=1.0)

    @pytest.mark.parametrize(
        ("first", "shown"),
        [
            ({"Id": 7, "Tags": None}, "Id 7, CreationDate 2010-07-19 19:12:12+00:00"),
            ({"Id": None}, "CreationDate 2010-07-19 19:12:12+00:00, Tags <r><regression>"),
            (
                {"CreationDate": None, "Unreadable": '{"CreationDate": "today"}'},
                'Id 1, Tags <r><regression>, Unreadable {"CreationDate": "today"}',
            ),
            ({"Id": None, "CreationDate": None, "Tags": None}, "no Id, date or tags"),
            ({"Id": 7, "CreationDate": None, "Tags": "<r>" * 99}, f"Id 7, Tags {('<r>' * 99)[:80]}"),
        ],
        ids=["no tags", "no Id", "unreadable", "nothing", "long"],
    )
    def test_too_many_shows_the_first(self, first: dict[str, Any], shown: str) -> None:
        with pytest.raises(InputError) as error:
            validate({"Id": 9}, first, {"Tags": None}, most=0.5)
        message = str(error.value)
        assert message.startswith("sede: of 3 rows read 66.7% are quarantined: ")
        assert message.endswith(
            f"; the first has {shown}. Look at the source, or raise ingestion.max_quarantined_share."
        )


def run_at(site: str | None) -> RunParameters:
    return RunParameters(source="sede", path="export.csv", site=site)


class TestIdentifySite:
    @pytest.mark.parametrize(
        ("of_source", "of_run", "site"),
        [("stats", None, "stats"), (None, "ai", "ai"), ("stats", "ai", "stats"), (None, None, None)],
    )
    def test_source_knows_best(self, of_source: str | None, of_run: str | None, site: str | None) -> None:
        harvest = Harvest("sede", [QUESTION_SCHEMA.empty_table()], sites={of_source} if of_source else set())
        identified = identify_site(harvest, run_at(of_run))
        assert identified.site == site
        assert harvest.site == of_source
        assert harvest.default_site is None

    def test_what_the_source_says_while_it_is_read_is_heard(self) -> None:
        """Counts and warnings are filled as the batches are read, after the site has been identified."""
        harvest = Harvest("sede", [])
        identified = identify_site(harvest, run_at("ai"))
        assert identified.site == "ai"
        harvest.warnings.append("Probably cut.")
        harvest.left_out["answers"] += 1
        harvest.sites.add("stats")
        assert (identified.warnings, identified.left_out) == (["Probably cut."], {"answers": 1})
        assert identified.site == "stats"

    def test_questions_of_several_sites_come_from_none(self) -> None:
        identified = identify_site(Harvest("sede", [], sites={"ai", "stats"}), run_at("ai"))
        assert identified.site is None


@pytest.mark.parametrize("wrong", [{"max_quarantined_share": 1.1}, {"max_quarantined_share": 0, "site": "ai"}, {}])
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IngestionParameters(**wrong)
