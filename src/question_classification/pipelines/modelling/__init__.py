"""One fitted pipeline per candidate, and its scores."""

from .pipeline import create_pipeline as create_pipeline
