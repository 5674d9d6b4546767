from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.runner import SequentialRunner
from pydantic import ValidationError
from sklearn.metrics import average_precision_score

from question_classification.models.calibration import choose_method, cross_fit
from question_classification.models.fitting import cross_validate, with_calibrator
from question_classification.pipelines.candidates import DEPLOYABLE
from question_classification.pipelines.modelling.folds import assign_folds
from question_classification.pipelines.modelling.nodes import (
    CalibratedModel,
    FittedCandidate,
    backtest_selected,
    calibrate_selected,
    cross_validate_candidate,
    fit_candidate,
    score_test_set,
    select_candidate,
    settle_hyperparameters,
    take_questions,
    tokenize_questions,
)
from question_classification.pipelines.modelling.parameters import (
    Candidate,
    CrossValidationParameters,
    TextParameters,
    values_of,
    with_values,
)
from question_classification.stackexchange.errors import InputError
from question_classification.text.tokenized import TokenizedQuestions

TARGET = {"target_tag": "machine-learning", "match": "exact"}
FIELDED: dict[str, Any] = {"weights": {"title": 0.6, "prose": 1.0, "code": 1.2}, "bigrams": ["code"], "C": 1.0}
KINDS: dict[str, dict[str, Any]] = {
    "prior": {"kind": "prior"},
    "keyword": {"kind": "keyword"},
    "numeric_logistic": {"kind": "numeric_logistic", "features": ["title_length", "view_count"], "C": 1.0},
    "tfidf_logistic": {"kind": "tfidf_logistic", "max_features": 100, "C": 1.0},
    "fielded_logistic": {"kind": "fielded_logistic", **FIELDED, "min_questions": 1, "features": ["title_length"]},
    "nb_svm_logistic": {"kind": "nb_svm_logistic", **FIELDED, "min_questions": 1, "smoothing": 1.0},
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_deployable = pytest.mark.parametrize("kind", DEPLOYABLE)
TEXT = TextParameters(formulas="keep")
FOLDS = CrossValidationParameters(folds=3, seed=0)
NOT_TUNED: dict[str, Any] = {}


def candidate(kind: str, **changes: Any) -> Candidate:
    return Candidate.model_validate({**KINDS[kind], **changes})


def tokenize(questions: pd.DataFrame) -> TokenizedQuestions:
    return tokenize_questions(questions, TEXT)


def fit(questions: pd.DataFrame, each: Candidate, tuned: dict[str, Any] = NOT_TUNED) -> FittedCandidate:
    return fit_candidate(tokenize(questions), TARGET, tuned, TEXT, each)


def found(kind: str, target: dict[str, str] = TARGET, **values: float) -> dict[str, Any]:
    """Return what a tuning has found for a kind of candidate."""
    return {"target": target, "candidates": {kind: {"values": {n.replace("__", "."): v for n, v in values.items()}}}}


@pytest.fixture
def train_set() -> pd.DataFrame:
    """Eight questions, of which three are about the target; views come and go."""
    titles = ["Machine learning?", "What is a mean", "Machine-learning now", "R", "", "A neural net", "Why?", "How?"]
    return pd.DataFrame(
        {
            "question_id": range(1, 9),
            "title": titles,
            "body": [
                "<p>deep net</p>",
                "<p>mean and median</p>",
                "<p>net</p>",
                "",
                "<p>mean</p>",
                "<p>net</p>",
                "",
                "",
            ],
            "title_length": [float(len(title)) for title in titles],
            "view_count": [100.0, 5.0, 80.0, np.nan, 3.0, 90.0, 4.0, 2.0],
            "is_target": [True, False, True, False, False, True, False, False],
        }
    )


@pytest.fixture
def test_set() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "question_id": [21, 22],
            "title": ["Is machine learning a mean?", "Median"],
            "body": ["<p>neural</p>", ""],
            "title_length": [27.0, 6.0],
            "view_count": [np.nan, 1.0],
            "is_target": [False, True],
        }
    )


def make_questions(rows: int, seed: int) -> pd.DataFrame:
    """Return questions whose words say much about the target, but not all."""
    random = np.random.default_rng(seed)
    label = np.arange(rows) % 3 == 0
    words = np.array(["forest", "net", "mean", "median", "variance", "test"])
    weights = np.where(label[:, None], [5, 4, 2, 2, 1, 1], [1, 1, 3, 3, 2, 2])
    texts = [" ".join(random.choice(words, 6, p=each / each.sum())) for each in weights]
    return pd.DataFrame(
        {
            "question_id": random.permutation(rows) + 1000 * seed,
            "title": [text.rpartition(" ")[2] for text in texts],
            "body": [f"<p>{text}</p><pre><code>x = {number % 7}</code></pre>" for number, text in enumerate(texts)],
            "creation_time": random.uniform(1e9, 2e9, rows),
            "title_length": random.integers(4, 9, rows).astype(float),
            "body_length": [float(len(text)) for text in texts],
            "is_target": label,
        }
    )


