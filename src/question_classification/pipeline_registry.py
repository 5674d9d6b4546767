"""The pipelines that `kedro run` knows: one a folder of `pipelines/`, and all of them together."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by name; `__default__` runs them all.

    Kedro imports only the pipelines that a run asks for.
    """
    pipelines: dict[str, Pipeline] = find_pipelines(raise_errors=True)
    pipelines["__default__"] = sum(pipelines.values(), start=Pipeline([]))
    return pipelines
