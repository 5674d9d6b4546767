import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from kedro.io import DatasetError

from question_classification.datasets.raw import RawOriginDataset, RawQuestionsDataset
from question_classification.datasets.source import SourceDataset
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.question import QUESTION_SCHEMA

ROWS = [
    {
        "Id": 2**60 + 1,
        "Title": "Größe ≠ \N{GRINNING FACE}",
        "Tags": "<r>",
        "Score": None,
        "CreationDate": 1279566732000,
    },
    {"Id": None, "Title": None, "Tags": None, "Score": -3, "CreationDate": None},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "01_raw" / "questions"


def save(folder: Path) -> None:
    batches = [pa.Table.from_pylist(ROWS, QUESTION_SCHEMA)]
    harvest = Harvest("sede", batches, default_site="stats", warnings=["Probably cut."])
    harvest.left_out["answers"] = 2
    RawQuestionsDataset(filepath=str(folder), source="sede").save(harvest)


def test_questions_come_back_as_they_were(folder: Path) -> None:
    dataset = RawQuestionsDataset(filepath=str(folder), source="sede")
    assert not dataset.exists()
    save(folder)
    assert dataset.exists()
    questions = dataset.load()
    assert list(questions.columns) == QUESTION_SCHEMA.names
    assert questions["Id"].tolist() == [2**60 + 1, pd.NA]  # as a float it would be another number
    assert questions["Score"].tolist() == [pd.NA, -3]
    assert questions["Title"][0] == "Größe ≠ \N{GRINNING FACE}"
    assert questions["CreationDate"][0] == pd.Timestamp("2010-07-19 19:12:12", tz="UTC")


def test_origin_is_that_of_the_harvest_and_json(folder: Path) -> None:
    save(folder)
    origin = RawOriginDataset(filepath=str(folder)).load()
    assert {key: origin[key] for key in ("source", "site", "rows", "left_out", "repaired", "warnings", "files")} == {
        "source": "sede",
        "site": "stats",
        "rows": 2,
        "left_out": {"answers": 2},
        "repaired": {},
        "warnings": ["Probably cut."],
        "files": 3,
    }
    assert origin["md5"].endswith(".dir")
    assert json.loads(json.dumps(origin)) == origin


def test_origin_is_not_written_on_its_own(folder: Path) -> None:
    with pytest.raises(DatasetError, match="together"):
        RawOriginDataset(filepath=str(folder)).save({})


class TestSourceDataset:
    def test_opens_the_source_that_it_is_told(self) -> None:
        source = SourceDataset(source="simulated", simulated={"questions": 7, "seed": 1, "until": "2010-07"})
        harvest = source.load()
        assert harvest.source == "simulated"
        assert sum(batch.num_rows for batch in harvest) == 7

    def test_unknown_source_is_named_with_the_known_ones(self) -> None:
        with pytest.raises(DatasetError) as error:
            SourceDataset(source="newspaper").load()
        assert isinstance(error.value.__cause__, InputError)
        assert "'newspaper' is unknown; known are simulated, sede" in str(error.value.__cause__)

    def test_is_never_written(self) -> None:
        with pytest.raises(DatasetError, match="never written"):
            SourceDataset(source="simulated").save([])
