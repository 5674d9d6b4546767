"""The error that a person who brings data or parameters can act on."""


class InputError(ValueError):
    """Input from outside cannot be used: one line that says what, where and what to do."""
