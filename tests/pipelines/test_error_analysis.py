from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import average_precision_score

from question_classification.models.estimators import make_nb_svm_logistic
from question_classification.models.export import EXACT
from question_classification.models.fitting import assign_folds, cross_validate, fit_and_score, score, with_calibrator
from question_classification.models.questions import Tokenize
from question_classification.pipelines.error_analysis.nodes import (
    assess_label_noise,
    explain_mistakes,
    explain_model,
    export_selected_model,
    measure_slices,
    trace_learning_curve,
)
from question_classification.pipelines.error_analysis.parameters import ErrorAnalysisParameters, ExportedModelParameters
from question_classification.pipelines.modelling.parameters import TextParameters
from question_classification.stackexchange.errors import InputError
from question_classification.text.tokenized import TokenizedQuestions

TEXT = TextParameters(formulas="keep")
TARGET = {"target_tag": "machine-learning", "match": "exact"}
PARAMETERS = ErrorAnalysisParameters.model_validate(
    {
        "terms": 3,
        "mistakes": 2,
        "terms_of_a_mistake": 4,
        "exported_model": {"max_bytes": 1_000_000, "max_error": 0.01},
        "neighbour_tags": {"min_questions": 4, "min_lift": 1.5},
        "learning_curve": {"folds": 2, "seed": 1},
        "interval": {"resamples": 50, "level": 0.9, "seed": 1},
    }
)
HYPERPARAMETERS = {
    "kind": "nb_svm_logistic",
    "weights": {"title": 1.0, "prose": 1.0, "code": 1.0},
    "bigrams": [],
    "min_questions": 1,
    "smoothing": 1.0,
    "C": 1.0,
}


@pytest.fixture(scope="module")
def questions() -> pd.DataFrame:
    """Questions of which those about networks are mostly targets, and those about tests are not."""
    rng = np.random.default_rng(5)
    network = rng.random(160) < 0.4
    topic = np.where(network, "a network with layers", "a test of means")
    return pd.DataFrame(
        {
            "question_id": np.arange(160) + 1000,
            "title": [f"About {words}" for words in topic],
            "body": [f"<p>I use {words} and {rng.choice(['data', 'rows', 'cells'])}</p>" for words in topic],
            "creation_time": pd.Timestamp("2019-06-01").timestamp(),
            "body_length": 40.0,
            "answer_count": 1.0,
            "link": "https://example.org/q",
            "owner_display_name": "Somebody",
            "owner_link": None,
            "content_license": "CC BY-SA 4.0",
            "is_target": network ^ (rng.random(160) < 0.1),
        }
    )


@pytest.fixture(scope="module")
def tokenized(questions: pd.DataFrame) -> TokenizedQuestions:
    return Tokenize().transform(questions)


@pytest.fixture(scope="module")
def label(questions: pd.DataFrame) -> np.ndarray:
    return questions["is_target"].to_numpy()


@pytest.fixture(scope="module")
def pipeline() -> object:
    return make_nb_svm_logistic(HYPERPARAMETERS["weights"], [], 1, 1.0, "keep", 1.0)


@pytest.fixture(scope="module")
def model(pipeline, tokenized: TokenizedQuestions, label: np.ndarray) -> object:
    fold = assign_folds(label, folds=3, seed=0)
    fitted, _ = fit_and_score(pipeline, tokenized, label)
    return with_calibrator(fitted, "sigmoid", cross_validate(pipeline, tokenized, label, fold), label)


@pytest.fixture(scope="module")
def scores(model, questions: pd.DataFrame, tokenized: TokenizedQuestions) -> pd.DataFrame:
    return questions[["question_id", "is_target"]].assign(score=score(model, tokenized))


def test_strongest_terms_are_those_of_the_topics(model, tokenized: TokenizedQuestions) -> None:
    terms = explain_model(model, tokenized, PARAMETERS)
    for direction, expected in (("for", {"network", "layers", "with"}), ("against", {"test", "means", "of"})):
        of_prose = terms[(terms["field"] == "prose") & (terms["direction"] == direction)]
        assert set(of_prose["term"]) == expected, direction


class TestExplainMistakes:
    def test_are_the_most_confident_ones_of_either_kind(
        self, model, questions: pd.DataFrame, scores: pd.DataFrame
    ) -> None:
        mistakes = explain_mistakes(model, questions, scores, TEXT, PARAMETERS)
        assert [mistake["is_target"] for mistake in mistakes] == [False, False, True, True]
        others, targets = scores[~scores["is_target"]]["score"], scores[scores["is_target"]]["score"]
        assert [mistake["score"] for mistake in mistakes] == pytest.approx(
            [*others.nlargest(2), *targets.nsmallest(2)], abs=1e-6
        )

    def test_carry_their_words_and_whose_they_are(self, model, questions: pd.DataFrame, scores: pd.DataFrame) -> None:
        first = explain_mistakes(model, questions, scores, TEXT, PARAMETERS)[0]
        assert (first["link"], first["owner_display_name"], first["owner_link"]) == (
            "https://example.org/q",
            "Somebody",
            None,
        )
        assert len(first["terms"]) <= PARAMETERS.terms_of_a_mistake + 2  # and what the others and the intercept add
        row = questions[questions["question_id"] == first["question_id"]]
        assert sum(term["contribution"] for term in first["terms"]) == pytest.approx(
            float(model.decision_function(row)[0]), abs=1e-5
        )

    def test_say_how_the_question_begins(self, model, questions: pd.DataFrame, scores: pd.DataFrame) -> None:
        body = "<p>Word</p>\n\n<p>" + "word " * 400 + "</p><pre><code>x &lt; 1</code></pre>"
        first = explain_mistakes(model, questions.assign(body=body), scores, TEXT, PARAMETERS)[0]
        assert first["code"] == "x < 1"
        assert first["prose"] == "Word\nword" + " word" * 238 + " \N{HORIZONTAL ELLIPSIS}"


