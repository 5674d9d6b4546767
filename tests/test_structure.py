"""The rules of the house, held by tests: catalog, nodes, parameters, walls, DVC's stages."""

import inspect
import os
import re
import subprocess
import sys
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project
from kedro.io import AbstractDataset, CatalogConfigResolver
from kedro.pipeline import Pipeline
from kedro.pipeline.preview_contract import MermaidPreview
from kedro.validation.type_extractor import TypeExtractor
from pydantic import BaseModel

from question_classification.pipeline_registry import register_pipelines
from question_classification.pipelines.feature_engineering.parameters import TargetParameters
from question_classification.pipelines.ingestion.parameters import RunParameters
from question_classification.provenance.stages import Project, build, render
from question_classification.settings import CONFIG_LOADER_ARGS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "question_classification"
LAYERS = ["raw", "intermediate", "primary", "feature", "model_input", "models", "model_output", "reporting"]
CATALOG_FILES = sorted((ROOT / "conf" / "base").glob("catalog_*.yml"))
PARAMETERS_FILES = sorted((ROOT / "conf" / "base").glob("parameters_*.yml"))
GLOBALS = yaml.safe_load((ROOT / "conf" / "base" / "globals.yml").read_text())
RUN = yaml.safe_load((ROOT / "conf" / "base" / "parameters.yml").read_text())


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Pipeline]:
    configure_project("question_classification")
    return register_pipelines()


@pytest.fixture(scope="module")
def loader() -> OmegaConfigLoader:
    """The base environment, without what a person keeps in conf/local."""
    return OmegaConfigLoader(str(ROOT / "conf"), **{**CONFIG_LOADER_ARGS, "default_run_env": "base"})


@pytest.fixture(scope="module")
def resolver(loader: OmegaConfigLoader) -> CatalogConfigResolver:
    return CatalogConfigResolver(loader["catalog"], loader["credentials"])


@pytest.mark.parametrize(("name", "column"), [("strongest_terms", "term"), ("neighbour_tags", "tag")])
def test_words_that_pandas_takes_for_nothing_are_read_as_words(
    name: str, column: str, resolver: CatalogConfigResolver, tmp_path: Path
) -> None:
    entry = resolver.resolve_pattern(name) | {"filepath": str(tmp_path / "words.csv")}
    dataset = AbstractDataset.from_config(name, entry)
    words = pd.DataFrame({column: ["null", "nan", "NA", "None", "n/a", "mean"], "questions": range(6)})
    dataset.save(words)
    pd.testing.assert_frame_equal(dataset.load(), words.astype({column: str}))


def entries(catalog_file: Path) -> dict[str, dict[str, Any]]:
    """Return what a catalog file declares, as it is written there."""
    return {name: entry for name, entry in yaml.safe_load(catalog_file.read_text()).items() if not name.startswith("_")}


def filepath_in(entry: Mapping[str, Any]) -> str | None:
    """Return the file of a catalog entry, or of the dataset that it wraps."""
    return entry.get("filepath") or (filepath_in(entry["dataset"]) if "dataset" in entry else None)


def datasets_of(pipeline: Pipeline) -> set[str]:
    return {name for name in pipeline.datasets() if not name.startswith("params:")}


