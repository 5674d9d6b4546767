"""Stages worked out by hand for a small project: a shop that counts its sales and forecasts them."""

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Node, Pipeline

from question_classification.provenance.errors import StageError
from question_classification.provenance.stages import Project, build, render

PACKAGE = {
    "src/shop/__init__.py": "",
    "src/shop/money.py": "",
    "src/shop/tables.py": "import shop.money\n\nclass Table: ...",
    "src/shop/checks.py": "class Positive: ...",
    "src/shop/unused.py": "",
    "src/shop/pipeline_registry.py": "import shop.unused",
    "src/shop/pipelines/__init__.py": "",
    "src/shop/pipelines/sales/__init__.py": '"""Sales of a day.\n\nAt length."""\nfrom . import pipeline',
    "src/shop/pipelines/sales/pipeline.py": "from . import nodes",
    "src/shop/pipelines/sales/nodes.py": "def count():\n    from shop import money",
    "src/shop/pipelines/sales/page.html": "",
    "src/shop/pipelines/forecast/__init__.py": '"""\nWhat comes next\n"""',
    "src/shop/pipelines/forecast/nodes.py": "import pandas",
}
CATALOG = """
receipts:
  type: pandas.CSVDataset
  filepath: ${_raw}/receipts.csv
sales:
  type: shop.tables.Table
  filepath: data/sales.parquet
"{model}.forecast":
  type: json.JSONDataset
  filepath: data/{model}/forecast.json
_raw: data/raw
"""
PARAMETERS = """
sales: {currency: EUR, tax: 0.19, till: "${globals:till}"}
forecast: {days: 7, trend: {window: 3}}
"""
GLOBALS = "till: {number: 1, name: front}\nowner: Ada\n"


def function(name: str) -> Callable[..., Any]:
    """Return a function as if it were one of the shop's."""

    def run(*_: Any) -> None:
        pass

    run.__module__, _, run.__qualname__ = name.rpartition(".")
    run.__name__ = run.__qualname__
    return run


def node(inputs: Any, outputs: Any, of: str = "shop.pipelines.sales.nodes.count", **options: Any) -> Node:
    return Node(function(of), inputs=inputs, outputs=outputs, **options)


SALES = Pipeline([node(["receipts", "params:sales.tax"], "sales")])
FORECAST = Pipeline(
    [
        node(["sales", "params:forecast"], "fit", of="shop.pipelines.forecast.nodes.fit"),
        node("fit", "linear.forecast", of="shop.pipelines.forecast.nodes.predict"),
    ]
)