class TestExportSelectedModel:
    def test_holds_what_a_page_needs(self, model, tokenized: TokenizedQuestions) -> None:
        selection, threshold = {"candidate": "nb_svm_logistic"}, {"threshold": 0.25}
        record = export_selected_model(model, tokenized, selection, threshold, TARGET, PARAMETERS)
        exported = record.pop("model")
        assert record == {
            "target_tag": "machine-learning",
            "candidate": "nb_svm_logistic",
            "threshold": 0.25,
            "reason": None,
        }
        assert exported["precision"]["questions"] == 160
        assert exported["precision"]["largest_error"] <= EXACT
        assert [block["fields"] for block in exported["blocks"]] == [["title"], ["prose"], ["code"]]

    def test_says_why_there_is_none(self, model, tokenized: TokenizedQuestions) -> None:
        small = PARAMETERS.model_copy(update={"exported_model": ExportedModelParameters(max_bytes=99, max_error=0.01)})
        selection, threshold = {"candidate": "nb_svm_logistic"}, {"threshold": 0.25}
        record = export_selected_model(model, tokenized, selection, threshold, TARGET, small)
        assert record["model"] is None
        assert record["reason"].endswith("99 bytes and errors of 0.01 are allowed")


def test_slices_are_those_of_the_questions(questions: pd.DataFrame, scores: pd.DataFrame) -> None:
    table = measure_slices(questions, scores, {"threshold": 0.5}, PARAMETERS).set_index(["dimension", "slice"])
    assert table.loc["year"].index.tolist() == ["2019"]
    year = table.loc[("year", "2019")]
    flagged = scores["score"] >= 0.5
    assert year["n"] == 160
    assert year["precision"] == pytest.approx(scores["is_target"][flagged].mean())
    assert year["recall"] == pytest.approx(flagged[scores["is_target"]].mean())


def test_label_noise_counts_worked_out_by_hand() -> None:
    """Of ten negatives five have the tag that goes with the target, and of these the three highest are flagged."""
    train_tags = ["<machine-learning><svm>"] * 6 + ["<r>"] * 14
    test_tags = ["<machine-learning>"] * 5 + ["<svm>"] * 5 + ["<r>"] * 5
    questions = pd.DataFrame({"question_id": range(35), "tags": train_tags + test_tags})
    train_set = pd.DataFrame({"question_id": range(20), "is_target": [True] * 6 + [False] * 14})
    label = np.repeat([True, False], [5, 10])
    score = np.array([0.9, 0.85, 0.8, 0.75, 0.7, 0.95, 0.65, 0.6, 0.3, 0.2, 0.55, 0.1, 0.09, 0.08, 0.07])
    scores = pd.DataFrame({"question_id": range(20, 35), "is_target": label, "score": score})
    neighbours, noise = assess_label_noise(questions, train_set, scores, {"threshold": 0.5}, TARGET, PARAMETERS)
    assert neighbours["tag"].tolist() == ["svm"]
    noise = noise.set_index("left_out")
    assert noise.loc["with a neighbour tag", "rows_left_out"] == 5
    assert noise.loc[["none", "with a neighbour tag"], "false_positives"].tolist() == [4, 3]
    assert noise.loc["none", "average_precision"] == pytest.approx(average_precision_score(label, score))
    assert noise.loc["with a neighbour tag", "average_precision"] == 1.0


def test_sets_that_were_made_from_other_questions_are_refused(questions: pd.DataFrame) -> None:
    tagged = questions[["question_id"]].assign(tags="<svm>")
    scores = questions[["question_id", "is_target"]].assign(score=0.5)
    with pytest.raises(InputError, match=r"^train_set: it was made from other questions"):
        assess_label_noise(tagged.iloc[1:], questions, scores, {"threshold": 0.5}, TARGET, PARAMETERS)


def test_learning_curve_ends_where_the_cross_validation_is(
    pipeline, questions: pd.DataFrame, tokenized: TokenizedQuestions, label: np.ndarray
) -> None:
    fold = assign_folds(label, folds=3, seed=0)
    decision = cross_validate(pipeline, tokenized, label, fold)
    out_of_fold = questions[["question_id", "is_target"]].assign(score=1 / (1 + np.exp(-decision)), fold=fold)
    curve, seconds = trace_learning_curve(HYPERPARAMETERS, tokenized, out_of_fold, TARGET, TEXT, PARAMETERS)
    assert curve.columns.tolist() == ["fold", "share", "train_size", "average_precision"]
    assert curve["fold"].unique().tolist() == [0, 1]
    ends = curve[curve["share"] == 1].set_index("fold")["average_precision"]
    for number in (0, 1):
        inside = fold == number
        assert ends[number] == pytest.approx(average_precision_score(label[inside], decision[inside]))
    sizes = curve[curve["share"] < 1].groupby("share")["train_size"].mean()
    assert [point["step"] for point in seconds["fit_seconds"]] == sizes.round().tolist()
    assert all(point["value"] > 0 for point in seconds["fit_seconds"])


def test_parameters_of_the_project_are_valid() -> None:
    file = Path(__file__).parents[2] / "conf/base/parameters_error_analysis.yml"
    ErrorAnalysisParameters.model_validate(yaml.safe_load(file.read_text())["error_analysis"])
