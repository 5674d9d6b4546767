"""The reporting."""

from kedro.pipeline import Node, Pipeline

from question_classification.pipelines.candidates import CANDIDATES, SELECTED

from .nodes import (
    collect_chart_points,
    collect_metrics,
    count_by_month,
    draw_confusion_matrices,
    draw_learning_curve,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
    evaluate_candidate,
    evaluate_selected,
    write_data_card,
    write_model_card,
    write_report,
)


def create_pipeline() -> Pipeline:
    """Scores of each candidate → its evaluation → metrics and figures of all → the report."""
    evaluation = Pipeline(
        [
            Node(
                evaluate_candidate,
                inputs=["train_scores", "test_scores", "params:reporting"],
                outputs=["evaluation", "precision_recall_curve", "roc_curve", "mlflow_metrics"],
                name="evaluate",
            )
        ]
    )
    evaluations = [Pipeline(evaluation, namespace=candidate, parameters="params:reporting") for candidate in CANDIDATES]
    figures = Pipeline(
        [
            Node(
                draw_precision_recall,
                inputs=["metrics", *_of_each("precision_recall_curve")],
                outputs="precision_recall_figure",
                name="draw_precision_recall",
            ),
            Node(draw_roc, inputs=["metrics", *_of_each("roc_curve")], outputs="roc_figure", name="draw_roc"),
            Node(
                draw_confusion_matrices,
                inputs=["metrics", *_of_each("evaluation")],
                outputs="confusion_figure",
                name="draw_confusion_matrices",
            ),
            Node(
                draw_reliability,
                inputs=["metrics", "reliability_points"],
                outputs="reliability_figure",
                name="draw_reliability",
            ),
            Node(
                draw_learning_curve,
                inputs=["metrics", "learning_curve"],
                outputs="learning_curve_figure",
                name="draw_learning_curve",
            ),
        ],
        namespace="figures",  # a box of the lineage; the datasets keep their names
        prefix_datasets_with_namespace=False,
    )
    comparison = Pipeline(
        [
            Node(
                evaluate_selected,
                inputs=[
                    f"{SELECTED}.test_scores",
                    f"{SELECTED}.other_split_scores",
                    "threshold",
                    "split",
                    "params:reporting",
                ],
                outputs=[f"{SELECTED}.evaluation", "reliability_points", f"{SELECTED}.mlflow_metrics"],
                name="evaluate_selected",
            ),
            Node(
                collect_metrics,
                inputs=[
                    "data_quality",
                    "question_labels",
                    "target",
                    "split",
                    "selection",
                    "calibration",
                    "threshold",
                    f"{SELECTED}.evaluation",
                    "params:reporting",
                    *_of_each("evaluation"),
                ],
                outputs="metrics",
                name="collect_metrics",
            ),
            Node(
                count_by_month,
                inputs=["questions", "question_labels"],
                outputs="questions_by_month",
                name="count_by_month",
            ),
            Node(
                collect_chart_points,
                inputs=[
                    "metrics",
                    "questions_by_month",
                    "threshold",
                    f"{SELECTED}.test_scores",
                    "reliability_points",
                    "slices",
                    "learning_curve",
                    *_of_each("precision_recall_curve"),
                    *_of_each("roc_curve"),
                ],
                outputs="chart_points",
                name="collect_chart_points",
            ),
            Node(
                write_report,
                inputs=[
                    "metrics",
                    "data_quality",
                    f"{SELECTED}.evaluation",
                    "hyperparameters",
                    "strongest_terms",
                    "mistakes",
                    "slices",
                    "neighbour_tags",
                    "label_noise",
                    "chart_points",
                    "exported_model",
                    "run_identity",
                    "params:reporting",
                ],
                outputs="report",
                name="write_report",
            ),
            Node(
                write_model_card,
                inputs=[
                    "metrics",
                    f"{SELECTED}.evaluation",
                    "hyperparameters",
                    "slices",
                    "label_noise",
                    "params:reporting",
                ],
                outputs="model_card",
                name="write_model_card",
            ),
            Node(
                write_data_card,
                inputs=["metrics", "data_quality", "questions", "question_labels"],
                outputs="data_card",
                name="write_data_card",
            ),
        ]
    )
    return Pipeline([*evaluations, comparison, figures], tags="reporting")


def _of_each(dataset: str) -> list[str]:
    """Name a dataset of every candidate."""
    return [f"{candidate}.{dataset}" for candidate in CANDIDATES]