@each_kind
def test_train_scores_are_those_of_the_fitted_model(kind: str, train_set: pd.DataFrame) -> None:
    """A shortcut in the fit, for which texts are tokenised already, must not show."""
    model, scores, _ = fit(train_set, candidate(kind))
    pd.testing.assert_frame_equal(scores[["question_id", "is_target"]], train_set[["question_id", "is_target"]])
    columns = candidate(kind).root.input_columns()
    assert scores["score"].tolist() == model.predict_proba(train_set[columns])[:, 1].tolist()


@each_kind
def test_test_scores_are_probabilities_in_the_order_of_the_questions(
    kind: str, train_set: pd.DataFrame, test_set: pd.DataFrame
) -> None:
    model = fit(train_set, candidate(kind)).model
    scores = score_test_set(model, tokenize(test_set))
    assert scores.columns.tolist() == ["question_id", "is_target", "score"]
    assert scores["question_id"].tolist() == [21, 22]
    assert scores["is_target"].tolist() == [False, True]
    assert scores["score"].between(0, 1).all()
    assert scores["score"].tolist() == model.predict_proba(test_set)[:, 1].tolist()
    backwards = score_test_set(model, tokenize(test_set[::-1]))
    assert backwards["score"].tolist() == scores["score"].tolist()[::-1]


@each_kind
def test_label_of_the_test_set_plays_no_part(kind: str, train_set: pd.DataFrame, test_set: pd.DataFrame) -> None:
    model = fit(train_set, candidate(kind)).model
    scores, swapped = (
        score_test_set(model, tokenize(test_set.assign(is_target=labels)))["score"].tolist()
        for labels in ([False, True], [True, False])
    )
    assert scores == swapped


@each_kind
def test_logged_model_is_the_model_with_an_example_of_its_input(kind: str, train_set: pd.DataFrame) -> None:
    fitted = fit(train_set, candidate(kind))
    assert fitted.logged_model.model is fitted.model
    check_example(fitted.logged_model.input_example, train_set, candidate(kind).root.input_columns())


def check_example(example: pd.DataFrame, questions: pd.DataFrame, columns: list[str]) -> None:
    """Check that it has the columns and that no question can be read in it: models travel further than questions."""
    assert example.columns.tolist() == columns
    texts = [column for column in columns if column in ("title", "body")]
    pd.testing.assert_frame_equal(example.drop(columns=texts), questions[columns].drop(columns=texts).head(5))
    for column in texts:
        assert not set(example[column]) & set(questions[column])


def test_prior_is_the_share_of_targets(train_set: pd.DataFrame, test_set: pd.DataFrame) -> None:
    model = fit(train_set, candidate("prior")).model
    assert score_test_set(model, tokenize(test_set))["score"].tolist() == [3 / 8, 3 / 8]


def test_keyword_raises_the_questions_that_have_it(train_set: pd.DataFrame, test_set: pd.DataFrame) -> None:
    model, scores, _ = fit(train_set, candidate("keyword"))
    has_it = [True, False, True, False, False, False, False, False]
    assert scores["score"].nunique() == 2
    assert (scores["score"] == scores["score"].max()).tolist() == has_it
    with_it, without = score_test_set(model, tokenize(test_set))["score"]
    assert with_it > without


@pytest.mark.parametrize(
    ("tag", "has_it"),
    [
        ("neural-net", [5]),
        ("-neural-net-", [5]),
        ("Net", [0, 2, 5]),
        ("mean", [1, 4]),
    ],
)
def test_keyword_is_the_target_tag_of_the_labels(train_set: pd.DataFrame, tag: str, has_it: list[int]) -> None:
    labelled = tokenize(train_set.assign(is_target=[number in has_it for number in range(8)]))
    target = {**TARGET, "target_tag": tag}
    scores = fit_candidate(labelled, target, NOT_TUNED, TEXT, candidate("keyword")).train_scores
    assert np.flatnonzero(scores["score"] > scores["score"].min()).tolist() == has_it


