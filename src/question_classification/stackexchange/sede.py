"""Questions from a CSV file that was exported from the Stack Exchange Data Explorer (SEDE)."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from question_classification.stackexchange.columns import type_questions
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.question import QUESTION_SCHEMA, REQUIRED_COLUMNS

SEDE_ROW_LIMIT = 50_000
"""The Data Explorer cuts every result at this many rows and does not mark it in the file."""

_FIELD_LIMIT = 16 * 2**20  # characters; a post has at most some 100,000, so only a lost quote comes this far
_SNIFFED = 4096  # bytes at the start of the file that tell CSV from what is not
_GZIP_MAGIC = b"\x1f\x8b"
_QUESTION, _ANSWER = "1", "2"  # PostTypeId


def read_sede(path: str | Path, *, batch_rows: int = 10_000) -> Harvest:
    """Read the questions in a CSV export of the Data Explorer, plain or gzip-compressed.

    Columns are found by name, in whichever order; those beyond `QUESTION_SCHEMA` are kept out. Rows that are answers
    or other posts are counted in `left_out`: by `PostTypeId` where the export has it, otherwise a row with a body but
    neither title nor tags is an answer. Rows too broken to tell stay in.

    The start of the file is checked at once, the rest while the batches are read, in bounded memory.

    Args:
        path: the `.csv` or `.csv.gz` file, in UTF-8.
        batch_rows: rows of the file per batch.

    Returns:
        A harvest whose site is known only where the export has a column `Site`.

    Raises:
        InputError: there is no such file, or it is empty, damaged, not CSV or not UTF-8, or has no rows, or lacks one
            of `REQUIRED_COLUMNS`, names a column twice, or holds questions of several sites.
    """
    path = Path(path)
    records = _records(path)
    header = _checked_header(path, next(records))
    first = next(records, None)
    if first is None:
        raise InputError(f"{path}: a header but no rows; widen the query on the Data Explorer and export it again")
    records.close()

    harvest = Harvest(source="sede", batches=())
    harvest.batches = _batches(path, header, harvest, batch_rows)
    return harvest


def _batches(path: Path, header: list[str], harvest: Harvest, batch_rows: int) -> Iterator[pa.Table]:
    wanted = {name: header.index(name) for name in (*QUESTION_SCHEMA.names, "PostTypeId") if name in header}
    records = islice(_records(path), 1, None)
    rows = 0
    while batch := list(islice(records, batch_rows)):
        rows += len(batch)
        broken = {row: fields for row, fields in enumerate(batch) if len(fields) != len(header)}
        for row in broken:
            batch[row] = [""] * len(header)
        values = list(zip(*batch, strict=True))
        columns = {name: pa.array(values[position], pa.string()) for name, position in wanted.items()}
        questions = _leave_out_other_posts(type_questions(columns, broken), columns, harvest)
        harvest.sites.update(site for site in questions["Site"].unique().to_pylist() if site)
        if len(harvest.sites) > 1:
            raise InputError(
                f"{path}: questions of several sites ({', '.join(sorted(harvest.sites))}), whose ids mean nothing to "
                "each other; export one site at a time"
            )
        if questions.num_rows:
            yield questions
    if rows == SEDE_ROW_LIMIT:
        harvest.warnings.append(
            f"{path.name} has exactly {SEDE_ROW_LIMIT:,} rows, the most that the Data Explorer exports, so it was "
            "probably cut there. Split the query by ranges of Id or CreationDate and export each range on its own."
        )


def _leave_out_other_posts(questions: pa.Table, columns: dict[str, pa.Array], harvest: Harvest) -> pa.Table:
    def empty(name: str) -> pa.Array:
        return pc.equal(columns[name], "")

    untitled = pc.and_(empty("Title"), empty("Tags"))
    answers = pc.and_not(pc.and_not(untitled, empty("Body")), empty("Id"))
    others = pa.repeat(False, questions.num_rows)
    if "PostTypeId" in columns:
        kind = columns["PostTypeId"]
        known = pc.match_substring_regex(kind, "^[0-9]+$")
        answers = pc.if_else(known, pc.equal(kind, _ANSWER), answers)
        others = pc.and_not(known, pc.is_in(kind, pa.array([_QUESTION, _ANSWER])))

    left_out = pc.or_(answers, others)
    if not pc.any(left_out).as_py():
        return questions
    for name, rows in (("answers", answers), ("other_posts", others)):
        if count := pc.sum(rows).as_py():
            harvest.left_out[name] += count
    return questions.filter(pc.invert(left_out))


def _checked_header(path: Path, fields: list[str]) -> list[str]:
    by_folded_name = {name.casefold(): name for name in QUESTION_SCHEMA.names}
    header = [by_folded_name.get(name.strip().casefold(), name.strip()) for name in fields]
    found = ", ".join(" ".join(name.split())[:40] for name in header[:40])  # one line, whatever the file holds
    if len(header) == 1:
        raise InputError(
            f"{path}: not a CSV file of the Data Explorer: its header has one column ({found}); "
            "values must be separated by commas, so take the export as it came"
        )
    twice = sorted({name for name in header if header.count(name) > 1 and name in QUESTION_SCHEMA.names})
    if twice:
        raise InputError(
            f"{path}: the header names {', '.join(twice)} more than once; name each column once in the SELECT"
        )
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if missing:
        raise InputError(
            f"{path}: the header lacks {', '.join(missing)} (found: {found}); add them to the SELECT and export again"
        )
    return header


def _records(path: Path) -> Generator[list[str], None, None]:
    """Yield the header and the rows, with what is wrong in the file as `InputError`; blank lines are no rows."""
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
    rows, line = -1, 0  # the header is row 0
    try:
        with _open_text(path) as text:
            reader = csv.reader(text, strict=True)
            for fields in reader:
                line = reader.line_num
                if fields:
                    rows += 1
                    yield fields
    except csv.Error as error:
        where = f"row {rows + 1} (line {line + 1})" if rows >= 0 else "the header"
        if "unexpected end" in str(error) or "field limit" in str(error):
            what = f"a quoted field that begins in {where} never ends; the file was probably cut, so export it again"
        else:
            what = f'{where} is not valid CSV: {error}; a quote inside a value must be doubled (""), so export it again'
        raise InputError(f"{path}: {what}") from None
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: not UTF-8: the first bad byte is byte {_first_bad_byte(path):,}; take the export as it came, or "
            "save it again as UTF-8"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        where = f" after row {rows}" if rows > 0 else ""
        raise InputError(
            f"{path}: the gzip file is truncated or damaged{where} ({error}); download or compress it again"
        ) from None


@contextmanager
def _open_text(path: Path) -> Iterator[io.TextIOBase]:
    with _open_bytes(path) as file:
        start = file.peek(_SNIFFED)[:_SNIFFED]
        _check_is_text(path, start)
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            yield text


@contextmanager
def _open_bytes(path: Path) -> Iterator[io.BufferedReader]:
    """Open the file, unpacked if it is gzip, whatever its name."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; give the CSV file in it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from None
    with file:
        if file.peek(2).startswith(_GZIP_MAGIC):
            with gzip.GzipFile(fileobj=file) as unpacked, io.BufferedReader(cast(Any, unpacked), 2**20) as buffered:
                yield buffered
        else:
            yield file


def _check_is_text(path: Path, start: bytes) -> None:
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if not text:
        raise InputError(f"{path}: an empty file; export it again")
    if b"\0" in start:
        kind = "a binary file (or UTF-16 text)"
    elif text.startswith(b"<"):
        kind = "an HTML or XML page"
    elif text.startswith((b"{", b"[")):
        kind = "JSON"
    else:
        return
    raise InputError(f"{path}: {kind}, not CSV; use 'Download CSV' on the Data Explorer's results")


def _first_bad_byte(path: Path) -> int:
    """Return the offset, in the unpacked file, of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    with _open_bytes(path) as file:
        while chunk := file.read(2**20):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return offset - pending + error.start
            offset += len(chunk)
    return offset - len(decoder.getstate()[0])  # a character cut at the end of the file
