"""The same questions give the same rows, whichever way they come: API, dump, export, or the simulation itself."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from question_classification.datasets.raw import RawOriginDataset, RawQuestionsDataset
from question_classification.pipelines.ingestion.nodes import validate_questions
from question_classification.pipelines.ingestion.parameters import IngestionParameters
from question_classification.stackexchange.api.client import ApiClient
from question_classification.stackexchange.api.feed import ApiFeed
from question_classification.stackexchange.dump import read_dump
from question_classification.stackexchange.harvest import Harvest, Source
from question_classification.stackexchange.sede import read_sede
from question_classification.stackexchange.server import ApiServer, Site
from question_classification.stackexchange.simulated import simulate
from question_classification.stackexchange.simulation.dump import write_dump

QUESTIONS, SEED = 400, 11


def ingest(source: Source, folder: Path, name: str = "api") -> pd.DataFrame:
    """Return 02_intermediate's questions of a source."""
    raw = RawQuestionsDataset(filepath=str(folder), source=name)
    raw.save(source)
    origin = RawOriginDataset(filepath=str(folder)).load()
    return validate_questions(raw.load(), origin, IngestionParameters(max_quarantined_share=0)).questions


def check_same(questions: pd.DataFrame, expected: pd.DataFrame, not_carried: list[str]) -> None:
    assert questions[not_carried].isna().all(axis=None)
    pd.testing.assert_frame_equal(questions.drop(columns=not_carried), expected.drop(columns=not_carried))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    questions = ingest(simulate(QUESTIONS, SEED), tmp_path_factory.mktemp("simulated") / "raw", "simulated")
    assert len(questions) == QUESTIONS
    return questions


def test_api(expected: pd.DataFrame, tmp_path: Path) -> None:
    with ApiServer(Site.simulated(QUESTIONS, SEED)) as server:
        questions = ingest(ApiFeed(ApiClient(server.url), "simulated"), tmp_path / "raw")
    check_same(questions, expected, ["comment_count", "favorite_count"])


@pytest.mark.parametrize("options", [{}, {"encoding": "utf-16-le"}], ids=["UTF-8", "UTF-16"])
def test_dump(expected: pd.DataFrame, tmp_path: Path, options: dict[str, str]) -> None:
    write_dump(tmp_path / "Posts.xml", simulate(QUESTIONS, SEED), **options)
    dump = read_dump(tmp_path / "Posts.xml")
    dump.default_site = "simulated"
    gone = expected["owner_user_id"].isna()
    named = expected.assign(owner_display_name=expected["owner_display_name"].where(gone))  # only of deleted users
    check_same(ingest(dump, tmp_path / "raw", "dump"), named, [])


def write_export(path: Path, questions: Harvest) -> None:
    """Write what `SELECT *` on the Data Explorer gives."""
    columns = ["Id", "AcceptedAnswerId", "CreationDate", "Score", "ViewCount", "Body", "OwnerUserId"]
    columns += ["OwnerDisplayName", "LastEditDate", "LastActivityDate", "Title", "Tags", "AnswerCount"]
    columns += ["CommentCount", "FavoriteCount", "ClosedDate", "ContentLicense"]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(columns) + "\r\n")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        for row in pa.concat_tables(questions).to_pylist():
            values = [row[column] for column in columns]
            writer.writerow([f"{value:%F %T}" if hasattr(value, "year") else value for value in values])


def test_export(expected: pd.DataFrame, tmp_path: Path) -> None:
    write_export(tmp_path / "export.csv", simulate(QUESTIONS, SEED))
    export = read_sede(tmp_path / "export.csv")
    export.default_site = "simulated"
    check_same(ingest(export, tmp_path / "raw", "sede"), expected, [])


@pytest.mark.long
def test_recorded_pages_and_the_export_made_of_them(
    stackexchange_data: Path, recorded_pages: Path, clock, tmp_path: Path, only: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """16,586 real questions."""
    with ApiServer(Site.recorded(recorded_pages), clock=clock) as server:
        of_api = ingest(ApiFeed(ApiClient(server.url, clock=clock), "stackoverflow"), tmp_path / "api")
    export = read_sede(stackexchange_data / "stackoverflow_2018.csv.gz")
    export.default_site = "stackoverflow"
    of_export = ingest(export, tmp_path / "export", "sede")
    assert len(of_api) == len(of_export) == 16_586
    pd.testing.assert_frame_equal(only(of_api), only(of_export))


@pytest.fixture
def only() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a function that keeps what the export of 2018 carries."""
    carried = ["question_id", "title", "body", "tags", "creation_date", "score", "view_count", "answer_count", "site"]
    return lambda questions: questions[carried]
