"""The ingestion."""

from kedro.pipeline import Node, Pipeline

from .diagrams import draw_validation
from .nodes import identify_site, validate_questions


def create_pipeline() -> Pipeline:
    """Source → raw layer → valid questions, quarantine, counts."""
    return Pipeline(
        [
            Node(
                identify_site,
                inputs=["source_questions", "params:run"],
                outputs="raw_questions@table",
                name="identify_site",
            ),
            Node(
                validate_questions,
                inputs=["raw_questions@table", "raw_questions@origin", "params:ingestion"],
                outputs=["questions", "quarantined_questions", "data_quality"],
                name="validate_questions",
                preview_fn=draw_validation,
            ),
        ],
        tags="ingestion",
    )
