import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from question_classification.stackexchange.columns import type_questions
from question_classification.stackexchange.errors import BrokenSourceError, InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.raw import fingerprint, read_raw, read_source, write_raw
from question_classification.stackexchange.sede import read_sede


def questions(*rows: tuple[int | None, str | None], title: str = "Why?") -> pa.Table:
    """Return questions, given as `(Id, month)`."""
    return pa.Table.from_pylist(
        [
            {"Id": number, "Title": title, "CreationDate": month and datetime.fromisoformat(f"{month}-02T00:00:00Z")}
            for number, month in rows
        ],
        QUESTION_SCHEMA,
    )


def harvest(*batches: pa.Table, **details) -> Harvest:
    return Harvest(source="test", batches=batches, **details)


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_part_for_each_month_sorted_by_id(tmp_path):
    folder = tmp_path / "deep" / "raw"
    first = questions((3, "2010-08"), (None, "2010-07"), (2, "2010-07"), (4, None), title="first")
    second = questions((2, "2010-07"), (1, "2010-07"), (None, None), title="second")
    write_raw(harvest(first, QUESTION_SCHEMA.empty_table(), second), folder)

    parts = {path.stem: pq.read_table(path) for path in folder.glob("*.parquet")}
    assert {name: part["Id"].to_pylist() for name, part in parts.items()} == {
        "2010-07": [1, 2, 2, None],
        "2010-08": [3],
        "undated": [4, None],
    }
    assert parts["2010-07"]["Title"].to_pylist() == ["second", "first", "second", "first"]
    assert all(part.schema.equals(QUESTION_SCHEMA, check_metadata=True) for part in parts.values())
    assert read_raw(folder).equals(pa.concat_tables(parts[name] for name in sorted(parts)))
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == ["raw"]


def test_months_are_those_of_utc(tmp_path):
    moments = [datetime(2010, 7, 31, 23, 59, 59, 999_000, tzinfo=UTC), datetime(2010, 8, 1, tzinfo=UTC)]
    moments += [datetime(1969, 12, 31, 23, tzinfo=UTC)]
    write_raw(harvest(pa.Table.from_pylist([{"CreationDate": m} for m in moments], QUESTION_SCHEMA)), tmp_path / "raw")
    assert sorted(path.stem for path in (tmp_path / "raw").glob("*.parquet")) == ["1969-12", "2010-07", "2010-08"]


def test_where_the_questions_came_from(tmp_path):
    details = {
        "sites": {"stats"},
        "left_out": {"other_posts": 1, "answers": 2, "none": 0},
        "repaired": {"illegal_characters": 3},
        "warnings": ["Über 50,000."],
    }
    write_raw(harvest(questions((1, "2010-07"), (2, None)), **details), tmp_path / "raw")
    source = read_source(tmp_path / "raw")
    assert source == {
        "source": "test",
        "site": "stats",
        "rows": 2,
        "left_out": {"answers": 2, "other_posts": 1},
        "repaired": {"illegal_characters": 3},
        "warnings": ["Über 50,000."],
    }
    assert list(source) == ["source", "site", "rows", "left_out", "repaired", "warnings"]


ROWS = st.lists(
    st.tuples(st.none() | st.integers(0, 9), st.none() | st.sampled_from(["2009-12", "2010-01", "2010-02", "2010-03"])),
    min_size=1,
    max_size=40,
)


@given(rows=ROWS, cuts=st.sets(st.integers(1, 39)), buffer_bytes=st.sampled_from([0, 1_000, 10_000]))
@settings(deadline=None, max_examples=60)
def test_batches_and_spills_do_not_change_a_byte(tmp_path_factory, rows, cuts, buffer_bytes):
    tmp_path = tmp_path_factory.mktemp("raw")
    whole = questions(*rows)
    whole = whole.set_column(1, "Title", pa.array([f"question {i}" for i in range(len(rows))]))
    ends = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    split = [whole.slice(start, end - start) for start, end in pairwise(ends)]
    write_raw(harvest(whole), tmp_path / "whole")
    write_raw(harvest(*split), tmp_path / "split", buffer_bytes=buffer_bytes)
    assert contents(tmp_path / "whole") == contents(tmp_path / "split")
    assert read_raw(tmp_path / "whole").num_rows == len(rows)


def test_a_month_of_several_row_groups_has_stable_bytes(tmp_path):
    numbers = [*range(40_000, 0, -1)]
    month = type_questions(
        {
            "Id": [str(number) for number in numbers],
            "Body": [f"<p>{number}</p>" * 20 for number in numbers],
            "CreationDate": ["2010-07-19 19:12:12"] * len(numbers),
        }
    )
    write_raw(harvest(month), tmp_path / "whole")
    write_raw(harvest(*(month.slice(start, 3_333) for start in range(0, 40_000, 3_333))), tmp_path / "split")
    assert fingerprint(tmp_path / "whole") == fingerprint(tmp_path / "split")
    assert pq.ParquetFile(tmp_path / "whole" / "2010-07.parquet").num_row_groups == 2
    assert read_raw(tmp_path / "whole")["Id"].to_pylist() == numbers[::-1]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak memory of one process")
