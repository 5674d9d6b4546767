"""The MLflow side of a run: its store, its parameters, and its origin."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from question_classification.provenance.store import RunStore

from question_classification.provenance.origin import CHANGES_FILE, ORIGIN_FILE, Origin

_SQLITE = "sqlite:///"


def ensure_store(uri: str) -> None:
    """Make a SQLite tracking store that is not there yet, whole.

    MLflow builds its tables step by step in place, and a second first run that meets them half built fails. So they
    are built in a file aside, which then takes the name; whoever comes second keeps the first one's.
    """
    if not uri.startswith(_SQLITE) or (path := Path(uri.removeprefix(_SQLITE))).exists():
        return
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine_with_retry

    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    engine = create_sqlalchemy_engine_with_retry(f"{_SQLITE}{aside}")  # type: ignore[no-untyped-call]
    _initialize_tables(engine)  # type: ignore[no-untyped-call]
    engine.dispose()
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def log_origin(origin: Origin, changes: str, *, tags: Mapping[str, str]) -> None:
    """Log to the active run where it comes from: as `origin.json`, as tags, and its files as datasets of MLflow.

    Args:
        origin: what was taken down.
        changes: what differed from the commit, as a patch.
        tags: further ones.
    """
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag

    run = mlflow.active_run()
    assert run is not None
    mlflow.log_text(origin.model_dump_json(indent=1), ORIGIN_FILE)
    if changes:
        mlflow.log_text(changes, CHANGES_FILE)
    mlflow.set_tags(
        {
            **tags,
            "code.changed_during_run": ", ".join(origin.changed_code) or "none",
            "environment.lock": origin.environment.lock or "none",
            "environment.python": origin.environment.python,
        }
    )
    files = [("input", file) for file in origin.inputs] + [("output", file) for file in origin.outputs]
    datasets = [
        DatasetInput(
            Dataset(
                name=file.dataset,
                digest=file.md5,
                source_type="local",
                source=json.dumps({"uri": file.path}),
                profile=json.dumps({"num_rows": file.rows, "bytes": file.bytes}),
            ),
            [InputTag("mlflow.data.context", context)],
        )
        for context, file in files
    ]
    mlflow.MlflowClient().log_inputs(run.info.run_id, datasets=datasets)


def log_parameters(parameters: dict[str, Any]) -> None:
    """Log the parameters of a whole run in the active one, at once, by their dotted names; a long text as a tag.

    kedro-mlflow would do so node by node, and in a transaction for each parameter, some seconds in all.
    """
    import mlflow
    from kedro_mlflow.framework.hooks import mlflow_hook
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

    values = {name: str(value) for name, value in flatten_parameters(parameters).items()}
    long = {name for name, value in values.items() if len(value) > MAX_PARAM_VAL_LENGTH}
    mlflow.log_params({name: value for name, value in values.items() if name not in long})
    mlflow.set_tags({name: values[name] for name in long})
    sys.modules[type(mlflow_hook).__module__]._flatten_dict = lambda **_: {}  # type: ignore[attr-defined]


def flatten_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the leaves of nested dictionaries and pydantic models by their dotted names.

    >>> flatten_parameters({"modelling": {"C": 1.0, "text": {"max_features": 100}}})
    {'modelling.C': 1.0, 'modelling.text.max_features': 100}
    """
    leaves: dict[str, Any] = {}
    for key, value in parameters.items():
        tree = value.model_dump() if hasattr(value, "model_dump") else value
        if isinstance(tree, dict):
            leaves |= {f"{key}.{name}": leaf for name, leaf in flatten_parameters(tree).items()}
        else:
            leaves[key] = tree
    return leaves


def open_store(project: Path, package_name: str) -> RunStore:
    """Return the runs of the project's tracking store, as its configuration names it."""
    import mlflow
    from kedro.framework.session import KedroSession

    from question_classification.provenance.store import RunStore

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with KedroSession.create(project) as session:
        session.load_context()  # type: ignore[attr-defined]  # kedro-mlflow sets the store
    return RunStore(mlflow.MlflowClient(), package_name)
