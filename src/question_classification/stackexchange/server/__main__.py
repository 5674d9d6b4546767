"""`python -m question_classification.stackexchange.server` serves a simulated API until it is stopped."""

import argparse
import json
import os
import signal
import sys
from threading import Event

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.server.faults import FaultPlan
from question_classification.stackexchange.server.http import ApiServer
from question_classification.stackexchange.server.site import Site


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; return the exit code."""
    options = _parser().parse_args()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        faults = FaultPlan.read(options.faults) if options.faults else FaultPlan()
        if options.pages:
            site = Site.recorded(options.pages)
        else:
            site = Site.simulated(options.questions, options.seed, options.until)
        with ApiServer(site, faults=faults, quota=options.quota, port=options.port) as server:
            _say(server.url)
            _say(f"{len(site.items):,} questions of site={site.name} under /2.3; Ctrl-C stops it")
            stop.wait()
        _say(json.dumps(server.account()))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m question_classification.stackexchange.server",
        description="A simulated Stack Exchange API on this machine, for tests, classes and demonstrations.",
    )
    parser.add_argument("--port", type=int, default=8023, help="where to listen; 0 for a free one (%(default)s)")
    parser.add_argument("--pages", metavar="FOLDER", help="serve the questions of recorded pages: 1.json, 2.json, ...")
    parser.add_argument("--questions", type=int, default=20_000, help="or so many simulated ones (%(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="of the simulated questions (%(default)s)")
    parser.add_argument("--until", default="2026-10", help="last month of the simulated questions (%(default)s)")
    parser.add_argument("--faults", metavar="FILE", help="a plan of what goes wrong, in YAML")
    parser.add_argument("--quota", type=int, help="requests a day (300 without a key, 10000 with one)")
    return parser


def _say(line: str) -> None:
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()  # a program that started this one waits for it
    except BrokenPipeError:  # or is gone, and Python's own flush at exit must not fail either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
