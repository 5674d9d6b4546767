"""The pipelines that `kedro run` knows: one a folder of `pipelines/`, and all that make a plain run."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by name; `__default__` runs them all but the tuning, which takes many times as long.

    Kedro imports only the pipelines that a run asks for.
    """
    pipelines: dict[str, Pipeline] = find_pipelines(raise_errors=True)
    plain = (pipeline for name, pipeline in pipelines.items() if name != "tuning")
    pipelines["__default__"] = sum(plain, start=Pipeline([]))
    return pipelines
