"""A data dump to the raw layer, against a parser that only counts its questions: rate and peak memory.

    python benchmarks/dump_to_raw.py [--sizes 100 1000] [--rounds 3]

The bare pass is `lxml.etree.iterparse(tag="row")` which clears each row and deletes the one before: the usual way, and
the fastest one that goes through a file of any size. Ours is `read_dump` and `write_raw`. Each measurement is a process
of its own, the two side by side; the time of its imports is not counted, their memory is.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from question_classification.stackexchange.dump import read_dump
from question_classification.stackexchange.question import TIMESTAMP
from question_classification.stackexchange.raw import write_raw
from question_classification.stackexchange.simulated import simulate
from question_classification.stackexchange.simulation.dump import write_dump

SITE = 20_000  # questions that are simulated, and repeated as often as needed
ANSWERS = [0, 1, 1, 2, 3]  # to the questions in turn: 1.4 on average, like on Stack Overflow
IDS_PER_QUESTION = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000], help="of the dumps, in MB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        name, dump = arguments.step
        print(*measure(name, dump) if name in PASSES else write_site(dump, int(name)))
        return
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            dump = str(Path(folder) / f"{size}.xml")
            run(str(size), dump)
            peaks.append(compare(dump, arguments.rounds))
    print(f"growth of our peak memory from the smallest to the largest dump: {peaks[-1] / peaks[0] - 1:+.1%}")


def run(step: str, dump: str) -> list[float]:
    """Run a step in a process of its own, for a child starts with the peak memory of its parent."""
    command = [sys.executable, __file__, "--step", step, dump]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [float(number) for number in output.split()]


def write_site(dump: str, megabytes: int) -> list[int]:
    site = pa.concat_tables(simulate(SITE, seed=42))
    write_dump(dump, [repeat(site, 0, 1)], answers=True)
    repeats = max(1, round(megabytes * 1e6 / Path(dump).stat().st_size))
    write_dump(dump, (repeat(site, number, repeats) for number in range(repeats)), answers=True)
    return [repeats]


def repeat(site: pa.Table, number: int, repeats: int) -> pa.Table:
    """Return the site with new Ids, at its own place among the repeats, which share its years evenly."""
    rows = pa.array(range(site.num_rows), pa.int64())
    first = number * site.num_rows
    created = site["CreationDate"].cast(pa.int64())
    start, end = pc.min(created).as_py(), pc.max(created).as_py()
    moved = pc.add(pc.divide(pc.subtract(created, start), repeats), start + (end - start) * number // repeats)
    changed = {
        "Id": pc.multiply(pc.add(rows, first + 1), IDS_PER_QUESTION),
        "AnswerCount": pa.array([ANSWERS[row % len(ANSWERS)] for row in range(site.num_rows)], pa.int64()),
        "CreationDate": moved.cast(TIMESTAMP),
    }
    for name, column in changed.items():
        site = site.set_column(site.schema.get_field_index(name), site.schema.field(name), column)
    return site


def compare(dump: str, rounds: int) -> float:
    """Print how both fare with a dump; return our peak memory in MB."""
    megabytes = Path(dump).stat().st_size / 1e6
    rates: dict[str, list[float]] = {name: [] for name in PASSES}
    peaks: dict[str, list[float]] = {name: [] for name in PASSES}
    for _ in range(rounds):
        for name in PASSES:
            elapsed, peak, questions = run(name, dump)
            rates[name].append(megabytes / elapsed)
            peaks[name].append(peak)
    ratios = [ours / bare for bare, ours in zip(rates["bare"], rates["ours"], strict=True)]
    print(f"{megabytes:,.0f} MB, {questions:,.0f} questions, {os.cpu_count()} cores, median of {rounds} rounds")
    for name, label in (("bare", "lxml, counting only"), ("ours", "dump to raw layer")):
        print(f"  {label:<20} {spread(rates[name], 0)} MB/s, peak memory {max(peaks[name]):.0f} MB")
    print(f"  {'ratio of the rates':<20} {spread(ratios, 2)}", flush=True)
    return max(peaks["ours"])


def measure(name: str, dump: str) -> list[float]:
    pa.array([""])  # has pyarrow import pandas, if it is there
    start = time.perf_counter()
    questions = PASSES[name](dump)
    elapsed = time.perf_counter() - start
    return [elapsed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, questions]


def count_questions(dump: str) -> int:
    questions = 0
    for _, row in etree.iterparse(dump, events=("end",), tag="row"):
        questions += row.get("PostTypeId") == "1"
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]
    return questions


def convert(dump: str) -> int:
    rows = 0

    def counted(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield batch

    harvest = read_dump(dump)
    harvest.batches = counted(iter(harvest.batches))
    with tempfile.TemporaryDirectory(dir=Path(dump).parent) as folder:
        write_raw(harvest, Path(folder) / "raw")
    return rows


PASSES = {"bare": count_questions, "ours": convert}


def spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