class TestCatalog:
    def test_has_a_file_for_each_layer(self) -> None:
        numbered = [f"catalog_{number:02d}_{layer}.yml" for number, layer in enumerate(["source", *LAYERS])]
        assert [file.name for file in CATALOG_FILES] == numbered

    def test_is_what_the_pipelines_use(self, pipelines: dict[str, Pipeline], resolver: CatalogConfigResolver) -> None:
        """No entry without a use, and no dataset without an entry, which would live in memory only."""
        declared = {name for file in CATALOG_FILES for name in entries(file)}
        used = {
            name: name if name in declared else resolver.match_dataset_pattern(name)
            for name in set().union(*map(datasets_of, pipelines.values()))
        }
        assert [name for name, entry in used.items() if entry is None] == []
        assert set(used.values()) == declared

    @pytest.mark.parametrize("file", CATALOG_FILES, ids=lambda file: file.stem)
    def test_entry_lies_in_its_layer(self, file: Path) -> None:
        layer = file.stem.removeprefix("catalog_")
        for name, entry in entries(file).items():
            assert entry["metadata"]["kedro-viz"]["layer"] == layer, name
            filepath = filepath_in(entry)
            assert filepath is None or filepath.startswith(f"${{globals:data}}/{layer}/"), name

    @pytest.mark.parametrize("file", CATALOG_FILES, ids=lambda file: file.stem)
    def test_entry_is_described_in_a_sentence(self, file: Path) -> None:
        for name, entry in entries(file).items():
            description = entry["metadata"]["description"]
            assert re.fullmatch(r"[A-Z].*[^.]\.", description), name
            assert len(description.split()) > 5, name

    @pytest.mark.parametrize("file", CATALOG_FILES, ids=lambda file: file.stem)
    def test_versions_are_left_to_dvc(self, file: Path) -> None:
        assert "versioned" not in file.read_text()


class TestNodes:
    def test_functions_are_typed(self, pipelines: dict[str, Pipeline]) -> None:
        for function in {node.func for node in pipelines["__default__"].nodes}:
            names = {*inspect.signature(function).parameters, "return"}
            assert names == set(typing.get_type_hints(function)), function.__name__

    def test_functions_are_named_verb_noun(self, pipelines: dict[str, Pipeline]) -> None:
        names = {node.func.__name__ for node in pipelines["__default__"].nodes}
        assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []

    def test_flowcharts_name_what_nodes_read_and_write(self, pipelines: dict[str, Pipeline]) -> None:
        """As cylinders: [(train_set and test_set)], [(quarantined_questions,<br>with the reason)]."""
        charts = {node: chart for node in pipelines["__default__"].nodes if (chart := node.preview()) is not None}
        assert len(charts) >= 5
        for node, chart in charts.items():
            assert isinstance(chart, MermaidPreview), node.name
            named = {name for label in re.findall(r"\[\(([\w. ]+)", chart.content) for name in label.split(" and ")}
            datasets = {*node.inputs, *node.outputs}
            assert named, node.name
            assert named <= datasets | {name.rpartition(".")[2] for name in datasets}, node.name

    def test_parameters_reach_them_as_frozen_models(self, pipelines: dict[str, Pipeline]) -> None:
        """In a run of each pipeline alone, too: Kedro goes by the signatures of those nodes that run."""
        for name, pipeline in pipelines.items():
            models = TypeExtractor({name: pipeline}).extract_types_from_pipelines()
            taken = {each.removeprefix("params:") for each in pipeline.inputs() if each.startswith("params:")}
            assert models.keys() == taken, name
            for parameter, model in models.items():
                assert issubclass(model, BaseModel), f"{name}: {parameter}"
                assert model.model_config.get("frozen"), f"{model.__name__} can be changed"

    @pytest.mark.parametrize("file", PARAMETERS_FILES, ids=lambda file: file.stem)
    def test_parameter_is_used_by_the_pipeline_of_its_file(self, file: Path, pipelines: dict[str, Pipeline]) -> None:
        pipeline = pipelines[file.stem.removeprefix("parameters_")]
        used = {name.removeprefix("params:") for name in pipeline.inputs() if name.startswith("params:")}
        for path in leaves(yaml.safe_load(file.read_text())):
            assert any(path == name or path.startswith(f"{name}.") for name in used), path

    def test_parameters_of_the_run_are_those_of_its_model(self) -> None:
        assert list(RUN) == ["run", "target"]
        assert set(leaves(RUN["run"])) == set(fields(RunParameters))
        assert set(leaves(RUN["target"])) == set(fields(TargetParameters))

    @pytest.mark.parametrize(("name", "pipeline"), [("run", "ingestion"), ("target", "feature_engineering")])
    def test_parameters_of_the_run_reach_one_pipeline(
        self, name: str, pipeline: str, pipelines: dict[str, Pipeline]
    ) -> None:
        """What comes later goes by the questions that there are, and by the target that the labels were made for."""
        using = {each for each, taking in pipelines.items() if f"params:{name}" in taking.inputs()}
        assert using == {"__default__", pipeline}

    def test_parameters_of_the_run_are_the_globals_of_their_names(self) -> None:
        of_both = leaves(RUN["run"]) | leaves(RUN["target"])
        assert set(of_both) == set(leaves(GLOBALS)) - {"data"}
        for name, value in of_both.items():
            assert value == f"${{runtime_params:{name},${{globals:{name}}}}}"

    @pytest.mark.parametrize("file", PARAMETERS_FILES, ids=lambda file: file.stem)
    def test_parameters_of_a_pipeline_are_plain_values(self, file: Path) -> None:
        """DVC cannot set a value in a file that interpolates."""
        assert "${" not in file.read_text()


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested dictionaries by their dotted names."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of a model's fields, and of those of the models in it."""
    for name, field in model.model_fields.items():
        annotations = (field.annotation, *typing.get_args(field.annotation))
        inner = [each for each in annotations if isinstance(each, type) and issubclass(each, BaseModel)]
        if inner:
            yield from fields(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_walls_between_the_rooms_stand() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    walls = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert walls.returncode == 0, walls.stdout


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in PACKAGE.glob("pipelines/*/pipeline.py")))
def test_every_pipeline_has_a_page_about_it(folder: str) -> None:
    assert (PACKAGE / "pipelines" / folder / "README.md").is_file()


