"""From valid questions to labels, features, and the sets that models are trained and tested on."""

from .pipeline import create_pipeline as create_pipeline
