"""Predict whether a Stack Exchange question is about a tag."""

import os

__version__ = "0.1.0"

# MLflow reports usage from the moment that it is imported, unless this is set before
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def initialise() -> None:
    """Entry point `kedro.init`: Kedro imports this package before any plugin, and so before MLflow."""
