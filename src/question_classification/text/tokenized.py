"""Questions whose texts are tokenised once, for all candidates and all folds to share."""

from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from question_classification.text.tokens import Ngrams, Tokens, count_ngrams

_T = TypeVar("_T")

TITLE, BODY, PROSE, CODE = "title", "body", "prose", "code"
FIELDS = (TITLE, BODY, PROSE, CODE)
"""The texts of a question: its title; its body with all markup, as the tutorial has it; and the two parts of a body."""


class TokenizedQuestions:
    """Questions, the tokens of their texts, and the n-grams of these, which are counted when first asked for.

    Attributes:
        frame: the questions as they came, n_samples rows.
        terms: the terms by number, in alphabetical order.
        tokens: those of each field; none where the questions were taken from others.
    """

    def __init__(self, frame: pd.DataFrame, terms: "pd.Index[str]", tokens: dict[str, Tokens]) -> None:
        self.frame = frame
        self.terms = terms
        self.tokens = tokens
        self._counted: dict[Any, Any] = {}
        self._counting = RLock()

    def __len__(self) -> int:
        return len(self.frame)

    def ngrams(self, fields: tuple[str, ...], n: int) -> Ngrams:
        """Return the counts of n-grams in some fields taken together."""
        return self._once(self._count, fields, n)

    def ngram_terms(self, fields: tuple[str, ...], n: int) -> NDArray[np.int64]:
        """Return the numbers of the terms that each n-gram is made of, shape (n_distinct, n)."""
        return self.ngrams(fields, n).terms

    def frequencies(self, fields: tuple[str, ...], lengths: tuple[int, ...], sublinear: bool) -> csr_array:
        """Return how frequent n-grams are, those of each length in turn; if sublinear, n times count as 1 + log(n)."""
        return self._once(self._put_side_by_side, fields, lengths, sublinear)

    def select(self, columns: Sequence[str]) -> "TokenizedQuestions":
        """Return the questions with some of their columns only."""
        return _Taken(self, self.frame[list(columns)], None)

    def take(self, rows: NDArray[np.intp]) -> "TokenizedQuestions":
        """Return some of the questions; what has been counted is not counted again."""
        return _Taken(self, self.frame.iloc[rows], rows)

    def find(self, frame: pd.DataFrame) -> "TokenizedQuestions":
        """Return the questions that a table holds, as it holds them, by `question_id`; nothing is counted again.

        Raises:
            ValueError: one is missing here, or has another title or body.
        """
        rows = pd.Index(self.frame["question_id"]).get_indexer(frame["question_id"])
        own, others = (each[[TITLE, BODY]].reset_index(drop=True) for each in (self.frame.iloc[rows], frame))
        if (rows < 0).any() or not own.equals(others):
            raise ValueError("the table holds questions that were not tokenised")
        return _Taken(self, frame, rows)

    def _once(self, count: Callable[..., _T], *asked: Any) -> _T:
        with self._counting:  # a thread that asks for the same waits for it
            if asked not in self._counted:
                self._counted[asked] = count(*asked)
            found: _T = self._counted[asked]
            return found

    def _count(self, fields: tuple[str, ...], n: int) -> Ngrams:
        return count_ngrams([self.tokens[field] for field in fields], n, len(self.terms))

    def _put_side_by_side(self, fields: tuple[str, ...], lengths: tuple[int, ...], sublinear: bool) -> csr_array:
        counts = csr_array(hstack([self.ngrams(fields, n).counts for n in lengths], format="csr"))
        if sublinear:
            counts.data = 1 + np.log(counts.data)
        return counts


class _Taken(TokenizedQuestions):
    """Some of the rows of others, or all."""

    def __init__(self, whole: TokenizedQuestions, frame: pd.DataFrame, rows: NDArray[np.intp] | None) -> None:
        super().__init__(frame, whole.terms, {})
        self._whole = whole
        self._rows = rows

    def ngram_terms(self, fields: tuple[str, ...], n: int) -> NDArray[np.int64]:
        return self._whole.ngram_terms(fields, n)

    def _count(self, fields: tuple[str, ...], n: int) -> Ngrams:
        counted = self._whole.ngrams(fields, n)
        return counted if self._rows is None else Ngrams(counted.counts[self._rows], counted.terms)

    def _put_side_by_side(self, fields: tuple[str, ...], lengths: tuple[int, ...], sublinear: bool) -> csr_array:
        found = self._whole.frequencies(fields, lengths, sublinear)
        return found if self._rows is None else found[self._rows]
