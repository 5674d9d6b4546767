from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from question_classification.pipelines.modelling.nodes import fit_candidate, score_test_set
from question_classification.pipelines.modelling.parameters import Candidate
from question_classification.stackexchange.errors import InputError

TARGET = {"target_tag": "machine-learning", "match": "exact"}
KINDS: dict[str, dict[str, Any]] = {
    "prior": {"kind": "prior"},
    "keyword": {"kind": "keyword"},
    "numeric_logistic": {"kind": "numeric_logistic", "features": ["title_length", "view_count"], "C": 1.0},
    "tfidf_logistic": {"kind": "tfidf_logistic", "max_features": 100, "C": 1.0},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def candidate(kind: str, **changes: Any) -> Candidate:
    return Candidate.model_validate({**KINDS[kind], **changes})


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


@each_kind
def test_train_scores_are_those_of_the_fitted_model(kind: str, train_set: pd.DataFrame) -> None:
    """A shortcut in the fit, which tokenises once, must not show."""
    model, scores, _ = fit_candidate(train_set, TARGET, candidate(kind))
    pd.testing.assert_frame_equal(scores[["question_id", "is_target"]], train_set[["question_id", "is_target"]])
    columns = candidate(kind).root.input_columns()
    assert scores["score"].tolist() == model.predict_proba(train_set[columns])[:, 1].tolist()


@each_kind
def test_test_scores_are_probabilities_in_the_order_of_the_questions(
    kind: str, train_set: pd.DataFrame, test_set: pd.DataFrame
) -> None:
    model = fit_candidate(train_set, TARGET, candidate(kind)).model
    scores = score_test_set(model, test_set, candidate(kind))
    assert scores.columns.tolist() == ["question_id", "is_target", "score"]
    assert scores["question_id"].tolist() == [21, 22]
    assert scores["is_target"].tolist() == [False, True]
    assert scores["score"].between(0, 1).all()
    backwards = score_test_set(model, test_set[::-1], candidate(kind))
    assert backwards["score"].tolist() == scores["score"].tolist()[::-1]


@each_kind
def test_label_of_the_test_set_plays_no_part(kind: str, train_set: pd.DataFrame, test_set: pd.DataFrame) -> None:
    model = fit_candidate(train_set, TARGET, candidate(kind)).model
    scores, swapped = (
        score_test_set(model, test_set.assign(is_target=labels), candidate(kind))["score"].tolist()
        for labels in ([False, True], [True, False])
    )
    assert scores == swapped


@each_kind
def test_logged_model_is_the_model_with_an_example_of_its_input(kind: str, train_set: pd.DataFrame) -> None:
    fitted = fit_candidate(train_set, TARGET, candidate(kind))
    assert fitted.logged_model.model is fitted.model
    columns = candidate(kind).root.input_columns()
    example = fitted.logged_model.input_example
    texts = [column for column in columns if column in ("title", "body")]
    pd.testing.assert_frame_equal(example.drop(columns=texts), train_set[columns].drop(columns=texts).head(5))
    for column in texts:  # models travel further than the questions that they were fitted to
        assert not set(example[column]) & set(train_set[column])


def test_prior_is_the_share_of_targets(train_set: pd.DataFrame, test_set: pd.DataFrame) -> None:
    model = fit_candidate(train_set, TARGET, candidate("prior")).model
    assert score_test_set(model, test_set, candidate("prior"))["score"].tolist() == [3 / 8, 3 / 8]


def test_keyword_raises_the_questions_that_have_it(train_set: pd.DataFrame, test_set: pd.DataFrame) -> None:
    model, scores, _ = fit_candidate(train_set, TARGET, candidate("keyword"))
    has_it = [True, False, True, False, False, False, False, False]
    assert scores["score"].nunique() == 2
    assert (scores["score"] == scores["score"].max()).tolist() == has_it
    with_it, without = score_test_set(model, test_set, candidate("keyword"))["score"]
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
    labelled = train_set.assign(is_target=[number in has_it for number in range(8)])
    scores = fit_candidate(labelled, {**TARGET, "target_tag": tag}, candidate("keyword")).train_scores
    assert np.flatnonzero(scores["score"] > scores["score"].min()).tolist() == has_it


def test_no_word_to_learn_from_is_said_in_one_line(train_set: pd.DataFrame) -> None:
    wordless = train_set.assign(title=["?", "R", "C", "", "x y", "7", "日", "!"], body="<p>1 + x</p>")
    with pytest.raises(InputError) as error:
        fit_candidate(wordless, TARGET, candidate("tfidf_logistic"))
    assert str(error.value) == "training set: its titles and bodies hold no word of two letters; check the source."


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tfidf_logistic"])
def test_candidates_that_learn_no_words_need_none(kind: str, train_set: pd.DataFrame) -> None:
    scores = fit_candidate(train_set.assign(title="R", body=""), TARGET, candidate(kind)).train_scores
    assert scores["score"].between(0, 1).all()


def test_other_errors_stay_what_they_are(train_set: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="class") as error:
        fit_candidate(train_set.assign(is_target=False), TARGET, candidate("tfidf_logistic"))
    assert not isinstance(error.value, InputError)


def test_hyperparameters_reach_the_estimators(train_set: pd.DataFrame) -> None:
    tfidf = fit_candidate(train_set, TARGET, candidate("tfidf_logistic", max_features=2, C=0.5)).model
    assert sorted(tfidf["tfidf"].vocabulary_) == ["mean", "net"]  # three times each; no other word is in twice
    assert tfidf["classifier"].C == 0.5
    numeric = fit_candidate(train_set, TARGET, candidate("numeric_logistic", features=["view_count"], C=2.0)).model
    assert numeric.feature_names_in_.tolist() == ["view_count"]
    assert numeric["classifier"].C == 2.0


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
    ],
    ids=str,
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Candidate.model_validate(wrong)


@each_kind
def test_candidate_cannot_be_changed(kind: str) -> None:
    each = candidate(kind)
    with pytest.raises(ValidationError, match="frozen"):
        each.root = candidate("prior").root
    with pytest.raises(ValidationError, match="frozen"):
        each.root.kind = "prior"
