"""Project settings of Kedro: https://docs.kedro.org/en/stable/configure/configuration_basics/."""

import os
from pathlib import Path
from typing import Any

from kedro.utils import find_kedro_project
from omegaconf.resolvers import oc

from question_classification import silence_unactionable_warnings
from question_classification.hooks import (
    AllOrNothing,
    ParameterNames,
    Progress,
    Provenance,
    Secrets,
    Summary,
)

silence_unactionable_warnings()


def _project_root() -> str:
    # `dvc exp run --queue` works in a temporary copy; DVC_ROOT is the project that it was copied from, so that
    # the tracking store of an experiment is the project's own.
    return str(Path(os.environ.get("DVC_ROOT") or find_kedro_project(Path.cwd()) or Path.cwd()))


CONFIG_LOADER_ARGS: dict[str, Any] = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*"], "promotion": ["promotion*"]},
    "custom_resolvers": {
        "project_root": _project_root,
        "oc.env": oc.env,
    },
}

HOOKS = (Secrets(), ParameterNames(), Progress(), Provenance(), AllOrNothing(), Summary())
