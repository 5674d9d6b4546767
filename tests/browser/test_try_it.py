"""The box in which a question can be tried: what the page computes is what Python computes."""

import base64
import functools
import hashlib
import html
import itertools
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader, StrictUndefined
from playwright.sync_api import Browser, Page
from sklearn.pipeline import Pipeline

from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_nb_svm_logistic,
    make_prior,
    make_tfidf_logistic,
)
from question_classification.models.explanations import explain
from question_classification.models.export import export_model
from question_classification.models.fitting import assign_folds, cross_validate, fit_and_score, with_calibrator
from question_classification.models.questions import Tokenize
from question_classification.pipelines.reporting.page import Page as OurPage
from question_classification.pipelines.reporting.page import embed_json
from question_classification.text.html import split_body
from question_classification.text.tokenized import TokenizedQuestions
from question_classification.text.tokens import CODE_TOKENS, WORDS, TokenPattern, Vocabulary

pytestmark = pytest.mark.browser

PAGES = Environment(
    loader=PackageLoader("question_classification.pipelines.reporting"), autoescape=True, undefined=StrictUndefined
)
PAGES.filters["embed_json"] = embed_json
WEIGHTS = {"title": 0.6, "prose": 1.0, "code": 1.2}
NUMERIC = ["creation_time", "title_length", "body_length"]
CANDIDATES: dict[str, Callable[[str], Pipeline]] = {
    "prior": lambda _: make_prior(),
    "keyword": lambda tag: make_keyword(tuple(tag.split("-"))),
    "tfidf_logistic": lambda _: make_tfidf_logistic(5_000, 1.0),
    "fielded_logistic": lambda _: make_fielded_logistic(WEIGHTS, ["code"], 2, NUMERIC, "keep", 1.0),
    "nb_svm_logistic": lambda _: make_nb_svm_logistic(WEIGHTS, ["code", "prose"], 2, 1.0, "fold", 0.3),
}
DATA = {"stackoverflow_2018.csv.gz": "python", "cross_validated_2016.csv": "machine-learning"}
TRAINED, SCORED = 1_200, 300

# --- The scorer alone -------------------------------------------------------------------------------------------------


def with_policy(page: str) -> str:
    """Forbid a page everything but its own scripts and styles, by a Content Security Policy."""

    def hashes(element: str) -> str:
        contents = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(c.encode()).digest()).decode()}'" for c in contents)

    policy = f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}"
    return page.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


