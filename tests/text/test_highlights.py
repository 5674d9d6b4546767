import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_classification.text.highlights import Segment, find_terms
from question_classification.text.tokens import CODE_TOKENS, WORDS, TokenPattern


def shown(text: str, terms: list[str], pattern: TokenPattern = WORDS) -> list[tuple[str, str]]:
    return [(segment.text, segment.term) for segment in find_terms(text, terms, pattern) if segment.term is not None]


def test_a_word_is_found_whole_and_in_whichever_case() -> None:
    assert find_terms("Networks: a NETWORK, network_x", ["network"], WORDS) == [
        Segment("Networks: a "),
        Segment("NETWORK", "network"),
        Segment(", network_x"),
    ]


def test_a_pair_stands_for_its_words_and_what_is_between() -> None:
    assert shown("Neural,\n networks", ["neural networks"]) == [("Neural,\n networks", "neural networks")]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["neural net", "net", "net work"], [("neural net", "neural net")]),
        (["net", "neural net", "neural"], [("neural", "neural"), ("net", "net")]),
        (["net work", "neural net", "neural"], [("neural", "neural"), ("net work", "net work")]),
    ],
)
def test_of_terms_that_overlap_the_more_important_is_shown(terms: list[str], expected: list[tuple[str, str]]) -> None:
    assert shown("neural net work", terms) == expected


def test_marks_are_tokens_of_code() -> None:
    assert shown("df[0] -> x", ["[", "- >", "x"], CODE_TOKENS) == [("[", "["), ("->", "- >"), ("x", "x")]


@pytest.mark.parametrize("text", ["", "nothing here"])
def test_a_text_without_a_term_stays_whole(text: str) -> None:
    assert find_terms(text, ["term"], WORDS) == ([Segment(text)] if text else [])


@given(st.text(alphabet="aAbİß -_\0\u202e<", max_size=30), st.lists(st.sampled_from(["aa", "ab", "aa ab", "b"])))
def test_segments_together_are_the_text(text: str, terms: list[str]) -> None:
    segments = find_terms(text, terms, WORDS)
    assert "".join(segment.text for segment in segments) == text
    assert all(segment.text for segment in segments)
