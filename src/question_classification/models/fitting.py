"""Fit and score pipelines on questions that are tokenised once, for all of them."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline

from question_classification.models.calibration import (
    CalibratedClassifier,
    Method,
    choose_method,
    cross_fit,
    decision_values,
    fit_calibrator,
)
from question_classification.models.features import ContainsWords, Tfidf
from question_classification.models.questions import Tokenize
from question_classification.text.tokenized import BODY, TITLE, TokenizedQuestions


class Calibrated(NamedTuple):
    """A pipeline that gives calibrated probabilities, and how it came about.

    Attributes:
        pipeline: the fitted pipeline.
        method: the method of calibration.
        log_loss: the cross-fitted log loss of each method, in nats per row.
        scores: out-of-fold probabilities, shape (n_samples,).
    """

    pipeline: Pipeline
    method: Method
    log_loss: dict[Method, float]
    scores: NDArray[np.float64]


def fit_and_score(pipeline: Pipeline, questions: TokenizedQuestions, y: ArrayLike) -> tuple[Pipeline, NDArray[Any]]:
    """Fit a pipeline and score its own training set, without tokenising again.

    The result is that of `pipeline.fit(frame, y)` and `pipeline.predict_proba(frame)[:, 1]`, to the last bit.

    Args:
        pipeline: Steps of which the last is a classifier with `predict_proba`. It is left as it is: a clone is fitted.
        questions: The training set, n_samples questions.
        y: Classes (bool, or 0 and 1), shape (n_samples,).

    Returns:
        The fitted pipeline, and the probability of the positive class of each question, shape (n_samples,).

    Raises:
        ValueError: `y` does not hold two classes, or the texts hold no term ("empty vocabulary").
    """
    _check_classes(y)
    steps, X = _share(pipeline, questions)
    return _complete(pipeline, *_fit_and_score(steps, X, y))


def fit_and_cross_validate(
    pipeline: Pipeline,
    questions: TokenizedQuestions,
    y: ArrayLike,
    fold: NDArray[np.int8],
    *,
    held_out: Sequence[int] | None = None,
) -> tuple[Pipeline, NDArray[np.float64], NDArray[np.float64]]:
    """Do as `fit_and_score` and `cross_validate` do, side by side.

    Returns:
        The fitted pipeline, the probability of each question, and the decision value of each, shape (n_samples,) both.

    Raises:
        ValueError: As `fit_and_score`.
    """
    _check_classes(y)
    steps, X = _share(pipeline, questions)
    (fitted, scores), *decided = side_by_side(
        [partial(_fit_and_score, steps, X, y), *_fold_by_fold(steps, X, y, fold, held_out)], X, steps
    )
    return *_complete(pipeline, fitted, scores), _put_together(decided, fold)


def score(fitted: Pipeline, questions: TokenizedQuestions) -> NDArray[np.float64]:
    """Return the probability of the positive class of each question, as `predict_proba` of raw ones does."""
    steps, X = _share(fitted, questions)
    scores: NDArray[np.float64] = steps.predict_proba(X)[:, 1]
    return scores


def assign_folds(y: ArrayLike, *, folds: int, seed: int) -> NDArray[np.int8]:
    """Assign each row to a fold of a stratified cross-validation, shape (n_samples,).

    Raises:
        ValueError: A class has fewer rows than there are folds.
    """
    y = np.asarray(y)
    smallest = np.unique(y, return_counts=True)[1].min()
    if smallest < folds:
        raise ValueError(f"the smaller class has {smallest} rows, fewer than {folds} folds")
    fold = np.empty(len(y), np.int8)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(splitter.split(np.zeros(len(y)), y)):
        fold[test] = number
    return fold


def cross_validate(
    pipeline: Pipeline,
    questions: TokenizedQuestions,
    y: ArrayLike,
    fold: NDArray[np.int8],
    *,
    held_out: Sequence[int] | None = None,
) -> NDArray[np.float64]:
    """Return the decision value of each question by a pipeline that was fitted to the other folds, shape (n_samples,).

    Everything is fitted anew in each fold, the choice of terms included; only tokens and their counts are shared.

    Args:
        pipeline: As in `fit_and_score`.
        questions: n_samples questions.
        y: Classes, shape (n_samples,).
        fold: The fold of each question, shape (n_samples,).
        held_out: The folds whose questions are wanted; all by default. Those of the others get NaN.
    """
    steps, X = _share(pipeline, questions)
    return _put_together(side_by_side(_fold_by_fold(steps, X, y, fold, held_out), X, steps), fold)


def calibrate(fitted: Pipeline, decisions: NDArray[np.float64], y: ArrayLike, fold: NDArray[np.int8]) -> Calibrated:
    """Have a fitted pipeline give calibrated probabilities.

    Args:
        fitted: A pipeline that was fitted to all rows. It is left as it is.
        decisions: The decision value of each row by `cross_validate`, shape (n_samples,).
        y: Classes, shape (n_samples,).
        fold: The fold of each row, shape (n_samples,).
    """
    method, log_loss = choose_method(decisions, y, fold)
    pipeline = with_calibrator(fitted, method, decisions, y)
    return Calibrated(pipeline, method, log_loss, cross_fit(method, decisions, y, fold))


def with_calibrator(fitted: Pipeline, method: Method, decisions: NDArray[np.float64], y: ArrayLike) -> Pipeline:
    """Return a fitted pipeline with probabilities calibrated by a given method.

    Args:
        fitted: A fitted pipeline. It is left as it is.
        method: The method of calibration.
        decisions: Decision values of rows that their pipeline had not seen, shape (n_rows,).
        y: Their classes, shape (n_rows,).
    """
    name, classifier = fitted.steps[-1]
    return Pipeline(
        [*fitted.steps[:-1], (name, CalibratedClassifier(classifier, fit_calibrator(method, decisions, y)))]
    )


# For the whole process: where two candidates are fitted at a time, there are no more of them than cores.
_THREADS = ThreadPoolExecutor(os.cpu_count())


def side_by_side(calls: Sequence[Callable[[], Any]], X: Any, steps: Pipeline) -> list[Any]:
    """Call functions that fit the same steps to the same questions, in threads, and return what they return.

    liblinear, SciPy and NumPy let go of Python's lock; processes, measured, took as long.
    """
    for tfidf in _find_tfidf(steps):
        tfidf.count_terms(X)  # once for all
    return list(_THREADS.map(lambda call: call(), calls))


def _find_tfidf(step: Any) -> list[Tfidf]:
    if isinstance(step, Pipeline):
        return [found for _, each in step.steps for found in _find_tfidf(each)]
    if isinstance(step, FeatureUnion):
        return [found for _, each in step.transformer_list for found in _find_tfidf(each)]
    return [step] if isinstance(step, Tfidf) else []


def _fold_by_fold(
    steps: Pipeline, X: Any, y: ArrayLike, fold: NDArray[np.int8], held_out: Sequence[int] | None
) -> list[Callable[[], Any]]:
    numbers = np.unique(fold) if held_out is None else held_out
    return [partial(_fit_and_decide, steps, X, y, fold, number) for number in numbers]


def _fit_and_decide(
    steps: Pipeline, X: Any, y: ArrayLike, fold: NDArray[np.int8], number: int
) -> tuple[int, NDArray[np.float64]]:
    """Return the number of a fold, and the decision values of its questions by steps that were fitted to the others."""
    train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
    fitted = clone(steps)
    _fit(fitted, _take(X, train), np.asarray(y)[train])
    return number, decision_values(fitted, _take(X, test))


def _put_together(decided: Sequence[tuple[int, NDArray[np.float64]]], fold: NDArray[np.int8]) -> NDArray[np.float64]:
    decisions = np.full(len(fold), np.nan)
    for number, values in decided:
        decisions[fold == number] = values
    return decisions


def _fit_and_score(steps: Pipeline, X: Any, y: ArrayLike) -> tuple[Pipeline, NDArray[np.float64]]:
    fitted = clone(steps)
    features = _fit(fitted, X, y)
    return fitted, fitted[-1].predict_proba(features)[:, 1]


def _complete(
    pipeline: Pipeline, fitted: Pipeline, scores: NDArray[np.float64]
) -> tuple[Pipeline, NDArray[np.float64]]:
    """Put what learns nothing before the steps that were fitted without it."""
    before = pipeline.steps[: len(pipeline) - len(fitted)]
    return Pipeline([*((name, clone(step)) for name, step in before), *fitted.steps]), scores


def _share(pipeline: Pipeline, questions: TokenizedQuestions) -> tuple[Pipeline, Any]:
    """Return the steps that are left once what learns nothing has been done, and what they take."""
    if isinstance(pipeline[0], Tokenize):
        # The texts themselves have served; folds would copy them.
        return pipeline[1:], questions.select(questions.frame.columns.difference([TITLE, BODY]).tolist())
    if isinstance(pipeline[0], ContainsWords):
        return pipeline[1:], pipeline[0].transform(questions.frame)
    return pipeline, questions.frame


# liblinear draws from one random generator for the whole process, so its fits wait for each other to be reproducible.
_LIBLINEAR = threading.Lock()


def _fit(steps: Pipeline, X: Any, y: ArrayLike) -> Any:
    """Fit a pipeline and return what its classifier was fitted to."""
    # A slice of a pipeline shares its estimators, so this fits them themselves.
    features = steps[:-1].fit_transform(X, y) if len(steps) > 1 else X
    with _LIBLINEAR:
        steps[-1].fit(features, y)
    return features


def _take(X: Any, rows: NDArray[np.intp]) -> Any:
    return X.take(rows) if isinstance(X, TokenizedQuestions | pd.DataFrame) else X[rows]


def _check_classes(y: ArrayLike) -> None:
    if len(np.unique(np.asarray(y))) != 2:
        raise ValueError("y must hold two classes to fit a classifier")
