"""The datasets of a Kedro project as DVC sees them.

What DVC needs to know of a dataset, and Kedro does not, stands in the catalog under its `metadata: dvc:`

- `false` leaves its file out: it is neither an output nor a dependency;
- `folder: true` makes one output of all that lies in its file's folder, which must be of one pipeline;
- `cache`, `persist`, `push`, `remote` and `desc` are DVC's own options of an output;
- `metric: true` makes its file one of the metrics;
- `plot: true` shows its file, an image, among the plots; DVC's options of a plot (`title`, `template`, `x`, `y`,
  `x_label`, `y_label`) draw columns of it, in one plot for all files with the same `id`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import CatalogConfigResolver
from kedro.io.catalog_config_resolver import DEFAULT_RUNTIME_PATTERN

from question_classification.provenance.configuration import BaseConfiguration, Declaration
from question_classification.provenance.errors import StageError

OUTPUT_OPTIONS = ("cache", "persist", "push", "remote", "desc")
PLOT_OPTIONS = ("title", "template", "x", "y", "x_label", "y_label")


@dataclass(frozen=True)
class Dataset:
    """A dataset, by one of its names.

    Attributes:
        config: its entry in the catalog, with placeholders filled in; empty for one that has none, and lives in memory.
        declarations: where the entry stands.
        path: its file or folder, from the root of the project; None where it has none there, or DVC is not to know it.
        options: what stands under `metadata: dvc:`.
    """

    config: dict[str, Any] = field(default_factory=dict)
    declarations: list[Declaration] = field(default_factory=list)
    path: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> str | None:
        """The path that a stage has for it: its own, or that of the folder that counts as a whole."""
        if self.path is not None and self.options.get("folder"):
            return str(PurePosixPath(self.path).parent)
        return self.path


class Datasets:
    """The datasets of a project.

    Args:
        configuration: of the project.
        root: of the project.
    """

    def __init__(self, configuration: BaseConfiguration, root: Path) -> None:
        self._configuration = configuration
        self._root = root
        self._resolver = CatalogConfigResolver(configuration.catalog, default_runtime_patterns=DEFAULT_RUNTIME_PATTERN)

    def get(self, name: str) -> Dataset:
        """Return the dataset of a name, which may be one that a factory of the catalog makes.

        Raises:
            StageError: what stands under `metadata: dvc:` is not as it should be.
        """
        entry = (
            name
            if name in self._configuration.catalog
            else self._resolver.match_dataset_pattern(name) or self._resolver.match_user_catch_all_pattern(name)
        )
        if entry is None:
            return Dataset()
        config = self._resolver.resolve_pattern(name)
        options = (config.get("metadata") or {}).get("dvc", {})
        path = self._path(config)
        declarations = self._configuration.entry(entry)
        if path is not None:  # it stands in the stage as it is
            declarations = [Declaration(one.kind, one.file, one.path, _without_path(one.value)) for one in declarations]
        if options is False:
            return Dataset(config, declarations)
        return Dataset(config, declarations, path, _check(name, path, options))

    def _path(self, config: Mapping[str, Any]) -> str | None:
        key = _path_key(config)
        if key is None:
            inner = config.get("dataset")
            return self._path(inner) if isinstance(inner, Mapping) else None
        text = str(config[key]).removeprefix("file://")
        path = os.path.relpath(self._root / text, self._root)
        return None if "://" in text or path.startswith(os.pardir) else Path(path).as_posix()


def _path_key(config: Mapping[str, Any]) -> str | None:
    """Return the key of a dataset's file; in a dataset of several, such as a partitioned one, that of their folder."""
    if config.get("filepath"):
        return "filepath"
    return "path" if config.get("path") and config.get("dataset") else None


def _without_path(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    key = _path_key(entry)
    rest = {name: value for name, value in entry.items() if name != key}
    return rest if key else {**rest, "dataset": _without_path(rest.get("dataset"))}


def _check(name: str, path: str | None, options: Any) -> dict[str, Any]:
    where = f"{name}: metadata.dvc"
    _check_names(where, options, (*OUTPUT_OPTIONS, "folder", "metric", "plot"), otherwise="false")
    if options.get("folder") and options.get("metric"):
        raise StageError(f"{where}: metrics are of a file; it cannot be one of a folder.")
    if options.get("folder") and path is not None and "/" not in path:
        raise StageError(f"{where}: {path} lies in no folder of the project.")
    if (plot := options.get("plot", True)) is not True:
        _check_names(f"{where}.plot", plot, ("id", *PLOT_OPTIONS), otherwise="true")
        if "id" in plot and "y" not in plot:
            raise StageError(f"{where}.plot: a plot with an id needs y, the column to draw of each file.")
    return dict(options)


def _check_names(where: str, options: Any, known: tuple[str, ...], otherwise: str) -> None:
    if not isinstance(options, Mapping):
        raise StageError(f"{where}: {options!r} is neither {otherwise} nor options by their names.")
    if unknown := sorted(set(options) - set(known)):
        raise StageError(f"{where}: {', '.join(unknown)} is unknown; known are {', '.join(known)}.")
