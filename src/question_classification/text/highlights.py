"""Where the terms of a model stand in a text, so that a page can show them."""

from collections.abc import Collection
from itertools import pairwise
from typing import NamedTuple

from question_classification.text.tokens import TokenPattern


class Segment(NamedTuple):
    """A piece of a text, and the term that it is; None for what lies between."""

    text: str
    term: str | None = None


def find_terms(text: str, terms: Collection[str], pattern: TokenPattern) -> list[Segment]:
    """Cut a text into the terms that occur in it, and what lies between them.

    Args:
        text: as a person reads it.
        terms: words and pairs of neighbouring words, in lower case with a space between, the most important first:
            where two overlap, the more important one is shown.
        pattern: what counts as a word.

    Returns:
        Segments which, put together, are the text; none is empty.

    >>> from question_classification.text.tokens import WORDS
    >>> find_terms("A Neural network.", ["neural network", "network"], WORDS)
    [Segment(text='A ', term=None), Segment(text='Neural network', term='neural network'), Segment(text='.', term=None)]
    """
    rank = {term: place for place, term in reversed(list(enumerate(terms)))}
    tokens = [(match.group().lower(), *match.span()) for match in pattern.expression.finditer(text)]
    found = [(rank[token], start, end) for token, start, end in tokens if token in rank]
    for (first, start, _), (second, _, end) in pairwise(tokens):
        if (pair := f"{first} {second}") in rank:
            found.append((rank[pair], start, end))

    taken = bytearray(len(text))
    shown = []
    for place, start, end in sorted(found):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            shown.append((start, end, place))

    names = list(terms)
    segments, done = [], 0
    for start, end, place in sorted(shown):
        segments += [Segment(text[done:start]), Segment(text[start:end], names[place])]
        done = end
    return [segment for segment in [*segments, Segment(text[done:])] if segment.text]
