"""Why the selected candidate scores as it does, where it errs, and what would help it."""

from .pipeline import create_pipeline as create_pipeline
