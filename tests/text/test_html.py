import csv
import gzip
import html
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from question_classification.text.html import FORMULA, BodyText, split_bodies, split_body


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize(
    ("body", "prose", "code"),
    [
        ("<p>One.</p><p>Two.</p>", "One. Two.", ""),
        ("<p>See <a href='https://example.org/x'>the <b>page</b></a>.</p>", "See the page.", ""),
        ("<ul><li>first</li><li>second</li></ul>", "first second", ""),
        ("<blockquote><p>said</p></blockquote><p>answered</p>", "said answered", ""),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b", ""),
        ("line<br>next<br/>last<hr>end", "line next last end", ""),
        ("<b>w</b>ord and wo<em>rd</em>", "word and word", ""),
        ("R&amp;D &lt;x&gt; &#233;&#xe9; a&nbsp;b &mdash;", "R&D <x> éé a b —", ""),
        ("<p>Use <code>fit()</code> here</p>", "Use here", "fit()"),
        ("<pre><code>x = 1\ny = 2\n</code></pre><p>after</p>", "after", "x = 1 y = 2"),
        ("<pre>no <b>code</b> tag</pre>", "", "no code tag"),
        ("<code>a<code>b</code>c</code> prose", "prose", "abc"),
        ("<code>a</code><code>b</code>", "", "a b"),
        ("one<code>x</code>two", "one two", "x"),
        ("a<!-- hidden -->b", "ab", ""),
        ("<script>alert(1)</script><style>p{}</style>kept", "kept", ""),
        ("<p>open <b>bold <i>both", "open bold both", ""),
        ("</p></div>stray</b>", "stray", ""),
        ("no markup, 3 < 4 and 5 > 2", "no markup, 3 < 4 and 5 > 2", ""),
        ("<img alt='x'>picture", "picture", ""),
        ("a\x00b", "a\ufffdb", ""),
        ("", "", ""),
        (" \n ", "", ""),
    ],
)
def test_parts_by_hand(body: str, prose: str, code: str) -> None:
    found = split_body(body)
    assert (words(found.prose), words(found.code)) == (words(prose), words(code))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("let $x^2$ be", f"let {FORMULA} be"),
        ("$$\\int f$$ and $y$", f"{FORMULA} and {FORMULA}"),
        ("\\begin{align}a\\\\b\\end{align} then", f"{FORMULA} then"),
        ("\\begin{align}\\begin{matrix}1\\end{matrix}\\end{align} x", f"{FORMULA} x"),
        ("\\begin{align} a $b$ \\end{align}", FORMULA),
        ("costs \\$5 and $x$", f"costs \\$5 and {FORMULA}"),
        ("only $5 here", "only $5 here"),
        ("\\begin{align} open", "\\begin{align} open"),
        ("no formula", "no formula"),
    ],
)
def test_formulas_are_kept_or_folded(text: str, folded: str) -> None:
    body = f"<p>{html.escape(text)}</p>"
    assert words(split_body(body, formulas="keep").prose) == words(text)
    assert words(split_body(body, formulas="fold").prose) == words(folded)


def test_prices_in_two_paragraphs_are_no_formula() -> None:
    body = "<p>It is $5 here.</p>\n\n<p>And $6 there.</p>"
    assert FORMULA not in split_body(body, formulas="fold").prose


def test_formula_in_code_stays() -> None:
    assert split_body("<code>$x$ $y$</code>", formulas="fold") == BodyText("", "$x$ $y$")


@given(st.text())
@settings(max_examples=150, deadline=None)
def test_whatever_the_text_it_comes_apart(text: str) -> None:
    for formulas in ("keep", "fold"):
        split_body(text, formulas=formulas)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"))).map(str.strip))
@settings(max_examples=100, deadline=None)
def test_escaped_text_comes_back(text: str) -> None:
    # U+FFFE and U+FFFF are no characters of HTML
    assert split_body(f"<p>{html.escape(text)}</p>").prose == text.replace("\ufffe", "").replace("\uffff", "")


