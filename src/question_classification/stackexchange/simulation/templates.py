"""Sentences with slots, prepared once so that filling them is fast.

A template is written in the Markdown that people type on the site, with slots such as ``@n`` or ``@method``.
It is compiled into a printf-style string and, for each slot, the pool that values are drawn from:

>>> template = compile_template("`lm` took @n s on @data", {"data": ("x",)}, to_html)
>>> template.text
'<code>lm</code> took %d s on %s'
>>> fill(template, lambda: 0.5)
'<code>lm</code> took 251 s on x'
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

Pool = Sequence[str] | Sequence[int]
Random = Callable[[], float]
"""A source of numbers that are uniform in [0, 1)."""

NUMBERS: Mapping[str, tuple[str, range]] = {
    "i": ("%d", range(1, 10)),
    "n": ("%d", range(2, 500)),
    "big": ("%d", range(500, 90_000)),
    "year": ("%d", range(1968, 2020)),
    "d2": ("%02d", range(100)),  # decimals
    "d3": ("%03d", range(1_000)),
    "d4": ("%04d", range(10_000)),
    "d5": ("%05d", range(100_000)),
    "hex": ("%05x", range(16**5)),
}
"""Slots for numbers: how they are written, and their range."""

_SLOT = re.compile(r"@(d\d|[a-z]+)")
_MATH = re.compile(r"\$\$.+?\$\$|\$.+?\$", re.DOTALL)
_MARKDOWN = (
    (re.compile(r"`(.+?)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*(.+?)\*"), r"<em>\1</em>"),
    (re.compile(r"\[([^]]+)\]\((https?:[^)]+)\)"), r'<a href="\2" rel="nofollow">\1</a>'),
)


class Template(NamedTuple):
    """A text with places to fill, and one pool of values for each place."""

    text: str
    pools: tuple[Pool, ...]


def compile_template(text: str, pools: Mapping[str, Sequence[str]], render: Callable[[str], str]) -> Template:
    """Render and prepare `text`; the values in `pools` have been rendered already.

    Raises:
        KeyError: a slot is neither in `pools` nor in `NUMBERS`.
    """
    rendered = render(text).replace("%", "%%")
    slots = _SLOT.findall(rendered)
    return Template(
        text=_SLOT.sub(lambda slot: NUMBERS[slot[1]][0] if slot[1] in NUMBERS else "%s", rendered),
        pools=tuple(NUMBERS[slot][1] if slot in NUMBERS else pools[slot] for slot in slots),
    )


@cache
def to_html(text: str, spans: bool = False) -> str:
    """Render a sentence as the site does, with formulas in a `<span>` if asked to.

    >>> to_html("is **R** & $p < 1$ *ok*?", spans=True)
    'is <strong>R</strong> &amp; <span class="math-container">$p &lt; 1$</span> <em>ok</em>?'
    """
    text = html.escape(text, quote=False)
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    return _MATH.sub(r'<span class="math-container">\g<0></span>', text) if spans else text


def to_code(text: str) -> str:
    """Escape a listing as the site does, quotes too.

    >>> to_code("x <- 'a'")
    'x &lt;- &#39;a&#39;'
    """
    return html.escape(text).replace("&#x27;", "&#39;")


def fill(template: Template, random: Random) -> str:
    """Return the text of `template` with a value drawn for each slot."""
    text, pools = template
    return text % tuple([pool[int(random() * len(pool))] for pool in pools])
