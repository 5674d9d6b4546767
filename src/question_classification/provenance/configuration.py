"""What the base environment of a Kedro project configures, in which file, and which globals it rests on."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf


@dataclass(frozen=True)
class Declaration:
    """A value in a file of the configuration, as it is written there: with its interpolations.

    Attributes:
        kind: `globals`, `catalog` or `parameters`.
        file: the file, from the root of the project.
        path: the keys that lead to the value.
        value: the value.
    """

    kind: str
    file: str
    path: tuple[str, ...]
    value: Any = field(repr=False, compare=False)

    @property
    def interpolates(self) -> bool:
        """Whether the value depends on others."""
        return any("${" in text for _, text in _texts(self.value, self.path))


def load_base(project: Path) -> OmegaConfigLoader:
    """Return the configuration loader of the project that is set up, for its base environment alone."""
    from kedro.framework.project import settings

    arguments = {**settings.CONFIG_LOADER_ARGS, "default_run_env": settings.CONFIG_LOADER_ARGS.get("base_env") or ""}
    loader: OmegaConfigLoader = settings.CONFIG_LOADER_CLASS(str(project / settings.CONF_SOURCE), **arguments)
    return loader


class BaseConfiguration:
    """The globals, the catalog and the parameters of the base environment.

    Args:
        loader: the project's configuration loader, which must load the base environment alone.
        root: the root of the project.

    Attributes:
        catalog: the catalog with its interpolations resolved, without credentials.
    """

    def __init__(self, loader: OmegaConfigLoader, root: Path) -> None:
        folder = str(Path(loader.conf_source) / loader.base_env)
        self.catalog: dict[str, Any] = _without_credentials(loader["catalog"])
        self._trees: dict[str, dict[str, Any]] = {}
        for kind in ("globals", "catalog", "parameters"):
            files: set[Path] = set()
            loader.load_and_merge_dir_config(folder, loader.config_patterns[kind], kind, files)
            self._trees[kind] = {os.path.relpath(file, root): _read(file) for file in sorted(files)}

    def entry(self, name: str) -> list[Declaration]:
        """Return where the catalog declares an entry; in several files where each has a part of it."""
        return list(self._find("catalog", (name,)))

    def parameter(self, name: str) -> list[Declaration]:
        """Return where a parameter is declared: `modelling`, `modelling.text`, or with an empty name each that is."""
        return list(self._find("parameters", _keys(name)))

    def references(self, declarations: Iterable[Declaration]) -> set[Declaration]:
        """Return what these interpolate, directly or not: globals, and others of their own kind."""
        found: set[Declaration] = set()
        pending = list(declarations)
        while pending:
            for kind, path in _interpolations(pending.pop()):
                new = set(self._find(kind, path)) - found
                found |= new
                pending += new
        return found

    def _find(self, kind: str, path: tuple[str, ...]) -> Iterator[Declaration]:
        """Yield what lies at a path in the files of a kind, or what it lies in if that is interpolated as a whole."""
        for file, tree in self._trees[kind].items():
            if not path:
                yield from (Declaration(kind, file, (key,), value) for key, value in tree.items())
                continue
            value: Any = tree
            depth = 0
            while depth < len(path) and isinstance(value, Mapping) and path[depth] in value:
                value = value[path[depth]]
                depth += 1
            if depth == len(path) or not isinstance(value, Mapping):
                yield Declaration(kind, file, path[:depth], value)


def _read(file: Path) -> Any:
    return OmegaConf.to_container(OmegaConf.load(file), resolve=False) or {}


def _without_credentials(config: Any) -> Any:
    """Leave out credentials, which no stage may rest on: nobody else has them."""
    if isinstance(config, Mapping):
        return {key: _without_credentials(value) for key, value in config.items() if key != "credentials"}
    return config


# `${globals:name}`, `${name}` and `${.name}`; a name that is computed, `${a.${b}}`, ends at its second `$`
_GLOBAL = re.compile(r"\$\{\s*globals\s*:\s*['\"]?([^{}$,'\"]*?)['\"]?\s*([,}$])")
_NAME = re.compile(r"\$\{\s*(\.*)([^{}$:]*?)\s*([}$])")


def _interpolations(declaration: Declaration) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the kind and the keys of all that a value interpolates; no keys for a computed name: it may be any."""
    for path, text in _texts(declaration.value, declaration.path):
        for name, end in _GLOBAL.findall(text):
            yield "globals", () if end == "$" else _keys(name)
        for dots, name, end in _NAME.findall(text):
            above = path[: len(path) - len(dots)] if dots else ()
            yield declaration.kind, () if end == "$" else (*above, *_keys(name))


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text in a value, with the keys that lead to it."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, (*path, str(key)))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, str(index)))
    elif isinstance(value, str):
        yield path, value


def _keys(name: str) -> tuple[str, ...]:
    """Return the keys of a name up to an index, as in `features[0]`: what it picks is a part of the list."""
    return tuple(filter(None, name.partition("[")[0].split(".")))
