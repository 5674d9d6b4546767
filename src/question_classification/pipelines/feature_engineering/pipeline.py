"""The feature engineering."""

from kedro.pipeline import Node, Pipeline

from .nodes import engineer_features, label_questions, split_train_test


def create_pipeline() -> Pipeline:
    """Valid questions → labels, and apart from them features → train and test set."""
    return Pipeline(
        [
            Node(
                label_questions,
                inputs=["questions", "params:run"],
                outputs=["question_labels", "target"],
                name="label_questions",
            ),
            Node(engineer_features, inputs="questions", outputs="question_features", name="engineer_features"),
            Node(
                split_train_test,
                inputs=["question_features", "question_labels", "params:feature_engineering"],
                outputs=["train_set", "test_set"],
                name="split_train_test",
            ),
        ],
        tags="feature_engineering",
    )
