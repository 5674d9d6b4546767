"""`kedro dvc` in another Kedro project: what it writes, what DVC makes of it, and what it takes for out of date."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.project import configure_project

BIN = Path(sys.executable).parent
FOREIGN = ("GIT_", "KEDRO_", "MLFLOW_", "DVC_", "PYTEST_", "PYTHONPATH")

FILES = {
    "conf/base/globals.yml": "currency: EUR\n",
    "conf/base/catalog.yml": """
companies:
  type: pandas.CSVDataset
  filepath: data/01_raw/companies.csv

reviews:
  type: spaceflights.tables.Table
  filepath: data/01_raw/reviews.csv

prices:
  type: json.JSONDataset
  filepath: data/03_primary/prices.json

"{space}.model":
  type: json.JSONDataset
  filepath: data/06_models/{space}.json

metrics:
  type: json.JSONDataset
  filepath: data/08_reporting/metrics.json
  metadata:
    dvc: {metric: true, cache: false}

curve:
  type: pandas.CSVDataset
  filepath: data/08_reporting/curve.csv
  save_args: {index: false}
  metadata:
    dvc:
      plot: {x: day, y: price}
""",
    "conf/base/parameters.yml": "money:\n  currency: ${globals:currency}\n",
    "conf/base/parameters_data_science.yml": "model_options:\n  discount: 0.5\n  unused: 1\n",
    "src/spaceflights/settings.py": 'DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow",)\n',
    "src/spaceflights/tables.py": """
from kedro_datasets.pandas import CSVDataset


class Table(CSVDataset):
    pass
""",
    "src/spaceflights/text.py": "def first_word(text):\n    return text.split()[0]\n",
    "src/spaceflights/spare.py": "",
    "src/spaceflights/pipelines/data_processing/__init__.py": '''
"""Tables to prices."""

from .pipeline import create_pipeline
''',
    "src/spaceflights/pipelines/data_processing/nodes.py": """
def price(companies, reviews, money):
    from spaceflights.text import first_word

    table = companies.merge(reviews, on="id")
    return {first_word(name): price for name, price in zip(table["name"], table["price"].astype(float))}
""",
    "src/spaceflights/pipelines/data_processing/pipeline.py": """
from kedro.pipeline import Node, Pipeline

from .nodes import price


def create_pipeline():
    return Pipeline([Node(price, inputs=["companies", "reviews", "params:money"], outputs="prices")])
""",
    "src/spaceflights/pipelines/data_science/__init__.py": '''
"""
This is a boilerplate pipeline 'data_science'
generated using Kedro 1.7.0
"""

from .pipeline import create_pipeline
''',
    "src/spaceflights/pipelines/data_science/nodes.py": """
import pandas as pd


def train(prices, discount):
    return {"mean": discount * sum(prices.values()) / len(prices)}


def evaluate(model, prices):
    return {"count": len(prices), **model}, pd.DataFrame({"day": [1, 2], "price": [1.0, model["mean"]]})
""",
    "src/spaceflights/pipelines/data_science/pipeline.py": """
from kedro.pipeline import Node, Pipeline

from .nodes import evaluate, train


def create_pipeline():
    training = Pipeline([Node(train, inputs=["prices", "params:model_options.discount"], outputs="model")])
    return Pipeline(
        [
            Pipeline(
                training,
                namespace="cheap",
                inputs={"prices"},
                parameters={"params:model_options.discount": "params:model_options.discount"},
            ),
            Node(evaluate, inputs=["cheap.model", "prices"], outputs=["metrics", "curve"]),
        ]
    )
