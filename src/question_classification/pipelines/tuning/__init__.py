"""Better hyperparameters for the candidates that are worth it."""

from .pipeline import create_pipeline as create_pipeline
