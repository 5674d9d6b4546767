"""Nodes of the modelling: the same for every candidate."""

from typing import Any, NamedTuple

import pandas as pd

from question_classification.datasets.model import ModelPackage
from question_classification.pipelines.modelling.parameters import Candidate
from question_classification.stackexchange.errors import InputError

_EXAMPLES = 5
_EXAMPLE_TEXT = {  # of our own, because models travel further than the questions that they were fitted to
    "title": "How many trees does a random forest need?",
    "body": "<p>The error of my forest still falls after 500 trees. When may I stop?</p>",
}


class FittedCandidate(NamedTuple):
    """A fitted pipeline, its scores on the set that it was fitted on, and the form in which MLflow takes it."""

    model: Any
    train_scores: pd.DataFrame
    logged_model: ModelPackage


def fit_candidate(train_set: pd.DataFrame, target: dict[str, str], candidate: Candidate) -> FittedCandidate:
    """Fit a candidate to the training set.

    Raises:
        InputError: the texts hold no words to learn from.
    """
    from question_classification.models.estimators import fit_and_score

    questions = train_set[candidate.root.input_columns()]
    estimator = candidate.root.build(target["target_tag"])
    try:
        model, scores = fit_and_score(estimator, questions, train_set["is_target"].to_numpy())
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise InputError(
            "training set: its titles and bodies hold no word of two letters; check the source."
        ) from error
    return FittedCandidate(model, _tabulate(train_set, scores), ModelPackage(model, _make_example(questions)))


def score_test_set(model: Any, test_set: pd.DataFrame, candidate: Candidate) -> pd.DataFrame:
    """Score the questions that the model has not seen."""
    scores = model.predict_proba(test_set[candidate.root.input_columns()])[:, 1]
    return _tabulate(test_set, scores)


def _make_example(questions: pd.DataFrame) -> pd.DataFrame:
    """Return a few rows of input in which no question can be read."""
    texts = {column: text for column, text in _EXAMPLE_TEXT.items() if column in questions}
    return questions.head(_EXAMPLES).assign(**texts)


def _tabulate(questions: pd.DataFrame, scores: Any) -> pd.DataFrame:
    """Return a row per question: `question_id`, `is_target`, `score` (probability of the target)."""
    return questions[["question_id", "is_target"]].assign(score=scores)
