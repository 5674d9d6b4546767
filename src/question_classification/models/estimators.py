"""Transformers and the candidates' pipelines: from a table of raw questions to a probability.

Every pipeline takes a DataFrame with the columns title and body (strings, perhaps null) and, where it uses them,
numeric columns; it ends in a step named `classifier`, has `predict_proba` and can be saved by `persistence`.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


class _StatelessTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of DataFrames that learns nothing: `fit` only returns it."""

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """Return the transformer, which has nothing to learn."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


# A text per row is no table, so `set_output` is switched off.
class JoinText(_StatelessTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Join columns of text into one text per row, as a vectorizer wants it. Nulls count as empty.

    Args:
        columns: The columns, in the order in which they are joined.
        separator: What stands between two columns.
    """

    def __init__(self, columns: Sequence[str] = ("title", "body"), separator: str = " ") -> None:
        self.columns = columns
        self.separator = separator

    def transform(self, X: pd.DataFrame) -> NDArray[np.object_]:
        """Return the joined texts, shape (n_samples,)."""
        columns = [X[column].fillna("") for column in self.columns]
        return np.array([self.separator.join(texts) for texts in zip(*columns, strict=True)], dtype=object)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the name of the only output, `text`."""
        return np.array(["text"], dtype=object)


class ContainsWords(_StatelessTransformer):
    """Say of each column of text whether it contains some words: in order, whole, in whichever case.

    Between the words stand spaces, hyphens or underscores, one or more: the words ("machine", "learning") are in
    "Machine-Learning", and not in "machine learnings" or "learning machine". A word may hold any character: "c++" and
    ".net" are words, and "c" is a word of neither "c++" nor "c#". Nulls count as empty.

    Args:
        words: The words, at least one.
        columns: The columns to look into, one output each.

    Raises:
        ValueError: `words` is empty, holds an empty word or is a single string (raised by `transform`).
    """

    def __init__(self, words: Sequence[str], columns: Sequence[str] = ("title", "body")) -> None:
        self.words = words
        self.columns = columns

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return 1.0 where the column contains the words, else 0.0; shape (n_samples, len(columns))."""
        if isinstance(self.words, str) or not self.words or not all(self.words):
            raise ValueError(f"words must be a sequence of at least one word, none of them empty, not {self.words!r}")
        words = [word.lower() for word in self.words]
        # Lookarounds and not \b, which needs a letter or digit at the edge of the word: "c++" has none. The underscore
        # separates words here, unlike in \w.
        pattern = re.compile(r"(?<![^\W_])" + r"[\s_-]+".join(map(re.escape, words)) + r"(?![^\W_]|\+\+|#)")

        def contains(text: str) -> bool:
            lowered = text.lower()
            # Most texts lack the first word; `in` finds that out several times faster than a regular expression.
            return words[0] in lowered and pattern.search(lowered) is not None

        return np.column_stack(
            [np.fromiter(map(contains, X[column].fillna("")), np.float64, len(X)) for column in self.columns]
        )

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return one name per column, such as `title_contains_machine_learning`."""
        words = "_".join(self.words)
        return np.array([f"{column}_contains_{words}" for column in self.columns], dtype=object)


class _SortedCountVectorizer(CountVectorizer):  # type: ignore[misc]
    """Count words; terms are in ascending order within each row, from `fit_transform` as from `transform`."""

    def fit_transform(self, raw_documents: Sequence[str], y: ArrayLike | None = None) -> csr_array | csr_matrix:
        counts: csr_array | csr_matrix = super().fit_transform(raw_documents, y)
        counts.sort_indices()
        return counts


class SortedTfidfVectorizer(TfidfVectorizer, _SortedCountVectorizer):  # type: ignore[misc]
    """A `TfidfVectorizer` whose `fit_transform` equals `transform` to the last bit.

    scikit-learn's `fit_transform` leaves the terms of a row in another order than `transform` does, so the norm of the
    row is summed in another order and weights differ by about 1e-16. Here (by cooperative inheritance: the base class
    of `TfidfVectorizer` that counts is replaced) the counts are put in order before they are weighted.

    Its state, as pickle and skops see it, is canonical and compact: the vocabulary is one text, the terms in the order
    of their columns, where skops would write a node or even a file for every term.
    """

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # a copy: it may be the live attributes
        # The id() of the stop words, by which scikit-learn remembers that it has checked them.
        state.pop("_stop_words_id", None)
        if "vocabulary_" in state:
            state["vocabulary_"] = json.dumps(sorted(state["vocabulary_"], key=state["vocabulary_"].__getitem__))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "vocabulary_" in state:
            terms = json.loads(state["vocabulary_"])
            state = {**state, "vocabulary_": {term: index for index, term in enumerate(terms)}}
        super().__setstate__(state)


def make_prior() -> Pipeline:
    """Return the baseline that predicts the share of positives for every question."""
    return Pipeline([("classifier", DummyClassifier(strategy="prior"))])


def make_keyword(words: Sequence[str]) -> Pipeline:
    """Return the baseline that only asks whether title and body contain the words of the tag.

    Args:
        words: The words of the tag, such as ("machine", "learning").
    """
    return Pipeline([("words", ContainsWords(words)), ("classifier", LogisticRegression())])


def make_numeric_logistic(columns: Sequence[str], C: float) -> Pipeline:
    """Return a logistic regression on numeric columns: median for nulls, then standardised.

    Args:
        columns: The numeric columns; one that is null throughout counts as 0.
        C: Inverse strength of the L2 penalty, above 0.
    """
    # Imputed inside the ColumnTransformer, which cannot pass on pandas.NA.
    numeric = Pipeline(
        [("impute", SimpleImputer(strategy="median", keep_empty_features=True)), ("scale", StandardScaler())]
    )
    return Pipeline(
        [
            ("columns", ColumnTransformer([("numeric", numeric, list(columns))], verbose_feature_names_out=False)),
            ("classifier", LogisticRegression(C=C)),
        ]
    )


def make_tfidf_logistic(max_features: int | None, C: float) -> Pipeline:
    """Return a logistic regression on the TF-IDF weights of title and body together.

    Args:
        max_features: Keep this many of the most frequent terms; None keeps all.
        C: Inverse strength of the L2 penalty, above 0.
    """
    return Pipeline(
        [
            ("join", JoinText()),
            ("tfidf", SortedTfidfVectorizer(max_features=max_features)),
            # Measured on 50,000 texts x 25,000 terms with C = 0.1, 1, 10 (seconds on one core; AP off the optimum by):
            # newton-cg 0.4-0.8, 0.0002; sag 0.5-1.4, 0.0001; liblinear 0.5-1.1, 0.0004; saga 0.7-2.6, 0.0002; lbfgs
            # 0.2-0.5, but it stops early and is up to 0.003 off. liblinear's dual at tol=0.01 is as fast (0.3-0.8,
            # 0.0004), but penalises the intercept and needs a seed.
            ("classifier", LogisticRegression(C=C, solver="newton-cg")),
        ]
    )


def fit_and_score(pipeline: Pipeline, X: pd.DataFrame, y: ArrayLike) -> tuple[Pipeline, NDArray[np.float64]]:
    """Fit a pipeline and score its own training set, transforming (so tokenising) each row once.

    The result is that of `pipeline.fit(X, y)` and `pipeline.predict_proba(X)[:, 1]`, to the last bit if `fit_transform`
    of each step equals `transform` (see `SortedTfidfVectorizer`).

    Args:
        pipeline: Steps of which the last is a classifier with `predict_proba`. It is left as it is: a clone is fitted.
        X: Raw questions, n_samples rows.
        y: Classes (bool, or 0 and 1), shape (n_samples,).

    Returns:
        The fitted pipeline, and the probability of the positive class per row of `X`, shape (n_samples,).

    Raises:
        ValueError: `y` does not hold two classes.
    """
    if len(np.unique(np.asarray(y))) != 2:
        raise ValueError("y must hold two classes to fit a classifier")
    fitted = clone(pipeline)
    *transformers, (_, classifier) = fitted.steps
    features: Any = X
    if transformers:
        # A slice of a pipeline shares its estimators, so this fits the transformers of `fitted` itself.
        features = fitted[:-1].fit_transform(X, y)
    classifier.fit(features, y)
    scores: NDArray[np.float64] = classifier.predict_proba(features)[:, 1]
    return fitted, scores
