"""The modules that a module needs, within one package: read from the source, nothing is imported."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


class ModuleGraph:
    """What the modules of a package import of one another.

    An import counts wherever it stands, in a function too, where heavy ones are made; those under `if TYPE_CHECKING:`
    never happen, and do not count. Importing a module executes the packages that it lies in, so they belong to it.

    Args:
        source: the folder that the package lies in.
        package: its name.
    """

    def __init__(self, source: Path, package: str) -> None:
        self._source = source
        self._package = package
        self._imports: dict[str, set[str]] = {}

    def file(self, module: str) -> Path | None:
        """Return the file of a module; None where the package has no such module."""
        if not f"{module}.".startswith(f"{self._package}."):
            return None
        path = self._source.joinpath(*module.split("."))
        candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
        return next((file for file in candidates if file.is_file()), None)

    def closure(self, names: Iterable[str]) -> set[Path]:
        """Return the files of these modules and of all that they import, directly or not.

        A name may be that of something in a module, such as a class; a name outside the package has no file.
        """
        files: set[Path] = set()
        seen: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            if "." in name:
                pending.append(name.rpartition(".")[0])
            if file := self.file(name):
                files.add(file)
                if name not in self._imports:
                    self._imports[name] = set(self._find_imports(name, file))
                pending += self._imports[name]
        return files

    def resources(self, modules: Iterable[Path]) -> set[Path]:
        """Return what lies in the packages among these modules and is no module, such as templates that they read.

        A folder without modules counts as one. Hidden files, `py.typed` and what is for people (README) are left out.
        """
        return {
            path
            for module in modules
            if module.name == "__init__.py"
            for path in module.parent.iterdir()
            if not path.name.startswith((".", "__", "README", "py.typed")) and not _holds_modules(path)
        }

    def _find_imports(self, module: str, file: Path) -> Iterator[str]:
        """Yield the names that a module imports: modules, and what may be one or a thing in one."""
        inside = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for node in _executed(_parse(file)):
            match node:
                case ast.Import(names=names):
                    yield from (name.name for name in names)
                case ast.ImportFrom(module=origin, names=names, level=level):
                    origin = _absolute("." * level + (origin or ""), inside)
                    yield origin
                    for name in names:
                        exported = self._exported(origin) if name.name == "*" else [name.name]
                        yield from (f"{origin}.{each}" for each in exported)
                case ast.Call(
                    func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield _absolute(name, inside)

    def _exported(self, package: str) -> list[str]:
        """Return what a package hands out to `import *`, which imports the modules among it."""
        file = self.file(package)
        names: list[str] = []
        for statement in _parse(file).body if file else []:
            match statement:
                case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=items) | ast.Tuple(elts=items)):
                    names += [str(item.value) for item in items if isinstance(item, ast.Constant)]
        return names


def _holds_modules(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes(), str(file))


def _absolute(name: str, inside: str) -> str:
    """Return the full name of what a module of the package `inside` calls `name`, perhaps with leading dots."""
    relative = name.lstrip(".")
    level = len(name) - len(relative)
    if level == 0:
        return name
    parents = inside.split(".")
    return ".".join([*parents[: len(parents) - level + 1], *filter(None, [relative])])


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a syntax tree but for those that only type checkers look at."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                pending += node.orelse
            case ast.If(
                test=ast.UnaryOp(
                    op=ast.Not(), operand=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")
                )
            ):
                pending += node.body
            case _:
                pending += ast.iter_child_nodes(node)
