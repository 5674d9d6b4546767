"""The tuning, apart from the other pipelines: it takes many times as long as all of them together."""

from kedro.pipeline import Node, Pipeline

from question_classification.pipelines.modelling.pipeline import tokenize

from .nodes import TUNED, collect_tuned, tune_candidate


def create_pipeline() -> Pipeline:
    """Train set → trials of each candidate → the best values of their hyperparameters, which the modelling uses."""
    collect = Node(
        collect_tuned,
        inputs=["target", *(f"{candidate}.trials" for candidate in TUNED)],
        outputs="tuned",
        name="collect_tuned",
    )
    return Pipeline([tokenize("train"), *map(_search, TUNED), Pipeline([collect], tags="tuning")])


def _search(candidate: str) -> Pipeline:
    return Pipeline(
        [
            Node(
                tune_candidate,
                inputs=[
                    "tokenized_train_set",
                    "target",
                    "params:modelling.text",
                    "params:tuning",
                    "params:candidate",
                    "finished_trials",
                ],
                outputs="trials",
                name="tune",
            )
        ],
        namespace=candidate,
        inputs={"tokenized_train_set", "target"},
        parameters={
            "params:candidate": f"params:modelling.{candidate}",
            "params:modelling.text": "params:modelling.text",
            "params:tuning": "params:tuning",
        },
        tags=["tuning", "foreground"],  # a tag of runner.py, which no stage is to depend on
    )
