"""Our whole `kedro run` against the tutorial's recipe: whole processes on the same file, side by side.

    python benchmarks/run_against_recipe.py [--rounds 3] [--questions 50000]

Ours reads the export, validates it, trains and cross-validates the candidates, chooses, calibrates and explains one of
them, computes intervals, draws, reports and logs all to MLflow; the recipe is `tutorial_recipe.py`: two commands, one
model. Both label by substring, as the tutorial does. The tuning, at the budget of conf/base, is run once at the end.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from question_classification.stackexchange.question import REQUIRED_COLUMNS
from question_classification.stackexchange.simulated import simulate

PROJECT = Path(__file__).parents[1]
RECIPE = PROJECT / "benchmarks" / "tutorial_recipe.py"
REAL = Path(os.environ.get("STACKEXCHANGE_DATA", PROJECT.parent / "shared" / "data")) / "stackoverflow_2018.csv.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=50_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        export = scratch / "questions.csv"
        write_export(export, arguments.questions)
        compare(f"{arguments.questions:,} simulated questions", export, "machine-learning", scratch, arguments.rounds)
        if REAL.exists():
            compare(f"{REAL.name} (real questions)", REAL, "python", scratch, arguments.rounds)
        else:
            print(f"{REAL} is not there: the comparison on real questions is left out")


def write_export(path: Path, questions: int) -> None:
    """Write simulated questions as the Stack Exchange Data Explorer writes its exports."""
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(REQUIRED_COLUMNS) + "\r\n")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        for month in simulate(questions, seed=42):
            for row in month.select(REQUIRED_COLUMNS).to_pylist():
                row["CreationDate"] = row["CreationDate"].strftime("%Y-%m-%d %H:%M:%S")
                writer.writerow(row.values())


def compare(title: str, export: Path, target: str, scratch: Path, rounds: int) -> None:
    recipe, project = scratch / "recipe", scratch / "project"
    copy_project(project)
    python = [sys.executable]
    split = [*python, str(RECIPE), "split", str(export), str(recipe), "--target", target]
    train = [*python, str(RECIPE), "train", str(recipe)]
    parameters = f"source=sede,path={export},target_tag={target},match=contains"
    ours = [*python, "-m", "kedro", "run", "--params", parameters]

    seconds: dict[str, list[float]] = {"recipe": [], "ours": []}
    for counted in [False] + [True] * rounds:  # the first round warms up, and makes the tracking store
        for name, commands, cwd in (("recipe", [split, train], scratch), ("ours", [ours], project)):
            elapsed = sum(run(command, cwd) for command in commands)
            if counted:
                seconds[name].append(elapsed)
    ratios = [ours / recipe for ours, recipe in zip(seconds["ours"], seconds["recipe"], strict=True)]
    theirs = json.loads((recipe / "metrics.json").read_text())["test"]["average_precision"]
    metrics = json.loads((project / "data/08_reporting/metrics.json").read_text())
    own = metrics["candidates"]["tfidf_logistic"]["test"]["average_precision"]
    print(f"{title}, {os.cpu_count()} cores, median of {rounds} rounds (least to most)")
    for name, label in (("recipe", "recipe, two commands"), ("ours", "kedro run")):
        print(f"  {label:<22} {_spread(seconds[name])} s")
    print(f"  {'ratio':<22} {_spread(ratios)}")
    print(f"  {'average precision':<22} recipe {theirs:.4f}, tfidf_logistic {own:.4f}", flush=True)
    tuning = run([*python, "-m", "kedro", "run", "--pipelines=tuning"], project)
    print(
        f"  {'tuning, once':<22} {tuning:.1f} s, {tuning / statistics.median(seconds['recipe']):.1f} times the recipe"
    )


def copy_project(target: Path) -> None:
    """Copy what a run needs, so that the data and runs of the project stay as they are."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    shutil.copy(PROJECT / "pyproject.toml", target)
    shutil.copytree(PROJECT / "conf", target / "conf")
    shutil.copytree(PROJECT / "src", target / "src")


def run(command: list[str], cwd: Path) -> float:
    """Run a command to its end and return its wall time in seconds."""
    # the copied package, not the installed one; bytecode is kept, as make has it
    environment = {**os.environ, "PYTHONPATH": str(cwd / "src"), "PYTHONDONTWRITEBYTECODE": ""}
    start = time.perf_counter()
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    elapsed = time.perf_counter() - start
    if finished.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{finished.stdout}\n{finished.stderr}")
    return elapsed


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