class Shop:
    """A Kedro project in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write({**PACKAGE, "conf/base/catalog.yml": CATALOG, "conf/base/parameters.yml": PARAMETERS})
        self.write({"conf/base/globals.yml": GLOBALS})

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def build(self, **pipelines: Pipeline) -> dict[str, Any]:
        loader = OmegaConfigLoader(str(self.root / "conf"), base_env="base", default_run_env="base")
        return build(pipelines, loader, Project(self.root, self.root / "src", "shop"))

    def stage(self, pipeline: Pipeline = SALES) -> dict[str, Any]:
        return self.build(sales=pipeline)["stages"]["sales"]

    def stage_with(self, entry: str, *, output: bool = True) -> dict[str, Any]:
        """Return the stage of a pipeline that writes, or reads, a dataset of this entry alone."""
        self.write({"conf/base/catalog.yml": f"it: {entry}"})
        return self.stage(Pipeline([node(None, "it") if output else node("it", "other")]))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def of_kind(paths: list[str], start: str) -> list[str]:
    return [path.removeprefix(start) for path in paths if path.startswith(start)]


def test_whole_project(shop: Shop) -> None:
    document = shop.build(__default__=SALES + FORECAST, forecast=FORECAST, sales=SALES)
    assert document == {
        "stages": {
            "sales": {
                "desc": "Sales of a day",
                "cmd": "kedro run --pipelines=sales",
                "deps": [
                    "conf/base/catalog.yml",
                    "data/raw/receipts.csv",
                    "src/shop/__init__.py",
                    "src/shop/money.py",
                    "src/shop/pipelines/__init__.py",
                    "src/shop/pipelines/sales/__init__.py",
                    "src/shop/pipelines/sales/nodes.py",
                    "src/shop/pipelines/sales/page.html",
                    "src/shop/pipelines/sales/pipeline.py",
                    "src/shop/tables.py",
                ],
                "params": [{"conf/base/parameters.yml": ["sales.tax"]}],
                "outs": ["data/sales.parquet"],
            },
            "forecast": {
                "desc": "What comes next",
                "cmd": "kedro run --pipelines=forecast",
                "deps": [
                    "conf/base/catalog.yml",
                    "data/sales.parquet",
                    "src/shop/__init__.py",
                    "src/shop/money.py",
                    "src/shop/pipelines/__init__.py",
                    "src/shop/pipelines/forecast/__init__.py",
                    "src/shop/pipelines/forecast/nodes.py",
                    "src/shop/tables.py",
                ],
                "params": [{"conf/base/parameters.yml": ["forecast"]}],
                "outs": ["data/linear/forecast.json"],
            },
        }
    }
    assert list(document["stages"]) == ["sales", "forecast"]
    assert yaml.safe_load(render(document)) == document


class TestStages:
    def test_pipeline_that_a_plain_run_leaves_out_is_frozen(self, shop: Shop) -> None:
        stages = shop.build(__default__=SALES, forecast=FORECAST, sales=SALES)["stages"]
        assert {name: stage.get("frozen") for name, stage in stages.items()} == {"sales": None, "forecast": True}

    def test_pipeline_that_puts_others_together_is_none(self, shop: Shop) -> None:
        both = SALES + FORECAST
        stages = shop.build(__default__=both, all=both, forecast=FORECAST, sales=SALES, empty=Pipeline([]))["stages"]
        assert list(stages) == ["sales", "forecast"]

    def test_plain_run_is_one_where_it_is_all_that_there_is(self, shop: Shop) -> None:
        stages = shop.build(__default__=SALES)["stages"]
        assert stages["__default__"]["cmd"] == "kedro run"
        assert of_kind(stages["__default__"]["deps"], "src/shop/") == [
            "__init__.py",
            "money.py",
            "pipeline_registry.py",
            "pipelines/__init__.py",
            "pipelines/sales/__init__.py",
            "pipelines/sales/nodes.py",
            "pipelines/sales/page.html",
            "pipelines/sales/pipeline.py",
            "tables.py",
            "unused.py",
        ]

    @pytest.mark.parametrize(
        ("pipelines", "message"),
        [
            ({}, "The registry has no pipeline with a node."),
            ({"__default__": Pipeline([])}, "The registry has no pipeline with a node."),
            (
                {"a": Pipeline([node("receipts", "sales")]), "b": Pipeline([node(None, "sales", name="other")])},
                "data/sales.parquet: a and b both write it; DVC wants one stage for each output.",
            ),
            (
                {"a": Pipeline([node("sales", "receipts")]), "b": Pipeline([node("receipts", "sales")])},
                "Pipelines that read of one another cannot be stages: a → b → a.",
            ),
            (
                {"a": Pipeline([node("params:tax", "sales")])},
                "params:tax: no parameters of the base environment have it.",
            ),
        ],
    )
    def test_cannot_be_made_of(self, pipelines: dict[str, Pipeline], message: str, shop: Shop) -> None:
        with pytest.raises(StageError) as error:
            shop.build(**pipelines)
        assert str(error.value) == message


class TestFiles:
    @pytest.mark.parametrize(
        ("entry", "path"),
        [
            ("{type: json.JSONDataset, filepath: data/a.json}", "data/a.json"),
            ("{type: json.JSONDataset, filepath: ./data/x/../a.json}", "data/a.json"),
            ("{type: json.JSONDataset, filepath: 'file://data/a.json'}", "data/a.json"),
            ("{type: x.Wrapper, dataset: {type: json.JSONDataset, filepath: data/a.json}}", "data/a.json"),
            ("{type: partitions.PartitionedDataset, path: data/parts, dataset: pandas.CSVDataset}", "data/parts"),
            ("{type: json.JSONDataset, filepath: '${globals:owner}/a.json'}", "Ada/a.json"),
            ("{type: json.JSONDataset, filepath: /elsewhere/a.json}", None),
            ("{type: json.JSONDataset, filepath: ../a.json}", None),
            ("{type: json.JSONDataset, filepath: 's3://bucket/a.json'}", None),
            ("{type: x.Source, path: data/a.json}", None),
            ("{type: MemoryDataset}", None),
            ("{type: json.JSONDataset, filepath: data/a.json, metadata: {dvc: false}}", None),
        ],
    )
    @pytest.mark.parametrize("output", [True, False], ids=["written", "read"])
    def test_of_a_dataset(self, entry: str, path: str | None, output: bool, shop: Shop) -> None:
        stage = shop.stage_with(entry, output=output)
        files = stage.get("outs", []) if output else stage["deps"]
        files = [each for each in files if not each.startswith(("conf/", "src/"))]
        assert files == ([path] if path else [])

    def test_absolute_path_in_the_project(self, shop: Shop) -> None:
        stage = shop.stage_with(f"{{type: json.JSONDataset, filepath: {shop.root}/data/a.json}}")
        assert stage["outs"] == ["data/a.json"]

    def test_of_one_stage_are_no_dependencies_of_it(self, shop: Shop) -> None:
        """Nor is one that it reads under another name, or one that lies in a folder that it writes."""
        shop.write(
            {
                "conf/base/catalog.yml": """
                    parts@table: {type: json.JSONDataset, filepath: data/parts}
                    parts@files: {type: text.TextDataset, filepath: data/parts}
                    part: {type: text.TextDataset, filepath: data/parts/1.txt}
                    notes: {type: text.TextDataset, filepath: data/notes.txt}
                    old_notes: {type: text.TextDataset, filepath: data/notes.txt}
                """
            }
        )
        nodes = [node("old_notes", "parts@table"), node("parts@files", ["part", "notes"])]
        stage = shop.stage(Pipeline(nodes))
        assert stage["outs"] == ["data/notes.txt", "data/parts"]
        assert of_kind(stage["deps"], "data/") == []

    def test_that_lie_in_a_folder_which_is_one_output(self, shop: Shop) -> None:
        """A stage writes it as a whole, another rests on it as a whole; what is plotted is a file of it."""
        shop.write(
            {
                "conf/base/catalog.yml": """
                    low: {type: text.TextDataset, filepath: data/parts/low.txt, metadata: {dvc: {folder: true}}}
                    high:
                      type: pandas.CSVDataset
                      filepath: data/parts/high.csv
                      metadata: {dvc: {folder: true, plot: {x: day}}}
                    alone: {type: text.TextDataset, filepath: data/alone.txt, metadata: {dvc: {folder: false}}}
                """
            }
        )
        document = shop.build(a=Pipeline([node("low", "end")]), b=Pipeline([node(None, ["low", "high", "alone"])]))
        assert document["stages"]["b"]["outs"] == ["data/alone.txt", "data/parts"]
        assert of_kind(document["stages"]["a"]["deps"], "data/") == ["parts"]
        assert document["plots"] == [{"data/parts/high.csv": {"x": "day"}}]

    def test_within_a_folder_of_another_stage_come_after_it(self, shop: Shop) -> None:
        shop.write(
            {
                "conf/base/catalog.yml": """
                    parts: {type: partitions.PartitionedDataset, path: data/parts, dataset: pandas.CSVDataset}
                    part: {type: text.TextDataset, filepath: data/parts/1.txt}
                """
            }
        )
        stages = shop.build(a=Pipeline([node("part", "end")]), b=Pipeline([node(None, "parts")]))["stages"]
        assert list(stages) == ["b", "a"]


class TestCode:
    def test_of_classes_that_a_dataset_names_anywhere(self, shop: Shop) -> None:
        stage = shop.stage_with(
            """
              type: x.Wrapper
              dataset: {type: shop.tables.Table, filepath: data/a.json}
              validator: {class: shop.checks.Positive}
            """
        )
        files = of_kind(stage["deps"], "src/shop/")
        assert [name for name in ("tables.py", "money.py", "checks.py") if name in files] == [
            "tables.py",
            "money.py",
            "checks.py",
        ]

    def test_through_partial_functions_and_decorators(self, shop: Shop) -> None:
        def unused(inner: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(inner)
            def outer() -> None:
                pass

            outer.__module__ = "shop.unused"
            return outer

        wrapped = partial(unused(partial(function("shop.checks.check"))))
        stage = shop.stage(Pipeline([Node(wrapped, None, "sales", name="wrapped")]))
        assert {"src/shop/checks.py", "src/shop/unused.py"} <= set(stage["deps"])

    def test_of_callable_objects(self, shop: Shop) -> None:
        class Check:
            __module__ = "shop.checks"

            def __call__(self) -> None: ...

        stage = shop.stage(Pipeline([Node(Check(), None, "sales", name="check")]))
        assert "src/shop/checks.py" in stage["deps"]


class TestConfiguration:
    def test_only_the_base_environment_counts(self, shop: Shop) -> None:
        before = shop.stage()
        shop.write({"conf/local/catalog.yml": "sales: {type: MemoryDataset}", "conf/local/globals.yml": "till: 3"})
        assert shop.stage() == before

    def test_credentials_are_not_needed(self, shop: Shop) -> None:
        stage = shop.stage_with("{type: json.JSONDataset, filepath: data/a.json, credentials: mine}")
        assert stage["outs"] == ["data/a.json"]

    @pytest.mark.parametrize(
        ("parameters", "taken", "files", "params"),
        [
            ("a: {b: 1, c: 2}", ["params:a.b", "params:a.c"], [], {"parameters.yml": ["a.b", "a.c"]}),
            ("a: {b: 1, c: 2}", ["params:a.b", "params:a"], [], {"parameters.yml": ["a"]}),
            ("a: 1\nb: {c: 1}", ["parameters"], [], {"parameters.yml": ["a", "b"]}),
            ("a: ${globals:owner}", ["params:a"], ["parameters.yml"], {"globals.yml": ["owner"]}),
            ("a: ${globals:till}", ["params:a.name"], ["parameters.yml"], {"globals.yml": ["till"]}),
            (
                "a: {b: '${runtime_params:b, ${globals:till.name}}', c: 1}",
                ["params:a"],
                ["parameters.yml"],
                {"globals.yml": ["till.name"]},
            ),
            (
                "a: {b: '${runtime_params:b, ${globals:till.name}}', c: 1}",
                ["params:a.c"],
                [],
                {"parameters.yml": ["a.c"]},
            ),
            (
                "a: ['${globals:owner} at ${globals:till.number}']",
                ["params:a"],
                ["parameters.yml"],
                {"globals.yml": ["owner", "till.number"]},
            ),
            (
                "a: ${b.c}\nb: {c: '${.d}', d: '${globals:owner}', e: '${globals:till}'}",
                ["params:a"],
                ["parameters.yml"],
                {"globals.yml": ["owner"]},
            ),
            (
                "a: ${b[0].c}\nb: [{c: '${globals:owner}'}]",
                ["params:a"],
                ["parameters.yml"],
                {"globals.yml": ["owner"]},
            ),
            (
                "a: ${globals:${b}}\nb: owner",
                ["params:a"],
                ["parameters.yml"],
                {"globals.yml": ["owner", "till"]},
            ),
            ("a: '${globals:missing, 3}'", ["params:a"], ["parameters.yml"], {}),
        ],
    )
    def test_parameters(
        self, parameters: str, taken: list[str], files: list[str], params: dict[str, list[str]], shop: Shop
    ) -> None:
        shop.write({"conf/base/parameters.yml": parameters})
        stage = shop.stage(Pipeline([node(taken, "memory")]))
        assert of_kind(stage["deps"], "conf/base/") == files
        expected = [{f"conf/base/{file}": keys} for file, keys in params.items()]
        assert stage.get("params", []) == expected

    def test_globals_that_rest_on_globals(self, shop: Shop) -> None:
        shop.write(
            {"conf/base/globals.yml": "till: ${owner}\nowner: Ada\nother: 1", "conf/base/more_globals.yml": "x: 1"}
        )
        shop.write({"conf/base/parameters.yml": "a: ${globals:till}"})
        assert shop.stage(Pipeline([node("params:a", "memory")]))["params"] == [
            {"conf/base/globals.yml": ["owner", "till"]}
        ]

    def test_catalog_entries(self, shop: Shop) -> None:
        """What a path interpolates stands in the stage; all else that an entry interpolates counts."""
        shop.write(
            {
                "conf/base/parameters.yml": "",
                "conf/base/globals.yml": "data: data\nnumber: 1\nsep: ;\nother: 2",
                "conf/base/catalog_a.yml": """
                    a: {type: x, filepath: "${globals:data}/a", load_args: {n: "${globals:number}"}, extra: "${_b.c}"}
                    unused: {type: x, filepath: "${globals:other}"}
                """,
                "conf/base/sub/catalog_b.yml": "_b: {c: '${globals:sep}'}",
                "conf/base/catalog_c.yml": "c: {type: x}",
                "conf/base/catalog.yml": "",
            }
        )
        stage = shop.stage(Pipeline([node("a", "memory")]))
        assert of_kind(stage["deps"], "conf/base/") == ["catalog_a.yml", "sub/catalog_b.yml"]
        assert stage["params"] == [{"conf/base/globals.yml": ["number", "sep"]}]

    def test_path_that_is_not_in_the_stage(self, shop: Shop) -> None:
        stage = shop.stage_with("{type: x, filepath: 's3://${globals:owner}/a'}", output=False)
        assert stage["params"] == [{"conf/base/globals.yml": ["owner"]}]


class TestWhatOnlyDVCNeedsToKnow:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ("{}", {"outs": ["a"]}),
            ("{persist: true, cache: false}", {"outs": [{"a": {"cache": False, "persist": True}}]}),
            ("{metric: true}", {"metrics": ["a"]}),
            ("{metric: true, cache: false}", {"metrics": [{"a": {"cache": False}}]}),
            ("{metric: false}", {"outs": ["a"]}),
        ],
    )
    def test_of_an_output(self, options: str, expected: dict[str, Any], shop: Shop) -> None:
        stage = shop.stage_with(f"{{type: x, filepath: a, metadata: {{dvc: {options}, other: 1}}}}")
        assert {key: stage[key] for key in ("outs", "metrics") if key in stage} == expected

    def test_names_that_share_a_file_share_it(self, shop: Shop) -> None:
        text = "a@x: {type: x, filepath: f, metadata: {dvc: {persist: true}}}\na@y: {type: y, filepath: f}"
        shop.write({"conf/base/catalog.yml": text})
        assert shop.stage(Pipeline([node(None, "a@y"), node("a@x", "m")]))["outs"] == ["f"]
        assert shop.stage(Pipeline([node(None, "a@x"), node("a@y", "m")]))["outs"] == [{"f": {"persist": True}}]

    def test_plots(self, shop: Shop) -> None:
        shop.write(
            {
                "conf/base/catalog.yml": """
                    "{model}.curve":
                      type: pandas.CSVDataset
                      filepath: "{model}.csv"
                      metadata: {dvc: {plot: {id: curves, y: price, x: day, title: Prices}}}
                    image: {type: x, filepath: image.png, metadata: {dvc: {plot: true}}}
                    alone: {type: x, filepath: alone.csv, metadata: {dvc: {plot: {y: [low, high]}}}}
                """
            }
        )
        document = shop.build(
            a=Pipeline([node(None, ["b.curve", "image", "alone"])]), z=Pipeline([node("image", ["a.curve", "end"])])
        )
        assert document["plots"] == [
            {"alone.csv": {"y": {"alone.csv": ["low", "high"]}}},
            {"curves": {"title": "Prices", "x": "day", "y": {"b.csv": "price", "a.csv": "price"}}},
            "image.png",
        ]
        assert document["stages"]["a"]["outs"] == ["alone.csv", "b.csv", "image.png"]
        assert yaml.safe_load(render(document)) == document

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ("true", "it: metadata.dvc: True is neither false nor options by their names."),
            (
                "{persit: true, Cache: 1}",
                "it: metadata.dvc: Cache, persit is unknown; "
                "known are cache, persist, push, remote, desc, folder, metric, plot.",
            ),
            ("{plot: false}", "it: metadata.dvc.plot: False is neither true nor options by their names."),
            (
                "{plot: {z: a}}",
                "it: metadata.dvc.plot: z is unknown; known are id, title, template, x, y, x_label, y_label.",
            ),
            ("{folder: true, metric: true}", "it: metadata.dvc: metrics are of a file; it cannot be one of a folder."),
            ("{folder: true}", "it: metadata.dvc: a lies in no folder of the project."),
            ("{plot: {id: a}}", "it: metadata.dvc.plot: a plot with an id needs y, the column to draw of each file."),
        ],
    )
    def test_that_is_wrong(self, options: str, message: str, shop: Shop) -> None:
        with pytest.raises(StageError) as error:
            shop.stage_with(f"{{type: x, filepath: a, metadata: {{dvc: {options}}}}}")
        assert str(error.value) == message

    def test_files_of_one_plot_that_differ(self, shop: Shop) -> None:
        entries = [
            f"{name}: {{type: x, filepath: {name}, metadata: {{dvc: {{plot: {{id: p, x: {x}, y: y}}}}}}}}"
            for name, x in (("a", "day"), ("b", "hour"))
        ]
        shop.write({"conf/base/catalog.yml": "\n".join(entries)})
        with pytest.raises(StageError) as error:
            shop.stage(Pipeline([node(None, ["a", "b"])]))
        assert str(error.value) == "b: its options of the plot 'p' are not those of the files before it."


class TestText:
    def test_is_laid_out_for_reading(self) -> None:
        document = {
            "stages": {
                "a": {"cmd": "one", "deps": ["x"], "outs": [{"y": {"cache": False}}]},
                "b": {"cmd": "two", "params": [{"p.yml": ["k"]}]},
            },
            "plots": ["image.png"],
        }
        header, body = render(document).split("stages:\n")
        assert all(line.startswith("# ") for line in header.splitlines())
        assert body == (
            "  a:\n    cmd: one\n    deps:\n      - x\n    outs:\n      - y:\n          cache: false\n"
            "\n"
            "  b:\n    cmd: two\n    params:\n      - p.yml:\n          - k\n"
            "\n"
            "plots:\n  - image.png\n"
        )

    line = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=5)
    stage = st.fixed_dictionaries({"cmd": line}, optional={"desc": line, "deps": st.lists(line, min_size=1)})

    @given(st.dictionaries(line, stage, min_size=1, max_size=3))
    def test_says_what_it_was_made_of(self, made: dict[str, Any]) -> None:
        assert yaml.safe_load(render({"stages": made})) == {"stages": made}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop in which every name is a file."""
    shop = Shop(tmp_path_factory.mktemp("chain"))
    shop.write({"conf/base/catalog.yml": '"d_{name}": {type: x, filepath: "data/{name}"}'})
    return shop


@given(order=st.permutations("abcdef"), links=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_stages_come_after_those_that_they_read_of(order: list[str], links: set[tuple[int, int]], chain: Shop) -> None:
    pipelines = {
        name: Pipeline(
            [
                node(
                    [f"d_{order[i]}" for i, j in sorted(links) if i < j and order[j] == name] or None,
                    f"d_{name}",
                    name=name,
                )
            ]
        )
        for name in sorted(order)
    }
    stages = chain.build(**pipelines)["stages"]
    written: set[str] = set()
    for stage in stages.values():
        assert {path for path in stage["deps"] if path.startswith("data/")} <= written
        written |= set(stage["outs"])
    assert written == {f"data/{name}" for name in order}
