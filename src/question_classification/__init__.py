"""Predict whether a Stack Exchange question is about a tag."""

import gc
import logging
import os

__version__ = "0.1.0"

# MLflow reports usage from the moment that it is imported, unless this is set before
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Arrow's own allocator keeps what it was given: the system's takes a tenth less memory, and no more over a long harvest
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

_UNACTIONABLE = (
    "Add type hints to the `predict` method",  # of kedro-mlflow's own model
    "IProgress not found",  # tqdm shows its progress as text in a notebook, which will do
    "The 'preview_fn' feature is experimental",  # should it change, a preview is missing, and a test fails
    "One or more dataset names contain '.' characters",  # a comparison reads the datasets of every namespace
)


def initialise() -> None:
    """Entry point `kedro.init`: called before Kedro imports any plugin, and so before MLflow is imported."""
    silence_unactionable_warnings()
    # A command imports some 5,000 modules, whose objects all stay: looking through them again and again for garbage
    # took a tenth of its time. mypy does the same.
    gc.set_threshold(200_000, 50, 50)


def silence_unactionable_warnings() -> None:
    """Drop warnings of libraries that no user of this project can act on; Kedro routes all warnings through logging."""
    logging.getLogger("py.warnings").addFilter(_is_actionable)


def _is_actionable(record: logging.LogRecord) -> bool:
    return not any(text in record.getMessage() for text in _UNACTIONABLE)
