"""The body of a question, which is HTML, as prose and code: https://meta.stackexchange.com/help/formatting.

libxml2 hands out start tags, end tags and text as it meets them; no tree is built, which a few thousand unclosed tags
could blow up to gigabytes, as the rules of HTML want it.
"""

import os
import re
import threading
from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeAlias

from lxml import etree

Formulas: TypeAlias = Literal["keep", "fold"]

FORMULA = "latexformula"
"""The word that stands for a formula where formulas are folded."""


class BodyText(NamedTuple):
    """What a body says, and the code that it shows: plain text without markup."""

    prose: str
    code: str


def split_body(html: str, *, formulas: Formulas = "keep") -> BodyText:
    r"""Part the prose of a body from its code, in time that grows with its length only.

    Text of links, lists, quotes and tables is prose; that in `<code>` or `<pre>` is code; scripts, styles and comments
    are neither. Entities are resolved. Blocks stand apart by white space; marks within a word do not split it. Whatever
    is no HTML at all comes out as prose.

    Args:
        html: the body as the sources have it.
        formulas: `keep` leaves LaTeX as it is; `fold` puts `FORMULA` for what stands between dollar signs, or between
            `\begin{...}` and `\end{...}`, as MathJax finds it on the sites that have it.
    """
    if not html or html.isspace():
        return BodyText("", "")
    body = _parse(html) or _parse_in_slices(html)
    return BodyText(_fold(body.prose), body.code) if formulas == "fold" else body


def split_bodies(bodies: Sequence[str], *, formulas: Formulas = "keep") -> list[BodyText]:
    """Do as `split_body` does with each of many, on all cores.

    Args:
        bodies: the bodies as the sources have them.
        formulas: as in `split_body`.
    """
    # Python meets the tags on one core at a time, so others take processes. These start within a second, once for all.
    processes = min(os.cpu_count() or 1, len(bodies) // _BODIES_OF_A_PROCESS)
    if processes < 2:
        return _split_each(bodies, formulas)
    from joblib import Parallel, delayed

    shares = (bodies[start : start + _BODIES_AT_ONCE] for start in range(0, len(bodies), _BODIES_AT_ONCE))
    found = Parallel(n_jobs=processes)(delayed(_split_each)(share, formulas) for share in shares)
    return list(chain.from_iterable(found))


def _split_each(bodies: Sequence[str], formulas: Formulas) -> list[BodyText]:
    return [split_body(body, formulas=formulas) for body in bodies]


_BODIES_OF_A_PROCESS = 5_000  # fewer take less time than to start it
_BODIES_AT_ONCE = 2_500  # some MB

_BLOCK_NAMES = """
address article aside blockquote body br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr img li
main nav ol option p pre section table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CODE = frozenset({"code", "pre"})
_SILENT = frozenset({"script", "style"})
_MEANT = _BLOCKS | _CODE | _SILENT
_CHUNK = 2**15  # bytes
_SLICE = 2**12  # characters
_MOST_OPEN = _SLICE // 2  # tags; a slice cannot have as many


class _Collector:
    """Takes what the parser meets: https://lxml.de/parsing.html#the-target-parser-interface."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._prose: list[str] = []
        self._code: list[str] = []
        self._in_code = self._silent = 0
        self.open = 0

    def start(self, tag: str, _attributes: Any) -> None:
        self.open += 1
        if tag in _MEANT:
            self._count(tag, 1)

    def end(self, tag: str) -> None:
        self.open -= 1
        if tag in _MEANT:
            self._count(tag, -1)

    def _count(self, tag: str, step: int) -> None:
        if tag in _CODE:
            self._in_code += step
            if not self._in_code:
                self._code.append("\n")
                self._prose.append(" ")
        elif tag in _SILENT:
            self._silent += step
        if tag in _BLOCKS:
            (self._code if self._in_code else self._prose).append("\n")

    def data(self, text: str) -> None:
        if not self._silent:
            (self._code if self._in_code else self._prose).append(text)

    def comment(self, _text: str) -> None:
        """Leave comments out."""

    def close(self) -> BodyText:
        body = BodyText("".join(self._prose).strip(), "".join(self._code).strip())
        self._begin()
        return body


class _Parser(threading.local):
    """A parser for each thread, for one body after the other: to make one takes as long as to parse a short body."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget what is half parsed."""
        self.collector = _Collector()
        self.html = etree.HTMLParser(target=self.collector, huge_tree=True, encoding="utf-8")


_parser = _Parser()


def _parse(html: str) -> BodyText | None:
    """Parse the whole, or give up where too many tags are left open, for each that is closed is searched among them."""
    text = html.encode("utf-8", "replace")  # a lone surrogate, which no source hands out, cannot be encoded
    try:
        for start in range(0, len(text), _CHUNK):
            _parser.html.feed(text[start : start + _CHUNK])
            if _parser.collector.open > _MOST_OPEN:
                _parser.html.close()
                return None
        body: BodyText = _parser.html.close()
    except BaseException:  # Ctrl-C, too: to close the parser would then fail, and hide it
        _parser.renew()
        raise
    return body


def _parse_in_slices(html: str) -> BodyText:
    """Parse piece by piece, each of which ends before a tag; no piece knows what is open in the one before."""
    pieces, start = [], 0
    while start < len(html):
        end = html.rfind("<", start + 1, start + _SLICE)
        if end < 0 or len(html) - start <= _SLICE:
            end = start + _SLICE
        pieces.append(_parse(html[start:end]) or BodyText("", ""))
        start = end
    return BodyText(*("\n".join(part for part in parts if part) for parts in zip(*pieces, strict=True)))


_DELIMITER = re.compile(r"\\[\\$]|(\$\$?)|\\begin\{([A-Za-z]+\*?)\}|\\end\{([A-Za-z]+\*?)\}")
_PARAGRAPH_END = re.compile(r"\n\s*\n")


def _fold(text: str) -> str:
    """Put `FORMULA` for each formula. A delimiter that has no partner in its paragraph, such as a price, stays."""
    folded: list[str] = []
    done, opened, partner = 0, 0, None
    for delimiter in _DELIMITER.finditer(text):
        dollars, begun, ended = delimiter.groups()
        mark = dollars or ended
        if mark and mark == partner and not _PARAGRAPH_END.search(text, opened, delimiter.start()):
            folded += [text[done:opened], f" {FORMULA} "]
            done, partner = delimiter.end(), None
        elif (dollars or begun) and (partner is None or dollars == partner):
            opened, partner = delimiter.start(), dollars or begun
    return "".join([*folded, text[done:]])