def test_a_month_takes_no_more_memory_than_a_row_group_whatever_its_order(tmp_path):
    """Ten times the rows of a row group, in order and in disorder: the same bytes, in the memory of one row group."""
    script = """if True:
        import resource, sys
        import pyarrow as pa
        from question_classification.stackexchange.harvest import Harvest
        from question_classification.stackexchange.question import QUESTION_SCHEMA
        from question_classification.stackexchange.raw import write_raw
        def batches(order, size=2**13):
            for start in order:
                ids = pa.array(range(start * size, (start + 1) * size), pa.int64())
                columns = {"Id": ids, "Body": pa.array([f"{i:01000d}" for i in ids.to_pylist()]),
                           "CreationDate": pa.nulls(size, pa.int64())}
                yield pa.table([columns.get(field.name, pa.nulls(size)).cast(field.type) for field in QUESTION_SCHEMA],
                               schema=QUESTION_SCHEMA)
        chunks = int(sys.argv[2])
        order = range(chunks) if sys.argv[3] == "in order" else [i * 7 % chunks for i in range(chunks)]
        write_raw(Harvest(source="test", batches=batches(order)), sys.argv[1])
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
    """

    def peak_megabytes(chunks, order) -> int:
        arguments = [sys.executable, "-c", script, str(tmp_path / order), str(chunks), order]
        return int(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout) // 1024

    small = peak_megabytes(10, "in order")  # a month of 80 MB
    assert peak_megabytes(40, "in order") < small + 70  # one of 330 MB
    assert peak_megabytes(40, "in disorder") < small + 140
    assert contents(tmp_path / "in order") == contents(tmp_path / "in disorder")
    assert pq.ParquetFile(tmp_path / "in order" / "undated.parquet").num_row_groups == 20


@pytest.mark.parametrize("buffer_bytes", [0, 2**30], ids=["spilled", "in memory"])
def test_a_source_that_breaks_off_is_kept_up_to_there(tmp_path, buffer_bytes):
    def breaking():
        yield questions((1, "2012-01"), (2, "2012-02"))
        raise BrokenSourceError("Posts.xml: breaks off at byte 99")

    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"))), folder)
    with pytest.raises(BrokenSourceError, match="breaks off at byte 99"):
        write_raw(Harvest(source="test", batches=breaking(), warnings=["!"]), folder, buffer_bytes=buffer_bytes)
    assert sorted(contents(folder)) == ["2012-01.parquet", "2012-02.parquet", "_source.json"]
    assert read_raw(folder)["Id"].to_pylist() == [1, 2]
    assert read_source(folder)["warnings"][:2] == ["!", "Posts.xml: breaks off at byte 99"]
    assert read_source(folder)["rows"] == 2
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["raw"]


def test_a_source_that_breaks_off_at_once_leaves_the_earlier_folder(tmp_path):
    def breaking():
        yield QUESTION_SCHEMA.empty_table()
        raise BrokenSourceError("Posts.xml: breaks off at byte 9")

    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"))), folder)
    before = contents(folder)
    with pytest.raises(BrokenSourceError, match="byte 9"):
        write_raw(Harvest(source="test", batches=breaking()), folder)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["raw"]


def test_an_unchanged_part_stays_the_very_same_file(tmp_path):
    def files() -> dict[str, tuple[int, int]]:
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}

    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"), (2, "2010-08"), (3, "2010-09"))), folder)
    before = files()
    write_raw(harvest(questions((1, "2010-07"), (5, "2010-08"), (4, None))), folder)
    after = files()
    assert sorted(after) == ["2010-07.parquet", "2010-08.parquet", "_source.json", "undated.parquet"]
    same = {name for name in after if after[name] == before.get(name)}
    assert same == {"2010-07.parquet", "_source.json"}  # the part of August is as long, but no more the same
    assert read_raw(folder)["Id"].to_pylist() == [1, 5, 4]
    assert all(path.stat().st_nlink == 1 for path in folder.iterdir())


@pytest.mark.parametrize("swapped", [False, True], ids=["before", "after"])
def test_a_kill_around_the_swap_is_made_good(tmp_path, swapped):
    """The two states in which a kill between or after the renames leaves things."""
    folder, staging = tmp_path / "raw", tmp_path / ".raw.partial"
    write_raw(harvest(questions((1, "2010-07"))), staging / "earlier")
    write_raw(harvest(questions((2, "2010-07"))), folder if swapped else staging / "parts")
    with pytest.raises(InputError, match="no questions"):
        write_raw(harvest(), folder)
    assert read_raw(folder)["Id"].to_pylist() == [2 if swapped else 1]
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["raw"]


