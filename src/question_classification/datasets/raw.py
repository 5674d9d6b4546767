"""The raw layer as Kedro datasets: a folder of monthly parts, and where it came from."""

import logging
from typing import Any, NoReturn

import pandas as pd
import pyarrow as pa
from kedro.io import DatasetError

from question_classification.datasets.files import LocalDataset
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.raw import fingerprint, read_raw, read_source, write_raw

logger = logging.getLogger(__name__)


class RawQuestionsDataset(LocalDataset):
    """The questions as they came: saved from a harvest, one parquet part a creation month; loaded as one table."""

    def save(self, data: Harvest) -> None:
        """Write all that the harvest yields, and tell the user what the source has to say about it."""
        write_raw(data, self.path)
        for warning in data.warnings:
            logger.warning(warning)

    def load(self) -> pd.DataFrame:
        """Return the rows of all parts, whole numbers as nullable integers."""
        return read_raw(self.path).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


class RawOriginDataset(LocalDataset):
    """Where the raw layer came from, and the hash that DVC gives its folder."""

    def load(self) -> dict[str, Any]:
        """Return `source`, `site`, `rows`, `left_out`, `warnings`, and `md5`, `files`, `bytes` of the folder."""
        folder = self.path
        return {**read_source(folder), **fingerprint(folder)}

    def save(self, _data: None) -> NoReturn:
        """Refuse: the origin is written together with the parts."""
        raise DatasetError("The origin of the raw layer is written together with its parts.")