""",
    "data/01_raw/companies.csv": "id,name\n1,Ada Lines\n2,Bo Air\n",
    "data/01_raw/reviews.csv": "id,price\n1,10\n2,30\n",
}

EXPECTED = """\
stages:
  data_processing:
    desc: Tables to prices
    cmd: kedro run --pipelines=data_processing
    deps:
      - conf/base/catalog.yml
      - conf/base/parameters.yml
      - data/01_raw/companies.csv
      - data/01_raw/reviews.csv
      - src/spaceflights/__init__.py
      - src/spaceflights/pipelines/__init__.py
      - src/spaceflights/pipelines/data_processing/__init__.py
      - src/spaceflights/pipelines/data_processing/nodes.py
      - src/spaceflights/pipelines/data_processing/pipeline.py
      - src/spaceflights/tables.py
      - src/spaceflights/text.py
    params:
      - conf/base/globals.yml:
          - currency
    outs:
      - data/03_primary/prices.json

  data_science:
    desc: This is a boilerplate pipeline 'data_science'
    cmd: kedro run --pipelines=data_science
    deps:
      - conf/base/catalog.yml
      - data/03_primary/prices.json
      - src/spaceflights/__init__.py
      - src/spaceflights/pipelines/__init__.py
      - src/spaceflights/pipelines/data_science/__init__.py
      - src/spaceflights/pipelines/data_science/nodes.py
      - src/spaceflights/pipelines/data_science/pipeline.py
    params:
      - conf/base/parameters_data_science.yml:
          - model_options.discount
    outs:
      - data/06_models/cheap.json
      - data/08_reporting/curve.csv
    metrics:
      - data/08_reporting/metrics.json:
          cache: false

plots:
  - data/08_reporting/curve.csv:
      x: day
      y:
        data/08_reporting/curve.csv: price