@pytest.mark.parametrize(
    "each",
    [candidate("tfidf_logistic"), candidate("fielded_logistic", features=[]), candidate("nb_svm_logistic")],
    ids=lambda each: each.root.kind,
)
def test_no_word_to_learn_from_is_said_in_one_line(each: Candidate, train_set: pd.DataFrame) -> None:
    wordless = train_set.assign(title=["?", "R", "C", "", "x y", "7", "日", "!"], body="<p>1 + x</p>")
    with pytest.raises(InputError) as error:
        fit(wordless, each)
    assert str(error.value) == "training set: its texts hold no word of two letters; check the source."
    with pytest.raises(InputError, match="no word of two letters"):
        cross_validate_candidate(tokenize(wordless), TARGET, NOT_TUNED, TEXT, FOLDS, each)


@pytest.mark.parametrize("kind", ["prior", "keyword", "numeric_logistic", "fielded_logistic"])
def test_candidates_that_learn_not_only_words_need_none(kind: str, train_set: pd.DataFrame) -> None:
    scores = fit(train_set.assign(title="R", body=""), candidate(kind)).train_scores
    assert scores["score"].between(0, 1).all()


def test_other_errors_stay_what_they_are(train_set: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="class") as error:
        fit(train_set.assign(is_target=False), candidate("tfidf_logistic"))
    assert not isinstance(error.value, InputError)


def test_hyperparameters_reach_the_estimators(train_set: pd.DataFrame) -> None:
    tfidf = fit(train_set, candidate("tfidf_logistic", max_features=2, C=0.5)).model
    assert sorted(tfidf["tfidf"].vocabulary_) == ["mean", "net"]  # three times each; no other word is in twice
    assert tfidf["classifier"].C == 0.5
    numeric = fit(train_set, candidate("numeric_logistic", features=["view_count"], C=2.0)).model
    assert numeric.feature_names_in_.tolist() == ["view_count"]
    assert numeric["classifier"].C == 2.0
    fielded = fit(train_set, candidate("fielded_logistic", weights={"title": 0.5, "prose": 2}, min_questions=3)).model
    assert fielded["fields"].transformer_weights == {"title": 0.5, "prose": 2.0, "numeric": 0.1}
    assert fielded["fields"]["prose"].vocabulary_ == ["net"]
    nb_svm = fit(train_set, candidate("nb_svm_logistic", smoothing=3.0, bigrams=["prose"])).model
    assert nb_svm["ratios"].smoothing == 3.0
    assert "mean and" in nb_svm["fields"]["prose"].get_feature_names_out()


def test_formulas_are_read_as_the_text_parameters_say(train_set: pd.DataFrame) -> None:
    questions = train_set.assign(body="<p>about $\\sigma$</p>")
    vocabulary = {}
    for formulas in ("keep", "fold"):
        text = TextParameters.model_validate({"formulas": formulas})
        tokenized = tokenize_questions(questions, text)
        model, scores, _ = fit_candidate(tokenized, TARGET, NOT_TUNED, text, candidate("fielded_logistic"))
        assert scores["score"].tolist() == model.predict_proba(questions)[:, 1].tolist()
        vocabulary[formulas] = model["fields"]["prose"].vocabulary_
    assert "sigma" in vocabulary["keep"]
    assert "sigma" not in vocabulary["fold"]


class TestCrossValidateCandidate:
    @each_deployable
    def test_decision_is_by_a_fit_to_the_other_folds(self, kind: str, train_set: pd.DataFrame) -> None:
        each = candidate(kind)
        scores = cross_validate_candidate(tokenize(train_set), TARGET, NOT_TUNED, TEXT, FOLDS, each)
        assert scores.columns.tolist() == ["question_id", "is_target", "fold", "decision"]
        pd.testing.assert_frame_equal(scores[["question_id", "is_target"]], train_set[["question_id", "is_target"]])
        assert scores.groupby("fold")["is_target"].sum().tolist() == [1, 1, 1]
        for fold in range(3):
            held_out = scores["fold"] == fold
            model = fit(train_set[~held_out], each).model
            probability = model.predict_proba(train_set[held_out])[:, 1]
            # a logistic regression decides by log-odds, and so do the others here
            np.testing.assert_allclose(1 / (1 + np.exp(-scores["decision"][held_out])), probability, rtol=1e-12)

    @each_deployable
    def test_label_of_a_question_has_no_part_in_its_own_decision(self, kind: str) -> None:
        questions = make_questions(30, seed=1)
        fold = assign_folds(questions["is_target"].to_numpy(), FOLDS)
        pipeline = candidate(kind).root.build("forest", "keep")
        flipped = np.where(fold == 1, ~questions["is_target"], questions["is_target"])
        before, after = (
            cross_validate(pipeline, tokenize(questions), label, fold) for label in (questions["is_target"], flipped)
        )
        assert before[fold == 1].tolist() == after[fold == 1].tolist()
        assert before[fold != 1].tolist() != after[fold != 1].tolist()

    def test_is_the_same_every_time(self) -> None:
        """Folds are fitted at the same time, and liblinear has one generator of random numbers for all of them."""
        tokenized = tokenize(make_questions(500, seed=2))
        parameters = CrossValidationParameters(folds=10, seed=0)
        each = candidate("tfidf_logistic", C=100)
        made = [
            cross_validate_candidate(tokenized, TARGET, NOT_TUNED, TEXT, parameters, each)["decision"] for _ in range(5)
        ]
        assert all(decision.equals(made[0]) for decision in made)

    def test_folds_are_the_same_for_every_candidate_and_follow_the_seed(self) -> None:
        tokenized = tokenize(make_questions(60, seed=1))

        def folds(kind: str, seed: int) -> list[int]:
            parameters = CrossValidationParameters(folds=3, seed=seed)
            made = cross_validate_candidate(tokenized, TARGET, NOT_TUNED, TEXT, parameters, candidate(kind))
            return made["fold"].tolist()

        assert folds("prior", 0) == folds("nb_svm_logistic", 0) != folds("prior", 1)


