"""The MLflow side of a run: its store and its parameters."""

import logging
import os
from pathlib import Path
from typing import Any

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


def flatten_parameters(d: dict[str, Any], recursive: bool = True, sep: str = ".") -> dict[str, Any]:
    """Return the leaves of nested dictionaries and pydantic models by their dotted names.

    It stands in for kedro-mlflow's own function, hence the names of its arguments.

    >>> flatten_parameters({"modelling": {"C": 1.0, "text": {"max_features": 100}}})
    {'modelling.C': 1.0, 'modelling.text.max_features': 100}
    """
    leaves: dict[str, Any] = {}
    for key, value in d.items():
        tree = value.model_dump() if hasattr(value, "model_dump") else value
        if isinstance(tree, dict) and recursive:
            leaves |= {f"{key}{sep}{name}": leaf for name, leaf in flatten_parameters(tree, recursive, sep).items()}
        else:
            leaves[key] = tree
    return leaves