"""


def execute(folder: Path, *command: str) -> str:
    """Run a command of the environment in a folder, and return what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": ""}
    environment["DVC_NO_ANALYTICS"] = "true"
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `kedro new` makes it, with two pipelines, and `kedro dvc write` called in it."""
    folder = tmp_path_factory.mktemp("other") / "spaceflights"
    execute(folder.parent, "kedro", "new", "--name=Spaceflights", "--tools=none", "--example=n")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.removeprefix("\n"))
    execute(folder, "kedro", "dvc", "write")
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "spaceflights")


@pytest.fixture
def kedro(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """A function that calls `kedro` in the project, in this process, as if for the first time."""
    monkeypatch.setenv("PYTHONPATH", str(project / "src"))
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(project)

    def kedro(*arguments: str) -> Result:
        for name in [name for name in sys.modules if name.split(".")[0] == "spaceflights"]:
            del sys.modules[name]
        return CliRunner().invoke(KedroCLI(project), arguments)

    yield kedro
    configure_project("question_classification")


def changes(result: Result) -> list[str]:
    """Return the lines of the difference that a check has shown."""
    assert result.exit_code == 1
    assert "Error: dvc.yaml is out of date; `kedro dvc write` brings it up to date." in result.output
    return [line for line in result.output.splitlines() if re.match(r"[+-](?!--|\+\+)", line)]


class TestWrittenFile:
    def test_is_what_follows_from_the_project(self, made: Path) -> None:
        header, stages = (made / "dvc.yaml").read_text().split("stages:\n")
        assert header.startswith("# Written by `kedro dvc write`")
        assert f"stages:\n{stages}" == EXPECTED

    def test_is_up_to_date(self, project: Path, kedro: Callable[..., Result]) -> None:
        before = (project / "dvc.yaml").stat().st_mtime_ns
        for command in ("check", "write"):
            result = kedro("dvc", command)
            assert (result.exit_code, result.output) == (0, "dvc.yaml is up to date.\n")
        assert (project / "dvc.yaml").stat().st_mtime_ns == before

    @pytest.mark.long
    def test_is_one_that_dvc_runs(self, project: Path) -> None:
        """A stage at first, and again only where what it rests on has changed."""
        execute(project, "git", "init", "--quiet")
        execute(project, "dvc", "init", "--quiet")
        assert execute(project, "dvc", "stage", "list", "--name-only").split() == ["data_processing", "data_science"]
        assert '"data_processing" -> "data_science"' in execute(project, "dvc", "dag", "--dot")
        one_by_one = ("dvc", "repro", "--single-item", "--glob", "*")  # as they stand in the file
        assert execute(project, *one_by_one).count("Running stage") == 2
        assert execute(project, "dvc", "repro").count("Running stage") == 0
        assert yaml.safe_load((project / "data/08_reporting/metrics.json").read_text()) == {"count": 2, "mean": 10.0}

        edit(project / "conf/base/parameters_data_science.yml", "unused: 1", "unused: 2")
        (project / "src/spaceflights/spare.py").write_text("SPARE = True\n")
        assert "Data and pipelines are up to date." in execute(project, "dvc", "status")
        edit(project / "conf/base/parameters_data_science.yml", "discount: 0.5", "discount: 1.0")
        assert re.findall(r"Running stage '(\w+)'", execute(project, "dvc", "repro")) == ["data_science"]
        assert yaml.safe_load((project / "data/08_reporting/metrics.json").read_text())["mean"] == 20.0


class TestCheckShows:
    def test_dataset_that_a_node_reads_now(self, project: Path, kedro: Callable[..., Result]) -> None:
        home = project / "src/spaceflights/pipelines/data_science"
        edit(home / "pipeline.py", '["cheap.model", "prices"]', '["cheap.model", "prices", "companies"]')
        edit(home / "nodes.py", "evaluate(model, prices)", "evaluate(model, prices, companies)")
        assert changes(kedro("dvc", "check")) == ["+      - data/01_raw/companies.csv"]

    def test_parameter_with_another_name(self, project: Path, kedro: Callable[..., Result]) -> None:
        for file in ("conf/base/parameters_data_science.yml", "src/spaceflights/pipelines/data_science/pipeline.py"):
            path = project / file
            path.write_text(path.read_text().replace("discount", "rebate"))
        assert changes(kedro("dvc", "check")) == [
            "-          - model_options.discount",
            "+          - model_options.rebate",
        ]

    def test_module_that_a_node_imports_now(self, project: Path, kedro: Callable[..., Result]) -> None:
        (project / "src/spaceflights/text.py").write_text("import spaceflights.spare\n")
        assert changes(kedro("dvc", "check")) == ["+      - src/spaceflights/spare.py"]

    def test_what_was_written_by_hand(self, project: Path, kedro: Callable[..., Result]) -> None:
        edit(project / "dvc.yaml", "      - src/spaceflights/tables.py\n", "")
        result = kedro("dvc", "check")
        assert changes(result) == ["+      - src/spaceflights/tables.py"]
        assert result.output.startswith("--- dvc.yaml\n+++ what the project has\n@@ ")
        assert kedro("dvc", "write").exit_code == 0
        assert kedro("dvc", "check").exit_code == 0


class TestErrorIsOneLine:
    def check(self, result: Result, message: str) -> None:
        assert result.exit_code == 1
        assert result.output.splitlines() == [f"Error: {message}"]

    def test_no_file(self, project: Path, kedro: Callable[..., Result]) -> None:
        (project / "dvc.yaml").unlink()
        self.check(kedro("dvc", "check"), "dvc.yaml is missing; `kedro dvc write` writes it.")

    def test_no_such_parameter(self, project: Path, kedro: Callable[..., Result]) -> None:
        edit(project / "conf/base/parameters_data_science.yml", "discount", "rebate")
        message = "params:model_options.discount: no parameters of the base environment have it."
        self.check(kedro("dvc", "write"), message)

    @pytest.mark.parametrize("raise_errors", [True, False])
    def test_pipeline_that_cannot_be_imported(
        self, raise_errors: bool, project: Path, kedro: Callable[..., Result]
    ) -> None:
        """It must not be missing in silence, either where the registry would leave it out with a warning."""
        edit(project / "src/spaceflights/pipeline_registry.py", "raise_errors=True", f"raise_errors={raise_errors}")
        (project / "src/spaceflights/text.py").unlink()
        edit(
            project / "src/spaceflights/pipelines/data_processing/nodes.py", "def price", "import nothing\n\ndef price"
        )
        result = kedro("dvc", "check")
        assert result.exit_code == 1
        (line,) = result.output.splitlines()
        assert "An error occurred while importing the 'spaceflights.pipelines.data_processing' module." in line
        assert line.endswith("ModuleNotFoundError: No module named 'nothing'")

    def test_no_pipeline(self, project: Path, kedro: Callable[..., Result]) -> None:
        shutil.rmtree(project / "src/spaceflights/pipelines")
        self.check(kedro("dvc", "write"), "The registry has no pipeline with a node.")

    def test_configuration_that_cannot_be_read(self, project: Path, kedro: Callable[..., Result]) -> None:
        edit(project / "conf/base/globals.yml", "currency", "money")
        result = kedro("dvc", "write")
        assert result.exit_code == 1
        assert "Globals key 'currency' not found" in result.output
        assert len(result.output.splitlines()) == 1
