"""The raw layer as Kedro datasets: a folder of monthly parts, and where it came from."""

import logging
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pyarrow as pa
from kedro.io import DatasetError

from question_classification.datasets.files import LocalDataset
from question_classification.datasets.progress import ProgressLine
from question_classification.stackexchange.follow import follow
from question_classification.stackexchange.harvest import Harvest, Source
from question_classification.stackexchange.raw import (
    check_replaceable,
    clear_abandoned,
    fingerprint,
    read_raw,
    read_source,
    write_raw,
)
from question_classification.stackexchange.sources import KEPT_SOURCES

logger = logging.getLogger(__name__)


class RawQuestionsDataset(LocalDataset):
    """The questions as they came: saved from a source, one parquet part a creation month; loaded as one table.

    Args:
        filepath: the folder.
        source: name of the source; those of `KEPT_SOURCES` are written in place, and outlive a run that fails.
        refresh: whether a feed is asked for changes to known questions, too.
        metadata: for plugins such as kedro-viz.
    """

    def __init__(
        self, *, filepath: str, source: str, refresh: bool = False, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self._final = self.path
        self._refresh = refresh
        self.kept = source in KEPT_SOURCES

    def save(self, data: Source) -> None:
        """Write all that a harvest yields, or what a feed has beyond the folder, and say what there is to say of it."""
        if isinstance(data, Harvest):
            check_replaceable(self._final)
            if not self.kept:
                clear_abandoned(self._final)
            with ProgressLine() as line:
                data.batches = line.watch(data.batches)
                write_raw(data, self.path)
            logger.info(_describe(data, self.path))
            for warning in data.warnings:
                logger.warning(warning)
            return
        with ProgressLine() as line:
            progress = follow(data, self.path, refresh=self._refresh, report=line.show)
        counts = {"new": progress.new, "changed": progress.changed, "known already": progress.repeated}
        logger.info("%s: %s questions (%s)", data.site, f"{progress.questions:,}", _join(counts) or "nothing new")

    def load(self) -> pd.DataFrame:
        """Return the rows of all parts, whole numbers as nullable integers."""
        return read_raw(self.path).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def _describe(harvest: Harvest, folder: Path) -> str:
    counts = {f"{kind} left out": count for kind, count in harvest.left_out.items()}
    counts |= {f"{kind} replaced": count for kind, count in harvest.repaired.items()}
    others = f" ({_join(counts).replace('_', ' ')})" if _join(counts) else ""
    return f"{harvest.source}: {read_source(folder)['rows']:,} questions{others}"


def _join(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)


class RawOriginDataset(LocalDataset):
    """Where the raw layer came from, and the hash that DVC gives its folder."""

    def load(self) -> dict[str, Any]:
        """Return what `_source.json` says, and `md5`, `files`, `bytes` of the folder."""
        folder = self.path
        return {**read_source(folder), **fingerprint(folder)}

    def save(self, _data: None) -> NoReturn:
        """Refuse: the origin is written together with the parts."""
        raise DatasetError("The origin of the raw layer is written together with its parts.")