@pytest.mark.parametrize("buffer_bytes", [0, 2**30], ids=["spilled", "in memory"])
def test_an_error_midway_leaves_the_earlier_folder(tmp_path, buffer_bytes):
    def breaking():
        yield questions((1, "2012-01"))
        raise InputError("export.csv: row 2 is broken")

    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"))), folder)
    before = contents(folder)
    with pytest.raises(InputError, match="row 2 is broken"):
        write_raw(Harvest(source="test", batches=breaking()), folder, buffer_bytes=buffer_bytes)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["raw"]


def test_a_kill_midway_leaves_the_earlier_folder_and_the_next_write_cleans_up(tmp_path):
    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"))), folder)
    before = contents(folder)
    script = """if True:
        import os, signal, sys
        from question_classification.stackexchange.harvest import Harvest
        from question_classification.stackexchange.question import QUESTION_SCHEMA
        from question_classification.stackexchange.raw import write_raw
        def batches():
            yield QUESTION_SCHEMA.empty_table()
            os.kill(os.getpid(), signal.SIGKILL)
        write_raw(Harvest(source="test", batches=batches()), sys.argv[1])
    """
    assert subprocess.run([sys.executable, "-c", script, str(folder)], check=False).returncode == -9
    assert contents(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".raw.lock", ".raw.partial", "raw"]
    write_raw(harvest(questions((1, "2012-01"))), folder)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["raw"]
    assert sorted(contents(folder)) == ["2012-01.parquet", "_source.json"]


def test_no_questions_are_an_error_and_leave_the_earlier_folder(tmp_path):
    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"))), folder)
    before = contents(folder)
    with pytest.raises(InputError, match=r"test: no questions .*'answers': 3"):
        write_raw(harvest(QUESTION_SCHEMA.empty_table(), left_out={"answers": 3}), folder)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["raw"]


def test_what_is_no_raw_layer_is_not_replaced(tmp_path):
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("mine")
    for target in (thesis, tmp_path):
        with pytest.raises(InputError, match=r"another"):
            write_raw(harvest(questions((1, "2010-07"))), target)
    assert thesis.read_text() == "mine"


def test_what_cannot_be_read_is_said(tmp_path):
    folder = tmp_path / "raw"
    for reader in (read_raw, read_source, fingerprint):
        with pytest.raises(InputError, match="raw: no such folder"):
            reader(folder)
    folder.mkdir()
    with pytest.raises(InputError, match="raw: no parquet parts"):
        read_raw(folder)
    with pytest.raises(InputError, match=r"_source\.json: no such file"):
        read_source(folder)
    (folder / "_source.json").write_text("{")
    with pytest.raises(InputError, match=r"_source\.json: not JSON"):
        read_source(folder)
    pq.write_table(pa.table({"Id": [1]}), folder / "2010-07.parquet")
    with pytest.raises(InputError, match=r"2010-07\.parquet: other columns"):
        read_raw(folder)
    write_raw(harvest(questions(*((i, "2010-07") for i in range(1_000)))), folder)
    whole = (folder / "2010-07.parquet").read_bytes()
    for damaged in (b"", b"not parquet at all", whole[:-100], whole[:4] + bytes(200) + whole[204:]):
        (folder / "2010-07.parquet").write_bytes(damaged)
        with pytest.raises(InputError, match=r"2010-07\.parquet: not a parquet file") as error:
            read_raw(folder)
        assert "\n" not in str(error.value)


def test_the_fingerprint_is_that_of_dvc(tmp_path):
    def run(*command: str) -> None:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    folder = tmp_path / "raw"
    write_raw(harvest(questions((1, "2010-07"), (2, "2010-08"), (3, None))), folder)
    (folder / "sub").mkdir()
    (folder / "sub" / "naïve.txt").write_text("a file elsewhere\n")
    run("git", "init")
    run(sys.executable, "-m", "dvc", "init")
    run(sys.executable, "-m", "dvc", "add", "raw")
    (out,) = yaml.safe_load((tmp_path / "raw.dvc").read_text())["outs"]
    assert fingerprint(folder) == {"md5": out["md5"], "files": out["nfiles"], "bytes": out["size"]}


def test_real_questions_are_all_kept_and_two_writes_are_the_same(tmp_path, stackexchange_data):
    path = stackexchange_data / "cross_validated_2016.csv"
    write_raw(read_sede(path), tmp_path / "once")
    write_raw(read_sede(path, batch_rows=300), tmp_path / "twice", buffer_bytes=100_000)
    assert fingerprint(tmp_path / "once") == fingerprint(tmp_path / "twice")

    read = pa.concat_tables(read_sede(path))
    raw = read_raw(tmp_path / "once")
    assert raw.num_rows == read.num_rows == read_source(tmp_path / "once")["rows"] == 2_615
    assert raw.sort_by("Id").equals(read.sort_by("Id"))
    assert json.loads((tmp_path / "once" / "_source.json").read_text())["source"] == "sede"
