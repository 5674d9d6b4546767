"""Nodes of the ingestion."""

import dataclasses
import json
from collections import Counter
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from question_classification.datasets.schemas import Questions, find_failures
from question_classification.pipelines.ingestion.parameters import IngestionParameters, RunParameters
from question_classification.stackexchange.attribution import LICENSES, find_host
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest, Source
from question_classification.stackexchange.question import QUESTION_SCHEMA

_SNAKE_CASE = {
    "Id": "question_id",
    "Title": "title",
    "Body": "body",
    "Tags": "tags",
    "CreationDate": "creation_date",
    "Score": "score",
    "ViewCount": "view_count",
    "AnswerCount": "answer_count",
    "CommentCount": "comment_count",
    "FavoriteCount": "favorite_count",
    "AcceptedAnswerId": "accepted_answer_id",
    "OwnerUserId": "owner_user_id",
    "OwnerDisplayName": "owner_display_name",
    "OwnerLink": "owner_link",
    "LastEditDate": "last_edit_date",
    "LastActivityDate": "last_activity_date",
    "ClosedDate": "closed_date",
    "ContentLicense": "content_license",
    "Link": "link",
    "Site": "site",
}
_NOT_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
_NEEDED = {"row", "Id", "Tags", "CreationDate"}  # of the others, a value that cannot be read counts as missing
_TIMESTAMPS = [field.name for field in QUESTION_SCHEMA if str(field.type).startswith("timestamp")]


class ValidatedQuestions(NamedTuple):
    """Every row that was read is in one of the first two, or counted as a duplicate in the third."""

    questions: pd.DataFrame
    quarantined_questions: pd.DataFrame
    data_quality: dict[str, Any]


def identify_site(source_questions: Source, run: RunParameters) -> Source:
    """Say which site the questions come from, where the source does not say so itself."""
    if isinstance(source_questions, Harvest):
        return dataclasses.replace(source_questions, default_site=run.site)
    return source_questions


def validate_questions(
    raw_questions: pd.DataFrame, origin: dict[str, Any], parameters: IngestionParameters
) -> ValidatedQuestions:
    """Part the valid questions from the rows that are too broken to use.

    Args:
        raw_questions: rows of the raw layer, with the columns of `QUESTION_SCHEMA`.
        origin: where the raw layer came from, and its hash.
        parameters: the share of quarantined rows above which the run fails.

    Returns:
        The valid questions, one a question id, in the order of their ids; the quarantined rows as they came, with
        their `reason`; and the counts, with rows read = valid + duplicate + quarantined, and `unreadable_values` by
        column, which count as missing.

    Raises:
        InputError: no row is valid, or too many are not; the message gives the most frequent reasons.
    """
    candidates = _to_snake_case(raw_questions.reset_index(drop=True), origin["site"])
    unreadable = raw_questions["Unreadable"].reset_index(drop=True).dropna().map(json.loads)
    reasons = _explain_unreadable(unreadable)
    failures = find_failures(candidates.drop(reasons.index))
    reasons = pd.concat([reasons, failures]).sort_index()

    quarantined = raw_questions.reset_index(drop=True).loc[reasons.index].assign(reason=reasons)
    valid = candidates.drop(reasons.index).sort_values("question_id", kind="stable")
    questions = valid.drop_duplicates("question_id", keep="last").reset_index(drop=True)

    quality = {
        "source": origin["source"],
        "site": origin["site"],
        "raw_questions": {key: origin[key] for key in ("md5", "files", "bytes")},
        "rows_read": len(raw_questions),
        "valid": len(questions),
        "duplicate": len(valid) - len(questions),
        "quarantined": len(quarantined),
        "unreadable_values": dict(Counter(chain.from_iterable(unreadable.drop(reasons.index, errors="ignore")))),
        "quarantine_reasons": {str(reason): int(count) for reason, count in reasons.value_counts().items()},
        "left_out": origin["left_out"],
        "repaired": origin["repaired"],
        "warnings": origin["warnings"],
    }
    assert quality["rows_read"] == quality["valid"] + quality["duplicate"] + quality["quarantined"]
    _check_share(quality, quarantined, parameters.max_quarantined_share)
    quality["first_creation_date"] = questions["creation_date"].min().isoformat()
    quality["last_creation_date"] = questions["creation_date"].max().isoformat()
    return ValidatedQuestions(questions, quarantined.reset_index(drop=True), quality)


def _to_snake_case(raw_questions: pd.DataFrame, site: str | None) -> pd.DataFrame:
    """Rename the columns, bring times to whole seconds, as exports have them, and name site and licence."""
    seconds = {column: raw_questions[column].dt.as_unit("s") for column in _TIMESTAMPS}
    candidates = raw_questions.assign(**seconds).rename(columns=_SNAKE_CASE)
    if site is not None:
        candidates["site"] = candidates["site"].fillna(site)
    for column in ("title", "body"):  # as a data dump, which is XML, cannot hold them
        candidates[column] = candidates[column].str.replace(_NOT_XML, "\N{REPLACEMENT CHARACTER}", regex=True)
    host = "https://" + candidates["site"].map(find_host, na_action="ignore").astype(str)
    for column, path, number in (("link", "/questions/", "question_id"), ("owner_link", "/users/", "owner_user_id")):
        candidates[column] = candidates[column].fillna(host + path + candidates[number].astype(str))
    candidates["content_license_derived"] = candidates["content_license"].isna()
    candidates["content_license"] = candidates["content_license"].fillna(_derive_license(candidates))
    return candidates[list(Questions.columns)]


def _derive_license(candidates: pd.DataFrame) -> "pd.Series[str]":
    """Return the licence at the last edit, or else at the creation; null where neither is known."""
    published = candidates[["creation_date", "last_edit_date"]].max(axis="columns")
    licenses = pd.Series(index=candidates.index, dtype=str)
    for since, name in reversed(LICENSES):
        licenses = licenses.mask(published >= since, name)
    return licenses


def _explain_unreadable(unreadable: "pd.Series[Any]") -> "pd.Series[str]":
    """Give a reason for each row that cannot be used because of a value that is not what its column holds."""
    broken = unreadable.map(lambda values: [column for column in values if column in _NEEDED])
    return broken[broken.map(bool)].map(lambda columns: f"unreadable {', '.join(columns)}")


def _check_share(quality: dict[str, Any], quarantined_rows: pd.DataFrame, most: float) -> None:
    read, quarantined = quality["rows_read"], quality["quarantined"]
    if not quality["valid"] or quarantined > most * read:
        top = list(quality["quarantine_reasons"].items())[:3]
        reasons = ", ".join(f"{reason} ({count})" for reason, count in top)
        problem = "no row is a valid question" if not quality["valid"] else f"{quarantined / read:.1%} are quarantined"
        first = quarantined_rows[["Id", "CreationDate", "Tags", "Unreadable"]].iloc[0].dropna().to_dict()
        shown = ", ".join(f"{column} {str(value)[:80]}" for column, value in first.items()) or "no Id, date or tags"
        raise InputError(
            f"{quality['source']}: of {read} rows read {problem}: {reasons}; the first has {shown}. "
            "Look at the source, or raise ingestion.max_quarantined_share."
        )
