"""Texts as numbers: the tokens of each, in order, and how often each n-gram of them occurs."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array


class TokenPattern(NamedTuple):
    """What counts as a token.

    Attributes:
        expression: matches a token. None reaches from a letter, digit or underscore to another character of ASCII.
        of_marks: whether it matches other characters than these and white space.
    """

    expression: re.Pattern[str]
    of_marks: bool

    @property
    def find(self) -> Callable[[str], list[str]]:
        """What finds the tokens of a text in lower case."""
        return self.expression.findall


WORDS = TokenPattern(re.compile(r"\w{2,}"), of_marks=False)
"""Words of two characters or more: those of scikit-learn's `token_pattern`."""

CODE_TOKENS = TokenPattern(re.compile(r"[^\W\d_]\w*|\d+|[^\w\s]"), of_marks=True)
"""Names, numbers, and each punctuation mark, which in code says as much as a name."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of some texts, in order.

    Attributes:
        ids: numbers of the terms, shape (n_tokens,).
        offsets: text i has `ids[offsets[i]:offsets[i + 1]]`, shape (n_texts + 1,).
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]


@dataclass(frozen=True)
class Ngrams:
    """How often each n-gram occurs in each text.

    Attributes:
        counts: shape (n_texts, n_distinct), indices sorted.
        terms: the numbers of the terms that each n-gram is made of, shape (n_distinct, n), in ascending order.
    """

    counts: csr_array
    terms: NDArray[np.int64]


class Vocabulary:
    """Numbers terms, at first in the order of their occurrence."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict()
        self._numbers.default_factory = self._numbers.__len__

    def tokenize(self, texts: Sequence[str], pattern: TokenPattern) -> Tokens:
        """Find the tokens of each text, in lower case.

        Many texts at a time are cut at white space and punctuation of ASCII; the pattern then looks once at each
        distinct piece, which takes a quarter of the time of looking at each text.
        """
        tokens_of = _TokensOfPieces(pattern, self._numbers)
        ids, lengths = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            pieces, ends = _cut(texts[start : start + _TEXTS_AT_ONCE], pattern.of_marks)
            distinct = pieces.dictionary_encode()
            found = [tokens_of[piece] for piece in distinct.dictionary.to_pylist()]
            places, begins = _expand(distinct.indices.to_numpy(), np.fromiter(map(len, found), np.int64))
            ids.append(np.fromiter(chain.from_iterable(found), np.int32)[places])
            lengths.append(np.diff(begins[ends]))
        return Tokens(np.concatenate(ids), np.concatenate([[0], np.cumsum(np.concatenate(lengths))]))

    def alphabetical(self) -> tuple[list[str], NDArray[np.int32]]:
        """Return the terms in alphabetical order, and the place in it of each number, shape (n_terms,)."""
        terms = list(self._numbers)
        order = sorted(range(len(terms)), key=terms.__getitem__)
        places = np.empty(len(terms), np.int32)
        places[order] = np.arange(len(terms), dtype=np.int32)
        return [terms[number] for number in order], places


class _TokensOfPieces(dict[str, tuple[int, ...]]):
    """The numbers of the tokens in each piece of text that has been met."""

    def __init__(self, pattern: TokenPattern, numbers: Mapping[str, int]) -> None:
        super().__init__()
        self._find, self._number = pattern.find, numbers.__getitem__

    def __missing__(self, piece: str) -> tuple[int, ...]:
        self[piece] = numbers = tuple(map(self._number, self._find(piece.lower())))
        return numbers


_TEXTS_AT_ONCE = 5_000  # some MB
_IS_WORD = np.array([byte >= 128 or chr(byte).isalnum() or byte == ord("_") for byte in range(256)])
_IS_MARK = ~_IS_WORD & np.array([not chr(byte).isspace() for byte in range(256)])
_SPACE = ord(" ")
_LOWER = np.frombuffer(bytes(range(256)).lower(), np.uint8)  # letters of ASCII; others take more than a byte
_WORDS = np.where(_IS_WORD, _LOWER, _SPACE).astype(np.uint8).tobytes()
_WORDS_AND_MARKS = np.where(_IS_WORD | _IS_MARK, _LOWER, _SPACE).astype(np.uint8).tobytes()


