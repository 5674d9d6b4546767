"""The error that a person who brings data can act on."""


class SourceError(ValueError):
    """Data from outside cannot be read: one line that says what, where and what to do."""
