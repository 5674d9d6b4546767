"""The names that `--params` may set."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from kedro.config import OmegaConfigLoader

from question_classification.stackexchange.errors import InputError

# Where the layers live is a matter of the environment; the others repeat the globals.
_NOT_OF_A_RUN = {"data", "run", "target"}


def check_parameter_names(loader: OmegaConfigLoader) -> None:
    """Check that every parameter given for this run is one that the configuration has.

    Raises:
        InputError: a name is unknown; the message names it and its nearest relatives.
    """
    if not loader.runtime_params:
        return
    configured = type(loader)(
        conf_source=loader.conf_source,
        env=loader.env,
        base_env=loader.base_env,
        default_run_env=loader.default_run_env,
        custom_resolvers=loader._custom_resolvers,
    )
    tree = {**configured["globals"], **configured["parameters"]}
    known = set(_paths({name: value for name, value in tree.items() if name not in _NOT_OF_A_RUN}))
    for path in _paths(loader.runtime_params):
        if path not in known:
            near = difflib.get_close_matches(path, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(known))}."
            raise InputError(f"--params: there is no parameter {path!r}; {hint}")


def _paths(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every leaf."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _paths(value, f"{path}.")
        else:
            yield path
