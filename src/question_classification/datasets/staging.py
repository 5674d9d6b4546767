"""Outputs of a run, written aside and moved into place when the run has succeeded."""

import atexit
import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from question_classification.stackexchange.errors import InputError

_PREFIX = ".staging-"
_EARLIER = ".earlier"
_NOWHERE = PurePosixPath(os.devnull, "discarded")  # below a file, where nothing can be written


class StagedOutputs:
    """Redirects the files that a pipeline writes below a folder into one aside, until `commit` or `discard`.

    It works for any dataset that keeps its path in `_filepath`, as Kedro's own do, and reaches datasets that read
    what the same run writes under another name (transcoded ones). A dataset with a true attribute `kept` is left alone:
    it writes in place, all or nothing by itself, and what it wrote outlives a run that fails. A process that is
    interrupted discards as it ends; what a killed one leaves is cleared away here, by the next.

    Args:
        pipeline: what is about to run.
        catalog: its datasets.
        root: the folder of all layers.
    """

    def __init__(self, pipeline: Pipeline, catalog: DataCatalog, root: Path) -> None:
        _remove_abandoned(root)
        self._folder = root / f"{_PREFIX}{os.getpid()}"
        outputs = [catalog.get(name) for name in pipeline.all_outputs()]
        finals = {_local_path(dataset) for dataset in outputs if not getattr(dataset, "kept", False)}
        staged = {
            final: self._folder / final.relative_to(root) for final in finals if final and final.is_relative_to(root)
        }
        self._moves = [(aside, final) for final, aside in staged.items()]
        self._redirected: list[tuple[Any, Any]] = []
        for dataset in map(catalog.get, pipeline.datasets()):
            path = _local_path(dataset)
            if path in staged:
                self._redirected.append((dataset, dataset._filepath))
                dataset._filepath = PurePosixPath(staged[path])
        atexit.register(self.discard)

    def commit(self) -> None:
        """Move what was written into place, and leave nothing to discard."""
        for aside, final in self._moves:
            if not aside.exists():
                continue
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.is_dir():  # a folder cannot be replaced in one step
                earlier = self._folder / _EARLIER / aside.relative_to(self._folder)
                earlier.parent.mkdir(parents=True)
                final.rename(earlier)
            aside.replace(final)
        for dataset, path in self._redirected:
            dataset._filepath = path
        self._redirected.clear()
        self._remove_folder()

    def discard(self) -> None:
        """Forget what was written aside; nothing that comes later is written anywhere, and what tries fails.

        For an interrupt leaves nodes behind in threads of their own, and they may come to their outputs only now.
        """
        for dataset, _ in self._redirected:
            dataset._filepath = _NOWHERE
        self._remove_folder()

    def _remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.discard)


def check_inputs(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Check that what a pipeline reads is there, before anything runs.

    A dataset with a true attribute `optional` says by itself what there is where nothing has been made, or gets it
    from a hook.

    Raises:
        InputError: an input has not been made yet, and the message names it and its file; or nothing keeps it.
    """
    for name in sorted(pipeline.inputs()):
        if name.startswith("params:") or name == "parameters":
            continue
        dataset = catalog.get(name)
        if getattr(dataset, "optional", False):
            continue
        if isinstance(dataset, MemoryDataset) and not dataset.exists():
            raise InputError(
                f"{name} is kept in memory only, and what makes it is not part of this run; say by --to-nodes how far "
                "to go, and what is needed before it runs, too."
            )
        path = _local_path(dataset)
        if path is not None and not path.exists():
            shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            raise InputError(f"{shown}: {name} has not been made yet; run the pipeline that writes it, or `kedro run`.")


def find_files(names: Iterable[str], catalog: DataCatalog) -> dict[str, Path]:
    """Return the file or folder of each dataset that has one on this machine."""
    paths = {name: _local_path(catalog.get(name)) for name in names}
    return {name: path for name, path in paths.items() if path is not None}


def _local_path(dataset: Any) -> Path | None:
    """Return the file or folder of a dataset; None where it has none on this machine."""
    path = getattr(dataset, "_filepath", None)
    if path is None or getattr(dataset, "_protocol", "file") not in ("file", "local"):
        return None
    return Path(path)


def _remove_abandoned(root: Path) -> None:
    """Remove what runs that were killed have left behind, and undo a replacement that was cut off half-way."""
    for folder in root.glob(f"{_PREFIX}*"):
        if _is_running(int(folder.name.removeprefix(_PREFIX))):
            continue
        for earlier in sorted((folder / _EARLIER).rglob("*")):
            final = root / earlier.relative_to(folder / _EARLIER)
            if earlier.is_dir() and not final.exists():
                earlier.rename(final)
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
