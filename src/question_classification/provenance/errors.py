"""What is wrong with a project, for the person who can mend it."""


class StageError(ValueError):
    """A project that cannot be put as stages; the message says why, in one line."""


class ProvenanceError(ValueError):
    """A model or run of which the origin cannot be told; the message says why, and what to do, in one line."""
