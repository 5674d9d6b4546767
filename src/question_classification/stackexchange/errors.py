"""Errors that a person who brings data or parameters can act on."""

import os


class InputError(ValueError):
    """Input from outside cannot be used: one line that says what, where and what to do."""

    exit_code = 1


class BrokenSourceError(InputError):
    """A source ends in the middle: what came before is whole and is kept, but it is not all."""


class TryAgainLaterError(InputError):
    """A service asks for patience: what came so far is kept, and the same command goes on from there."""

    exit_code = getattr(os, "EX_TEMPFAIL", 75)