class TestAssignFolds:
    @settings(max_examples=50, deadline=None)
    @given(targets=st.integers(0, 12), others=st.integers(0, 12), folds=st.integers(2, 8), seed=st.integers(0, 99))
    def test_each_holds_both_classes_or_too_few_is_said(self, targets: int, others: int, folds: int, seed: int) -> None:
        label = np.array([True] * targets + [False] * others, bool)
        parameters = CrossValidationParameters(folds=folds, seed=seed)
        if min(targets, others) < 2:
            with pytest.raises(InputError) as error:
                assign_folds(label, parameters)
            assert str(error.value) == (
                f"training set: {targets} of {targets + others} questions are about the target tag, too few to choose "
                "a candidate by; bring more questions of either kind."
            )
            return
        fold = assign_folds(label, parameters)
        assert sorted(set(fold)) == list(range(min(folds, targets, others)))
        assert all(label[fold == each].any() and not label[fold == each].all() for each in set(fold))

    def test_too_few_are_said_by_the_cross_validation(self, train_set: pd.DataFrame) -> None:
        one = tokenize(train_set.assign(is_target=[True] + [False] * 7))
        with pytest.raises(InputError, match=r"^training set: 1 of 8 questions are about the target tag, too few"):
            cross_validate_candidate(one, TARGET, NOT_TUNED, TEXT, FOLDS, candidate("prior"))


# Three folds, each of two questions about the target and four others
LABELS = pd.Series([True, True, False, False, False, False] * 3)
FOLD = np.repeat([0, 1, 2], 6)
RIGHT, WRONG = [6.0, 5, 4, 3, 2, 1], [1.0, 2, 3, 4, 5, 6]
HALF_RIGHT, NEARLY_RIGHT = [6.0, 1, 5, 4, 3, 2], [6.0, 4, 5, 3, 2, 1]  # average precision 2/3 and 5/6


def decided(*folds: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"question_id": range(18), "is_target": LABELS, "fold": FOLD, "decision": [each for of in folds for each in of]}
    )


