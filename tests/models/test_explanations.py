from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array, random_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from question_classification.models.calibration import decision_values
from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_nb_svm_logistic,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)
from question_classification.models.explanations import Contributions, break_down, explain, strongest_terms
from question_classification.models.fields import INTERCEPT, KEYWORD, NUMERIC, OTHERS, TEXT
from question_classification.models.fitting import fit_and_score, score, with_calibrator
from question_classification.models.questions import Tokenize
from question_classification.text.html import split_body
from question_classification.text.tokenized import TokenizedQuestions
from question_classification.text.tokens import CODE_TOKENS, WORDS

WEIGHTS = {"title": 0.6, "prose": 1.0, "code": 1.4}
PIPELINES = {
    "prior": make_prior(),
    "keyword": make_keyword(("machine", "learning")),
    "numeric": make_numeric_logistic(["title_length", "hour"], C=1.0),
    "tfidf": make_tfidf_logistic(max_features=60, C=1.0),
    "fielded": make_fielded_logistic(WEIGHTS, ["prose", "code"], 2, ["title_length", "hour"], "keep", C=1.0),
    "fielded without columns": make_fielded_logistic(WEIGHTS, [], 1, [], "keep", C=1.0),
    "nb_svm": make_nb_svm_logistic(WEIGHTS, ["code"], 2, smoothing=1.0, formulas="keep", C=1.0),
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


def simulate(rows: int = 200, *, words: int = 60, seed: int = 0) -> tuple[TokenizedQuestions, np.ndarray]:
    """Questions of random words, of which some mention machine learning; those are mostly positive."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"word{number}" for number in range(words)])
    texts = vocabulary[(rng.random((rows, 30)) ** 2 * words).astype(int)]
    about = rng.random(rows) < 0.3
    body = [
        f"<p>{' '.join(row[:20])}{' machine learning' if is_about else ''}</p><pre>{row[0]} = f({row[1]})</pre>"
        for row, is_about in zip(texts, about, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "title": [" ".join(row[20:]) for row in texts],
            "body": body,
            "title_length": rng.integers(10, 80, rows) + 20.0 * about,
            "hour": rng.integers(0, 24, rows).astype(float),
        }
    )
    frame.loc[::20, ["title", "title_length"]] = None
    return Tokenize().transform(frame), about ^ (rng.random(rows) < 0.1)


def tokenize(**columns: list[str]) -> TokenizedQuestions:
    return Tokenize().transform(pd.DataFrame(columns))


def set_classifier(fitted: Pipeline, coefficients: list[float], intercept: float) -> None:
    fitted["classifier"].coef_ = np.array([coefficients])
    fitted["classifier"].intercept_ = np.array([intercept])


def make(
    values: list[list[float]], terms: list[str], field: str = "title", *, intercept: float = 0.0, coefficient: float = 1
) -> Contributions:
    features = pd.DataFrame({"field": field, "term": terms, "coefficient": coefficient})
    return Contributions(features, csr_array(np.array(values, float)), intercept)


NO_QUESTIONS = Contributions(make([[1]], ["a"]).features, csr_array((0, 1)), 0.0)


class TestExplain:
    @each_pipeline
    @pytest.mark.parametrize("method", [None, "sigmoid", "isotonic"])
    def test_contributions_add_up_to_the_decision_values(self, pipeline, method) -> None:
        questions, y = simulate()
        fitted, _ = fit_and_score(pipeline, questions, y)
        if method:
            fitted = with_calibrator(fitted, method, decision_values(fitted, questions.frame), y)
        unseen, _ = simulate(words=90, seed=1)
        for each in (questions, unseen):
            contributions = explain(fitted, each)
            assert contributions.values.shape == (len(each), len(contributions.features))
            np.testing.assert_allclose(contributions.log_odds, decision_values(fitted, each.frame), rtol=0, atol=1e-9)
        if method:
            probability = fitted["classifier"].calibrator.predict(contributions.log_odds)
            np.testing.assert_allclose(probability, score(fitted, unseen), rtol=0, atol=1e-9)

    def test_of_the_prior_is_the_logit_of_the_share(self) -> None:
        questions, _ = simulate(4)
        fitted, _ = fit_and_score(make_prior(), questions, [True, False, False, False])
        contributions = explain(fitted, questions)
        assert contributions.intercept == pytest.approx(np.log(1 / 3))
        assert contributions.features.columns.tolist() == ["field", "term", "coefficient"]
        assert contributions.features.empty
        np.testing.assert_allclose(contributions.log_odds, np.log(1 / 3))

    def test_keyword_worked_out_by_hand(self) -> None:
        questions = tokenize(title=["A b", "a-b", "a"], body=["a", "b a b", "a c b"])
        fitted = make_keyword(("a", "b")).fit(questions.frame, [1, 1, 0])
        set_classifier(fitted, [2.0, 3.0], -1.0)
        contributions = explain(fitted, questions)
        assert contributions.features["field"].tolist() == [KEYWORD, KEYWORD]
        assert contributions.features["term"].tolist() == ["title_contains_a_b", "body_contains_a_b"]
        assert contributions.values.toarray().tolist() == [[2, 0], [2, 3], [0, 0]]
        assert contributions.log_odds.tolist() == [1, 4, -1]

    def test_numeric_worked_out_by_hand(self) -> None:
        # Of 1, 3 and the median 2 the mean is 2 and the standard deviation the root of 2 / 3.
        questions = tokenize(title=[""] * 3, body=[""] * 3, n=[1.0, 3.0, np.nan])
        fitted = make_numeric_logistic(["n"], C=1.0).fit(questions.frame, [0, 1, 0])
        set_classifier(fitted, [2.0], 0.5)
        contributions = explain(fitted, questions)
        assert contributions.features[["field", "term"]].to_numpy().tolist() == [[NUMERIC, "n"]]
        np.testing.assert_allclose(contributions.values.toarray().ravel(), [-(6**0.5), 6**0.5, 0])
        np.testing.assert_allclose(contributions.log_odds, [0.5 - 6**0.5, 0.5 + 6**0.5, 0.5])

    def test_fields_worked_out_by_hand(self) -> None:
        # Both terms of the first title occur in one title, so they share its length of 1 evenly; every other text is
        # one term, of weight 1.
        questions = tokenize(title=["aa bb", "cc"], body=["<p>cc</p>", "<p>dd</p><code>x</code>"], n=[1.0, 3.0])
        pipeline = make_fielded_logistic({"title": 0.5, "prose": 2, "code": 1}, [], 1, ["n"], "keep", C=1.0)
        fitted, _ = fit_and_score(pipeline, questions, [0, 1])
        set_classifier(fitted, [4, -4, 6, 1, 0, 3, 20], 0.25)
        contributions = explain(fitted, questions)
        assert list(zip(contributions.features["field"], contributions.features["term"], strict=True)) == [
            *[("title", "aa"), ("title", "bb"), ("title", "cc")],
            *[("prose", "cc"), ("prose", "dd"), ("code", "x"), (NUMERIC, "n")],
        ]
        assert contributions.features["coefficient"].tolist() == [4, -4, 6, 1, 0, 3, 20]
        # Numeric columns count for a tenth, so 2 for one standard deviation.
        np.testing.assert_allclose(
            contributions.values.toarray(), [[2**0.5, -(2**0.5), 0, 2, 0, 0, -2], [0, 0, 3, 0, 0, 3, 2]]
        )

    def test_log_count_ratios_are_part_of_the_contribution(self) -> None:
        # "aa" is in one of one positive and no negative: the log of (2 / 3) / (1 / 3).
        questions = tokenize(title=["aa", "bb"], body=["", ""])
        pipeline = make_nb_svm_logistic({"title": 0.5}, [], 1, smoothing=1.0, formulas="keep", C=1.0)
        fitted, _ = fit_and_score(pipeline, questions, [1, 0])
        set_classifier(fitted, [3.0, 5.0], 0.0)
        expected = [[0.5 * 3 * np.log(2), 0], [0, -0.5 * 5 * np.log(2)]]
        np.testing.assert_allclose(explain(fitted, questions).values.toarray(), expected)

    @pytest.mark.parametrize("name", ["tfidf", "fielded", "nb_svm"])
    def test_a_term_contributes_where_it_occurs_and_nowhere_else(self, name) -> None:
        fitted, _ = fit_and_score(PIPELINES[name], *simulate())
        questions, _ = simulate(30, words=90, seed=1)
        contributions = explain(fitted, questions)
        bodies = questions.frame["body"].map(split_body)
        titles = questions.frame["title"].fillna("").str.lower()
        texts = {
            "title": titles.map(WORDS.find),
            "prose": bodies.map(lambda body: WORDS.find(body.prose.lower())),
            "code": bodies.map(lambda body: CODE_TOKENS.find(body.code.lower())),
            TEXT: (titles + " " + questions.frame["body"].str.lower()).map(WORDS.find),
        }
        occurring = {
            field: [{*tokens, *map(" ".join, pairwise(tokens))} for tokens in tokens_of]
            for field, tokens_of in texts.items()
        }
        features = contributions.features
        kept = (features["field"] != NUMERIC).to_numpy()
        expected = [
            [term in occurring[field][row] for field, term in features.loc[kept, ["field", "term"]].to_numpy()]
            for row in range(len(questions))
        ]
        entries = csr_array(
            (np.ones(contributions.values.nnz), contributions.values.indices, contributions.values.indptr),
            shape=contributions.values.shape,
        )
        np.testing.assert_array_equal(entries.toarray()[:, kept], expected)

    def test_names_of_bigrams(self) -> None:
        questions = tokenize(title=["", ""], body=["<code>x = f(y)</code>", "<p>aa bb</p>"])
        pipeline = make_fielded_logistic({"prose": 1, "code": 1}, ["code"], 1, [], "keep", C=1.0)
        fitted, _ = fit_and_score(pipeline, questions, [1, 0])
        features = explain(fitted, questions).features
        assert features.loc[features["field"] == "prose", "term"].tolist() == ["aa", "bb"]
        assert features.loc[features["field"] == "code", "term"].tolist() == [
            *["(", ")", "=", "f", "x", "y"],
            *["( y", "= f", "f (", "x =", "y )"],
        ]

    def test_title_and_body_taken_together_are_one_field(self) -> None:
        questions, y = simulate()
        fitted, _ = fit_and_score(PIPELINES["tfidf"], questions, y)
        assert set(explain(fitted, questions).features["field"]) == {TEXT}

    def test_some_of_the_questions(self) -> None:
        questions, y = simulate()
        fitted, _ = fit_and_score(PIPELINES["fielded"], questions, y)
        rows = np.array([5, 3])
        np.testing.assert_array_equal(
            explain(fitted, questions.take(rows)).values.toarray(), explain(fitted, questions).values.toarray()[rows]
        )

    def test_leaves_the_pipeline_as_it_is(self) -> None:
        questions, y = simulate()
        fitted, scores = fit_and_score(PIPELINES["nb_svm"], questions, y)
        break_down(explain(fitted, questions), most=3)
        np.testing.assert_array_equal(score(fitted, questions), scores)

    def test_refuses_a_classifier_that_is_not_linear(self) -> None:
        questions, y = simulate()
        pipeline = Pipeline([*clone(PIPELINES["numeric"]).steps[:-1], ("classifier", GaussianNB())])
        with pytest.raises(ValueError, match="linear classifier of two classes"):
            explain(pipeline.fit(questions.frame, y), questions)

    def test_refuses_three_classes(self) -> None:
        questions, _ = simulate()
        fitted = clone(PIPELINES["numeric"]).fit(questions.frame, np.arange(len(questions)) % 3)
        with pytest.raises(ValueError, match="two classes"):
            explain(fitted, questions)

    def test_refuses_features_without_names(self) -> None:
        questions, y = simulate()
        hours = FunctionTransformer(lambda frame: frame[["hour"]])
        fitted = Pipeline([("hours", hours), ("classifier", LogisticRegression())]).fit(questions.frame, y)
        with pytest.raises(ValueError, match="1 features are needed, but the names of 0"):
            explain(fitted, questions)


@st.composite
def contributions_of_two_fields(draw: st.DrawFn) -> Contributions:
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 8)))
    values = draw(arrays(float, shape, elements=st.sampled_from([0.0, 0.0, -2.0, -0.5, 0.5, 1.0])))
    features = pd.DataFrame(
        {
            "field": draw(st.lists(st.sampled_from(["title", "prose"]), min_size=shape[1], max_size=shape[1])),
            "term": draw(st.permutations([f"term{number}" for number in range(shape[1])])),
            "coefficient": 1.0,
        }
    )
    return Contributions(features, csr_array(values), draw(st.floats(-5, 5)))


class TestStrongestTerms:
    def test_worked_out_by_hand(self) -> None:
        # Contributions of 1, 0, 0 and 1 have mean 1/2 and standard deviation 1/2; those of 3, 0, 0 and 1 have mean 1
        # and variance (4 + 1 + 1 + 0) / 4.
        contributions = make(
            [[1, 0, 3, 0], [0, -2, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]], ["some", "against", "most", "none"]
        )
        expected = pd.DataFrame(
            {
                "field": ["title"] * 3,
                "term": ["most", "some", "against"],
                "direction": ["for", "for", "against"],
                "questions": [2, 2, 1],
                "mean_contribution": [2.0, 1.0, -2.0],
                "influence": [1.5**0.5, 0.5, 0.75**0.5],
            }
        )
        pd.testing.assert_frame_equal(strongest_terms(contributions, most=5), expected)

    def test_each_field_has_its_own(self) -> None:
        questions, y = simulate()
        fitted, _ = fit_and_score(PIPELINES["fielded"], questions, y)
        strongest = strongest_terms(explain(fitted, questions), most=3)
        assert strongest["field"].unique().tolist() == ["title", "prose", "code", NUMERIC]
        counts = strongest.groupby(["field", "direction"], sort=False).size()
        assert counts.drop(NUMERIC).eq(3).all()
        assert counts[NUMERIC].sum() == 2
        best = strongest[(strongest["field"] == "prose") & (strongest["direction"] == "for")].iloc[0]
        assert best["term"] in {"machine", "learning", "machine learning"}

    def test_of_equals_the_alphabet_decides(self) -> None:
        contributions = make([[1, 1, 1, 5], [0, 0, 0, 0]], ["b", "c", "a", "d"])
        assert strongest_terms(contributions, most=3)["term"].tolist() == ["d", "a", "b"]

    def test_a_numeric_column_goes_by_its_coefficient(self) -> None:
        # The mean of the contributions is below 0 by a rounding only.
        contributions = make([[1], [-1 - 1e-15]], ["n"], NUMERIC, coefficient=0.5)
        assert strongest_terms(contributions, most=1)["direction"].tolist() == ["for"]

    @given(contributions_of_two_fields(), st.integers(1, 4))
    @settings(max_examples=50, deadline=None)
    def test_equals_the_dense_computation(self, contributions, most) -> None:
        dense = contributions.values.toarray()
        strongest = strongest_terms(contributions, most=most)
        place = {term: number for number, term in enumerate(contributions.features["term"])}
        columns = [place[term] for term in strongest["term"]]
        np.testing.assert_allclose(strongest["influence"], dense.std(axis=0)[columns], atol=1e-12)
        np.testing.assert_array_equal(strongest["questions"], (dense != 0).sum(axis=0)[columns])
        np.testing.assert_allclose(
            strongest["mean_contribution"] * strongest["questions"], dense.sum(axis=0)[columns], atol=1e-12
        )
        for (field, direction), part in strongest.groupby(["field", "direction"]):
            side = dense.mean(axis=0) > 0 if direction == "for" else dense.mean(axis=0) < 0
            influence = dense.std(axis=0)[side & (contributions.features["field"] == field) & (dense.std(axis=0) > 0)]
            np.testing.assert_allclose(part["influence"], np.sort(influence)[::-1][:most], atol=1e-12)

    def test_of_the_prior_and_of_no_questions_is_empty(self) -> None:
        questions, y = simulate()
        for contributions in (explain(fit_and_score(make_prior(), questions, y)[0], questions), NO_QUESTIONS):
            strongest = strongest_terms(contributions, most=3)
            assert strongest.empty
            assert strongest.columns.tolist() == [
                *["field", "term", "direction", "questions", "mean_contribution", "influence"]
            ]

    def test_makes_no_dense_matrix(self) -> None:
        shape = (40_000, 300_000)  # 96 GB
        values = csr_array(random_array(shape, density=1e-7, format="csr", rng=0))
        features = pd.DataFrame({"field": "title", "term": np.arange(shape[1]).astype(str), "coefficient": 1.0})
        contributions = Contributions(features, values, 0.0)
        assert len(strongest_terms(contributions, most=10)) == 10
        assert len(break_down(contributions, most=10)) == values.nnz + 2 * shape[0]

    @pytest.mark.parametrize("function", [strongest_terms, break_down])
    def test_refuses_none_at_all(self, function) -> None:
        with pytest.raises(ValueError, match="most must be at least 1"):
            function(make([[1]], ["a"]), most=0)


class TestBreakDown:
    def test_worked_out_by_hand(self) -> None:
        contributions = make([[0.5, -3, 0, 1], [0, 0, 0, 0], [0, 2, 0, 0]], ["a", "b", "c", "d"], intercept=-1.5)
        expected = [
            *[(0, "title", "b", -3), (0, "title", "d", 1), (0, OTHERS, "", 0.5), (0, INTERCEPT, "", -1.5)],
            *[(1, OTHERS, "", 0), (1, INTERCEPT, "", -1.5)],
            *[(2, "title", "b", 2), (2, OTHERS, "", 0), (2, INTERCEPT, "", -1.5)],
        ]
        lines = break_down(contributions, most=2)
        pd.testing.assert_frame_equal(
            lines, pd.DataFrame(expected, columns=["row", "field", "term", "contribution"]), check_dtype=False
        )

    def test_equals_are_in_the_order_of_the_features(self) -> None:
        lines = break_down(make([[1, 2, -2, 1]], ["d", "c", "b", "a"]), most=3)
        assert lines["term"].tolist() == ["c", "b", "d", "", ""]

    @each_pipeline
    @pytest.mark.parametrize("most", [1, 5, 1000])
    def test_lines_add_up_to_the_log_odds(self, pipeline, most) -> None:
        questions, y = simulate()
        contributions = explain(fit_and_score(pipeline, questions, y)[0], questions)
        lines = break_down(contributions, most=most)
        sums = lines.groupby("row")["contribution"].sum()
        assert sums.index.tolist() == list(range(len(questions)))
        np.testing.assert_allclose(sums, contributions.log_odds, rtol=0, atol=1e-9)

    @given(contributions_of_two_fields(), st.integers(1, 4))
    @settings(max_examples=50, deadline=None)
    def test_has_the_largest_of_each_question(self, contributions, most) -> None:
        lines = break_down(contributions, most=most)
        for row, values in enumerate(contributions.values.toarray()):
            part = lines[lines["row"] == row]
            assert part["field"].tolist()[-2:] == [OTHERS, INTERCEPT]
            sizes = np.sort(np.abs(values[values != 0]))[::-1]
            assert part["contribution"].abs().tolist()[:-2] == sizes[:most].tolist()
            for term, contribution in zip(part["term"][:-2], part["contribution"][:-2], strict=True):
                assert values[contributions.features["term"].tolist().index(term)] == contribution
            assert part["contribution"].sum() == pytest.approx(values.sum() + contributions.intercept, abs=1e-9)

    def test_of_no_questions_is_empty(self) -> None:
        lines = break_down(NO_QUESTIONS, most=3)
        assert lines.empty
        assert lines.columns.tolist() == ["row", "field", "term", "contribution"]
