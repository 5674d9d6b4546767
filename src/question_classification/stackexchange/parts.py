"""The parts of the raw layer: questions by creation month, sorted and written in one way only."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.question import QUESTION_SCHEMA

UNDATED = "undated"
_ROW_GROUP_ROWS = 2**15  # some 50 MB
_REPETITIVE_COLUMNS = ["ContentLicense", "Site"]  # a dictionary helps these only


class Months:
    """Questions by creation month: in memory up to a limit, beyond it in Arrow files on disk.

    Each spill is one file whose record batches each belong to one month, so that a month is read back without the
    others and the number of files does not grow with the number of months.
    """

    def __init__(self, scratch: Path, buffer_bytes: int):
        self._scratch = scratch
        self._buffer_bytes = buffer_bytes
        self._buffered = 0
        self._buffers: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self._spilled: defaultdict[str, list[tuple[Path, int]]] = defaultdict(list)
        self._spills = 0

    def add(self, questions: pa.Table) -> None:
        """Sort the questions by month; those of one month stay in their order."""
        # Without its time zone, which is UTC, a timestamp needs no time zone database.
        created = questions["CreationDate"].cast(pa.timestamp("ms"))
        month = pc.add(pc.multiply(pc.year(created), 12), pc.subtract(pc.month(created), 1)).combine_chunks()
        order = pc.sort_indices(month)
        runs = pc.run_end_encode(month.take(order))
        questions = questions.take(order).combine_chunks()
        start = 0
        for end, value in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            name = UNDATED if value is None else f"{value // 12:04d}-{value % 12 + 1:02d}"
            self._buffers[name].append(questions.slice(start, end - start))
            start = end
        self._buffered += questions.nbytes
        if self._buffered > self._buffer_bytes:
            self._spill()

    def _spill(self) -> None:
        path = self._scratch / f"{self._spills}.arrow"
        with pa.ipc.new_file(path, QUESTION_SCHEMA) as file:
            position = 0
            for name, tables in self._buffers.items():
                for batch in pa.concat_tables(tables).to_batches():
                    file.write_batch(batch)
                    self._spilled[name].append((path, position))
                    position += 1
        self._buffers.clear()
        self._buffered = 0
        self._spills += 1

    def __iter__(self) -> Iterator[tuple[str, pa.Table]]:
        for name in sorted({*self._buffers, *self._spilled}):
            earlier = [_read_batch(path, position) for path, position in self._spilled[name]]
            yield name, pa.concat_tables([*earlier, *self._buffers.pop(name, [])])


def _read_batch(path: Path, position: int) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.Table.from_batches([pa.ipc.open_file(file).get_batch(position)])


def write_part(questions: pa.Table, path: Path) -> None:
    """Write the questions of a month, sorted by `Id`: the same questions give the same bytes."""
    order = pc.sort_indices(questions["Id"])  # stable, nulls at the end
    with pq.ParquetWriter(path, QUESTION_SCHEMA, compression="zstd", use_dictionary=_REPETITIVE_COLUMNS) as writer:
        for start in range(0, questions.num_rows, _ROW_GROUP_ROWS):
            group = questions.take(order.slice(start, _ROW_GROUP_ROWS))
            # Pages may end where chunks end, so the rows come in one chunk, whatever the batches were.
            writer.write_table(group.combine_chunks(), row_group_size=_ROW_GROUP_ROWS)


def read_part(part: Path) -> pa.Table:
    """Read the questions of a month.

    Raises:
        InputError: the file is no parquet file of questions.
    """
    try:
        questions = pq.ParquetFile(part).read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{part}: not a parquet file ({reason}); fetch or write the raw layer again") from None
    if questions.schema != QUESTION_SCHEMA:
        raise InputError(f"{part}: other columns than those of questions; fetch or write the raw layer again")
    return questions
