"""A parquet table with missing times, which kedro-viz can show."""

import json
from typing import Any, NewType

from kedro_datasets.pandas import ParquetDataset

TablePreview = NewType("TablePreview", dict[str, Any])
"""kedro-viz recognises a table by the name of this type."""


class TableDataset(ParquetDataset):
    """Kedro's `pandas.ParquetDataset`, whose own preview holds NaT and NA where JSON has null."""

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for kedro-viz."""
        rows = self.load().head(nrows)
        return TablePreview(json.loads(rows.to_json(orient="split", date_format="iso")))
