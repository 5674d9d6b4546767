"""What a module needs is what Python imports for it, and what it may import later."""

import importlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_classification.provenance.modules import ModuleGraph

EMPTY = {"shop/__init__.py": "", "shop/prices.py": "", "shop/till.py": "", "shop/store/__init__.py": ""}
EMPTY |= {"shop/store/shelf.py": "", "shop/store/cellar.py": "", "shopping.py": "", "shopping_list/__init__.py": ""}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def closure(folder: Path, *names: str, package: str = "shop") -> set[str]:
    files = ModuleGraph(folder, package).closure(names)
    return {path.relative_to(folder / package).as_posix() for path in files}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("import shop.prices", {"prices.py"}),
        ("import json, shop.prices as p", {"prices.py"}),
        ("import shop", set()),
        ("from shop import prices", {"prices.py"}),
        ("from shop.prices import TOTAL", {"prices.py"}),
        ("from shop import TOTAL", set()),
        ("from . import prices", {"prices.py"}),
        ("from .prices import TOTAL", {"prices.py"}),
        ("from .store.shelf import TOTAL", {"store/__init__.py", "store/shelf.py"}),
        ("from shop import store", {"store/__init__.py"}),
        ("import shop.store.shelf", {"store/__init__.py", "store/shelf.py"}),
        ("def f():\n    def g():\n        from shop import prices", {"prices.py"}),
        ("class A:\n    def f(self):\n        import shop.prices", {"prices.py"}),
        ("try:\n    import shop.prices\nexcept ImportError:\n    pass", {"prices.py"}),
        ("import shopping, shopping_list", set()),
        ("import prices, store.shelf", set()),
        ("import importlib\nimportlib.import_module('shop.prices')", {"prices.py"}),
        ("from importlib import import_module\nimport_module('.prices', __package__)", {"prices.py"}),
        ("import importlib\nimportlib.import_module(name)", set()),
        ("'import shop.prices'", set()),
    ],
)
def test_imports_of_every_kind(text: str, expected: set[str], tmp_path: Path) -> None:
    write(tmp_path, {**EMPTY, "shop/till.py": text})
    assert closure(tmp_path, "shop.till") == {"__init__.py", "till.py"} | expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import cellar", {"store/cellar.py"}),
        ("from .. import prices", {"prices.py"}),
        ("from ..prices import TOTAL", {"prices.py"}),
        ("from .cellar import TOTAL", {"store/cellar.py"}),
        ("import importlib\nimportlib.import_module('..prices', __package__)", {"prices.py"}),
    ],
)
def test_relative_imports_within_a_package(text: str, expected: set[str], tmp_path: Path) -> None:
    write(tmp_path, {**EMPTY, "shop/store/shelf.py": text})
    assert closure(tmp_path, "shop.store.shelf") == {"__init__.py", "store/__init__.py", "store/shelf.py"} | expected


@pytest.mark.parametrize("name", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_do_not_count(name: str, tmp_path: Path) -> None:
    text = f"if {name}:\n    import shop.prices\nelse:\n    import shop.store"
    write(tmp_path, {**EMPTY, "shop/till.py": text})
    assert closure(tmp_path, "shop.till") == {"__init__.py", "till.py", "store/__init__.py"}

    text = f"if not {name}:\n    import shop.prices\nelse:\n    import shop.store"
    write(tmp_path, {"shop/till.py": text})
    assert closure(tmp_path, "shop.till") == {"__init__.py", "till.py", "prices.py"}


def test_a_package_that_is_executed_on_the_way_counts_with_its_imports(tmp_path: Path) -> None:
    write(
        tmp_path, {**EMPTY, "shop/store/__init__.py": "from . import cellar", "shop/__init__.py": "from . import till"}
    )
    assert closure(tmp_path, "shop.store.shelf") == {
        "__init__.py",
        "till.py",
        "store/__init__.py",
        "store/cellar.py",
        "store/shelf.py",
    }


def test_a_star_imports_the_modules_that_a_package_hands_out(tmp_path: Path) -> None:
    write(tmp_path, {**EMPTY, "shop/till.py": "from shop.store import *"})
    assert closure(tmp_path, "shop.till") == {"__init__.py", "till.py", "store/__init__.py"}
    write(tmp_path, {"shop/store/__init__.py": "__all__ = ['cellar', 'TOTAL']"})
    assert closure(tmp_path, "shop.till") == {"__init__.py", "till.py", "store/__init__.py", "store/cellar.py"}


def test_starts_from_things_in_modules(tmp_path: Path) -> None:
    write(tmp_path, EMPTY)
    names = ["shop.store.shelf.Shelf.price", "pandas.DataFrame", "shopping.List", "data/01_raw/shop.prices.csv", ""]
    assert closure(tmp_path, *names) == {"__init__.py", "store/__init__.py", "store/shelf.py"}


def test_a_package_goes_before_a_module_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, {**EMPTY, "shop/prices/__init__.py": ""})
    assert closure(tmp_path, "shop.prices") == {"__init__.py", "prices/__init__.py"}


def test_resources_are_what_is_no_module(tmp_path: Path) -> None:
    files = ["page.html.j2", "templates/a/b.txt", "README.md", "py.typed", ".hidden", "__pycache__/prices.pyc"]
    write(tmp_path, {**EMPTY, **{f"shop/{name}": "" for name in files}, "shop/store/stock.json": "{}"})
    graph = ModuleGraph(tmp_path, "shop")
    found = graph.resources(graph.closure(["shop.till"]))
    assert {path.relative_to(tmp_path).as_posix() for path in found} == {"shop/page.html.j2", "shop/templates"}
    found = graph.resources(graph.closure(["shop.store"]))
    assert (tmp_path / "shop/store/stock.json") in found


MODULES = ["a", "b", "c", "room.d", "room.e", "room.inner.f"]


def spell(package: str, importer: str, imported: str, style: int) -> str:
    """Write down one import in one of Python's ways."""
    parent, _, name = f"{package}.{imported}".rpartition(".")
    dots = "." * (importer.count(".") + 1)
    above, _, last = imported.rpartition(".")
    return [
        f"import {parent}.{name}",
        f"from {parent} import {name}",
        f"from {dots}{above} import {last}",
        f"from {parent}.{name} import __name__ as _",
        f"from {dots}{imported} import __name__ as _",
    ][style]


@given(
    imports=st.lists(
        st.tuples(st.sampled_from(MODULES), st.sampled_from(MODULES), st.integers(0, 4)), max_size=12, unique=True
    ),
    start=st.sampled_from(MODULES),
)
def test_agrees_with_python(imports: list[tuple[str, str, int]], start: str) -> None:
    """Whatever the modules import of one another at their top, in circles or not, Python has then imported as much."""
    package = "agreement"
    texts = {f"{package}/{path}__init__.py": "" for path in ("", "room/", "room/inner/")}
    for module in MODULES:
        lines = [spell(package, one, other, style) for one, other, style in imports if one == module]
        texts[f"{package}/{module.replace('.', '/')}.py"] = "\n".join(lines)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, texts)
        sys.path.insert(0, folder)
        try:
            importlib.invalidate_caches()
            importlib.import_module(f"{package}.{start}")
            imported = {name: module for name, module in sys.modules.items() if f"{name}.".startswith(f"{package}.")}
            files = {Path(str(module.__file__)) for module in imported.values()}
        finally:
            sys.path.remove(folder)
            for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
                del sys.modules[name]
        assert ModuleGraph(root, package).closure([f"{package}.{start}"]) == files
