"""A writer of titles and bodies: it picks templates of a topic, fills them and puts them into blocks of HTML."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from random import Random as Generator
from typing import NamedTuple, TypeVar

from question_classification.stackexchange.simulation import phrases
from question_classification.stackexchange.simulation.templates import (
    Random,
    Template,
    compile_template,
    fill,
    to_code,
    to_html,
)
from question_classification.stackexchange.simulation.topics import REGISTERS, TOPICS, Topic
from question_classification.stackexchange.simulation.words import words

MAX_BODY = 38_000  # characters
_LAST_BLOCK = 150  # characters: no block is begun when the wanted length is closer than this
_PHRASE_VARIANTS = 8  # a phrase with slots of its own is filled in so many ways

T = TypeVar("T")
Render = Callable[[str], str]
Pools = Mapping[str, Sequence[str]]


class Book(NamedTuple):
    """The templates of one topic, its own phrases in their slots already."""

    titles: tuple[Template, ...]
    openings: tuple[Template, ...]
    sentences: tuple[Template, ...]
    questions: tuple[Template, ...]
    thanks: tuple[Template, ...]
    headings: tuple[Template, ...]
    quotes: tuple[Template, ...]
    introductions: tuple[Template, ...]
    formula_introductions: tuple[Template, ...]
    formulas: tuple[Template, ...]
    code: tuple[Template, ...]
    output_header: tuple[Template, ...]
    output_rows: tuple[Template, ...]
    table_rows: tuple[Template, ...]
    images: tuple[Template, ...]
    blocks: tuple[str, ...]  # kinds of blocks, the frequent ones many times


@cache
def library(spans: bool) -> dict[str, Book]:
    """Return the books of all topics and registers, by name; formulas are wrapped in a `<span>` if `spans`."""
    return {name: _bind(topic, spans) for name, topic in {**TOPICS, **REGISTERS}.items()}


def _bind(topic: Topic, spans: bool) -> Book:
    """Compile all templates for one topic."""
    own: dict[str, tuple[str, ...]] = {}
    for slot, texts in {"method": topic.methods, "concept": topic.concepts, "task": topic.tasks}.items():
        own |= {slot: texts, f"{slot}a": texts[::2], f"{slot}b": texts[1::2]}
    sentence = _SPANNED if spans else to_html
    pools = {render: _shared_pools(render) | _fill_all(own, words(), render) for render in (_plain, sentence)}
    pools[to_code] = words() | {"data": words()["dataset"]}

    def compile_all(texts: Iterable[str], render: Render) -> tuple[Template, ...]:
        return tuple(compile_template(text, pools[render], render) for text in texts)

    header, rows = phrases.OUTPUTS[topic.output]
    shared = (*phrases.CONTEXT, *phrases.ATTEMPTS, *phrases.PROBLEMS, *phrases.QUESTIONS, *phrases.REMARKS)
    display = [f"$${formula}$$" for formula in (*topic.formulas * 2, *phrases.FORMULAS)]
    return Book(
        titles=compile_all(phrases.TITLES, _plain),
        openings=compile_all(phrases.OPENINGS, sentence),
        sentences=compile_all((*shared, *topic.symptoms * 3), sentence),
        questions=compile_all(phrases.QUESTIONS, sentence),
        thanks=compile_all(phrases.THANKS, sentence),
        headings=compile_all(phrases.HEADINGS, sentence),
        quotes=compile_all(phrases.QUOTES, sentence),
        introductions=compile_all(phrases.INTRODUCTIONS, sentence),
        formula_introductions=compile_all(phrases.FORMULA_INTRODUCTIONS, sentence),
        formulas=compile_all(display, sentence),
        code=compile_all(topic.code, to_code),
        output_header=compile_all([header], to_code),
        output_rows=compile_all(rows, to_code),
        table_rows=compile_all(phrases.TABLE_ROWS, _plain),
        images=compile_all([phrases.IMAGE], _plain),
        blocks=_repeat(
            paragraph=100,
            code=10 * topic.code_share,
            output=8 * topic.code_share,
            formula=10 * topic.math_share,
            listing=9,
            quote=4,
            image=5,
            heading=4,
            table=1,
        ),
    )


def _plain(text: str) -> str:
    return text


_SPANNED: Render = partial(to_html, spans=True)


@cache
def _shared_pools(render: Render) -> dict[str, tuple[str, ...]]:
    """Return the values of the slots that do not depend on the topic."""
    return words() | _fill_all(phrases.SLOTS, words(), render)


def _fill_all(slots: Mapping[str, Sequence[str]], pools: Pools, render: Render) -> dict[str, tuple[str, ...]]:
    """Render the values of `slots`; where some of them have slots of their own, draw several variants."""
    random = Generator(1).random  # noqa: S311 (a simulation, not cryptography)
    filled = {}
    for slot, texts in slots.items():
        templates = [compile_template(text, pools, render) for text in texts]
        variants = _PHRASE_VARIANTS if any(template.pools for template in templates) else 1
        filled[slot] = tuple(fill(template, random) for template in templates * variants)
    return filled


def _repeat(**counts: int) -> tuple[str, ...]:
    return tuple(name for name, count in counts.items() for _ in range(count))


class Writer:
    """Writes questions with the numbers of one generator.

    Every sentence is spoken by one of the question's voices: the book of its topic most of the time, sometimes the
    book of another topic or of a register.

    Args:
        random: source of uniform numbers in [0, 1).
    """

    def __init__(self, random: Random):
        self._random = random
        self._blocks: dict[str, Callable[[Sequence[Book]], str]] = {
            "paragraph": self._paragraph,
            "code": self._code,
            "output": self._output,
            "formula": self._formula,
            "listing": self._listing,
            "quote": self._quote,
            "image": self._image,
            "heading": self._heading,
            "table": self._table,
        }

    def title(self, voices: Sequence[Book]) -> str:
        """Return a title: plain text, not escaped."""
        text = self._say(self._pick(voices).titles)
        return text[0].upper() + text[1:]

    def body(self, voices: Sequence[Book], length: float) -> str:
        """Return a body in HTML of about `length` characters, `MAX_BODY` at most."""
        length = min(length, MAX_BODY - 2_000)
        blocks = [self._opening(voices, length)]
        written = len(blocks[0])
        while written < length - _LAST_BLOCK:
            kind = self._pick(self._pick(voices).blocks)
            blocks.append(self._blocks[kind](voices))
            written += len(blocks[-1]) + 2
        if self._random() < 0.6:
            blocks.append(self._closing(voices))
        return "\n\n".join(blocks) + "\n"

    def _pick(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]

    def _say(self, templates: Sequence[Template]) -> str:
        random = self._random
        return fill(templates[int(random() * len(templates))], random)

    def _sentences(self, voices: Sequence[Book], count: int) -> list[str]:
        return [self._say(self._pick(voices).sentences) for _ in range(count)]

    def _opening(self, voices: Sequence[Book], length: float) -> str:
        count = int(self._random() * (4 if length > 500 else 2))
        opening = self._say(self._pick(voices).openings)
        return f"<p>{' '.join([opening, *self._sentences(voices, count)])}</p>"

    def _closing(self, voices: Sequence[Book]) -> str:
        question = self._say(self._pick(voices).questions)
        thanks = self._say(voices[0].thanks) if self._random() < 0.35 else ""
        return f"<p>{question} {thanks}</p>" if thanks else f"<p>{question}</p>"

    def _paragraph(self, voices: Sequence[Book]) -> str:
        return f"<p>{' '.join(self._sentences(voices, 1 + int(self._random() * 4)))}</p>"

    def _code(self, voices: Sequence[Book]) -> str:
        introduction = self._say(voices[0].introductions)
        return f"<p>{introduction}</p>\n\n<pre><code>{self._say(self._pick(voices).code)}\n</code></pre>"

    def _output(self, voices: Sequence[Book]) -> str:
        book = self._pick(voices)
        count = 2 + int(22 * self._random() ** 2)
        lines = [self._say(book.output_header), *(self._say(book.output_rows) for _ in range(count))]
        return "<pre><code>" + "\n".join(lines) + "\n</code></pre>"

    def _formula(self, voices: Sequence[Book]) -> str:
        book = self._pick(voices)
        return f"<p>{self._say(book.formula_introductions)}\n{self._say(book.formulas)}</p>"

    def _listing(self, voices: Sequence[Book]) -> str:
        kind = "ol" if self._random() < 0.4 else "ul"
        items = "\n".join(f"<li>{item}</li>" for item in self._sentences(voices, 2 + int(self._random() * 3)))
        return f"<{kind}>\n{items}\n</{kind}>"

    def _quote(self, voices: Sequence[Book]) -> str:
        return f"<blockquote>\n  <p>{self._say(self._pick(voices).quotes)}</p>\n</blockquote>"

    def _image(self, voices: Sequence[Book]) -> str:
        return self._say(voices[0].images)

    def _heading(self, voices: Sequence[Book]) -> str:
        return f"<h2>{self._say(voices[0].headings)}</h2>"

    def _table(self, voices: Sequence[Book]) -> str:
        rows = "\n".join(self._say(voices[0].table_rows) for _ in range(2 + int(self._random() * 4)))
        return f"<table>\n{rows}\n</table>"
