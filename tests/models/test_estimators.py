import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import Pipeline

from question_classification.models.estimators import (
    ContainsWords,
    JoinText,
    SortedTfidfVectorizer,
    fit_and_score,
    make_keyword,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)

PIPELINES = {
    "prior": make_prior(),
    "keyword": make_keyword(("machine", "learning")),
    "numeric": make_numeric_logistic(["title_length", "hour"], C=1.0),
    "tfidf": make_tfidf_logistic(max_features=60, C=1.0),
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


def simulate(rows: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Questions of random words from a hundred, of which some mention machine learning; those are mostly positive."""
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{number}" for number in range(100)])
    about = rng.random(rows) < 0.3
    # Cubed, so that some words are far more frequent than others and occur more than once in a text.
    words = vocabulary[(rng.random((rows, 40)) ** 3 * 100).astype(int)]
    body = [
        " ".join(row) + (" machine learning" if is_about else "") for row, is_about in zip(words, about, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "title": [" ".join(row[:5]) for row in words],
            "body": body,
            "title_length": rng.integers(10, 80, rows) + 20.0 * about,
            "hour": rng.integers(0, 24, rows),
        }
    )
    frame.loc[::50, ["title", "title_length"]] = None
    return frame, about ^ (rng.random(rows) < 0.1)


class TestJoinText:
    def test_joins_with_nulls_as_empty(self) -> None:
        frame = pd.DataFrame({"body": ["c", None, None], "title": ["a b", "d", None]})
        assert JoinText().transform(frame).tolist() == ["a b c", "d ", " "]
        assert JoinText(("body", "title"), separator="|").transform(frame).tolist() == ["c|a b", "|d", "|"]

    def test_output_and_its_name(self) -> None:
        texts = JoinText().fit_transform(pd.DataFrame({"title": ["a"], "body": ["b"]}))
        assert (texts.shape, texts.dtype) == ((1,), object)
        assert JoinText().get_feature_names_out().tolist() == ["text"]

    def test_no_rows(self) -> None:
        assert JoinText().transform(pd.DataFrame({"title": [], "body": []}, dtype=str)).shape == (0,)


class TestContainsWords:
    @pytest.mark.parametrize(
        ("words", "text", "contained"),
        [
            (("machine", "learning"), "What is machine learning?", True),
            (("machine", "learning"), "Machine-Learning", True),
            (("Machine", "Learning"), "MACHINE_LEARNING", True),
            (("machine", "learning"), "(machine  learning)", True),
            (("machine", "learning"), "a machine\nlearning to walk", True),
            (("machine", "learning"), "<p>machine learning</p>", True),
            (("machine", "learning"), "my_machine_learning_model", True),
            (("machine", "learning"), "learning machine", False),
            (("machine", "learning"), "machinelearning", False),
            (("machine", "learning"), "machine and learning", False),
            (("machine", "learning"), "machine, learning", False),
            (("machine", "learning"), "machine learnings", False),
            (("machine", "learning"), "submachine learning", False),
            (("machine", "learning"), "machine machine learning", True),
            (("machine", "learning"), "", False),
            (("machine", "learning"), None, False),
            (("python",), "python3", False),
            (("python",), "Python.", True),
            (("c++",), "C++ templates", True),
            (("c++",), "in c++, or", True),
            (("c++",), "c+ and c", False),
            (("c++",), "objc++", False),
            (("c",), "c++", False),
            (("c",), "C#", False),
            (("c",), "a C program", True),
            (("c",), "objective-c", True),
            (("c#",), "C# 8", True),
            (("c#",), "c#8", False),
            ((".net",), "a .NET service", True),
            ((".net",), "asp.net", False),
            (("node.js",), "nodexjs", False),
            (("node.js",), "Node.js", True),
            (("régression",), "La RÉGRESSION", True),
            (("r",), "é r", True),
            (("r",), "ér", False),
        ],
    )
    def test_cases(self, words, text, contained) -> None:
        frame = pd.DataFrame({"title": [text, "no"], "body": ["no", text]}, dtype=str)
        assert ContainsWords(words).transform(frame).tolist() == [[contained, False], [False, contained]]

    def test_output_and_its_names(self) -> None:
        frame = pd.DataFrame({"title": ["a b", "b"], "tagline": ["a", "a-b"]}, index=[7, 3])
        transformer = ContainsWords(["a", "b"], columns=["tagline", "title"])
        assert transformer.fit_transform(frame).dtype == np.float64
        names = ["tagline_contains_a_b", "title_contains_a_b"]
        assert transformer.get_feature_names_out().tolist() == names
        table = transformer.set_output(transform="pandas").transform(frame)
        pd.testing.assert_frame_equal(table, pd.DataFrame([[0.0, 1.0], [1.0, 0.0]], index=[7, 3], columns=names))

    @pytest.mark.parametrize("words", ["python", (), ("machine", "")])
    def test_refuses(self, words) -> None:
        with pytest.raises(ValueError, match="at least one word"):
            ContainsWords(words).transform(pd.DataFrame({"title": ["a"], "body": ["b"]}))


class TestSortedTfidfVectorizer:
    @pytest.mark.parametrize("parameters", [{}, {"max_features": 50}, {"ngram_range": (1, 2), "sublinear_tf": True}])
    def test_fit_transform_equals_transform_to_the_last_bit(self, parameters) -> None:
        texts = JoinText().transform(simulate()[0])
        vectorizer = SortedTfidfVectorizer(**parameters)
        fitted, transformed = vectorizer.fit_transform(texts), vectorizer.transform(texts)
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(fitted, part), getattr(transformed, part))

    def test_is_scikit_learns_vectorizer_otherwise(self) -> None:
        texts = JoinText().transform(simulate()[0])
        ours, theirs = SortedTfidfVectorizer(max_features=50).fit(texts), TfidfVectorizer(max_features=50).fit(texts)
        assert ours.get_params() == theirs.get_params()
        assert ours.vocabulary_ == theirs.vocabulary_
        assert (ours.transform(texts) != theirs.transform(texts)).nnz == 0


class TestPipelines:
    @each_pipeline
    def test_goes_from_raw_questions_to_probabilities(self, pipeline) -> None:
        X, y = simulate()
        before = X.copy()
        probabilities = clone(pipeline).fit(X, y).predict_proba(X)
        assert probabilities.shape == (len(X), 2)
        assert pipeline.steps[-1][0] == "classifier"
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        pd.testing.assert_frame_equal(X, before)

    def test_prior_is_the_share_of_positives(self) -> None:
        X, y = simulate()
        np.testing.assert_allclose(make_prior().fit(X, y).predict_proba(X)[:, 1], y.mean())

    def test_keyword_ranks_questions_with_the_words_first(self) -> None:
        X, y = simulate()
        scores = make_keyword(("machine", "learning")).fit(X, y).predict_proba(X)[:, 1]
        contains = X["body"].str.contains("machine learning")
        assert scores[contains].min() > scores[~contains].max()

    @pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64", "int64[pyarrow]"])
    def test_numeric_takes_any_numbers_with_nulls(self, dtype) -> None:
        X, y = simulate()
        expected = make_numeric_logistic(["title_length"], C=1.0).fit(X, y).predict_proba(X)
        X["title_length"] = X["title_length"].astype(dtype)
        np.testing.assert_array_equal(
            make_numeric_logistic(["title_length"], C=1.0).fit(X, y).predict_proba(X), expected
        )

    def test_numeric_keeps_a_column_of_nulls(self) -> None:
        X, y = simulate()
        X["hour"] = np.nan
        pipeline = make_numeric_logistic(("title_length", "hour"), C=1.0).fit(X, y)
        assert pipeline[:-1].get_feature_names_out().tolist() == ["title_length", "hour"]
        assert pipeline["classifier"].coef_[0, 1] == 0

    def test_parameters_are_the_callers(self) -> None:
        pipeline = make_tfidf_logistic(max_features=17, C=0.25)
        assert pipeline.get_params()["tfidf__max_features"] == 17
        assert pipeline.get_params()["classifier__C"] == 0.25
        assert make_numeric_logistic(["hour"], C=0.25).get_params()["classifier__C"] == 0.25

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
    def test_tfidf_reaches_the_optimum(self, C) -> None:
        X, y = simulate()
        train, test = slice(0, 200), slice(200, None)
        pipeline = make_tfidf_logistic(max_features=None, C=C)
        tight = clone(pipeline).set_params(classifier__tol=1e-9, classifier__max_iter=10_000)
        average_precision, best = (
            average_precision_score(y[test], candidate.fit(X[train], y[train]).predict_proba(X[test])[:, 1])
            for candidate in (pipeline, tight)
        )
        assert average_precision == pytest.approx(best, abs=0.001)


_analysed: list[str] = []


def count_and_split(text: str) -> list[str]:
    _analysed.append(text)
    return text.split()


class TestFitAndScore:
    @each_pipeline
    def test_equals_fit_and_predict_proba_to_the_last_bit(self, pipeline) -> None:
        X, y = simulate()
        fitted, scores = fit_and_score(pipeline, X, y)
        expected = clone(pipeline).fit(X, y).predict_proba(X)[:, 1]
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(fitted.predict_proba(X)[:, 1], expected)

    def test_analyses_each_text_once(self) -> None:
        X, y = simulate()
        vectorizer = SortedTfidfVectorizer(analyzer=count_and_split)
        pipeline = Pipeline([("join", JoinText()), ("tfidf", vectorizer), ("classifier", LogisticRegression())])
        _analysed.clear()
        fit_and_score(pipeline, X, y)
        assert _analysed == JoinText().transform(X).tolist()

    def test_leaves_its_arguments(self) -> None:
        X, y = simulate()
        X_before, y_before, pipeline = X.copy(), y.copy(), make_tfidf_logistic(60, 1.0)
        fit_and_score(pipeline, X, y)
        assert not hasattr(pipeline["tfidf"], "vocabulary_")
        pd.testing.assert_frame_equal(X, X_before)
        np.testing.assert_array_equal(y, y_before)

    def test_refuses_one_class(self) -> None:
        X, _ = simulate(10)
        with pytest.raises(ValueError, match="two classes"):
            fit_and_score(make_prior(), X, np.ones(10))
