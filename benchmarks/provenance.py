"""What it costs to know where a model comes from, and to find that there is nothing to do.

    python benchmarks/provenance.py [--rounds 5] [--questions 20000]

`kedro run` with the provenance hook against the same without it; `dvc repro` with nothing to do, as `make repro` calls
it, against a bare `dvc status`. Rounds alternate between the two, and which comes first; a ratio is of the two of one
round. CPU time is that of all processes of a command, on all cores: on a machine that has other work to do, it tells
more than wall time.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from run_against_recipe import PROJECT, copy_project, run

VERSIONED = (
    "data/06_models/tuned.json",
    "dvc.yaml",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvcignore",
    ".gitignore",
    "requirements.lock",
)
HOOK = "Provenance(), "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--questions", type=int, default=20_000, help="of the simulated site")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with_hook, without = Path(folder) / "with", Path(folder) / "without"
        for project in (with_hook, without):
            _make(project, arguments.questions, hook=project == with_hook)
        kedro = [sys.executable, "-m", "kedro", "run"]
        compare(
            f"kedro run, {arguments.questions:,} simulated questions",
            {"without the hook": lambda: measure(kedro, without), "with the hook": lambda: measure(kedro, with_hook)},
            arguments.rounds,
        )
        dvc = [sys.executable, "-m", "dvc"]
        run([*dvc, "commit", "--quiet", "--force"], with_hook)
        compare(
            "DVC, with nothing to do",
            {
                "dvc status": lambda: measure([*dvc, "status"], with_hook),
                "dvc repro": lambda: measure([*dvc, "repro", "--single-item", "--glob", "*"], with_hook),
            },
            arguments.rounds,
        )


def compare(title: str, sides: dict[str, Callable[[], tuple[float, float]]], rounds: int) -> None:
    """Measure two sides by turns, and print what the second takes beyond the first."""
    first, second = sides
    taken: dict[str, list[tuple[float, float]]] = {first: [], second: []}
    for number in range(rounds + 1):  # the first one warms up
        for name in (first, second) if number % 2 else (second, first):
            measured = sides[name]()
            if number:
                taken[name].append(measured)
    print(f"{title}: median of {rounds} rounds (least to most), seconds")
    for which, kind in enumerate(("wall", "CPU")):
        one, other = ([measured[which] for measured in taken[name]] for name in (first, second))
        print(f"  {kind}")
        for label, values in (
            (first, one),
            (second, other),
            ("difference", [b - a for a, b in zip(one, other, strict=True)]),
            ("ratio", [b / a for a, b in zip(one, other, strict=True)]),
        ):
            print(
                f"    {label:<18} {statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})", flush=True
            )


def measure(command: list[str], project: Path) -> tuple[float, float]:
    """Run a command; return its wall time and the CPU time of it and its children, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    elapsed = run(command, project)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _make(project: Path, questions: int, *, hook: bool) -> None:
    """Copy the project into a repository of its own, with the hook or without it."""
    copy_project(project)
    for name in VERSIONED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, project / name)
    _edit(project / "conf/base/globals.yml", "questions: 20000", f"questions: {questions}")
    if not hook:
        _edit(project / "src/question_classification/settings.py", HOOK, "")
    author = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *command], cwd=project, check=True)  # noqa: S607


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


if __name__ == "__main__":
    main()
