"""What our own code adds to a command's start: a no-op node in our project against the same in a bare Kedro project.

    python benchmarks/start_up.py [--rounds 5]

Both have kedro-mlflow with a SQLite store that is there already; the bare one has no hooks, no settings, and next to no
catalog.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from run_against_recipe import copy_project, run

BARE = {
    "pyproject.toml": """
[tool.kedro]
package_name = "bare"
project_name = "Bare"
kedro_init_version = "1.7.0"
source_dir = "src"
""",
    "conf/base/mlflow.yml": """
server:
  mlflow_tracking_uri: sqlite:///mlflow.db
tracking:
  run:
    nested: false
""",
    "conf/base/catalog.yml": "one: {type: MemoryDataset}",
    "conf/base/parameters.yml": "{}",
    "conf/local/.gitkeep": "",
    "src/bare/__init__.py": "",
    "src/bare/settings.py": "",
    "src/bare/pipeline_registry.py": """
from kedro.framework.project import find_pipelines


def register_pipelines():
    return find_pipelines(raise_errors=True)
""",
    "src/bare/pipelines/__init__.py": "",
}
NO_OP = """
from kedro.pipeline import Node, Pipeline


def return_one() -> int:
    return 1


def create_pipeline() -> Pipeline:
    return Pipeline([Node(return_one, inputs=None, outputs="one", name="return_one")])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        bare, ours = Path(folder) / "bare", Path(folder) / "ours"
        for name, text in BARE.items():
            path = bare / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        copy_project(ours)
        for package in (bare / "src/bare", ours / "src/question_classification"):
            pipeline = package / "pipelines" / "no_op"
            pipeline.mkdir()
            (pipeline / "__init__.py").write_text(NO_OP)
        command = [sys.executable, "-m", "kedro", "run", "--pipelines=no_op"]
        seconds: dict[str, list[float]] = {"bare": [], "ours": []}
        for counted in [False] + [True] * rounds:
            for name, project in (("bare", bare), ("ours", ours)):
                elapsed = run(command, project)
                if counted:
                    seconds[name].append(elapsed)
    differences = [ours - bare for ours, bare in zip(seconds["ours"], seconds["bare"], strict=True)]
    print(f"`kedro run` of a no-op node, median of {rounds} rounds (least to most)")
    for name, values in (("bare project", seconds["bare"]), ("ours", seconds["ours"]), ("ours less bare", differences)):
        print(f"  {name:<15} {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f}) s")


if __name__ == "__main__":
    main()
