import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from question_classification.models.calibration import decision_values
from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_nb_svm_logistic,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)
from question_classification.models.fitting import (
    assign_folds,
    calibrate,
    cross_validate,
    fit_and_cross_validate,
    fit_and_score,
    score,
    with_calibrator,
)
from question_classification.models.questions import Tokenize

PIPELINES = {
    "prior": make_prior(),
    "keyword": make_keyword(("machine", "learning")),
    "numeric": make_numeric_logistic(["title_length", "hour"], C=1.0),
    "tfidf": make_tfidf_logistic(max_features=60, C=1.0),
    "fielded": make_fielded_logistic(
        {"title": 0.5, "prose": 1.0, "code": 1.2}, ["code"], 2, ["title_length", "hour"], "keep", C=1.0
    ),
    "fielded, no numbers": make_fielded_logistic({"prose": 1.0}, [], 1, [], "fold", C=1.0),
    "nb_svm": make_nb_svm_logistic({"title": 0.5, "prose": 1.0, "code": 1.2}, ["prose"], 2, 1.0, "keep", C=0.3),
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


class TestFitAndScore:
    @each_pipeline
    def test_equals_fit_and_predict_proba_of_raw_questions_to_the_last_bit(self, pipeline, simulate) -> None:
        X, y = simulate()
        fitted, scores = fit_and_score(pipeline, Tokenize().transform(X), y)
        expected = clone(pipeline).fit(X, y).predict_proba(X)[:, 1]
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(fitted.predict_proba(X)[:, 1], expected)
        np.testing.assert_array_equal(score(fitted, Tokenize().transform(X)), expected)

    @each_pipeline
    def test_new_questions_score_the_same_raw_or_tokenized(self, pipeline, simulate) -> None:
        X, y = simulate()
        fitted, _ = fit_and_score(pipeline, Tokenize().transform(X[:200]), y[:200])
        expected = fitted.predict_proba(X[200:220])[:, 1]
        np.testing.assert_array_equal(score(fitted, Tokenize().transform(X[200:220])), expected)

    def test_leaves_its_arguments(self, simulate) -> None:
        X, y = simulate()
        X_before, y_before, pipeline = X.copy(), y.copy(), PIPELINES["tfidf"]
        fit_and_score(pipeline, Tokenize().transform(X), y)
        assert not hasattr(pipeline["tfidf"], "vocabulary_")
        pd.testing.assert_frame_equal(X, X_before)
        np.testing.assert_array_equal(y, y_before)

    def test_refuses_one_class(self, simulate) -> None:
        X, _ = simulate(10)
        with pytest.raises(ValueError, match="two classes"):
            fit_and_score(make_prior(), Tokenize().transform(X), np.ones(10))


class TestCrossValidate:
    @each_pipeline
    def test_equals_a_plain_loop_over_raw_questions_to_the_last_bit(self, pipeline, simulate) -> None:
        X, y = simulate()
        fold = assign_folds(y, folds=3, seed=0)
        expected = np.empty(len(y))
        for number in range(3):
            fitted = clone(pipeline).fit(X[fold != number], y[fold != number])
            expected[fold == number] = decision_values(fitted, X[fold == number])
        np.testing.assert_array_equal(cross_validate(pipeline, Tokenize().transform(X), y, fold), expected)

    def test_is_the_same_in_every_run(self, simulate) -> None:
        """The folds run in threads, and liblinear draws from one generator for the whole process."""
        X, y = simulate(600)
        questions, fold = Tokenize().transform(X), assign_folds(y, folds=5, seed=0)
        runs = [cross_validate(PIPELINES["nb_svm"], questions, y, fold).tobytes() for _ in range(4)]
        assert len(set(runs)) == 1

    @each_pipeline
    def test_a_fold_does_not_see_itself(self, pipeline, simulate) -> None:
        X, y = simulate()
        fold = assign_folds(y, folds=3, seed=0)
        other = y.copy()
        other[fold == 1] = ~other[fold == 1]
        one, two = (cross_validate(pipeline, Tokenize().transform(X), labels, fold) for labels in (y, other))
        np.testing.assert_array_equal(one[fold == 1], two[fold == 1])

    def test_only_the_folds_asked_for(self, simulate) -> None:
        X, y = simulate()
        fold = assign_folds(y, folds=4, seed=0)
        questions = Tokenize().transform(X)
        some = cross_validate(PIPELINES["tfidf"], questions, y, fold, held_out=[2])
        whole = cross_validate(PIPELINES["tfidf"], questions, y, fold)
        np.testing.assert_array_equal(np.isnan(some), fold != 2)
        np.testing.assert_array_equal(some[fold == 2], whole[fold == 2])


class TestFitAndCrossValidate:
    @each_pipeline
    def test_gives_what_both_give_one_after_the_other(self, pipeline, simulate) -> None:
        X, y = simulate()
        questions, fold = Tokenize().transform(X), assign_folds(y, folds=3, seed=0)
        fitted, scores, decisions = fit_and_cross_validate(pipeline, questions, y, fold)
        np.testing.assert_array_equal(scores, fit_and_score(pipeline, Tokenize().transform(X), y)[1])
        np.testing.assert_array_equal(fitted.predict_proba(X)[:, 1], scores)
        np.testing.assert_array_equal(decisions, cross_validate(pipeline, Tokenize().transform(X), y, fold))


class TestAssignFolds:
    def test_share_of_positives_is_the_same_in_each(self) -> None:
        y = np.arange(100) % 10 == 0
        fold = assign_folds(y, folds=5, seed=3)
        assert np.bincount(fold).tolist() == [20] * 5
        assert np.bincount(fold[y]).tolist() == [2] * 5
        assert (assign_folds(y, folds=5, seed=3) == fold).all()
        assert (assign_folds(y, folds=5, seed=4) != fold).any()

    def test_refuses_a_class_with_fewer_rows(self) -> None:
        with pytest.raises(ValueError, match="smaller class has 2 rows, fewer than 3 folds"):
            assign_folds([True, True, False, False, False, False], folds=3, seed=0)


class TestCalibrate:
    @each_pipeline
    def test_keeps_the_order_and_takes_raw_questions(self, pipeline, simulate) -> None:
        X, y = simulate()
        questions, fold = Tokenize().transform(X), assign_folds(y, folds=3, seed=0)
        fitted, scores = fit_and_score(pipeline, questions, y)
        calibrated = calibrate(fitted, cross_validate(pipeline, questions, y, fold), y, fold)
        probabilities = calibrated.pipeline.predict_proba(X)[:, 1]
        np.testing.assert_array_equal(probabilities, score(calibrated.pipeline, questions))
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        order = np.argsort(scores, kind="stable")
        assert (np.diff(probabilities[order]) >= -1e-12).all()
        np.testing.assert_array_equal(fitted.predict_proba(X)[:, 1], scores)  # it is left as it is

    def test_with_a_given_method(self, simulate) -> None:
        X, y = simulate()
        fitted, _ = fit_and_score(PIPELINES["tfidf"], Tokenize().transform(X), y)
        decisions = decision_values(fitted, X)
        one, other = (with_calibrator(fitted, method, decisions, y) for method in ("sigmoid", "isotonic"))
        assert (one.predict_proba(X) != other.predict_proba(X)).any()
