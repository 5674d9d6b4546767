import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, hstack
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

from question_classification.models.features import Columns, ContainsWords, LogCountRatio, Tfidf
from question_classification.models.questions import Tokenize


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


def same(one: csr_array, other: csr_array) -> bool:
    return one.shape == other.shape and all(
        np.array_equal(getattr(one, part), getattr(other, part)) for part in ("data", "indices", "indptr")
    )


class TestTfidf:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ({}, {}),
            ({"min_questions": 40, "sublinear": True}, {"min_df": 40, "sublinear_tf": True}),
            ({"bigrams": True}, {"ngram_range": (1, 2)}),
        ],
        ids=str,
    )
    def test_is_scikit_learns_vectorizer_on_one_field(self, simulate, ours, theirs) -> None:
        X, _ = simulate()
        questions = Tokenize().transform(X)
        tfidf = Tfidf(("body",), **ours)
        vectorizer = TfidfVectorizer(**theirs)
        expected = vectorizer.fit_transform(X["body"])
        names = tfidf.fit(questions).get_feature_names_out().tolist()
        assert sorted(names) == vectorizer.get_feature_names_out().tolist()
        order = [vectorizer.vocabulary_[name] for name in names]
        np.testing.assert_allclose(tfidf.transform(questions).toarray(), expected.toarray()[:, order], atol=1e-12)

    def test_takes_title_and_body_together(self, simulate) -> None:
        X, _ = simulate()
        together = Tfidf(("title", "body")).fit(Tokenize().transform(X))
        joined = TfidfVectorizer().fit(X["title"].fillna("") + " " + X["body"])
        assert together.get_feature_names_out().tolist() == joined.get_feature_names_out().tolist()
        np.testing.assert_allclose(together.idf_, joined.idf_)

    @given(st.lists(st.text("ab <code>/ ", max_size=40), min_size=2, max_size=6), st.booleans(), st.integers(1, 3))
    def test_has_the_weights_of_scikit_learn(self, bodies: list[str], sublinear: bool, min_questions: int) -> None:
        """Texts without any term, and terms that go, are among them."""
        questions = Tokenize().transform(pd.DataFrame({"title": bodies, "body": bodies}))
        tfidf = Tfidf(("code", "prose"), bigrams=True, min_questions=min_questions, sublinear=sublinear)
        weights = tfidf.fit_transform(questions)
        counts = hstack([questions.ngrams(("code", "prose"), n).counts for n in (1, 2)], format="csr")
        counts = counts[:, np.flatnonzero((counts > 0).sum(axis=0) >= min_questions)]
        assert weights.shape == counts.shape
        if counts.shape[1]:
            expected = TfidfTransformer(sublinear_tf=sublinear).fit_transform(counts)
            np.testing.assert_allclose(weights.toarray(), expected.toarray(), atol=1e-12)

    def test_keeps_the_most_frequent_and_of_equals_the_first_by_the_alphabet(self) -> None:
        questions = Tokenize().transform(pd.DataFrame({"title": ["bb aa aa", "cc bb", "dd cc"], "body": ["", "", ""]}))
        assert Tfidf(("title",), max_terms=2).fit(questions).get_feature_names_out().tolist() == ["aa", "bb"]

    def test_fit_transform_equals_transform_to_the_last_bit(self, simulate) -> None:
        questions = Tokenize().transform(simulate()[0])
        tfidf = Tfidf(("title", "prose"), bigrams=True, min_questions=2, sublinear=True)
        assert same(clone(tfidf).fit_transform(questions), tfidf.fit(questions).transform(questions))

    def test_a_question_has_the_same_weights_whichever_are_beside_it(self, simulate) -> None:
        X, _ = simulate()
        tfidf = Tfidf(("prose", "code"), bigrams=True).fit(Tokenize().transform(X[:200]))
        together = tfidf.transform(Tokenize().transform(X))
        rows = [
            same(tfidf.transform(Tokenize().transform(X[row : row + 1])), together[[row]]) for row in range(195, 210)
        ]
        assert all(rows)

    def test_terms_that_were_not_there_count_for_nothing(self) -> None:
        fitted = Tfidf(("title",)).fit(Tokenize().transform(pd.DataFrame({"title": ["aa bb"], "body": [""]})))
        weights = fitted.transform(Tokenize().transform(pd.DataFrame({"title": ["zz", "aa zz"], "body": ["", ""]})))
        assert weights.toarray().tolist() == [[0.0, 0.0], [1.0, 0.0]]

    def test_may_have_no_terms(self) -> None:
        questions = Tokenize().transform(pd.DataFrame({"title": ["a", ""], "body": ["", None]}))
        assert Tfidf(("title", "code"), bigrams=True).fit_transform(questions).shape == (2, 0)

    def test_state_survives(self, simulate) -> None:
        questions = Tokenize().transform(simulate()[0])
        fitted = Tfidf(("prose",), bigrams=True).fit(questions)
        assert same(pickle.loads(pickle.dumps(fitted)).transform(questions), fitted.transform(questions))


class TestLogCountRatio:
    def test_worked_out_by_hand(self) -> None:
        X = csr_array(np.array([[2.0, 0.0, 1.0], [3.0, 1.0, 0.0], [0.0, 4.0, 0.0]]))
        fitted = LogCountRatio(smoothing=1.0).fit(X, [True, True, False])
        # of two positives 2, 1 and 1 have the feature, of one negative 0, 1 and 0
        np.testing.assert_allclose(fitted.ratios_, np.log([(3 / 4) / (1 / 3), (2 / 4) / (2 / 3), (2 / 4) / (1 / 3)]))
        np.testing.assert_allclose(fitted.transform(X).toarray(), X.toarray() * fitted.ratios_)

    def test_leaves_its_input(self) -> None:
        X = csr_array(np.array([[2.0, 0.0], [3.0, 1.0]]))
        LogCountRatio().fit(X, [True, False]).transform(X)
        assert X.toarray().tolist() == [[2.0, 0.0], [3.0, 1.0]]


def test_columns_are_numbers_with_nulls_as_nan() -> None:
    X = pd.DataFrame({"title": ["", ""], "body": ["", ""], "hour": pd.array([1, None], "Int64"), "other": [3, 4]})
    columns = Columns(["hour"]).transform(Tokenize(()).transform(X))
    np.testing.assert_array_equal(columns.to_numpy(), [[1.0], [np.nan]])
    assert columns.dtypes.tolist() == [np.float64]
