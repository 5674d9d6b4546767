"""The thresholding: a stage of its own, so that a policy can be changed without training again."""

from kedro.pipeline import Node, Pipeline

from .diagrams import draw_policies
from .nodes import choose_threshold


def create_pipeline() -> Pipeline:
    """Scores of the selected model out of fold → threshold."""
    return Pipeline(
        [
            Node(
                choose_threshold,
                inputs=["selected.out_of_fold_scores", "params:thresholding"],
                outputs="threshold",
                name="choose_threshold",
                preview_fn=draw_policies,
            )
        ],
        tags="thresholding",
    )