def test_every_file_of_the_package_is_packed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packed = [pattern.removeprefix("**/") for pattern in settings["package-data"]["question_classification"]]
    others = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert others
    assert [path for path in others if not any(path.match(pattern) for pattern in packed)] == []


def test_stages_of_dvc_are_what_the_project_has(pipelines: dict[str, Pipeline], loader: OmegaConfigLoader) -> None:
    project = Project(ROOT, ROOT / "src", "question_classification")
    assert (ROOT / "dvc.yaml").read_text() == render(build(pipelines, loader, project)), "call `kedro dvc write`"


class TestNothingIsReported:
    def test_by_kedro(self) -> None:
        assert yaml.safe_load((ROOT / ".telemetry").read_text()) == {"consent": False}

    def test_by_dvc(self) -> None:
        answer = subprocess.run(
            ["git", "config", "--file", ".dvc/config", "core.analytics"],
            cwd=ROOT, capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        assert answer.stdout.strip() == "false"

    def test_by_mlflow(self) -> None:
        """The package asks MLflow for silence by being imported, before MLflow is."""
        ask = "import os, sys, question_classification as _; "
        ask += "print(os.environ['MLFLOW_DISABLE_TELEMETRY'], 'mlflow' in sys.modules)"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        answer = subprocess.run(
            [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, timeout=20, check=True
        )
        assert answer.stdout.split() == ["true", "False"]


def test_to_know_the_pipelines_takes_no_library_that_only_their_nodes_need() -> None:
    """Every `kedro` command waits for these imports; scikit-learn alone takes a quarter of `kedro registry list`."""
    ask = "import sys; from kedro.framework.startup import bootstrap_project; bootstrap_project('.'); "
    ask += "from kedro.framework.project import pipelines; dict(pipelines); print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(answer.stdout.split())
    assert "question_classification.pipelines.modelling.nodes" in modules
    assert not {"sklearn", "skops", "optuna", "matplotlib", "joblib"} & modules


def test_no_file_in_git_is_large() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )
    files = [ROOT / name for name in listing.stdout.split("\0") if name]
    assert [file for file in files if file.exists() and file.stat().st_size > 2**20] == []


def test_versions_of_python_are_said_alike() -> None:
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    found = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", requires)
    assert found is not None
    first, end = map(int, found.groups())
    for file in ("README.md", "docs/tutorial/0-first-run.md", "Makefile"):
        assert f"3.{first} to 3.{end - 1}" in (ROOT / file).read_text(), file
    assert f"(3, {first}) <= sys.version_info < (3, {end})" in (ROOT / "Makefile").read_text()
