from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import joblib
import pandas as pd
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import MemoryDataset
from sklearn.base import BaseEstimator

from question_classification.models.persistence import dump_model
from question_classification.provenance.git import describe_commit
from question_classification.provenance.identity import RUN_IDENTITY, RunIdentity
from question_classification.stackexchange.harvest import Harvest
from question_classification.text.tokenized import TokenizedQuestions


class Hashes(dict[Any, str]):
    """What is in tokenised questions; they may have counts later that they have not yet."""


def state(value: Any) -> Any:
    """Return what can be kept of an input, and compared with what it is later."""
    if isinstance(value, BaseEstimator):
        return dump_model(value)
    if isinstance(value, Harvest):  # its batches are read once, so they stay unread
        return deepcopy({name: part for name, part in vars(value).items() if name != "batches"})
    if isinstance(value, TokenizedQuestions):
        parts = {"frame": value.frame, "terms": value.terms, "tokens": value.tokens, **value._counted}
        return Hashes({name: joblib.hash(part) for name, part in parts.items()})
    return deepcopy(value)


def is_same(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return one.equals(other) and one.dtypes.equals(other.dtypes) and one.index.identical(other.index)
    if isinstance(one, Hashes):
        return one.items() <= other.items()
    return bool(one == other)


def test_no_node_changes_its_inputs(finished_project, tmp_path, enter) -> None:
    """Each node of the registry is run on what the run before has left on disk, or on what no run leaves there."""
    project = finished_project.copy(tmp_path / "project")
    enter(project)
    bootstrap_project(project.folder)
    with KedroSession.create(project.folder, env="test") as session:
        catalog = session.load_context().catalog
    short = catalog.load("params:tuning").model_copy(update={"trials": 1, "folds": 2})
    commit = describe_commit(project.folder)
    identity = RunIdentity(id=None, started=datetime.now(UTC), commit=commit, taken=[])
    in_memory = {"params:tuning": short, RUN_IDENTITY: identity.model_dump(mode="json")}
    plain, tuning = pipelines["__default__"].nodes, pipelines["tuning"].nodes
    assert len(plain) > 30
    changed = []
    for node in [*plain, *(node for node in tuning if node not in plain)]:
        inputs = {name: in_memory[name] if name in in_memory else catalog.load(name) for name in node.inputs}
        before = {name: state(value) for name, value in inputs.items()}
        outputs = node.run(dict(inputs))
        for name, value in outputs.items():
            made = list(value) if isinstance(value, Iterator) else value
            if node in tuning or isinstance(catalog.get(name), MemoryDataset):
                in_memory[name] = made
        changed += [f"{node.name}: {name}" for name in inputs if not is_same(before[name], state(inputs[name]))]
    assert changed == []
