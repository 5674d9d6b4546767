import math

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from question_classification.models.calibration import (
    METHODS,
    CalibratedClassifier,
    IsotonicCalibrator,
    SigmoidCalibrator,
    choose_method,
    cross_fit,
    decision_values,
    fit_calibrator,
)
from question_classification.models.persistence import dump_model, load_model

each_method = pytest.mark.parametrize("method", METHODS)


def simulate(rows: int, *, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Decision values that are twice the true log-odds, classes, and five folds."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1, 2, size=rows)
    return 2 * log_odds, rng.random(rows) < expit(log_odds), rng.integers(5, size=rows)


@st.composite
def samples(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Both classes; decision values are multiples of 0.1, some of them tied."""
    y = [False, True, *draw(st.lists(st.booleans(), max_size=20))]
    decision = draw(st.lists(st.integers(-50, 50), min_size=len(y), max_size=len(y)))
    return np.array(decision) / 10, np.array(y)


@st.composite
def folded_samples(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Three folds of both classes each."""
    parts = [draw(samples()) for _ in range(3)]
    decision, y = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return decision, y, np.repeat([4, 7, -1], [len(part[1]) for part in parts])


class TestSigmoidCalibrator:
    @pytest.mark.parametrize(
        ("decision", "y"),
        [
            ([0, 1], [0, 1]),  # targets 1 / 3 and 2 / 3
            (
                [0, 0, 0, 0, 1, 1, 1, 1],
                [0, 0, 0, 1, 0, 1, 1, 1],
            ),  # targets 1 / 6 and 5 / 6, their means 1 / 3 and 2 / 3
        ],
    )
    def test_worked_out_by_hand(self, decision, y) -> None:
        calibrator = SigmoidCalibrator().fit(decision, y)
        assert (calibrator.slope_, calibrator.intercept_) == pytest.approx((2 * math.log(2), -math.log(2)), abs=1e-7)
        np.testing.assert_allclose(calibrator.predict([0, 0.5, 1]), [1 / 3, 1 / 2, 2 / 3], atol=1e-7)

    def test_finds_the_true_line(self) -> None:
        decision, y, _ = simulate(100_000)
        calibrator = SigmoidCalibrator().fit(decision, y)
        assert (calibrator.slope_, calibrator.intercept_) == pytest.approx((0.5, 0), abs=0.03)

    def test_equals_scikit_learns_calibration(self) -> None:
        decision, y, _ = simulate(2000)
        X = decision[:, np.newaxis]
        classifier = LogisticRegression(C=0.01).fit(X, y)
        theirs = CalibratedClassifierCV(FrozenEstimator(classifier), method="sigmoid", ensemble=False).fit(X, y)
        ours = CalibratedClassifier(classifier, fit_calibrator("sigmoid", classifier.decision_function(X), y))
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)

    @given(samples())
    @settings(max_examples=60, deadline=None)
    def test_keeps_the_order(self, sample) -> None:
        calibrator = SigmoidCalibrator().fit(*sample)
        assert calibrator.slope_ > 0
        assert (np.diff(calibrator.predict(np.unique(sample[0]))) > 0).all()

    @given(samples())
    @settings(max_examples=30, deadline=None)
    def test_the_mean_probability_is_the_mean_target(self, sample) -> None:
        decision, y = sample
        positives, negatives = y.sum(), (~y).sum()
        target = np.where(y, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        probability = SigmoidCalibrator().fit(decision, y).predict(decision)
        assert probability.mean() == pytest.approx(target.mean(), abs=1e-6)

    @given(samples(), st.sampled_from([1e-6, 0.1, 1e6]), st.sampled_from([-1e3, 0, 0.7]))
    @settings(max_examples=30, deadline=None)
    def test_the_unit_of_the_decision_does_not_matter(self, sample, scale, shift) -> None:
        decision, y = sample
        probability = SigmoidCalibrator().fit(decision, y).predict(decision)
        other = scale * (decision + shift)
        np.testing.assert_allclose(SigmoidCalibrator().fit(other, y).predict(other), probability, atol=1e-5)

    @pytest.mark.parametrize(
        "decision",
        [[0.1] * 4, [0.0] * 4, [-1e9, -1e9, -1e9 + 1e-6, -1e9 + 1e-6], [3, 2, 1, 0], [0, 1, 0, 1]],
        ids=["constant", "zero", "constant but for rounding", "falling", "unrelated"],
    )
    def test_says_the_share_where_the_decision_says_nothing(self, decision) -> None:
        calibrator = SigmoidCalibrator().fit(decision, [0, 0, 1, 1])
        assert calibrator.slope_ > 0
        np.testing.assert_allclose(calibrator.predict(decision), 0.5, atol=1e-5)

    def test_keeps_the_order_of_values_that_rank_worse_than_chance(self) -> None:
        decision, y, _ = simulate(500)
        assert (np.diff(SigmoidCalibrator().fit(-decision, y).predict(np.sort(-decision))) > 0).all()

    def test_separated_classes_have_a_finite_line(self) -> None:
        calibrator = SigmoidCalibrator().fit(np.arange(20), np.arange(20) >= 10)
        assert 0.3 < calibrator.slope_ < 0.6
        assert calibrator.predict([-1e300, 9.5, 1e300]) == pytest.approx([0, 0.5, 1], abs=1e-6)

    def test_an_unfitted_one_predicts_nothing(self) -> None:
        with pytest.raises(NotFittedError):
            SigmoidCalibrator().predict([0.0])


class TestFitCalibrator:
    def test_isotonic_worked_out_by_hand(self) -> None:
        # Blocks 0, 1 / 2 and 1, of which the outer ones are held at 1 / (2 + 2) and 3 / (2 + 2); the sigmoid has a
        # thousandth of the say.
        decision, y = [1, 2, 3, 4], [0, 1, 0, 1]
        calibrator, sigmoid = fit_calibrator("isotonic", decision, y), fit_calibrator("sigmoid", decision, y)
        values = [-9, 1, 2, 2.5, 3, 3.5, 4, 9]
        steps = np.array([0.25, 0.25, 0.5, 0.5, 0.5, 0.625, 0.75, 0.75])
        np.testing.assert_allclose(calibrator.predict(values), 0.999 * steps + 0.001 * sigmoid.predict(values))

    def test_isotonic_keeps_the_order_within_a_step(self) -> None:
        calibrator = fit_calibrator("isotonic", [1, 2, 3, 4], [0, 1, 0, 1])
        assert (np.diff(calibrator.predict([-9, 0, 1, 2, 2.5, 3, 4, 9])) > 0).all()

    @each_method
    @given(sample=samples())
    @settings(max_examples=30, deadline=None)
    def test_probabilities_are_such_and_never_fall(self, method, sample) -> None:
        calibrator = fit_calibrator(method, *sample)
        probability = calibrator.predict(np.linspace(-100, 100, 2001))
        assert probability.min() >= 0
        assert probability.max() <= 1
        assert (np.diff(probability) >= -1e-15).all()

    @given(samples())
    @settings(max_examples=30, deadline=None)
    def test_isotonic_is_never_certain(self, sample) -> None:
        decision, y = sample
        probability = fit_calibrator("isotonic", decision, y).predict(np.linspace(-6, 6, 1201))
        assert probability.min() >= (1 - 1e-12) * 0.999 / ((~y).sum() + 2)
        assert probability.max() < 1

    @pytest.mark.parametrize(
        ("decision", "y", "message"),
        [
            ([0.1], [0, 1], "one shape"),
            ([[0.1], [0.2]], [[0], [1]], "one shape"),
            ([0.1, np.nan], [0, 1], "finite"),
            ([0.1, np.inf], [0, 1], "finite"),
            ([0.1, 0.2], [0, 2], "both classes"),
            ([0.1, 0.2], [1, 1], "both classes"),
            ([], [], "both classes"),
        ],
    )
    @pytest.mark.parametrize(
        "fit",
        [
            SigmoidCalibrator().fit,
            lambda decision, y: fit_calibrator("isotonic", decision, y),
            lambda decision, y: cross_fit("sigmoid", decision, y, np.arange(len(y))),
            lambda decision, y: choose_method(decision, y, np.arange(len(y))),
        ],
        ids=["sigmoid", "isotonic", "cross_fit", "choose"],
    )
    def test_refuses(self, fit, decision, y, message) -> None:
        with pytest.raises(ValueError, match=message):
            fit(decision, y)

    def test_refuses_another_method(self) -> None:
        with pytest.raises(ValueError, match="sigmoid, isotonic, not 'beta'"):
            fit_calibrator("beta", [0, 1], [0, 1])


class TestCrossFit:
    @each_method
    def test_each_fold_is_calibrated_on_the_others(self, method) -> None:
        decision, y, fold = simulate(300)
        probability = cross_fit(method, decision, y, fold)
        for each in range(5):
            others = fold != each
            calibrator = fit_calibrator(method, decision[others], y[others])
            np.testing.assert_array_equal(probability[~others], calibrator.predict(decision[~others]))

    @each_method
    @given(sample=folded_samples(), data=st.data())
    @settings(max_examples=20, deadline=None)
    def test_never_looks_at_the_labels_of_the_fold(self, method, sample, data) -> None:
        decision, y, fold = sample
        inside = fold == data.draw(st.sampled_from(np.unique(fold).tolist()))
        changed = y.copy()
        changed[inside] = [data.draw(st.booleans()) for _ in range(np.count_nonzero(inside))]
        before, after = cross_fit(method, decision, y, fold), cross_fit(method, decision, changed, fold)
        np.testing.assert_array_equal(after[inside], before[inside])

    @pytest.mark.parametrize("fold", [[0, 0, 0, 0], [0, 1], 0])
    def test_refuses_what_are_no_folds(self, fold) -> None:
        with pytest.raises(ValueError, match="each of 4 rows, and at least two folds"):
            cross_fit("sigmoid", [0, 1, 2, 3], [0, 1, 0, 1], fold)

    def test_refuses_folds_without_which_a_class_is_missing(self) -> None:
        with pytest.raises(ValueError, match="both classes"):
            cross_fit("sigmoid", [0, 1, 2, 3], [0, 0, 1, 1], [0, 0, 1, 1])


class TestChooseMethod:
    def test_losses_are_the_cross_fitted_ones(self) -> None:
        decision, y, fold = simulate(1000)
        _, losses = choose_method(decision, y, fold)
        assert losses == pytest.approx({each: log_loss(y, cross_fit(each, decision, y, fold)) for each in METHODS})

    def test_sigmoid_where_the_log_odds_are_a_line(self) -> None:
        assert choose_method(*simulate(5000))[0] == "sigmoid"

    def test_isotonic_where_they_are_a_step(self) -> None:
        decision, _, fold = simulate(5000)
        y = np.random.default_rng(1).random(5000) < np.where(decision < 0, 0.1, 0.4)
        method, losses = choose_method(decision, y, fold)
        assert method == "isotonic"
        assert losses["isotonic"] < losses["sigmoid"]

    def test_sigmoid_where_isotonic_is_better_by_less_than_chance(self) -> None:
        # A step as above, in so few rows that it cannot be told from a line.
        decision, _, fold = simulate(150)
        y = np.random.default_rng(0).random(150) < np.where(decision < 0, 0.1, 0.4)
        method, losses = choose_method(decision, y, fold)
        assert losses["isotonic"] < losses["sigmoid"] * (1 - 1e-4)
        assert method == "sigmoid"

    def test_sigmoid_where_both_are_the_same(self) -> None:
        method, losses = choose_method(np.zeros(1000), np.arange(1000) % 2, np.arange(1000) // 500)
        assert losses["isotonic"] == pytest.approx(losses["sigmoid"], rel=1e-4)
        assert method == "sigmoid"


X = pd.DataFrame({"hour": [1.0, 2.0, np.nan, 4.0, 6.0, 5.0] * 5, "day": np.arange(30.0) % 7})
Y = np.array([False, False, True, True, True, False] * 5)

PIPELINES = {
    "logistic": Pipeline(
        [("impute", SimpleImputer()), ("scale", StandardScaler()), ("classifier", LogisticRegression())]
    ),
    "prior": Pipeline([("classifier", DummyClassifier())]),
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


def calibrate(pipeline: Pipeline, method: str) -> Pipeline:
    """Put a calibrator behind the classifier of a fitted pipeline; that it saw the same rows does not matter here."""
    *transformers, (name, classifier) = pipeline.steps
    calibrator = fit_calibrator(method, decision_values(pipeline, X), Y)
    return Pipeline([*transformers, (name, CalibratedClassifier(classifier, calibrator))])


class TestDecisionValues:
    def test_are_those_of_the_classifier(self) -> None:
        model = clone(PIPELINES["logistic"]).fit(X, Y)
        np.testing.assert_array_equal(decision_values(model, X), model.decision_function(X))

    def test_are_log_odds_where_it_has_none(self) -> None:
        model = DummyClassifier().fit(X[:3], Y[:3])
        assert decision_values(model, X).tolist() == pytest.approx([-math.log(2)] * len(X))

    def test_of_certainty_are_finite(self) -> None:
        model = DummyClassifier(strategy="constant", constant=True).fit(X, Y)
        assert decision_values(model, X).tolist() == pytest.approx([math.log(2**52)] * len(X))

    @pytest.mark.parametrize("y", [[0] * 50 + [1] * 50 + [2] * 50, [1] * 150])
    def test_refuses_other_than_two_classes(self, y) -> None:
        features = load_iris().data
        with pytest.raises(ValueError, match="two classes"):
            decision_values(DummyClassifier().fit(features, y), features)


class TestCalibratedClassifier:
    @each_method
    @each_pipeline
    def test_calibrates_the_decision_of_its_classifier(self, pipeline, method) -> None:
        fitted = clone(pipeline).fit(X, Y)
        model, decision = calibrate(fitted, method), decision_values(fitted, X)
        probability = fit_calibrator(method, decision, Y).predict(decision)
        check_is_fitted(model)
        assert model.classes_.tolist() == [False, True]
        np.testing.assert_array_equal(model.decision_function(X), decision)
        np.testing.assert_array_equal(model.predict_proba(X), np.column_stack([1 - probability, probability]))
        np.testing.assert_array_equal(model.predict(X), probability >= 0.5)

    def test_predicts_its_classes_by_the_calibrated_probability(self) -> None:
        features = np.arange(10.0)[:, np.newaxis]
        classifier = LogisticRegression().fit(features, ["no"] * 5 + ["yes"] * 5)
        calibrator = fit_calibrator("isotonic", classifier.decision_function(features), np.arange(10) >= 8)
        model = CalibratedClassifier(classifier, calibrator)
        assert model.predict(features).tolist() == ["no"] * 8 + ["yes"] * 2
        assert model.score(features, ["no"] * 8 + ["yes"] * 2) == 1

    def test_a_probability_of_one_half_is_positive(self) -> None:
        classifier = DummyClassifier().fit(X, Y)
        model = CalibratedClassifier(classifier, fit_calibrator("isotonic", [0, 0], [0, 1]))
        assert model.predict_proba(X[:1]).tolist() == [[0.5, 0.5]]
        assert model.predict(X[:1]).tolist() == [True]

    @each_method
    @each_pipeline
    def test_survives_the_disk(self, pipeline, method) -> None:
        first, second = (calibrate(clone(pipeline).fit(X, Y), method) for _ in range(2))
        second.predict_proba(X)
        data = dump_model(first)
        loaded = load_model(data)
        assert dump_model(second) == data
        assert dump_model(loaded) == data
        assert repr(loaded) == repr(first)
        np.testing.assert_array_equal(loaded.predict_proba(X), first.predict_proba(X))
        np.testing.assert_array_equal(loaded.predict_proba(X[::-1] * 1.1), first.predict_proba(X[::-1] * 1.1))

    def test_needs_no_other_type_to_be_trusted(self) -> None:
        models = [calibrate(clone(PIPELINES["prior"]).fit(X, Y), method) for method in METHODS]
        names = {name for model in models for name in skops.io.get_untrusted_types(data=dump_model(model))}
        assert names == {
            f"{each.__module__}.{each.__name__}"
            for each in (CalibratedClassifier, IsotonicCalibrator, SigmoidCalibrator)
        }

    def test_a_clone_is_not_fitted(self) -> None:
        model = calibrate(clone(PIPELINES["prior"]).fit(X, Y), "sigmoid")
        with pytest.raises(NotFittedError):
            check_is_fitted(clone(model))

    def test_refuses_to_be_fitted(self) -> None:
        with pytest.raises(NotImplementedError, match="fitted parts"):
            CalibratedClassifier(LogisticRegression(), SigmoidCalibrator()).fit(X, Y)
