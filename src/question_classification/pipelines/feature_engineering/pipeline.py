"""The feature engineering."""

from kedro.pipeline import Node, Pipeline

from .diagrams import draw_split
from .nodes import engineer_features, group_near_duplicates, label_questions, split_train_test


def create_pipeline() -> Pipeline:
    """Valid questions → labels, and apart from them features → train and test set."""
    return Pipeline(
        [
            Node(
                label_questions,
                inputs=["questions", "params:target"],
                outputs=["question_labels", "target"],
                name="label_questions",
            ),
            Node(engineer_features, inputs="questions", outputs="question_features", name="engineer_features"),
            Node(
                group_near_duplicates,
                inputs=["question_features", "params:feature_engineering"],
                outputs="near_duplicates",
                name="group_near_duplicates",
            ),
            Node(
                split_train_test,
                inputs=["question_features", "question_labels", "near_duplicates", "params:feature_engineering"],
                outputs=["train_set", "test_set", "other_split", "split"],
                name="split_train_test",
                preview_fn=draw_split,
            ),
        ],
        tags="feature_engineering",
    )
