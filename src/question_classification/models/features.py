"""Transformers that the candidates' pipelines are made of."""

import json
import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.sparsefuncs import inplace_csr_column_scale
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from question_classification.text.tokenized import TokenizedQuestions


class _StatelessTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of DataFrames that learns nothing: `fit` only returns it."""

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """Return the transformer, which has nothing to learn."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


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


# A sparse matrix is no table, so `set_output` is switched off.
class Tfidf(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc,call-arg]
    """TF-IDF weights of the terms in some fields of tokenised questions, taken together, each row of length 1.

    Terms are in alphabetical order, unigrams before bigrams. The weights are those of scikit-learn's
    `TfidfTransformer`; where a choice by frequency ends in a tie, the alphabet decides.

    Args:
        fields: Which of `questions.FIELDS`.
        bigrams: Whether pairs of neighbouring terms are terms, too.
        min_questions: Keep the terms that occur in at least so many questions.
        max_terms: Of those, keep so many of the most frequent; None keeps all.
        sublinear: Count a term that occurs n times as 1 + log(n).

    Attributes:
        vocabulary_: The unigrams that terms consist of, in order.
        terms_: Per length of the terms, the numbers of their unigrams, each of shape (n_terms, length).
        idf_: The inverse document frequency of each term, log((1 + n_samples) / (1 + n_questions_with_it)) + 1.
    """

    _found: tuple["pd.Index[str]", NDArray[np.intp]] | None = None

    def __init__(
        self,
        fields: Sequence[str],
        *,
        bigrams: bool = False,
        min_questions: int = 1,
        max_terms: int | None = None,
        sublinear: bool = False,
    ) -> None:
        self.fields = fields
        self.bigrams = bigrams
        self.min_questions = min_questions
        self.max_terms = max_terms
        self.sublinear = sublinear

    def fit(self, X: TokenizedQuestions, y: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """Choose the terms and weigh them."""
        self._choose(X)
        return self

    def fit_transform(self, X: TokenizedQuestions, y: ArrayLike | None = None) -> csr_array:  # noqa: ARG002
        """Choose the terms, weigh them, and return the weights, shape (n_samples, n_terms)."""
        return self._weigh(X, self._choose(X))

    def transform(self, X: TokenizedQuestions) -> csr_array:
        """Return the weights, shape (n_samples, n_terms)."""
        return self._weigh(X, self._find(X))

    def count_terms(self, X: TokenizedQuestions) -> csr_array:
        """Return how frequent each n-gram is, which is counted once for all that ask; shape (n_samples, n_distinct)."""
        return X.frequencies(tuple(self.fields), self._lengths, self.sublinear)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the terms, the words of a bigram with a space between them."""
        words = np.array(self.vocabulary_, dtype=object)
        return np.concatenate(
            [
                words[terms[:, 0]] if n == 1 else words[terms[:, 0]] + " " + words[terms[:, 1]]
                for n, terms in zip(self._lengths, self.terms_, strict=True)
            ]
        )

    @property
    def _lengths(self) -> tuple[int, ...]:
        return (1, 2) if self.bigrams else (1,)

    def _choose(self, X: TokenizedQuestions) -> NDArray[np.intp]:
        """Choose the terms among the n-grams, and return the column of each among the frequencies."""
        frequencies = self.count_terms(X)
        questions = np.bincount(frequencies.indices, minlength=frequencies.shape[1])
        is_used = np.zeros(len(X.terms), bool)
        columns, chosen, start = [], [], 0
        for n in self._lengths:
            terms = X.ngram_terms(tuple(self.fields), n)
            end = start + len(terms)
            kept = np.flatnonzero(questions[start:end] >= max(1, self.min_questions))
            if self.max_terms is not None and len(kept) > self.max_terms:
                counts = X.ngrams(tuple(self.fields), n).counts
                total = np.bincount(counts.indices, counts.data, minlength=len(terms))
                kept = np.sort(kept[np.argsort(-total[kept], kind="stable")[: self.max_terms]])
            columns.append(start + kept)
            chosen.append(terms[kept])
            is_used[chosen[-1]] = True
            start = end
        used = np.flatnonzero(is_used)
        self.vocabulary_ = X.terms[used].tolist()
        self.terms_ = [np.searchsorted(used, terms) for terms in chosen]
        self._found = (X.terms, np.concatenate(columns))
        self.idf_ = np.log((1 + len(X)) / (1 + questions[self._found[1]])) + 1
        return self._found[1]

    def _find(self, X: TokenizedQuestions) -> NDArray[np.intp]:
        """Return the column of each term among the frequencies, -1 for none."""
        if self._found and self._found[0] is X.terms:  # taken from the same questions as those of `fit`
            return self._found[1]
        # The index of X.terms is built once for all that look into it.
        numbers = X.terms.get_indexer(pd.Index(self.vocabulary_, dtype=object))
        columns, start = [], 0
        for n, terms in zip(self._lengths, self.terms_, strict=True):
            ngrams = X.ngram_terms(tuple(self.fields), n)
            found = _find_rows(numbers[terms], ngrams)
            columns.append(np.where(found >= 0, start + found, -1))
            start += len(ngrams)
        return np.concatenate(columns)

    def _weigh(self, X: TokenizedQuestions, columns: NDArray[np.intp]) -> csr_array:
        """Return the weights of the terms, given the column of each among the frequencies."""
        found = np.flatnonzero(columns >= 0)
        weights: csr_array = self.count_terms(X)[:, columns[found]]  # a copy
        if len(found) < len(columns):
            places = found.astype(np.int32)  # as liblinear wants them
            weights = csr_array((weights.data, places[weights.indices], weights.indptr), shape=(len(X), len(columns)))
        inplace_csr_column_scale(weights, self.idf_)
        inplace_csr_row_normalize_l2(weights)
        return weights

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in super().__getstate__().items() if name != "_found"}
        # Many terms as one text: skops would write a node for each of them.
        if "vocabulary_" in state:
            state["vocabulary_"] = json.dumps(state["vocabulary_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "vocabulary_" in state:
            state = {**state, "vocabulary_": json.loads(state["vocabulary_"])}
        super().__setstate__(state)


def _find_rows(rows: NDArray[np.int64], table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where in a sorted table each row is, -1 where it is not; rows with a negative number are not."""
    base = np.int64(max(table.max(initial=0), rows.max(initial=0)) + 1)
    keys = table @ base ** np.arange(table.shape[1])[::-1]
    wanted = rows @ base ** np.arange(table.shape[1])[::-1]
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    found = (rows >= 0).all(axis=1) & (keys[place] == wanted) if len(keys) else np.zeros(len(rows), bool)
    return np.where(found, place, -1)


class LogCountRatio(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc,call-arg]
    """Multiply each feature by how much more often it is there in positives than in negatives, as a log ratio.

    Source: Wang & Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification (2012), where it
    makes a naive-Bayes-weighted classifier of a linear one.

    Args:
        smoothing: Added to the number of positives, and of negatives, that have the feature.
    """

    def __init__(self, smoothing: float = 1.0) -> None:
        self.smoothing = smoothing

    def fit(self, X: csr_array, y: ArrayLike) -> Self:
        """Count in how many positives and negatives each feature is not 0."""
        positive = np.asarray(y, bool)
        in_all = np.bincount(X.indices, minlength=X.shape[1])
        in_positive = np.bincount(X[positive].indices, minlength=X.shape[1])
        shares = [
            (questions + self.smoothing) / (rows + 2 * self.smoothing)
            for questions, rows in ((in_positive, positive.sum()), (in_all - in_positive, (~positive).sum()))
        ]
        self.ratios_ = np.log(shares[0] / shares[1])
        return self

    def transform(self, X: csr_array) -> csr_array:
        """Return the weighted features, shape (n_samples, n_features)."""
        return csr_array((X.data * self.ratios_[X.indices], X.indices, X.indptr), shape=X.shape)

    def get_feature_names_out(self, input_features: ArrayLike) -> ArrayLike:
        """Return the names of the features, which stay as they are."""
        return input_features


class Columns(_StatelessTransformer):
    """The numeric columns of tokenised questions.

    Args:
        columns: Their names.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns

    def transform(self, X: TokenizedQuestions) -> pd.DataFrame:
        """Return the columns, nulls as NaN, shape (n_samples, n_columns)."""
        return X.frame[list(self.columns)].astype("Float64").astype(float)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the columns."""
        return np.array(self.columns, dtype=object)
