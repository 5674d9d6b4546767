"""The modelling: one template, a namespace per candidate; then one of them is selected."""

from kedro.pipeline import Node, Pipeline

from question_classification.pipelines.candidates import CANDIDATES, DEPLOYABLE, SELECTED

from .diagrams import draw_calibration, draw_fit
from .nodes import (
    backtest_selected,
    calibrate_selected,
    fit_and_cross_validate_candidate,
    fit_candidate,
    score_test_set,
    select_candidate,
    settle_hyperparameters,
    take_questions,
    tokenize_questions,
)


def create_pipeline() -> Pipeline:
    """Train set → model and scores, for each candidate; scores within the train set → the selected one.

    ::

                  question_features ─▶ tokenize
                                          │
        train_set ─▶ take ─▶ fit ─▶ model ─▶ score ◀─ take ◀─ test_set
                      │               │
                      └▶ cross_validate ┴▶ select ─▶ calibrate ─▶ selected model ─▶ score
    """
    modelling = Pipeline([*map(_candidate, CANDIDATES), _selected()], tags="modelling")
    return Pipeline([tokenize("train", "test"), modelling])


def tokenize(*splits: str) -> Pipeline:
    """Questions → their texts as numbers, in memory → those of each set.

    A pipeline that needs them begins so; a whole run does it once, beside the search for near-duplicates, which the
    split waits for.
    """
    tokenized = Node(
        tokenize_questions,
        inputs=["question_features", "params:modelling.text"],
        outputs="tokenized_questions",
        name="tokenize_questions",
    )
    return Pipeline(
        [
            tokenized,
            *(
                Node(
                    take_questions,
                    inputs=["tokenized_questions", f"{split}_set"],
                    outputs=f"tokenized_{split}_set",
                    name=f"take_{split}_set",
                )
                for split in splits
            ),
        ]
    )


def _candidate(candidate: str) -> Pipeline:
    inputs = ["tokenized_train_set", "target", "tuned", "params:modelling.text"]
    outputs = ["model", "train_scores", "logged_model"]
    if candidate in DEPLOYABLE:
        inputs += ["params:modelling.selection", "params:candidate"]
        fit = Node(
            fit_and_cross_validate_candidate,
            inputs=inputs,
            outputs=[*outputs, "out_of_fold"],
            name="fit",
            preview_fn=draw_fit,
        )
    else:
        fit = Node(fit_candidate, inputs=[*inputs, "params:candidate"], outputs=outputs, name="fit")
    score = Node(score_test_set, inputs=["model", "tokenized_test_set"], outputs="test_scores", name="score")
    return Pipeline(
        [fit, score],
        namespace=candidate,
        inputs={"tokenized_train_set", "tokenized_test_set", "target", "tuned"},
        parameters={
            "params:candidate": f"params:modelling.{candidate}",
            **{name: name for name in inputs if name.startswith("params:modelling.")},
        },
    )


def _selected() -> Pipeline:
    out_of_fold = [f"{candidate}.out_of_fold" for candidate in DEPLOYABLE]
    return Pipeline(
        [
            Node(select_candidate, inputs=out_of_fold, outputs="selection", name="select_candidate"),
            Node(
                settle_hyperparameters,
                inputs=["selection", "target", "tuned", *(f"params:modelling.{each}" for each in DEPLOYABLE)],
                outputs="hyperparameters",
                name="settle_hyperparameters",
            ),
            Node(
                calibrate_selected,
                inputs=[
                    "selection",
                    "tokenized_train_set",
                    *(f"{candidate}.model" for candidate in DEPLOYABLE),
                    *out_of_fold,
                ],
                outputs=[
                    f"{SELECTED}.model",
                    f"{SELECTED}.train_scores",
                    f"{SELECTED}.out_of_fold_scores",
                    "calibration",
                    f"{SELECTED}.logged_model",
                ],
                name="calibrate_selected",
                preview_fn=draw_calibration,
            ),
            Node(
                score_test_set,
                inputs=[f"{SELECTED}.model", "tokenized_test_set"],
                outputs=f"{SELECTED}.test_scores",
                name="score_selected",
            ),
            Node(
                backtest_selected,
                inputs=[
                    "hyperparameters",
                    "calibration",
                    "tokenized_questions",
                    "question_labels",
                    "other_split",
                    "target",
                    "params:modelling.text",
                    "params:modelling.selection",
                ],
                outputs=f"{SELECTED}.other_split_scores",
                name="backtest_selected",
            ),
        ],
        namespace=SELECTED,  # a box of the lineage; the datasets keep their names
        prefix_datasets_with_namespace=False,
    )