def _cut(texts: Sequence[str], with_marks: bool) -> tuple[pa.LargeStringArray, NDArray[np.int64]]:
    """Return runs of letters, digits and whatever is beyond ASCII, perhaps marks one by one, and each text's offset."""
    encoded = [text.encode("utf-8", "replace") for text in texts]  # a lone surrogate cannot be encoded
    ends = np.cumsum([0, *map(len, encoded)])
    translated = b"".join(encoded).translate(_WORDS_AND_MARKS if with_marks else _WORDS)
    characters = np.frombuffer(translated, np.uint8)
    if with_marks:
        marks = _IS_MARK[characters]
        shift = np.concatenate([[0], np.cumsum(2 * marks)])  # each mark gets a space on either side
        spread = np.full(len(characters) + shift[-1], _SPACE, np.uint8)
        spread[np.arange(len(characters)) + shift[:-1] + marks] = characters
        characters, ends = spread, ends + shift[ends]
    spaced = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(characters))
    cut = pc.ascii_split_whitespace(spaced)
    return cut.values, cut.offsets.to_numpy()


def _expand(ids: NDArray[np.int32], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Put for each number the range that begins at the sum of the lengths before it.

    Returns:
        The ranges, one after the other; and where the one of each number begins, shape (n_ids + 1,).
    """
    begins = np.concatenate([[0], np.cumsum(lengths[ids])])
    first = np.cumsum(lengths) - lengths
    return np.repeat(first[ids] - begins[:-1], lengths[ids]) + np.arange(begins[-1]), begins


def count_ngrams(fields: Sequence[Tokens], n: int, vocabulary_size: int) -> Ngrams:
    """Count the n-grams of texts that consist of several fields; none reaches across two fields.

    Args:
        fields: tokens of the same texts, numbered by one vocabulary; at least one.
        n: 1 or 2.
        vocabulary_size: how many terms there are.

    Raises:
        ValueError: `n` is neither.
    """
    if n == 1:
        counts = _count([(tokens.ids, tokens.offsets) for tokens in fields], vocabulary_size)
        return Ngrams(counts, np.arange(vocabulary_size)[:, np.newaxis])
    if n != 2:
        raise ValueError(f"n must be 1 or 2, not {n}")
    pairs = [_pair(tokens, vocabulary_size) for tokens in fields]
    number, distinct = pd.factorize(np.concatenate([keys for keys, _ in pairs]), sort=True)
    numbers = np.split(number.astype(np.int32), np.cumsum([len(keys) for keys, _ in pairs])[:-1])
    counts = _count([(ids, offsets) for ids, (_, offsets) in zip(numbers, pairs, strict=True)], len(distinct))
    return Ngrams(counts, np.column_stack(np.divmod(distinct, max(vocabulary_size, 1))))


def _pair(tokens: Tokens, vocabulary_size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a key per pair of neighbours in a text, and the offsets of the texts among them."""
    lengths = np.diff(tokens.offsets)
    ends = np.zeros(len(tokens.ids), bool)
    ends[tokens.offsets[1:][lengths > 0] - 1] = True
    first, second = tokens.ids[:-1].astype(np.int64), tokens.ids[1:]
    keys = (first * vocabulary_size + second)[~ends[:-1]]
    return keys, np.concatenate([[0], np.cumsum(np.maximum(lengths - 1, 0))])


def _count(fields: Sequence[tuple[NDArray[np.int32], NDArray[np.int64]]], columns: int) -> csr_array:
    matrices = [
        csr_array((np.ones(len(ids)), ids, offsets.astype(np.int32)), shape=(len(offsets) - 1, columns), copy=True)
        for ids, offsets in fields
    ]
    for matrix in matrices:
        matrix.sum_duplicates()
    counts = sum(matrices[1:], start=matrices[0])
    counts.sort_indices()
    return counts
