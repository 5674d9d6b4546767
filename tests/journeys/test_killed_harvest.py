"""A harvest that is killed at random moments (kill -9) and started again ends like one that was not."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from question_classification.stackexchange.server import ApiServer, FaultPlan, Site

HARVEST = """
import sys
from question_classification.stackexchange.api.client import ApiClient
from question_classification.stackexchange.api.feed import ApiFeed
from question_classification.stackexchange.follow import follow
follow(ApiFeed(ApiClient(sys.argv[1]), "simulated"), sys.argv[2])
"""
FAULTS = """
seed: {seed}
faults:
  - {{probability: 0.02, fault: backoff, seconds: 1}}
  - {{probability: 0.02, fault: unavailable, status: 503}}
  - {{probability: 0.02, fault: reset}}
  - {{probability: 0.02, fault: truncated}}
  - {{probability: 0.02, fault: html, status: 503}}
  - {{probability: 0.02, fault: duplicate}}
  - {{probability: 0.01, fault: throttle, seconds: 1}}
"""


def harvest(server: ApiServer, folder: Path, seconds: float | None = None) -> int:
    """Run until the end, or until it is killed; return the exit code."""
    with subprocess.Popen([sys.executable, "-c", HARVEST, server.url, folder], stderr=subprocess.PIPE) as run:
        try:
            _, errors = run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            run.kill()
        else:
            assert run.returncode == 0, errors.decode()
    return run.returncode


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_kills(site: Site, folder: Path, seed: int, kills: int, longest: float) -> None:
    draw = random.Random(seed)
    (folder / "plan.yml").write_text(FAULTS.format(seed=seed))
    with ApiServer(site, quota=10_000) as server:
        assert harvest(server, folder / "whole") == 0
    with ApiServer(site, faults=FaultPlan.read(folder / "plan.yml"), quota=10_000) as server:
        for _ in range(kills):
            assert harvest(server, folder / "killed", draw.uniform(0.4, longest)) != 0, "it came through"
        assert harvest(server, folder / "killed") == 0
        assert server.violations == {}
    assert contents(folder / "killed") == contents(folder / "whole")


@pytest.mark.long
def test_a_few_kills(tmp_path: Path) -> None:
    check_kills(Site.simulated(questions=4_000, seed=1), tmp_path, seed=1, kills=3, longest=1.0)


@pytest.mark.long
@pytest.mark.parametrize("turn", range(10))
def test_fifty_kills(tmp_path: Path, turn: int) -> None:
    check_kills(Site.simulated(questions=15_000, seed=turn), tmp_path, seed=turn, kills=5, longest=2.0)
