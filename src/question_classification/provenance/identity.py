"""Which run it is that makes something, for what is made to tell."""

import os
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.git import Commit

RUN_IDENTITY = "run_identity"
"""The dataset by which a node asks for the identity of its run."""
VERIFIED_RUN = "QUESTION_CLASSIFICATION_VERIFIED_RUN"
"""The environment variable by which a run that verifies another one takes its identity, as JSON."""


class RunIdentity(BaseModel):
    """What tells a run from all others.

    Attributes:
        id: in MLflow; None where MLflow does not track it.
        started: when, in UTC.
        commit: that it is made from.
        taken: the datasets that it has taken from earlier runs, by name.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may say more

    id: str | None
    started: datetime
    commit: Commit
    taken: list[str]


def identify_run(identity: RunIdentity) -> RunIdentity:
    """Return the identity of the run that goes on or, where that verifies another one, of the other.

    So what a run has made with its identity in it comes out the same, to the byte, when it is made again.

    Raises:
        ProvenanceError: what the environment holds is no identity.
    """
    verified = os.environ.get(VERIFIED_RUN)
    if not verified:
        return identity
    try:
        return RunIdentity.model_validate_json(verified)
    except ValidationError as error:
        raise ProvenanceError(f"{VERIFIED_RUN} is for `kedro verify` alone, and holds no run; unset it.") from error
