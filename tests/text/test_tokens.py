from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from question_classification.text.tokens import (
    CODE_TOKENS,
    WORDS,
    Ngrams,
    TokenPattern,
    Tokens,
    Vocabulary,
    count_ngrams,
)

# Letters, marks and white space, of ASCII and beyond; no capital sigma, whose lower case depends on what is around it
alphabet = st.sampled_from("ab_1 Z.;-\n\t\x1c\x00é日—\u00a0İ²")
lists_of_texts = st.lists(st.text(alphabet, max_size=12) | st.text(max_size=8).map(lambda text: text.replace("Σ", "")))


def in_words(tokens: Tokens, terms: list[str]) -> list[list[str]]:
    return [[terms[number] for number in tokens.ids[begin:end]] for begin, end in pairwise(tokens.offsets.tolist())]


def tokenize(texts: list[str], pattern: TokenPattern) -> list[list[str]]:
    vocabulary = Vocabulary()
    tokens = vocabulary.tokenize(texts, pattern)
    terms, places = vocabulary.alphabetical()
    return in_words(Tokens(places[tokens.ids], tokens.offsets), terms)


class TestTokenize:
    @pytest.mark.parametrize("pattern", [WORDS, CODE_TOKENS], ids=["words", "code"])
    @given(texts=lists_of_texts)
    @example(texts=[])
    @example(texts=["", "a", ""])
    @example(texts=["naïve—bayes", "x\u00a0y zz", "\ud800 lone"])
    @settings(max_examples=150, deadline=None)
    def test_finds_what_the_pattern_finds_in_each_text(self, pattern: TokenPattern, texts: list[str]) -> None:
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        assert tokenize(texts, pattern) == [pattern.find(text.lower()) for text in clean]

    def test_words_are_those_of_scikit_learn(self) -> None:
        text = "It's a well-known F1_score: naïve Bayes, 10 x 2.5 — 日本 and C++!"
        assert tokenize([text], WORDS) == [CountVectorizer().build_analyzer()(text)]

    @pytest.mark.parametrize(
        ("code", "tokens"),
        [
            ("x += f(y[0]);", ["x", "+", "=", "f", "(", "y", "[", "0", "]", ")", ";"]),
            ("df.iloc[:,1]", ["df", ".", "iloc", "[", ":", ",", "1", "]"]),
            ("__init__ 12ab _", ["init__", "12", "ab"]),
            ("Größe = 3", ["größe", "=", "3"]),
            ("a\n\tb", ["a", "b"]),
        ],
    )
    def test_code_by_hand(self, code: str, tokens: list[str]) -> None:
        assert tokenize([code], CODE_TOKENS) == [tokens]

    def test_many_texts_are_the_same_as_one_by_one(self) -> None:
        texts = [f"word{number % 700} and number {number}" for number in range(11_000)]
        assert tokenize(texts, WORDS) == [WORDS.find(text) for text in texts]

    def test_fields_share_the_numbers(self) -> None:
        vocabulary = Vocabulary()
        title, body = vocabulary.tokenize(["zeta alpha"], WORDS), vocabulary.tokenize(["alpha beta"], WORDS)
        terms, places = vocabulary.alphabetical()
        assert terms == ["alpha", "beta", "zeta"]
        assert (places[title.ids].tolist(), places[body.ids].tolist()) == ([2, 0], [0, 1])


small_texts = st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=5)


def as_tokens(texts: list[list[int]]) -> Tokens:
    flat = [number for text in texts for number in text]
    return Tokens(np.array(flat, np.int32), np.cumsum([0, *map(len, texts)]))


def as_counters(ngrams: Ngrams) -> list[Counter[tuple[int, ...]]]:
    return [
        Counter({tuple(ngrams.terms[column].tolist()): int(count) for column, count in enumerate(row) if count})
        for row in ngrams.counts.toarray()
    ]


class TestCountNgrams:
    @pytest.mark.parametrize("n", [1, 2])
    @given(one=small_texts, other=small_texts)
    @settings(max_examples=100, deadline=None)
    def test_equals_counting_one_by_one_and_none_reaches_across_fields(self, n, one, other) -> None:
        size = min(len(one), len(other))
        fields = [one[:size], other[:size]]
        counted = count_ngrams([as_tokens(texts) for texts in fields], n, 4)
        expected = [
            Counter(
                ngram for texts in fields for ngram in zip(*(texts[row][start:] for start in range(n)), strict=False)
            )
            for row in range(size)
        ]
        assert as_counters(counted) == expected
        assert counted.terms.tolist() == sorted(counted.terms.tolist())
        assert counted.counts.has_sorted_indices

    def test_longer_ones_are_refused(self) -> None:
        with pytest.raises(ValueError, match="n must be 1 or 2, not 3"):
            count_ngrams([as_tokens([[0]])], 3, 1)
