"""Nodes of the modelling: the same for every candidate, then the choice, and what becomes of the chosen one."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd

from question_classification.datasets.model import ModelPackage
from question_classification.pipelines.candidates import DEPLOYABLE
from question_classification.pipelines.modelling.folds import assign_folds
from question_classification.pipelines.modelling.parameters import (
    Candidate,
    CrossValidationParameters,
    KnownAtPublication,
    TextParameters,
    with_values,
)
from question_classification.stackexchange.errors import InputError
from question_classification.text.tokenized import TokenizedQuestions

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


class JudgedCandidate(NamedTuple):
    """A fitted candidate, and how it did in cross-validation within the training set."""

    model: Any
    train_scores: pd.DataFrame
    logged_model: ModelPackage
    out_of_fold: pd.DataFrame


class CalibratedModel(NamedTuple):
    """The selected candidate with calibrated probabilities, in- and out-of-fold, and how they were calibrated."""

    model: Any
    train_scores: pd.DataFrame
    out_of_fold_scores: pd.DataFrame
    calibration: dict[str, Any]
    logged_model: ModelPackage


def tokenize_questions(questions: pd.DataFrame, parameters: TextParameters) -> TokenizedQuestions:
    """Tokenise the texts of all questions once, for all sets, candidates and folds; nothing is learnt from them."""
    from question_classification.models.questions import Tokenize

    tokenized: TokenizedQuestions = Tokenize(formulas=parameters.formulas).transform(questions)
    return tokenized


def take_questions(tokenized_questions: TokenizedQuestions, questions: pd.DataFrame) -> TokenizedQuestions:
    """Return the questions of a set, tokenised.

    Raises:
        InputError: the set was made from other questions.
    """
    try:
        return tokenized_questions.find(questions)
    except ValueError as error:
        raise InputError(
            "05_model_input: the train or test set was made from other questions than those of 04_feature; run "
            "`kedro run`, or bring what belongs together by `dvc checkout --force`."
        ) from error


def cross_validate_candidate(
    tokenized_train_set: TokenizedQuestions,
    target: dict[str, str],
    tuned: dict[str, Any],
    text: TextParameters,
    selection: CrossValidationParameters,
    candidate: Candidate,
) -> pd.DataFrame:
    """Judge a candidate within the training set.

    Returns:
        A row per question: `question_id`, `is_target`, `fold`, and `decision`, the decision value by the pipeline that
        was fitted to the other folds.

    Raises:
        InputError: there are too few questions of a class, or the texts hold no words.
    """
    from question_classification.models.fitting import cross_validate

    questions = tokenized_train_set.select(candidate.root.input_columns())
    label = _labels(tokenized_train_set)
    fold = assign_folds(label, selection)
    pipeline = apply_tuned(candidate, tuned, target).root.build(target["target_tag"], text.formulas)
    with _explained():
        decision = cross_validate(pipeline, questions, label, fold)
    return _tabulate_out_of_fold(tokenized_train_set, fold, decision)


def fit_candidate(
    tokenized_train_set: TokenizedQuestions,
    target: dict[str, str],
    tuned: dict[str, Any],
    text: TextParameters,
    candidate: Candidate,
) -> FittedCandidate:
    """Fit a candidate to the training set, with the values that a tuning for this target has found, if there are any.

    Raises:
        InputError: the texts hold no words to learn from.
    """
    from question_classification.models.fitting import fit_and_score

    questions = tokenized_train_set.select(candidate.root.input_columns())
    pipeline = apply_tuned(candidate, tuned, target).root.build(target["target_tag"], text.formulas)
    with _explained():
        model, scores = fit_and_score(pipeline, questions, _labels(tokenized_train_set))
    example = ModelPackage(model, _make_example(questions.frame))
    return FittedCandidate(model, _tabulate(tokenized_train_set, scores), example)


def fit_and_cross_validate_candidate(
    tokenized_train_set: TokenizedQuestions,
    target: dict[str, str],
    tuned: dict[str, Any],
    text: TextParameters,
    selection: CrossValidationParameters,
    candidate: Candidate,
) -> JudgedCandidate:
    """Do as `fit_candidate` and `cross_validate_candidate`, side by side."""
    from question_classification.models.fitting import fit_and_cross_validate

    questions = tokenized_train_set.select(candidate.root.input_columns())
    label = _labels(tokenized_train_set)
    fold = assign_folds(label, selection)
    pipeline = apply_tuned(candidate, tuned, target).root.build(target["target_tag"], text.formulas)
    with _explained():
        model, scores, decision = fit_and_cross_validate(pipeline, questions, label, fold)
    return JudgedCandidate(
        model,
        _tabulate(tokenized_train_set, scores),
        ModelPackage(model, _make_example(questions.frame)),
        _tabulate_out_of_fold(tokenized_train_set, fold, decision),
    )


def select_candidate(*out_of_fold: pd.DataFrame) -> dict[str, Any]:
    """Choose among the deployable candidates by their average precision in cross-validation.

    Args:
        out_of_fold: of each of `DEPLOYABLE`, the simplest first.

    Returns:
        `candidate`, the simplest within one standard error of the best; and of each in `cross_validation`:
        average_precision, standard_error, behind (the best), behind_standard_error.
    """
    from question_classification.models.selection import average_precision_by_fold, choose, compare

    comparisons = compare(
        {
            candidate: average_precision_by_fold(scores["is_target"], scores["decision"], scores["fold"])
            for candidate, scores in zip(DEPLOYABLE, out_of_fold, strict=True)
        }
    )
    return {
        "candidate": choose(comparisons),
        "cross_validation": {name: dataclasses.asdict(comparison) for name, comparison in comparisons.items()},
    }


def settle_hyperparameters(
    selection: dict[str, Any], target: dict[str, str], tuned: dict[str, Any], *candidates: Candidate
) -> dict[str, Any]:
    """Return the kind and the hyperparameters of the selected candidate, tuned ones included.

    Args:
        selection: which candidate it is.
        target: what the labels mean.
        tuned: hyperparameters that a tuning has found.
        candidates: the parameters of each of `DEPLOYABLE`.
    """
    candidate = candidates[DEPLOYABLE.index(selection["candidate"])]
    return apply_tuned(candidate, tuned, target).model_dump(mode="json")


def calibrate_selected(
    selection: dict[str, Any], tokenized_train_set: TokenizedQuestions, *models_and_scores: Any
) -> CalibratedModel:
    """Calibrate the probabilities of the selected candidate by its scores out of fold.

    Args:
        selection: which candidate it is.
        tokenized_train_set: the training set.
        models_and_scores: the fitted pipeline of each of `DEPLOYABLE`, then the scores out of fold of each.
    """
    from question_classification.models.fitting import calibrate, score

    place = DEPLOYABLE.index(selection["candidate"])
    model, out_of_fold = models_and_scores[place], models_and_scores[len(DEPLOYABLE) + place]
    fold = out_of_fold["fold"].to_numpy()
    calibrated = calibrate(model, out_of_fold["decision"].to_numpy(), _labels(tokenized_train_set), fold)
    columns = ["title", "body", *get_args(KnownAtPublication)]
    return CalibratedModel(
        calibrated.pipeline,
        _tabulate(tokenized_train_set, score(calibrated.pipeline, tokenized_train_set)),
        _tabulate(tokenized_train_set, calibrated.scores).assign(fold=fold),
        {"method": calibrated.method, "log_loss": calibrated.log_loss},
        ModelPackage(calibrated.pipeline, _make_example(tokenized_train_set.frame[columns])),
    )


def score_test_set(model: Any, tokenized_test_set: TokenizedQuestions) -> pd.DataFrame:
    """Score the questions that the model has not seen."""
    from question_classification.models.fitting import score

    return _tabulate(tokenized_test_set, score(model, tokenized_test_set))


def backtest_selected(
    hyperparameters: dict[str, Any],
    calibration: dict[str, Any],
    tokenized_questions: TokenizedQuestions,
    question_labels: pd.DataFrame,
    other_split: pd.DataFrame,
    target: dict[str, str],
    text: TextParameters,
    folds: CrossValidationParameters,
) -> pd.DataFrame:
    """Fit and calibrate the selected candidate anew on the training side of the other split, and score its test side.

    One fold is enough to calibrate by, where the method is known.

    Args:
        hyperparameters: of the selected candidate, and its kind.
        calibration: by which method it was calibrated.
        tokenized_questions: those of both splits.
        question_labels: whether each is about the target.
        other_split: of each question, its `side`: train, test or neither.
        target: what the labels mean.
        text: how texts are read.
        folds: of which the first is the one to calibrate by.

    Returns:
        As `score_test_set`; no row where a side has too few questions of a class.
    """
    from question_classification.models.fitting import fit_and_cross_validate, score, with_calibrator

    candidate = Candidate.model_validate(hyperparameters)
    labelled = tokenized_questions.frame.merge(question_labels[["question_id", "is_target"]], validate="one_to_one")
    sided = labelled.merge(other_split, validate="one_to_one")
    train, test = (
        tokenized_questions.find(sided[sided["side"] == name].reset_index(drop=True)) for name in ("train", "test")
    )
    label = _labels(train)
    if min(label.sum(), (~label).sum()) < 2 or test.frame["is_target"].nunique() < 2:
        return _tabulate(test.take(np.arange(0)), np.empty(0))
    fold = assign_folds(label, folds)
    pipeline = candidate.root.build(target["target_tag"], text.formulas)
    inputs = train.select(candidate.root.input_columns())
    with _explained():
        fitted, _, decision = fit_and_cross_validate(pipeline, inputs, label, fold, held_out=[0])
    unseen = fold == 0
    return _tabulate(test, score(with_calibrator(fitted, calibration["method"], decision[unseen], label[unseen]), test))


def apply_tuned(candidate: Candidate, tuned: dict[str, Any], target: dict[str, str]) -> Candidate:
    """Return a candidate with the values that a tuning has found for it, if there was one for this target."""
    if tuned.get("target") != target:
        return candidate
    return with_values(candidate, tuned["candidates"].get(candidate.root.kind, {"values": {}})["values"])


def _labels(questions: TokenizedQuestions) -> Any:
    return questions.frame["is_target"].to_numpy()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "0 feature(s)" not in str(error):
            raise
        raise InputError("training set: its texts hold no word of two letters; check the source.") from error


def _make_example(questions: pd.DataFrame) -> pd.DataFrame:
    """Return a few rows of input in which no question can be read."""
    texts = {column: text for column, text in _EXAMPLE_TEXT.items() if column in questions}
    return questions.head(_EXAMPLES).assign(**texts)


def _tabulate(questions: TokenizedQuestions, scores: Any) -> pd.DataFrame:
    """Return a row per question: `question_id`, `is_target`, `score` (probability of the target)."""
    return questions.frame[["question_id", "is_target"]].assign(score=scores)


def _tabulate_out_of_fold(questions: TokenizedQuestions, fold: Any, decision: Any) -> pd.DataFrame:
    """Return a row per question: `question_id`, `is_target`, `fold`, `decision`."""
    return questions.frame[["question_id", "is_target"]].assign(fold=fold, decision=decision)
