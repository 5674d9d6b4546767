import base64
import itertools
import json
import math
import unicodedata
import zlib
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.pipeline import Pipeline

from question_classification.models.calibration import CalibratedClassifier, IsotonicCalibrator, SigmoidCalibrator
from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_nb_svm_logistic,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)
from question_classification.models.export import EXACT, ModelTooLargeError, _leb128, export_model
from question_classification.models.fitting import assign_folds, cross_validate, fit_and_score, score, with_calibrator
from question_classification.models.questions import Tokenize
from question_classification.text.html import split_body
from question_classification.text.tokenized import TokenizedQuestions
from question_classification.text.tokens import CODE_TOKENS, WORDS

WEIGHTS = {"title": 0.5, "prose": 1.0, "code": 1.5}
CANDIDATES = {
    "tfidf": make_tfidf_logistic(60, 1.0),
    "fielded": make_fielded_logistic(WEIGHTS, ["prose", "code"], 2, ["title_length", "hour"], "keep", 1.0),
    "nb_svm": make_nb_svm_logistic(WEIGHTS, ["code"], 1, 1.0, "fold", 1.0),
}
LARGE = {"max_bytes": 10**9, "max_error": 0.01}


def unpack(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def numbers(data: bytes) -> list[int]:
    found, number, shift = [], 0, 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(number)
            number, shift = 0, 0
    return found


def read_terms(block: dict[str, Any]) -> tuple[list[str], list[float], list[float]]:
    """Return the terms of a block, their IDF and their coefficients, by what the module says of the format."""
    tokens = unpack(block["vocabulary"]).decode().split("\n")
    terms = [tokens[place] for place in itertools.accumulate(numbers(unpack(block["unigrams"])))]
    differences = numbers(unpack(block["bigrams"]))
    half = len(differences) // 2
    first, second = 0, 0
    for step, other in zip(differences[:half], differences[half:], strict=True):
        second = other if step else second + other
        first += step
        terms.append(f"{tokens[first]} {tokens[second]}")
    idf = [block["idf_values"][place] for place in numbers(unpack(block["idf"]))]
    data = unpack(block["coefficients"])
    if block["type"] == "multiples":
        whole = [-(number + 1) // 2 if number % 2 else number // 2 for number in numbers(data)]
        return terms, idf, [block["step"] * number for number in whole]
    return terms, idf, np.frombuffer(data, np.dtype(block["type"]).newbyteorder("<")).astype(float).tolist()


def score_one(export: dict[str, Any], question: dict[str, Any]) -> float:
    """Score a question by an export, one step after the other, as a page does."""
    texts = {field: question[field] if isinstance(question[field], str) else "" for field in ("title", "body")}
    texts |= split_body(texts["body"], formulas=export["formulas"])._asdict()
    log_odds = export["intercept"]
    for block in export["blocks"]:
        if block["kind"] == "columns":
            for place, column in enumerate(block["columns"]):
                value = block["fill"][place] if pd.isna(question[column]) else question[column]
                standardised = (value - block["mean"][place]) / block["scale"][place]
                log_odds += block["coefficients"][place] * standardised
        elif block["kind"] == "terms":
            terms, idf, coefficients = read_terms(block)
            counts: Counter[str] = Counter()
            for field in block["fields"]:
                tokens = (CODE_TOKENS if field == "code" else WORDS).find(texts[field].lower())
                counts.update(tokens)
                counts.update(f"{one} {other}" for one, other in itertools.pairwise(tokens))
            weights = {
                place: (1 + math.log(counts[term]) if block["sublinear"] else counts[term]) * idf[place]
                for place, term in enumerate(terms)
                if counts[term]
            }
            length = math.hypot(*weights.values())
            log_odds += sum(coefficients[place] * weight / length for place, weight in weights.items())
    calibration = export["calibration"]
    probability = calibration["share"] * float(expit(calibration["slope"] * log_odds + calibration["intercept"]))
    if calibration["share"] < 1:
        steps = np.interp(log_odds, calibration["decisions"], calibration["probabilities"])
        probability += (1 - calibration["share"]) * float(steps)
    return probability


@pytest.fixture
def simulated(simulate) -> tuple[pd.DataFrame, TokenizedQuestions, np.ndarray]:
    frame, y = simulate()
    return frame, Tokenize().transform(frame), y


def fit(name: str, questions: TokenizedQuestions, y: np.ndarray, method: str | None = None) -> Pipeline:
    fitted, _ = fit_and_score(CANDIDATES[name], questions, y)
    if method is None:
        return fitted
    fold = assign_folds(y, folds=3, seed=0)
    return with_calibrator(fitted, method, cross_validate(CANDIDATES[name], questions, y, fold), y)


class TestFormat:
    def test_worked_out_by_hand(self) -> None:
        """Two questions, "bb aa aa" and "bb": n = 2, so the IDF is ln(3/2) + 1 of aa and 1 of bb."""
        frame = pd.DataFrame({"title": ["bb aa aa", "bb"], "body": ["", ""]})
        pipeline = make_fielded_logistic({"title": 0.5}, ["title"], 1, [], "keep", 1.0)
        questions = Tokenize(("title",)).transform(frame)
        fitted, _ = fit_and_score(pipeline, questions, [True, False])
        fitted[-1].coef_, fitted[-1].intercept_ = np.array([[2.0, -1.0, 4.0, 8.0]]), np.array([-0.25])
        export = export_model(fitted, questions, **LARGE)
        (block,) = export["blocks"]
        assert unpack(block["vocabulary"]) == b"aa\nbb"
        assert numbers(unpack(block["unigrams"])) == [0, 1]
        assert numbers(unpack(block["bigrams"])) == [0, 1, 0, 0]  # (0, 0) aa aa, (1, 0) bb aa
        assert block["idf_values"] == [1.0, math.log(1.5) + 1]
        assert numbers(unpack(block["idf"])) == [1, 0, 1, 1]
        assert np.frombuffer(unpack(block["coefficients"]), "<f4").tolist() == [1.0, -0.5, 2.0, 4.0]
        assert (export["intercept"], export["formulas"]) == (-0.25, "keep")
        assert export["calibration"] == {
            "share": 1.0,
            "slope": 1.0,
            "intercept": 0.0,
            "decisions": [],
            "probabilities": [],
        }
        assert export["precision"] == {"coefficients": "float32", "largest_error": 0.0, "questions": 2}
        # bb alone: a weight of 1, so the log-odds are -0.25 - 0.5
        assert score_one(export, {"title": "bb zz", "body": ""}) == pytest.approx(1 / (1 + math.exp(0.75)))

    @pytest.mark.parametrize(
        ("number", "data"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")], ids=str
    )
    def test_whole_numbers(self, number: int, data: bytes) -> None:
        assert _leb128(np.array([number])) == data

    @given(st.lists(st.integers(0, 2**40)))
    @settings(max_examples=100, deadline=None)
    def test_whole_numbers_come_back(self, found: list[int]) -> None:
        assert numbers(_leb128(np.array(found, np.int64))) == found

    def test_unicode_is_that_of_python(self, simulated) -> None:
        _, questions, y = simulated
        unicode = export_model(fit("tfidf", questions, y), questions, **LARGE)["unicode"]
        runs = numbers(unpack(unicode["assigned"]))
        assert sum(runs) == 0x110000
        ends = list(itertools.accumulate(runs))
        starts = [0, *ends[:-1]]
        for is_assigned, start, end in zip(itertools.cycle([True, False]), starts, ends, strict=False):
            for code in {start, end - 1}:
                assert (unicodedata.category(chr(code)) != "Cn") == is_assigned, hex(code)


class TestScores:
    @pytest.mark.parametrize("name", CANDIDATES)
    @pytest.mark.parametrize("method", [None, "sigmoid", "isotonic"])
    def test_are_those_of_the_pipeline(self, name: str, method: str | None, simulated) -> None:
        frame, questions, y = simulated
        fitted = fit(name, questions, y, method)
        export = json.loads(json.dumps(export_model(fitted, questions, **LARGE)))
        assert export["precision"]["largest_error"] <= EXACT
        sample = frame.iloc[::9]
        found = [score_one(export, question) for question in sample.to_dict("records")]
        np.testing.assert_allclose(found, fitted.predict_proba(sample)[:, 1], rtol=0, atol=1e-6)

    def test_of_the_prior_and_the_keyword(self, simulated) -> None:
        _, questions, y = simulated
        fitted, _ = fit_and_score(make_prior(), questions, y)
        export = export_model(fitted, questions, **LARGE)
        assert export["blocks"] == []
        assert score_one(export, {"title": "", "body": ""}) == pytest.approx(y.mean())
        fitted, _ = fit_and_score(make_keyword(("Machine", "learning")), questions, y)
        export = export_model(fitted, questions, **LARGE)
        assert export["blocks"] == [
            {
                "kind": "keyword",
                "words": ["machine", "learning"],
                "columns": ["title", "body"],
                "coefficients": fitted[-1].coef_[0].tolist(),
            }
        ]
        assert export["intercept"] == fitted[-1].intercept_[0]

    def test_a_text_without_any_term(self) -> None:
        frame = pd.DataFrame({"title": ["aa", "bb", "cc"], "body": ["", "", None]})
        questions = Tokenize().transform(frame)
        fitted, _ = fit_and_score(CANDIDATES["nb_svm"], questions, [True, False, False])
        export = export_model(fitted, questions, **LARGE)
        for question, expected in zip(frame.to_dict("records"), fitted.predict_proba(frame)[:, 1], strict=True):
            assert score_one(export, question) == pytest.approx(expected, abs=1e-7)


class TestPrecision:
    @pytest.mark.parametrize("name", CANDIDATES)
    @pytest.mark.parametrize("max_error", [0.05, 0.002])
    def test_a_smaller_export_keeps_the_error_and_states_it(self, name: str, max_error: float, simulated) -> None:
        frame, questions, y = simulated
        fitted = fit(name, questions, y, "sigmoid")
        exact = export_model(fitted, questions, **LARGE)
        export = export_model(fitted, questions, max_bytes=len(json.dumps(exact)) - 1, max_error=max_error)
        assert len(json.dumps(export)) < len(json.dumps(exact))
        found = np.array([score_one(export, question) for question in frame.to_dict("records")])
        error = np.abs(found - score(fitted, questions)).max()
        assert error <= export["precision"]["largest_error"] <= min(1.1 * error, max_error)
        assert max_error / 3 < error

    def test_no_term_is_left_out(self, simulated) -> None:
        _, questions, y = simulated
        fitted = fit("tfidf", questions, y)
        exact = export_model(fitted, questions, **LARGE)
        export = export_model(fitted, questions, max_bytes=len(json.dumps(exact)) - 1, max_error=0.2)
        terms, _, coefficients = read_terms(export["blocks"][0])
        assert terms == fitted["tfidf"].get_feature_names_out().tolist()
        assert coefficients.count(0) > len(terms) / 4

    def test_double_precision_where_the_calibration_is_steep(self, simulated) -> None:
        _, questions, y = simulated
        fitted, _ = fit_and_score(CANDIDATES["tfidf"], questions, y)
        on_the_way_up = np.sort(fitted.decision_function(questions.frame))[len(y) // 2]
        calibrator = IsotonicCalibrator()
        calibrator.fit(np.array([on_the_way_up - 5e-6, on_the_way_up + 5e-6]), [False, True])
        steep = Pipeline([*fitted.steps[:-1], ("classifier", CalibratedClassifier(fitted[-1], calibrator))])
        exact = export_model(steep, questions, **LARGE)
        assert exact["precision"]["coefficients"] == "float64"
        smaller = export_model(steep, questions, max_bytes=len(json.dumps(exact)) - 1, max_error=0.01)
        assert 0 < smaller["precision"]["largest_error"] <= 0.01
        assert smaller["precision"]["coefficients"] < 1e-5
        assert export_model(fitted, questions, **LARGE)["precision"]["coefficients"] == "float32"

    def test_too_large_a_model_is_refused(self, simulated) -> None:
        _, questions, y = simulated
        fitted = fit("tfidf", questions, y)
        with pytest.raises(ModelTooLargeError, match=r"needs .* bytes .*; 100 bytes and errors of 0.01 are allowed"):
            export_model(fitted, questions, max_bytes=100, max_error=0.01)


def test_what_is_not_known_of_a_new_question_is_not_exported(simulated) -> None:
    _, questions, y = simulated
    fitted, _ = fit_and_score(make_numeric_logistic(["hour"], 1.0), questions.select(["hour"]), y)
    with pytest.raises(ValueError, match="a pipeline with ColumnTransformer cannot be exported"):
        export_model(fitted, questions, **LARGE)


def test_the_same_model_gives_the_same_bytes_and_is_left_alone(simulated) -> None:
    _, questions, y = simulated
    one, other = fit("fielded", questions, y, "isotonic"), fit("fielded", questions, y, "isotonic")
    assert json.dumps(export_model(one, questions, **LARGE)) == json.dumps(export_model(other, questions, **LARGE))
    assert json.dumps(export_model(one, questions, **LARGE)) == json.dumps(export_model(one, questions, **LARGE))


def test_sigmoid_is_written_as_it_is(simulated) -> None:
    _, questions, y = simulated
    fitted = fit("tfidf", questions, y, "sigmoid")
    calibrator: SigmoidCalibrator = fitted[-1].calibrator
    calibration = export_model(fitted, questions, **LARGE)["calibration"]
    assert (calibration["slope"], calibration["intercept"]) == (calibrator.slope_, calibrator.intercept_)
