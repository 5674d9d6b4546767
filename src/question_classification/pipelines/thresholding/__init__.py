"""From which probability on a question counts as about the target."""

from .pipeline import create_pipeline as create_pipeline