HOSTILE = {
    "nested tags": ("<div>", "</div>"),
    "unclosed tags": ("<b>", ""),
    "unclosed fonts that differ": ("<font color={}>", ""),
    "unclosed paragraphs with bold": ("<p><b>", ""),
    "stray ends": ("</b>", ""),
    "nulls": ("\x00", ""),
    "attributes": ("<a b='c' ", ""),
    "open angle brackets": ("<", ""),
    "ampersands": ("&", ""),
    "comment that never ends": ("<!-- ", ""),
    "unclosed code": ("<code>x", ""),
    "dollars": ("$ ", ""),
    "begins": ("\\begin{a}", ""),
    "begins and ends": ("\\begin{a}", "\\end{b}"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bodies_take_time_that_grows_with_their_length_only(kind: str) -> None:
    opening, closing = HOSTILE[kind]

    def seconds(count: int) -> float:
        body = "".join(opening.format(number) if "{}" in opening else opening for number in range(count))
        body += "text" + closing * count
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            split_body(body, formulas="fold")
            best = min(best, time.process_time() - start)
        return best

    # sixteen times the length: a quadratic one takes 256 times as long
    assert seconds(40_000) < 80 * max(seconds(2_500), 0.001)


def test_text_survives_a_hostile_surrounding() -> None:
    assert "needle" in split_body("<font a=1>" * 40_000 + "needle" + "</font>" * 40_000).prose


def test_real_bodies_lose_markup_and_no_words(stackexchange_data: Path) -> None:
    csv.field_size_limit(10**9)
    with gzip.open(stackexchange_data / "stackoverflow_2018.csv.gz", "rt", encoding="utf-8", newline="") as file:
        bodies = [row["Body"] for row, _ in zip(csv.DictReader(file), range(1500), strict=False)]
    assert len(bodies) == 1500
    for body in bodies:
        found = split_body(body)
        tree = lxml.html.fromstring(f"<div>{body}</div>")
        for element in tree.iter(
            "br", "p", "li", "pre", "td", "code", "h1", "h2", "h3", "hr", "img", "blockquote", "ul", "ol"
        ):
            element.tail = " " + (element.tail or "")
            element.text = " " + (element.text or "")
        expected = Counter(re.findall(r"\w+", tree.text_content()))
        assert Counter(re.findall(r"\w+", f"{found.prose} {found.code}")) == expected


PIECES = st.sampled_from(
    ["<pre><code>", "</code>", "<script>", "<!--", "<p>", "\0", "&amp", "<font>" * 3_000, "<", "]]>", "word ", "</p>"]
)


@given(st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=2, max_size=4))
@settings(max_examples=60, deadline=None)
def test_no_body_leaves_anything_behind_for_the_next(bodies: list[str]) -> None:
    """A thread has a parser of its own, which nothing has gone through yet."""
    one_after_another = [split_body(body) for body in bodies]
    for body, found in zip(bodies, one_after_another, strict=True):
        with ThreadPoolExecutor(1) as new_thread:
            assert new_thread.submit(split_body, body).result() == found


def test_an_interrupt_is_passed_on_and_leaves_nothing_for_the_next_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("question_classification.text.html._Collector._count", interrupted)
        with pytest.raises(KeyboardInterrupt):
            split_body("<p>one</p><pre>two")
    assert split_body("<p>three</p>") == ("three", "")


def test_many_bodies_are_split_as_each_alone_and_stay_in_order() -> None:
    bodies = [f"<p>{number} costs $x$ or $y$</p><pre>{number}</pre>" for number in range(10_001)]
    many = split_bodies(bodies, formulas="fold")
    assert many == [split_body(body, formulas="fold") for body in bodies]
    assert split_bodies(bodies[:3]) == [split_body(body) for body in bodies[:3]]
