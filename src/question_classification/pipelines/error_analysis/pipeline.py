"""The error analysis."""

from kedro.pipeline import Node, Pipeline

from question_classification.pipelines.candidates import SELECTED
from question_classification.pipelines.modelling.pipeline import tokenize

from .nodes import (
    assess_label_noise,
    explain_mistakes,
    explain_model,
    export_selected_model,
    measure_slices,
    trace_learning_curve,
)


def create_pipeline() -> Pipeline:
    """Selected model and its scores → strongest terms, mistakes, export, slices, label noise, learning curve."""
    analysis = Pipeline(
        [
            Node(
                explain_model,
                inputs=[f"{SELECTED}.model", "tokenized_train_set", "params:error_analysis"],
                outputs="strongest_terms",
                name="explain_model",
            ),
            Node(
                explain_mistakes,
                inputs=[
                    f"{SELECTED}.model",
                    "test_set",
                    f"{SELECTED}.test_scores",
                    "params:modelling.text",
                    "params:error_analysis",
                ],
                outputs="mistakes",
                name="explain_mistakes",
            ),
            Node(
                export_selected_model,
                inputs=[
                    f"{SELECTED}.model",
                    "tokenized_questions",
                    "selection",
                    "threshold",
                    "target",
                    "params:error_analysis",
                ],
                outputs="exported_model",
                name="export_selected_model",
            ),
            Node(
                measure_slices,
                inputs=["test_set", f"{SELECTED}.test_scores", "threshold", "params:error_analysis"],
                outputs="slices",
                name="measure_slices",
            ),
            Node(
                assess_label_noise,
                inputs=[
                    "questions",
                    "train_set",
                    f"{SELECTED}.test_scores",
                    "threshold",
                    "target",
                    "params:error_analysis",
                ],
                outputs=["neighbour_tags", "label_noise"],
                name="assess_label_noise",
            ),
            Node(
                trace_learning_curve,
                inputs=[
                    "hyperparameters",
                    "tokenized_train_set",
                    f"{SELECTED}.out_of_fold_scores",
                    "target",
                    "params:modelling.text",
                    "params:error_analysis",
                ],
                outputs=["learning_curve", "learning_curve_metrics"],
                name="trace_learning_curve",
            ),
        ],
        tags="error_analysis",
        namespace="error_analysis",  # a box of the lineage; the datasets keep their names
        prefix_datasets_with_namespace=False,
    )
    return Pipeline([tokenize("train"), analysis])