class TestSelectCandidate:
    def test_best_by_average_precision_is_chosen(self) -> None:
        bad, good = decided(WRONG, WRONG, WRONG), decided(RIGHT, RIGHT, RIGHT)
        assert select_candidate(bad, bad, bad, bad, good)["candidate"] == "nb_svm_logistic"
        assert select_candidate(bad, good, bad, bad, bad)["candidate"] == "keyword"

    def test_of_equals_the_simplest_is_chosen(self) -> None:
        bad, good = decided(WRONG, WRONG, WRONG), decided(RIGHT, RIGHT, RIGHT)
        assert select_candidate(bad, bad, good, good, good)["candidate"] == "tfidf_logistic"
        assert select_candidate(bad, bad, bad, good, good)["candidate"] == "fielded_logistic"
        assert select_candidate(bad, bad, bad, bad, bad)["candidate"] == "prior"

    def test_simpler_one_within_one_standard_error_is_chosen(self) -> None:
        """It is behind by 1/3 in one fold and ahead by 1/6 in another: by 0.06 on average, with an error of 0.15."""
        bad, simpler = decided(WRONG, WRONG, WRONG), decided(RIGHT, HALF_RIGHT, RIGHT)
        best = decided(RIGHT, RIGHT, NEARLY_RIGHT)
        assert select_candidate(bad, bad, simpler, bad, best)["candidate"] == "tfidf_logistic"
        assert select_candidate(bad, bad, best, bad, simpler)["candidate"] == "tfidf_logistic"

    def test_simpler_one_that_is_behind_in_every_fold_is_not_chosen(self) -> None:
        bad, behind, best = (decided(each, each, each) for each in (WRONG, NEARLY_RIGHT, RIGHT))
        assert select_candidate(bad, bad, behind, behind, best)["candidate"] == "nb_svm_logistic"

    def test_each_is_reported_with_its_average_precision_within_folds(self) -> None:
        bad, mixed = decided(WRONG, WRONG, WRONG), decided(RIGHT, HALF_RIGHT, WRONG)
        reported = select_candidate(bad, bad, bad, mixed, bad)["cross_validation"]
        assert tuple(reported) == DEPLOYABLE
        by_fold = [average_precision_score(LABELS[:6], decision) for decision in (RIGHT, HALF_RIGHT, WRONG)]
        assert reported["fielded_logistic"] == {
            "average_precision": pytest.approx(np.mean(by_fold)),
            "standard_error": pytest.approx(np.std(by_fold, ddof=1) / np.sqrt(3)),
            "behind": 0.0,
            "behind_standard_error": 0.0,
        }
        assert reported["prior"]["behind"] == pytest.approx(np.mean(by_fold) - by_fold[2])

    def test_scale_of_the_decision_values_plays_no_part(self) -> None:
        bad, mixed = decided(WRONG, WRONG, WRONG), decided(RIGHT, RIGHT, WRONG)
        scaled = mixed.assign(decision=np.tanh(mixed["decision"] / 9) - 100 * mixed["fold"])
        assert select_candidate(bad, mixed, bad, bad, bad) == select_candidate(bad, scaled, bad, bad, bad)

    def test_every_candidate_must_be_there(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            select_candidate(*[decided(RIGHT, RIGHT, RIGHT)] * 4)


@pytest.fixture(scope="module")
def questions() -> pd.DataFrame:
    return make_questions(240, seed=3)


def calibrate(questions: pd.DataFrame, kind: str) -> tuple[FittedCandidate, pd.DataFrame, CalibratedModel]:
    """Return a fitted candidate, its scores out of fold, and what becomes of it when it is selected."""
    tokenized = tokenize(questions)
    fitted = fit_candidate(tokenized, TARGET, NOT_TUNED, TEXT, candidate(kind))
    out_of_fold = cross_validate_candidate(tokenized, TARGET, NOT_TUNED, TEXT, FOLDS, candidate(kind))
    place = DEPLOYABLE.index(kind)
    models = [fitted.model if number == place else None for number in range(len(DEPLOYABLE))]
    scores = [out_of_fold if number == place else None for number in range(len(DEPLOYABLE))]
    return fitted, out_of_fold, calibrate_selected({"candidate": kind}, tokenized, *models, *scores)


class TestCalibrateSelected:
    @each_deployable
    def test_order_of_the_scores_is_that_of_the_candidate(self, kind: str, questions: pd.DataFrame) -> None:
        fitted, _, calibrated = calibrate(questions, kind)
        before, after = fitted.train_scores["score"], calibrated.train_scores["score"]
        ascending = np.argsort(before, kind="stable")
        assert (np.diff(after.iloc[ascending]) >= 0).all()
        assert after.between(0, 1).all()
        assert after.nunique() <= before.nunique()

    @each_deployable
    def test_scores_are_those_of_the_model_on_raw_questions(self, kind: str, questions: pd.DataFrame) -> None:
        _, _, calibrated = calibrate(questions, kind)
        columns = ["title", "body", "creation_time", "title_length", "body_length"]
        scores = calibrated.train_scores
        pd.testing.assert_frame_equal(scores[["question_id", "is_target"]], questions[["question_id", "is_target"]])
        assert scores["score"].tolist() == calibrated.model.predict_proba(questions[columns])[:, 1].tolist()
        assert calibrated.logged_model.model is calibrated.model
        check_example(calibrated.logged_model.input_example, questions, columns)

    def test_scores_out_of_fold_are_cross_fitted(self, questions: pd.DataFrame) -> None:
        _, out_of_fold, calibrated = calibrate(questions, "nb_svm_logistic")
        columns = ["decision", "is_target", "fold"]
        decision, label, fold = (out_of_fold[column].to_numpy() for column in columns)
        method, log_loss = choose_method(decision, label, fold)
        assert calibrated.calibration == {"method": method, "log_loss": log_loss}
        scores = calibrated.out_of_fold_scores
        assert scores.columns.tolist() == ["question_id", "is_target", "score", "fold"]
        assert scores["score"].tolist() == cross_fit(method, decision, label, fold).tolist()
        assert scores["fold"].tolist() == fold.tolist()

    def test_candidate_stays_as_it_is(self, questions: pd.DataFrame) -> None:
        fitted, _, calibrated = calibrate(questions, "nb_svm_logistic")
        assert fitted.model.predict_proba(questions)[:, 1].tolist() == fitted.train_scores["score"].tolist()
        assert calibrated.model["classifier"].classifier is fitted.model["classifier"]


CANDIDATES = tuple(candidate(kind) for kind in DEPLOYABLE)


def backtest(
    questions: pd.DataFrame,
    side: "pd.Series[str]",
    kind: str = "nb_svm_logistic",
    tuned: dict[str, Any] = NOT_TUNED,
) -> pd.DataFrame:
    """Backtest, with the sides by `question_id`."""
    return backtest_selected(
        settle_hyperparameters({"candidate": kind}, TARGET, tuned, *CANDIDATES),
        {"method": "sigmoid"},
        tokenize(questions.drop(columns="is_target")),
        questions[["question_id", "is_target"]].assign(has_target_tag=False),
        side.rename_axis("question_id").rename("side").reset_index(),
        TARGET,
        TEXT,
        FOLDS,
    )


class TestTakeQuestions:
    def test_are_those_of_the_set(self, train_set: pd.DataFrame) -> None:
        some = train_set[1:5].reset_index(drop=True)
        taken = take_questions(tokenize(train_set.drop(columns="is_target")), some)
        pd.testing.assert_frame_equal(taken.frame, some)

    def test_set_made_from_other_questions_is_refused(self, train_set: pd.DataFrame) -> None:
        with pytest.raises(InputError, match="made from other questions than those of 04_feature; run `kedro run`"):
            take_questions(tokenize(train_set), train_set.assign(body="<p>edited since</p>"))


class TestBacktestSelected:
    """Of 240 questions, every fifth is on the test side of the other split; 10 are on none."""

    @pytest.fixture
    def side(self, questions: pd.DataFrame) -> "pd.Series[str]":
        sides = pd.Series("train", index=questions["question_id"])
        sides.iloc[::5] = "test"
        sides.iloc[1:100:10] = "gap"
        return sides.sample(frac=1, random_state=1)

    @each_deployable
    def test_is_a_fit_to_the_one_side_and_scores_of_the_other(
        self, kind: str, questions: pd.DataFrame, side: "pd.Series[str]"
    ) -> None:
        scores = backtest(questions, side, kind)
        of_question = questions["question_id"].map(side)
        train, test = (questions[of_question == name].reset_index(drop=True) for name in ("train", "test"))
        assert (len(train), len(test)) == (182, 48)
        pd.testing.assert_frame_equal(
            scores[["question_id", "is_target"]].reset_index(drop=True), test[["question_id", "is_target"]]
        )

        out_of_fold = cross_validate_candidate(tokenize(train), TARGET, NOT_TUNED, TEXT, FOLDS, candidate(kind))
        unseen = out_of_fold[out_of_fold["fold"] == 0]
        fitted = fit(train, candidate(kind)).model
        calibrated = with_calibrator(fitted, "sigmoid", unseen["decision"].to_numpy(), unseen["is_target"])
        np.testing.assert_allclose(scores["score"], calibrated.predict_proba(test)[:, 1], rtol=1e-9)

    def test_only_the_training_side_is_learnt_from(self, questions: pd.DataFrame, side: "pd.Series[str]") -> None:
        before = backtest(questions, side)["score"]
        of_question = questions["question_id"].map(side)
        elsewhere = of_question != "train"
        changed = questions.assign(is_target=np.where(elsewhere, ~questions["is_target"], questions["is_target"]))
        changed.loc[of_question == "gap", ["title", "body"]] = "a forest of words that stand nowhere else"
        after = backtest(changed, side)["score"]
        np.testing.assert_allclose(before, after, rtol=1e-9)  # other terms may stand in between, which sums feel

    def test_side_with_too_few_questions_is_not_judged(self, questions: pd.DataFrame) -> None:
        label = questions.set_index("question_id")["is_target"]
        nothing_to_judge = pd.Series("train", index=label.index)
        others_to_judge = pd.Series(np.where(label, "train", "test"), index=label.index)
        one_to_learn_from = pd.Series(np.where(label & (label.cumsum() > 1), "test", "train"), index=label.index)
        one_to_learn_from[label[~label].index[:5]] = "test"
        for side in (nothing_to_judge, others_to_judge, one_to_learn_from):
            scores = backtest(questions, side)
            assert scores.columns.tolist() == ["question_id", "is_target", "score"]
            assert len(scores) == 0
            assert scores.dtypes.tolist() == [np.dtype(int), np.dtype(bool), np.dtype(float)]


class TestTuned:
    VALUES: tuple[tuple[str, dict[str, float]], ...] = (
        ("fielded_logistic", {"C": 0.25, "weights__title": 0.4}),
        ("nb_svm_logistic", {"smoothing": 7.0, "C": 0.25, "weights__code": 0.4}),
    )
    each_tuned = pytest.mark.parametrize(("kind", "values"), VALUES, ids=[kind for kind, _ in VALUES])

    @each_tuned
    def test_values_are_used_for_the_same_target(
        self, kind: str, values: dict[str, float], train_set: pd.DataFrame
    ) -> None:
        tuned = found(kind, **values)
        meant = with_values(candidate(kind), tuned["candidates"][kind]["values"])
        assert meant != candidate(kind)
        fitted = fit(train_set, candidate(kind), tuned)
        assert fitted.model["classifier"].C == 0.25
        pd.testing.assert_frame_equal(fitted.train_scores, fit(train_set, meant).train_scores)
        tokenized = tokenize(train_set)
        pd.testing.assert_frame_equal(
            cross_validate_candidate(tokenized, TARGET, tuned, TEXT, FOLDS, candidate(kind)),
            cross_validate_candidate(tokenized, TARGET, NOT_TUNED, TEXT, FOLDS, meant),
        )

    def test_values_are_used_in_the_backtest(self, questions: pd.DataFrame) -> None:
        side = pd.Series(["train", "train", "train", "test"] * 60, index=questions["question_id"])
        scores, tuned, other = (
            backtest(questions, side, tuned=tuned)["score"].tolist()
            for tuned in (NOT_TUNED, found("nb_svm_logistic", C=0.01), found("fielded_logistic", C=0.01))
        )
        assert scores == other != tuned

    @pytest.mark.parametrize(
        "tuned",
        [
            NOT_TUNED,
            found("nb_svm_logistic", {**TARGET, "match": "contains"}, C=0.25),
            found("nb_svm_logistic", {**TARGET, "target_tag": "r"}, C=0.25),
            found("fielded_logistic", C=0.25),
            {"target": TARGET, "candidates": {}},
        ],
        ids=["nothing", "other match", "other tag", "other candidate", "no candidate"],
    )
    def test_otherwise_the_parameters_hold(self, tuned: dict[str, Any], train_set: pd.DataFrame) -> None:
        assert fit(train_set, candidate("nb_svm_logistic"), tuned).model["classifier"].C == 1.0

    def test_value_that_is_none_is_refused(self, train_set: pd.DataFrame) -> None:
        with pytest.raises(ValidationError):
            fit(train_set, candidate("nb_svm_logistic"), found("nb_svm_logistic", C=-1))


class TestValues:
    def test_go_by_dotted_name(self) -> None:
        each = candidate("nb_svm_logistic")
        assert values_of(each, ["C", "weights.title", "smoothing"]) == {
            "C": 1.0,
            "weights.title": 0.6,
            "smoothing": 1.0,
        }
        changed = with_values(each, {"weights.title": 0.1, "C": 3.0})
        assert changed == candidate("nb_svm_logistic", C=3.0, weights={**FIELDED["weights"], "title": 0.1})
        assert each == candidate("nb_svm_logistic")

    @given(C=st.floats(0.001, 1000), title=st.floats(0, 10))
    def test_come_back_as_they_were_given(self, C: float, title: float) -> None:
        values = {"C": C, "weights.title": title}
        assert values_of(with_values(candidate("fielded_logistic"), values), values) == values

    def test_are_checked(self) -> None:
        with pytest.raises(ValidationError):
            with_values(candidate("fielded_logistic"), {"C": 0.0})
        with pytest.raises(ValidationError):
            with_values(candidate("fielded_logistic"), {"c": 1.0})


class TestNoFittingStepSeesTheTestSet:
    @pytest.fixture
    def project(self, finished_project, tmp_path: Path, enter: Callable[..., None]) -> Path:
        """The data of a copy of the finished project, in which this process then is."""
        project = finished_project.copy(tmp_path / "project")
        enter(project)
        bootstrap_project(project.folder)
        return project.folder / "data" / "test"

    @pytest.mark.usefixtures("project")
    def test_nothing_that_is_fitted_or_chosen_derives_from_it(self) -> None:
        """Only scores of it do, in the whole of a plain run; and the tuning does not even read it."""
        made = (pipelines["modelling"] + pipelines["thresholding"]).all_outputs()
        derived = pipelines["__default__"].from_inputs("test_set").all_outputs() & made
        assert derived == {"tokenized_test_set", *(name for name in made if name.endswith("test_scores"))}
        assert not {"test_set", *derived} & pipelines["tuning"].datasets()

    @pytest.mark.usefixtures("project")
    def test_all_that_is_fitted_or_chosen_derives_from_the_training_set(self) -> None:
        for pipeline in (pipelines["modelling"] + pipelines["thresholding"], pipelines["tuning"]):
            fitted = {name for name in pipeline.all_outputs() - {"tokenized_test_set"} if not is_judgement(name)}
            read = {name for name in pipeline.to_outputs(*fitted).inputs() if not name.startswith("params:")}
            assert {name for name in read if not name.endswith(".finished_trials")} - {"tuned"} == {
                "question_features",  # tokenised before they are split, which learns nothing
                "train_set",
                "target",
            }

    def test_another_test_set_changes_no_byte_of_what_is_fitted_or_chosen(self, project: Path) -> None:
        path, all_path = project / "05_model_input/test_set.parquet", project / "04_feature/question_features.parquet"
        test_set, questions = pd.read_parquet(path), pd.read_parquet(all_path)
        shuffled = test_set.assign(
            is_target=test_set["is_target"].sample(frac=1, random_state=1).to_numpy(),
            title=test_set["body"].sample(frac=1, random_state=2).to_numpy(),
            body="<p>words that stand in no other question</p><pre><code>nowhere()</code></pre>",
        )
        shuffled.to_parquet(path)
        tested = questions["question_id"].isin(test_set["question_id"])
        changed_too = shuffled.set_index("question_id").loc[questions.loc[tested, "question_id"]]
        questions.loc[tested, ["title", "body"]] = changed_too[["title", "body"]].to_numpy()
        questions.to_parquet(all_path)
        before = {layer: read_bytes(project / layer) for layer in ("06_models", "07_model_output")}
        with KedroSession.create(project.parents[1], env="test") as session:
            catalog = session.load_context().catalog
        with mlflow.start_run():  # or what is logged would begin one, and leave it open
            SequentialRunner().run(pipelines["modelling"] + pipelines["thresholding"], catalog)
        assert len(before["06_models"]) >= 10
        assert read_bytes(project / "06_models") == before["06_models"]
        after = read_bytes(project / "07_model_output")
        changed = {name for name, content in after.items() if content != before["07_model_output"][name]}
        assert changed == {name for name in after if is_judgement(name.removesuffix(".parquet"))}


def is_judgement(name: str) -> bool:
    """Return whether these are scores to judge a candidate by; the other split has a fit of its own."""
    return name.endswith(("test_scores", "other_split_scores"))


def read_bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "forest"},
        {},
        {"kind": "prior", "C": 1.0},
        {"kind": "keyword", "phrase": "machine-learning"},
        {"kind": "numeric_logistic", "features": [], "C": 1.0},
        {"kind": "numeric_logistic", "features": ["favorite_count"], "C": 1.0},
        {"kind": "tfidf_logistic", "max_features": 100, "C": 0.0},
        {"kind": "tfidf_logistic", "max_features": 100, "C": "strong"},
        {"kind": "tfidf_logistic", "max_features": 100, "C": float("nan")},
        {"kind": "tfidf_logistic", "max_features": 0, "C": 1.0},
        {"kind": "tfidf_logistic", "max_features": 100, "c": 1.0},
        {"kind": "tfidf_logistic", "max_features": 100, "C": 1.0, "penalty": "l1"},
        {**KINDS["fielded_logistic"], "weights": {}},
        {**KINDS["fielded_logistic"], "weights": {"body": 1.0}},
        {**KINDS["fielded_logistic"], "weights": {"title": -1.0}},
        {**KINDS["fielded_logistic"], "bigrams": ["tags"]},
        {**KINDS["fielded_logistic"], "min_questions": 0},
        {**KINDS["fielded_logistic"], "features": ["view_count"]},  # not known of a new question
        {**KINDS["fielded_logistic"], "smoothing": 1.0},
        {**KINDS["nb_svm_logistic"], "smoothing": 0.0},
        {**KINDS["nb_svm_logistic"], "features": ["title_length"]},
    ],
    ids=str,
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Candidate.model_validate(wrong)


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"folds": 21}, {"seed": -1}, {"seed": 2**31}], ids=str)
def test_parameters_of_the_cross_validation_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        CrossValidationParameters.model_validate({"folds": 5, "seed": 0, **wrong})


@each_kind
def test_candidate_cannot_be_changed(kind: str) -> None:
    each = candidate(kind)
    with pytest.raises(ValidationError, match="frozen"):
        each.root = candidate("prior").root
    with pytest.raises(ValidationError, match="frozen"):
        each.root.kind = "prior"


def test_deployable_candidates_take_only_what_is_known_of_a_new_question() -> None:
    known = {"title", "body", "creation_time", "title_length", "body_length"}
    assert all(set(each.root.input_columns()) <= known for each in CANDIDATES)
