"""The modelling: one template, a namespace per candidate."""

from kedro.pipeline import Node, Pipeline

from .nodes import fit_candidate, score_test_set

CANDIDATES = ("prior", "keyword", "numeric_logistic", "tfidf_logistic")


def create_pipeline() -> Pipeline:
    """Train set → model and scores, for each candidate.

    ::

        train_set ─▶ fit ─▶ model ─▶ score ─▶ test_scores
                      │               ▲
                      ├▶ train_scores test_set
                      └▶ logged_model (MLflow)
    """
    template = Pipeline(
        [
            Node(
                fit_candidate,
                inputs=["train_set", "target", "params:candidate"],
                outputs=["model", "train_scores", "logged_model"],
                name="fit",
            ),
            Node(
                score_test_set,
                inputs=["model", "test_set", "params:candidate"],
                outputs="test_scores",
                name="score",
            ),
        ]
    )
    return sum(
        (
            Pipeline(
                template,
                namespace=candidate,
                inputs={"train_set", "test_set", "target"},
                parameters={"params:candidate": f"params:modelling.{candidate}"},
                tags="modelling",
            )
            for candidate in CANDIDATES
        ),
        start=Pipeline([]),
    )
