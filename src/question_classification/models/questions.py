"""The step of a pipeline from raw questions to tokenised ones."""

from collections.abc import Sequence
from typing import Self

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from question_classification.text.html import Formulas, split_bodies
from question_classification.text.tokenized import BODY, CODE, FIELDS, PROSE, TITLE, TokenizedQuestions
from question_classification.text.tokens import CODE_TOKENS, WORDS, Tokens, Vocabulary


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
            bodies = split_bodies(texts[BODY], formulas=self.formulas)
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
