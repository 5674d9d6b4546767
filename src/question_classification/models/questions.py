"""Questions whose texts are tokenised once, for all candidates and all folds to share."""

from collections.abc import Callable, Sequence
from threading import RLock
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from question_classification.text.html import Formulas, split_body
from question_classification.text.tokens import (
    CODE_TOKENS,
    WORDS,
    Ngrams,
    Tokens,
    Vocabulary,
    count_ngrams,
    join_ngrams,
)

TITLE, BODY, PROSE, CODE = "title", "body", "prose", "code"
FIELDS = (TITLE, BODY, PROSE, CODE)
"""The texts of a question: its title; its body with all markup, as the tutorial has it; and the two parts of a body."""


class TokenizedQuestions:
    """Questions, the tokens of their texts, and the counts of n-grams, which are made when first asked for.

    Attributes:
        frame: the questions as they came, n_samples rows.
        terms: the terms by number, in alphabetical order.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        terms: "pd.Index[str]",
        tokens: dict[str, Tokens],
        count: Callable[[tuple[str, ...], int], Ngrams] | None = None,
    ) -> None:
        self.frame = frame
        self.terms = terms
        self.tokens = tokens
        self._count = count or self._count_tokens
        self._counted: dict[tuple[tuple[str, ...], int], Ngrams] = {}
        self._counting = RLock()

    def __len__(self) -> int:
        return len(self.frame)

    def ngrams(self, fields: tuple[str, ...], n: int) -> Ngrams:
        """Return the counts of n-grams in some fields taken together."""
        with self._counting:  # a thread that wants the same waits for it
            if (fields, n) not in self._counted:
                self._counted[fields, n] = self._count(fields, n)
            return self._counted[fields, n]

    def _count_tokens(self, fields: tuple[str, ...], n: int) -> Ngrams:
        return count_ngrams([self.tokens[field] for field in fields], n, len(self.terms))

    def select(self, columns: Sequence[str]) -> "TokenizedQuestions":
        """Return the questions with some of their columns only."""
        return TokenizedQuestions(self.frame[list(columns)], self.terms, self.tokens, self.ngrams)

    def take(self, rows: NDArray[np.intp]) -> "TokenizedQuestions":
        """Return some of the questions; what has been counted is not counted again."""

        def count(fields: tuple[str, ...], n: int) -> Ngrams:
            whole = self.ngrams(fields, n)
            return Ngrams(whole.counts[rows], whole.terms)

        return TokenizedQuestions(self.frame.iloc[rows], self.terms, {}, count)


def concatenate(first: TokenizedQuestions, second: TokenizedQuestions) -> TokenizedQuestions:
    """Return the questions of both, with the terms of both; what has been counted is not counted again."""
    terms = first.terms.union(second.terms)
    numbers = [terms.get_indexer(part.terms) for part in (first, second)]

    def count(fields: tuple[str, ...], n: int) -> Ngrams:
        return join_ngrams([first.ngrams(fields, n), second.ngrams(fields, n)], numbers, len(terms))

    return TokenizedQuestions(pd.concat([first.frame, second.frame], ignore_index=True), terms, {}, count)


class Tokenize(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """First step of a pipeline: raw questions, with the columns `title` and `body`, to `TokenizedQuestions`.

    It learns nothing, and a text gives the same tokens whichever texts are beside it. So the steps after it may be
    fitted to questions that were tokenised elsewhere, and score raw ones the same to the last bit.

    Args:
        fields: which of `FIELDS` are needed.
        formulas: whether LaTeX is kept or folded in prose; see `split_body`.
    """

    def __init__(self, fields: Sequence[str] = FIELDS, formulas: Formulas = "keep") -> None:
        self.fields = fields
        self.formulas = formulas

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """Return the transformer, which has nothing to learn."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: pd.DataFrame) -> TokenizedQuestions:
        """Tokenise each text once; nulls count as empty."""
        texts = {TITLE: X["title"].fillna("").tolist(), BODY: X["body"].fillna("").tolist()}
        if {PROSE, CODE} & set(self.fields):
            bodies = [split_body(body, formulas=self.formulas) for body in texts[BODY]]
            texts |= {PROSE: [body.prose for body in bodies], CODE: [body.code for body in bodies]}
        vocabulary = Vocabulary()
        tokens = {
            field: vocabulary.tokenize(texts[field], CODE_TOKENS if field == CODE else WORDS) for field in self.fields
        }
        terms, places = vocabulary.alphabetical()
        return TokenizedQuestions(
            X,
            pd.Index(terms, dtype=object),
            {field: Tokens(places[found.ids], found.offsets) for field, found in tokens.items()},
        )
