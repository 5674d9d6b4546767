"""What was found: metrics, curves, figures, and a page that shows them."""

from .pipeline import create_pipeline as create_pipeline
