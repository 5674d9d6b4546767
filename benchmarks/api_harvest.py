"""A harvest of the API against what the live service would allow, its memory, and what a refresh costs.

The local server, in a process of its own, serves recorded pages where STACKEXCHANGE_DATA (or ../shared/data) has them,
and simulated sites of growing size.
"""

import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGES = "stackoverflow_api_pages.tar.gz"
LIVE = 10_000 * 100 / 86_400  # questions a second: a key has 10,000 requests a day, a page 100 questions
LIVE_BURST = 30  # requests a second, above which the service drops an address


@contextmanager
def server(*arguments: str | Path) -> Iterator[str]:
    command = [sys.executable, "-m", "question_classification.stackexchange.server", "--port", "0", "--quota", "100000"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.stdout.read()  # its account, at the end


def harvest(url: str, site: str, folder: str, pace: str) -> None:
    """Run in a process of its own; print seconds, requests, questions and peak memory (MB)."""
    from question_classification.stackexchange.api.client import ApiClient
    from question_classification.stackexchange.api.feed import ApiFeed
    from question_classification.stackexchange.clock import SystemClock
    from question_classification.stackexchange.follow import follow

    class Impatient(SystemClock):
        def sleep(self, seconds: float) -> None:
            """Do not keep the pace of 20 requests a second."""

    client = ApiClient(url, clock=SystemClock() if pace == "paced" else Impatient())
    begin = time.perf_counter()
    account = follow(ApiFeed(client, site), folder, refresh=pace == "refresh")
    seconds = time.perf_counter() - begin
    print(seconds, client.requests, account.questions, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(url: str, site: str, folder: Path, pace: str) -> tuple[float, int, int, float]:
    command = [sys.executable, __file__, url, site, str(folder), pace]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, requests, questions, memory = done.stdout.split()
    return float(seconds), int(requests), int(questions), float(memory)


def recorded(scratch: Path) -> tuple[list[str | Path], str]:
    data = Path(os.environ.get("STACKEXCHANGE_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (data / PAGES).exists():
        print(f"no {PAGES} in {data}: simulated questions instead")
        return ["--questions", "16586"], "simulated"
    with tarfile.open(data / PAGES) as pages:
        (scratch / "pages").mkdir()
        for member in pages:
            if content := pages.extractfile(member):
                (scratch / "pages" / Path(member.name).name).write_bytes(content.read())
    return ["--pages", scratch / "pages"], "stackoverflow"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        arguments, site = recorded(scratch)
        with server(*arguments) as url:
            seconds, requests, questions, _ = measure(url, site, scratch / "paced", "paced")
            free, free_requests, _, _ = measure(url, site, scratch / "free", "free")
            before = {path: path.stat().st_mtime_ns for path in (scratch / "paced").iterdir()}
            _, refresh, _, _ = measure(url, site, scratch / "paced", "refresh")
            written = sum(path.stat().st_mtime_ns != before.get(path) for path in (scratch / "paced").iterdir())
        print(f"{questions:,} questions of {site}, {requests} requests, from the local server")
        print(f"  at our pace, 20 requests a second  {questions / seconds:7,.0f} questions/s")
        print(f"  live, with a key                   {LIVE:7,.1f} questions/s (10,000 requests a day)")
        print(f"  ratio                              {questions / seconds / LIVE:7,.0f}")
        print(f"  without a pace                     {free_requests / free:7,.0f} requests/s")
        print(f"  live, at most                      {LIVE_BURST:7,.0f} requests/s")
        print(f"  ratio                              {free_requests / free / LIVE_BURST:7,.2f}")
        print(f"  a refresh that finds nothing new: {refresh} request, {written} files written")
        print("peak memory of a harvest of simulated questions")
        for size in (5_000, 20_000, 80_000):
            with server("--questions", str(size)) as url:
                _, _, questions, memory = measure(url, "simulated", scratch / str(size), "free")
            print(f"  {questions:7,} questions  {memory:4.0f} MB")


if __name__ == "__main__":
    harvest(*sys.argv[1:]) if len(sys.argv) > 1 else main()
