"""The parts of the raw layer: questions by creation month, sorted and written in one way only."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.question import QUESTION_SCHEMA

UNDATED = "undated"
_ROW_GROUP_ROWS = 2**15
_ROW_GROUP_BYTES = 2**24  # of title and body
_REPETITIVE_COLUMNS = ["ContentLicense", "Site"]  # a dictionary helps these only


Chunk = Callable[[], pa.Table]
"""Some questions of a month, which may still lie on disk."""


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
        self._spilled: defaultdict[str, list[Chunk]] = defaultdict(list)
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
            for name in list(self._buffers):
                for batch in pa.concat_tables(self._buffers.pop(name)).combine_chunks().to_batches():
                    file.write_batch(batch)
                    self._spilled[name].append(partial(_read_batch, path, position))
                    position += 1
        self._buffered = 0
        self._spills += 1

    def __iter__(self) -> Iterator[tuple[str, pa.Table]]:
        for name in self._names():
            yield name, pa.concat_tables([chunk() for chunk in self._chunks(name)])

    def write(self, folder: Path) -> None:
        """Write the part of each month, holding no more than a row group of it in memory."""
        for name in self._names():
            _write(self._chunks(name), folder / f"{name}.parquet")

    def _names(self) -> list[str]:
        return sorted({*self._buffers, *self._spilled})

    def _chunks(self, name: str) -> list[Chunk]:
        return [*self._spilled.get(name, []), *_chunks_of(self._buffers.get(name, []))]


def _read_batch(path: Path, position: int) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.Table.from_batches([pa.ipc.open_file(file).get_batch(position)])


def _chunks_of(tables: Iterable[pa.Table]) -> list[Chunk]:
    batches = (batch for table in tables for batch in table.to_batches())
    return [partial(pa.Table.from_batches, [batch]) for batch in batches]


def write_part(questions: pa.Table, path: Path) -> None:
    """Write the questions of a month, sorted by `Id`: the same questions give the same bytes."""
    _write(_chunks_of([questions]), path)


def _write(chunks: Sequence[Chunk], path: Path) -> None:
    ids, sizes = zip(
        *[(chunk["Id"], _text_bytes(chunk)) for chunk in (open_chunk() for open_chunk in chunks)], strict=True
    )
    starts = np.cumsum([0, *map(len, ids)])
    all_ids = pa.chunked_array([array for column in ids for array in column.chunks], pa.int64())
    order = pc.sort_indices(all_ids).to_numpy()  # stable, nulls at the end
    options = {"compression": "zstd", "use_dictionary": _REPETITIVE_COLUMNS}
    with pa.OSFile(str(path), "wb") as file, pq.ParquetWriter(file, QUESTION_SCHEMA, **options) as writer:
        for rows in _row_groups(order, np.concatenate(sizes)[order]):
            # Pages may end where chunks end, so the rows come in one chunk, whatever the batches were.
            group = _gather(chunks, starts, rows).combine_chunks()
            writer.write_table(group, row_group_size=_ROW_GROUP_ROWS)


def _text_bytes(questions: pa.Table) -> np.ndarray:
    title, body = (pc.fill_null(pc.binary_length(questions[name]), 0) for name in ("Title", "Body"))
    return np.asarray(pc.add(pc.cast(title, pa.int64()), body))


def _row_groups(order: np.ndarray, sizes: np.ndarray) -> Iterator[np.ndarray]:
    """Split rows, which have texts of these sizes (bytes), into groups that are bounded in either."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(order):
        before = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, before + _ROW_GROUP_BYTES, side="right"))
        end = max(start + 1, min(start + _ROW_GROUP_ROWS, fitting))
        yield order[start:end]
        start = end


def _gather(chunks: Sequence[Chunk], starts: np.ndarray, rows: np.ndarray) -> pa.Table:
    """Return some rows of all chunks in the order asked for; each chunk is opened for its own and closed again.

    Args:
        chunks: where the rows are.
        starts: the number of the first row of each chunk, and the number of rows.
        rows: numbers of rows, each once.
    """
    ascending = np.sort(rows)
    edges = np.searchsorted(ascending, starts)
    pieces = []
    for chunk, first, begin, end in zip(chunks, starts, edges, edges[1:], strict=False):
        if begin < end:
            wanted = ascending[begin:end] - first
            together = wanted[-1] - wanted[0] == len(wanted) - 1
            pieces.append(chunk().slice(wanted[0], len(wanted)) if together else chunk().take(pa.array(wanted)))
    table = pa.concat_tables(pieces)
    if np.array_equal(rows, ascending):
        return table
    return table.combine_chunks().take(pa.array(np.searchsorted(ascending, rows)))


def count_rows(part: Path) -> int:
    """Return how many questions a part holds.

    Raises:
        InputError: the file is no parquet file.
    """
    try:
        return int(pq.read_metadata(part).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(part, error) from None


def _unreadable(part: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(
        f"{part}: not a parquet file ({reason}); restore it (`dvc checkout`), or move its folder away and fetch again"
    )


def read_part(part: Path) -> pa.Table:
    """Read the questions of a month.

    Raises:
        InputError: the file is no parquet file of questions.
    """
    try:
        questions = pq.ParquetFile(part).read(use_threads=False)  # parts are small, and threads hold on to memory
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(part, error) from None
    if questions.schema != QUESTION_SCHEMA:
        raise InputError(f"{part}: other columns than those of questions; fetch or write the raw layer again")
    return questions