@pytest.fixture(scope="module")
def scorer(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page that has the scorer, and nothing else."""
    file = tmp_path_factory.mktemp("scorer") / "scorer.html"
    script = PAGES.get_template("scorer.js").render()
    file.write_text(
        with_policy(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title></head>'
            f"<body><script>{script}</script></body></html>"
        ),
        encoding="utf-8",
    )
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(file.as_uri())
    complaints.clear()
    yield page
    page.close()
    assert complaints == []


def split_in(page: Page, bodies: list[str], formulas: str) -> list[tuple[str, str]]:
    call = "([bodies, formulas]) => bodies.map((body) => scorer.splitBody(body, formulas))"
    return [(part["prose"], part["code"]) for part in page.evaluate(call, [bodies, formulas])]


def tokens_in(page: Page, texts: list[str] | str, *, is_code: bool) -> list[list[str]]:
    """Return the tokens that the page finds in texts, or in what a JavaScript expression gives.

    Code is read in a `<plaintext>`, where the parser leaves it as it is.
    """
    export = export_model(*tiny_model(), max_bytes=10**6, max_error=0.1)
    given = texts if isinstance(texts, str) else json.dumps(texts)
    call = (
        f"""async ([exported, isCode]) => {{
        const model = await scorer.Model.load(exported);
        const texts = {given};"""
        + """
        const question = (text) => ({ title: isCode ? "" : text, body: isCode ? "<code><plaintext>" + text : "" });
        const field = isCode ? "code" : "title";
        return texts.map((text) => model.read(question(text)).tokens(field).map(({ term }) => term).join(" "));
    }"""
    )
    return [found.split(" ") if found else [] for found in page.evaluate(call, [export, is_code])]


@functools.cache
def tiny_model() -> tuple[Pipeline, TokenizedQuestions]:
    frame = pd.DataFrame({"title": ["aa", "bb"], "body": ["", ""]})
    questions = Tokenize().transform(frame)
    return fit_and_score(make_prior(), questions, [True, False])[0], questions


def find_tokens(texts: list[str], pattern: TokenPattern) -> list[list[str]]:
    vocabulary = Vocabulary()
    tokens = vocabulary.tokenize(texts, pattern)
    terms = {number: term for term, number in vocabulary._numbers.items()}
    return [
        [terms[number] for number in tokens.ids[begin:end]]
        for begin, end in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
    ]


def batched(codes: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(codes), size):
        yield codes[start : start + size]


class TestTokens:
    @pytest.mark.parametrize("pattern", [WORDS, CODE_TOKENS], ids=["words", "code"])
    def test_of_every_code_point_there_is(self, scorer: Page, pattern: TokenPattern) -> None:
        """Each between letters, which it may part or join, and by itself; capitals among them."""
        is_code = pattern is CODE_TOKENS
        # Those that cannot be encoded, and the two that the parser of code changes before they are tokens
        left_out = {*range(0xD800, 0xE000), *((0x00, 0x0D) if is_code else ())}
        codes = sorted(set(range(sys.maxunicode + 1)) - left_out)
        texts = [" ".join(f"a{each}b {each}{each}" for each in map(chr, part)) for part in batched(codes, 0x4000)]
        of_codes = """(() => {
            const leftOut = new Set(LEFT_OUT);
            const codes = Array.from({ length: 0x110000 }, (_, code) => code).filter((code) => !leftOut.has(code));
            const texts = [];
            for (let start = 0; start < codes.length; start += 0x4000) {
                const part = codes.slice(start, start + 0x4000).map((code) => String.fromCodePoint(code));
                texts.push(part.map((each) => `a${each}b ${each}${each}`).join(" "));
            }
            return texts;
        })()""".replace("LEFT_OUT", json.dumps(sorted(left_out)))
        found = tokens_in(scorer, of_codes, is_code=is_code)
        for text, tokens in zip(texts, found, strict=True):
            expected = pattern.find(text.lower())
            wrong = next((pair for pair in zip(tokens, expected, strict=False) if pair[0] != pair[1]), None)
            assert wrong is None, f"{wrong} among those of U+{ord(text[1]):04X} and after"
            assert len(tokens) == len(expected)

    @pytest.mark.parametrize("pattern", [WORDS, CODE_TOKENS], ids=["words", "code"])
    @given(
        texts=st.lists(
            st.text(
                st.sampled_from(
                    "aA\u03a3\u03c3\u03c2.'\u0307\u0345\u02b0İI\u0131ßẞǅ-_1² \ud800😀\U000e0080\u0301\U0001fae8"
                )
            ),
            min_size=30,
        )
    )
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def test_of_letters_whose_lower_case_depends_on_others(
        self, scorer: Page, pattern: TokenPattern, texts: list[str]
    ) -> None:
        assert tokens_in(scorer, texts, is_code=pattern is CODE_TOKENS) == find_tokens(texts, pattern)


def listed(text: str) -> list[str]:
    return text.split(" ")


ELEMENTS = listed(
    "a abbr address applet b big blockquote body br button caption center code code code col colgroup dd dir div dl dt "
    "em fieldset font form frame frameset h1 h2 head hr html i iframe img input legend li link listing main menu meta "
    "noembed noframes noscript object ol optgroup option p p p plaintext pre pre pre script script section select "
    "small span strong style sub svg table tbody td textarea tfoot th thead title tr tt u ul xmp made-up"
)
OTHER_ELEMENTS = listed("article aside del figure footer header ins kbd map nav q s samp sup wbr")
ATTRIBUTES = ["", "", "", "", " a", " a=b", " a='x>y'", ' a="q" b', "/", " /", " a=b/", " =c", " a = 'b' /", " a='"]
ATTRIBUTES += ["\n\ta\n=\nb", "/a/", "\0", " \f"]
ENDINGS = ["", "", "", "", " ", " a='>'", "/", " \n"]
PIECES = [
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "a\rb",
    "< ",
    "</ x>",
    "<!doctype html>",
    "\0",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x7f",
]
PIECES += ["\x85", "\ufeff", "\ufffe", "\ud800", "\\$", "\\begin{a}", "\\end{a}", "\\begin{b*}", "\\end{b*}"]
PIECES += listed(
    "x word &amp; &lt &notit; &eacute &#65; &#x; &#0; &#150; &#xD800; &#9999999999; &bogus; & &nbsp; &NewLine; &Tab; "
    "&ThickSpace; < <1 > é 日本 ]]> <![CDATA[ <!-- --> --!> <!--> <!---> <! <!x> <? <?x?> </ </> - -- <!--<script> "
    "</script> <scr 😀 $ $$"
)


def make_markup(rng: random.Random) -> str:
    """Make up a body of broken HTML, of a few elements, so that they meet."""
    elements = rng.sample(ELEMENTS, rng.randint(1, 8))

    def piece() -> str:
        kind = rng.random()
        if kind < 0.35:
            return f"<{rng.choice(elements)}{rng.choice(ATTRIBUTES)}>"
        return f"</{rng.choice(elements)}{rng.choice(ENDINGS)}>" if kind < 0.6 else rng.choice(PIECES)

    body = "".join(piece() for _ in range(rng.randint(1, 14)))
    return body[: rng.randint(0, len(body))] if rng.random() < 0.15 else body


def in_browser(text: str) -> list[str]:
    """Return the words of a text as they come back from a browser, where a surrogate that stands alone is lost."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split()


def assert_same_parts(page: Page, bodies: list[str]) -> None:
    for formulas in ("keep", "fold"):
        for body, found in zip(bodies, split_in(page, bodies, formulas), strict=True):
            expected = split_body(body, formulas=formulas)  # type: ignore[arg-type]
            assert [text.split() for text in found] == [in_browser(text) for text in expected], body[:200]


HOSTILE = {
    "nested tags": ("<div>", "</div>"),
    "unclosed tags": ("<b>", ""),
    "unclosed fonts that differ": ("<font color={}>", ""),
    "unclosed paragraphs with bold": ("<p><b>", ""),
    "unclosed code": ("<code>x <i>", ""),
    "nested code": ("<pre><code>x ", " y</code></pre>"),
    "stray ends": ("</b>", ""),
    "nulls": ("\x00", ""),
    "attributes": ("<a b='c' ", ""),
    "quotes": ("<a b='", '"'),
    "open angle brackets": ("<", ""),
    "ampersands": ("&", ""),
    "names that are no entities": ("&x{};", ""),
    "comment that never ends": ("<!-- ", ""),
    "scripts that never end": ("<script><!--", ""),
    "hyphens in a script": ("<script>-", "-"),
    "dollars": ("$ ", ""),
    "dollars in paragraphs": ("$\n\n", ""),
    "begins and ends": ("\\begin{a}", "\\end{b}"),
    "characters of four bytes": ("<b>😀", "</b>"),
}


class TestHtml:
    @pytest.mark.parametrize("seed", range(8))
    def test_broken_markup_comes_apart_as_in_python(self, scorer: Page, seed: int) -> None:
        rng = random.Random(seed)
        assert_same_parts(scorer, [make_markup(rng) for _ in range(1_500)])

    @given(bodies=st.lists(st.text() | st.text(st.sampled_from("<>/!-&;='\" ab#x1$\\\n")), min_size=20))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_so_does_whatever_text(self, scorer: Page, bodies: list[str]) -> None:
        assert_same_parts(scorer, bodies)

    def test_so_do_elements_one_in_the_other(self, scorer: Page) -> None:
        """Each pair of elements, for the rules by which one closes the other; another libxml2 may have others."""
        elements = sorted({*ELEMENTS, *OTHER_ELEMENTS})
        assert_same_parts(
            scorer,
            [
                body.format(one=one, other=other)
                for one in elements
                for other in elements
                for body in (
                    "<code>a<{one}>b<{other}>c</{one}>d</code>e</{other}>f",
                    "<{one}>a<pre>b<{other}>c</{one}>d</pre>e",
                )
            ],
        )

    def test_so_do_scripts_within_comments_within_scripts(self, scorer: Page) -> None:
        marks = ["<!--", "<script>", "</script>", "-->", "<!-->", "x"]
        bodies = ["".join(parts) for parts in itertools.product(marks, repeat=4)]
        assert_same_parts(scorer, [f"<script>{body}</script>y</script>-->z</script>" for body in bodies])

    @pytest.mark.parametrize("filling", ["", "x" * 40_000])
    def test_so_do_bodies_with_nearly_too_many_open_elements(self, scorer: Page, filling: str) -> None:
        """With too many the body is read slice by slice, and a slice knows nothing of the code around it."""
        assert_same_parts(scorer, [f"<code>{'<i>' * count}{filling}needle" for count in range(2_040, 2_052)])

    @pytest.mark.parametrize("count", [1_000, 40_000])
    @pytest.mark.parametrize("kind", HOSTILE)
    def test_so_do_hostile_bodies_and_soon(self, scorer: Page, kind: str, count: int) -> None:
        opening, closing = HOSTILE[kind]
        body = "".join(opening.format(number) if "{}" in opening else opening for number in range(count))
        body += "needle" + closing * count
        begin = time.monotonic()
        split_in(scorer, [body], "fold")
        assert time.monotonic() - begin < 5
        assert_same_parts(scorer, [body])


# --- Models -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=DATA)
def questions(request: pytest.FixtureRequest, stackexchange_data: Path) -> tuple[str, pd.DataFrame, np.ndarray]:
    """Real questions of a site, in a random order, and whether they have a tag."""
    file = stackexchange_data / request.param
    if not file.exists():
        pytest.skip(f"no {file}")
    export = pd.read_csv(file)
    tag = DATA[request.param]
    label = export["Tags"].str.contains(f"<{tag}>", regex=False)
    chosen = pd.concat([export[label].sample(220, random_state=0), export[~label].sample(1_280, random_state=0)])
    chosen = chosen.sample(frac=1, random_state=0)
    frame = pd.DataFrame({"title": chosen["Title"].fillna(""), "body": chosen["Body"].fillna("")}).reset_index(
        drop=True
    )
    frame["creation_time"] = pd.to_datetime(chosen["CreationDate"]).dt.as_unit("s").astype("int64").to_numpy(float)
    frame["title_length"] = frame["title"].str.len().astype(float)
    frame["body_length"] = frame["body"].str.len().astype(float)
    return tag, frame, label[chosen.index].to_numpy()


HOSTILE_QUESTIONS = pd.DataFrame(
    {
        "title": ["", "\ud800 ΣΟΦΟΣ Python", "a" * 5_000, "machine__LEARNING \U0001fae8 C++", " "],
        "body": [
            "",
            "<div>" * 20_000 + "<code>import numpy</code>",
            "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt; " + "python learning " * 3_000,
            "<pre><code>x[0] += '\U0001fae8'; \x00 \x1c</code></pre>\r\n$x$ and $y",
            "<p>İstanbul STRASSE straße \ufeff²³ ½ ٣٤",
        ],
    },
    dtype=object,  # pandas has no text with a lone surrogate
)


def fit(
    name: str, tag: str, frame: pd.DataFrame, label: np.ndarray, method: str
) -> tuple[Pipeline, TokenizedQuestions]:
    pipeline = CANDIDATES[name](tag)
    known = Tokenize(formulas="fold" if name == "nb_svm_logistic" else "keep").transform(frame[:TRAINED])
    fitted, _ = fit_and_score(pipeline, known, label[:TRAINED])
    fold = assign_folds(label[:TRAINED], folds=3, seed=0)
    decisions = cross_validate(pipeline, known, label[:TRAINED], fold)
    return with_calibrator(fitted, method, decisions, label[:TRAINED]), known  # type: ignore[arg-type]


def score_in(page: Page, export: dict[str, Any], frame: pd.DataFrame) -> list[dict[str, Any]]:
    asked = [{"title": row.title, "body": row.body, "createdAt": row.creation_time} for row in frame.itertuples()]
    call = """async ([exported, asked]) => {
        const model = await scorer.Model.load(exported);
        return asked.map((question) => {
            const { probability, logOdds, intercept, contributions } = model.score(question);
            const added = contributions.map(({ field, term, value }) => [field, term, value]);
            return { probability, logOdds, intercept, contributions: added };
        });
    }"""
    return page.evaluate(call, [export, asked])


class TestScores:
    @pytest.mark.parametrize("name", CANDIDATES)
    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_of_real_and_hostile_questions_are_those_of_python(
        self, scorer: Page, name: str, method: str, questions: tuple[str, pd.DataFrame, np.ndarray]
    ) -> None:
        tag, frame, label = questions
        fitted, known = fit(name, tag, frame, label, method)
        export = export_model(fitted, known, max_bytes=10**9, max_error=0.01)
        hostile = HOSTILE_QUESTIONS.assign(creation_time=1.7e9)
        hostile["title_length"] = hostile["title"].str.len().astype(float)
        hostile["body_length"] = hostile["body"].str.len().astype(float)
        asked = pd.concat([frame[-SCORED:], hostile], ignore_index=True)
        found = score_in(scorer, export, asked)
        np.testing.assert_allclose(
            [each["probability"] for each in found], fitted.predict_proba(asked)[:, 1], rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(
            [each["logOdds"] for each in found], fitted.decision_function(asked), rtol=0, atol=1e-5
        )

    @pytest.mark.parametrize("name", CANDIDATES)
    def test_contributions_add_up_and_are_those_of_python(
        self, scorer: Page, name: str, questions: tuple[str, pd.DataFrame, np.ndarray]
    ) -> None:
        tag, frame, label = questions
        fitted, known = fit(name, tag, frame, label, "sigmoid")
        asked = frame[-60:].reset_index(drop=True)
        export = export_model(fitted, known, max_bytes=10**9, max_error=0.01)
        expected = explain(fitted, Tokenize(formulas=export["formulas"]).transform(asked))
        fields, terms = expected.features["field"].tolist(), expected.features["term"].tolist()
        for row, found in enumerate(score_in(scorer, export, asked)):
            total = sum(value for _, _, value in found["contributions"]) + found["intercept"]
            assert total == pytest.approx(found["logOdds"], abs=1e-9)
            values = expected.values[[row]].tocoo()
            by_term = {(fields[c], terms[c]): v for c, v in zip(values.coords[1], values.data, strict=True) if v}
            if name == "keyword":
                assert sorted(value for *_, value in found["contributions"]) == pytest.approx(sorted(by_term.values()))
            else:
                in_page = {(field, term): value for field, term, value in found["contributions"] if value}
                assert in_page == pytest.approx(by_term, abs=1e-5)

    @pytest.mark.parametrize("name", ["tfidf_logistic", "fielded_logistic", "nb_svm_logistic"])
    def test_of_a_smaller_export_stay_within_the_error_that_it_states(
        self, scorer: Page, name: str, questions: tuple[str, pd.DataFrame, np.ndarray]
    ) -> None:
        tag, frame, label = questions
        fitted, _ = fit(name, tag, frame, label, "sigmoid")
        asked = frame[-SCORED:].reset_index(drop=True)
        measured_on = Tokenize(formulas=fitted[0].formulas).transform(asked)
        exact = export_model(fitted, measured_on, max_bytes=10**9, max_error=0.01)
        export = export_model(fitted, measured_on, max_bytes=len(json.dumps(exact)) * 9 // 10, max_error=0.01)
        found = np.array([each["probability"] for each in score_in(scorer, export, asked)])
        error = np.abs(found - fitted.predict_proba(asked)[:, 1]).max()
        assert error - 1e-6 <= export["precision"]["largest_error"] <= min(1.1 * error, 0.01)
        assert error > 0.002


# --- The box ----------------------------------------------------------------------------------------------------------

RECORD = {"target_tag": "python", "candidate": "fielded_logistic", "threshold": 0.4, "reason": None}
STYLE = ":root { color-scheme: light dark; --line: #888; --soft: light-dark(#f6f8fa, #1b2129); "
STYLE += "--quiet: light-dark(#59636e, #9198a1); --accent: light-dark(#0072b2, #56b4e9); "
STYLE += "--warm: light-dark(#a84a00, #ffa45c); }"


def simulate() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.3
    words = np.array(["list", "string", "query", "table", "window", "loop", "why", "how"])
    titles = [" ".join(rng.choice(words, 5)) + (" pandas" if is_python else " java") for is_python in label]
    bodies = [
        f"<p>{title}</p><pre><code>{'def f(x):' if y else 'int x;'}</code></pre>"
        for title, y in zip(titles, label, strict=True)
    ]
    frame = pd.DataFrame({"title": titles, "body": bodies, "creation_time": 1.6e9 + 1e4 * np.arange(300.0)})
    frame["title_length"], frame["body_length"] = frame["title"].str.len() * 1.0, frame["body"].str.len() * 1.0
    return frame, label


@pytest.fixture(scope="module")
def box_model() -> tuple[Pipeline, TokenizedQuestions]:
    frame, label = simulate()
    known = Tokenize().transform(frame)
    fitted, _ = fit_and_score(CANDIDATES["fielded_logistic"](""), known, label)
    return fitted, known


@pytest.fixture
def box(tmp_path: Path, box_model: tuple[Pipeline, TokenizedQuestions]) -> Path:
    """A page that holds the box, and may load nothing at all."""
    return write_box(tmp_path, {**RECORD, "model": export_model(*box_model, max_bytes=10**6, max_error=0.01)})


def write_box(folder: Path, record: dict[str, Any]) -> Path:
    page = PAGES.from_string(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Box</title>'
        '<style>{{ style|safe }}{% include "try_it.css" %}</style></head>'
        '<body><main><h1>Report</h1>{% include "try_it.html.j2" %}</main></body></html>'
    ).render(exported_model=record, style=STYLE, page=OurPage(PAGES))
    file = folder / "box.html"
    file.write_text(with_policy(page), encoding="utf-8")
    return file


def await_status(page: Page, text: str) -> str:
    page.wait_for_function(
        "text => document.getElementById('try-it-status').textContent.includes(text)", arg=text, timeout=5_000
    )
    return page.locator("#try-it-status").text_content() or ""


def probability_in(page: Page) -> float:
    return float(page.locator("#try-it-status").get_attribute("data-probability") or "nan")


class TestBox:
    def test_shows_an_example_at_once_and_complains_of_nothing(self, visit: Callable[..., Any], box: Path) -> None:
        opened = visit(box)
        await_status(opened.page, "threshold 0.400")
        assert opened.complaints == []
        assert opened.outside_requests == []
        assert opened.accessibility_problems() == []

    @pytest.mark.parametrize("colour_scheme", ["light", "dark"])
    def test_can_be_read_in_either_scheme(self, visit: Callable[..., Any], box: Path, colour_scheme: str) -> None:
        opened = visit(box, colour_scheme=colour_scheme, width=390)
        await_status(opened.page, "threshold")
        opened.page.locator("summary").click()
        assert opened.accessibility_problems() == []
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390

    def test_is_worked_by_keyboard(
        self, visit: Callable[..., Any], box: Path, box_model: tuple[Pipeline, TokenizedQuestions]
    ) -> None:
        page = visit(box).page
        await_status(page, "threshold")
        keys = page.keyboard
        for _ in range(6):  # title, body, date (in three parts or more), Score
            keys.press("Tab")
            if page.evaluate("document.activeElement.id") == "try-it-title":
                break
        keys.press("ControlOrMeta+a")
        keys.type("How to loop over a pandas table")
        keys.press("Tab")
        assert page.evaluate("document.activeElement.id") == "try-it-body"
        keys.press("ControlOrMeta+a")
        keys.type("<p>why</p>")
        keys.press("Tab")
        assert page.evaluate("document.activeElement.id") == "try-it-asked"
        keys.type("07012021")  # month, day, year
        status = await_status(page, "Flagged as about python")
        page.wait_for_function("document.getElementById('try-it-asked').value === '2021-07-01'")
        keys.press("Enter")
        asked = pd.DataFrame(
            {
                "title": ["How to loop over a pandas table"],
                "body": ["<p>why</p>"],
                "creation_time": [pd.Timestamp("2021-07-01T12:00Z").timestamp()],
                "title_length": [31.0],
                "body_length": [10.0],
            }
        )
        expected = float(box_model[0].predict_proba(asked)[0, 1])
        page.wait_for_timeout(400)
        assert probability_in(page) == pytest.approx(expected, abs=1e-6)
        assert status.startswith("Flagged as about python: probability ")
        assert page.locator("[data-part=for] code").first.text_content() == "pandas"
        sums = page.locator("[data-part=sum]").text_content() or ""
        assert f"probability of {expected:.3f}" in sums

        for _ in range(12):
            keys.press("Tab")
            if page.evaluate("document.activeElement.dataset.action") == "clear":
                break
        keys.press("Space")
        await_status(page, "Nothing to score yet.")
        assert page.locator("#try-it-result").is_hidden()
        assert page.evaluate("document.activeElement.id") == "try-it-title"

    def test_the_numbers_shown_add_up(self, visit: Callable[..., Any], box: Path) -> None:
        page = visit(box).page
        await_status(page, "threshold")
        text = (page.locator("[data-part=sum]").text_content() or "").replace("\u2212", "-")
        intercept, listed, others, total = (float(number) for number in re.findall(r"[+-]\d+\.\d\d", text))
        shown = [float(cell.replace("\u2212", "-")) for cell in page.locator("tbody td:last-child").all_text_contents()]
        assert listed == pytest.approx(sum(shown), abs=0.005 * (len(shown) + 1))
        assert intercept + listed + others == pytest.approx(total, abs=0.021)

    def test_what_is_pasted_stays_text(self, visit: Callable[..., Any], box: Path) -> None:
        opened = visit(box)
        page = opened.page
        await_status(page, "threshold")
        hostile = (
            "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> pandas &lt;b&gt;"
        )
        page.locator("#try-it-title").fill(f"pandas {hostile}")
        page.locator("#try-it-body").fill(f"{hostile}<pre><code>{html.escape(hostile)} def f</code></pre>")
        page.locator("summary").click()
        page.wait_for_timeout(600)
        assert page.title() == "Box"
        assert page.locator(".try-it :is(img, b, .read script)").count() == 0
        assert hostile in (page.locator("[data-field=code] .read").text_content() or "")
        assert page.locator("[data-field=title] mark", has_text="pandas").count() > 0
        assert opened.complaints == []
        assert opened.outside_requests == []

    def test_a_long_body_is_scored_while_one_types(self, visit: Callable[..., Any], box: Path) -> None:
        page = visit(box).page
        await_status(page, "threshold")
        page.locator("#try-it-body").fill("<p>why list string</p><code>def f(x): return x</code>\n" * 1_000)
        begin = time.monotonic()
        page.locator("button[type=submit]").click()
        assert time.monotonic() - begin < 3

    def test_rounding_is_stated(
        self, visit: Callable[..., Any], tmp_path: Path, box_model: tuple[Pipeline, TokenizedQuestions]
    ) -> None:
        size = len(json.dumps(export_model(*box_model, max_bytes=10**6, max_error=0.01)))
        export = export_model(*box_model, max_bytes=size - 1, max_error=0.01)
        page = visit(write_box(tmp_path, {**RECORD, "model": export})).page
        stated = f"{export['precision']['largest_error']:.2g}"
        assert f"of 300 questions none got\na probability that differs by more than {stated}" in (
            page.locator(".try-it p").first.text_content() or ""
        )

    def test_a_model_that_is_too_large_is_not_offered(self, visit: Callable[..., Any], tmp_path: Path) -> None:
        opened = visit(write_box(tmp_path, {**RECORD, "model": None, "reason": "the model needs 9 bytes"}))
        assert "Not offered here: the model needs 9 bytes." in (opened.page.locator(".try-it").text_content() or "")
        assert opened.complaints == []
