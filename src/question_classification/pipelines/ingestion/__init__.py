"""Questions from a source to the valid questions that all else rests on."""

from .pipeline import create_pipeline as create_pipeline
