"""What the browser tests cannot see: what our own files must not hold, and what JSON must not."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment

from question_classification.pipelines.reporting.page import Page, embed_json


def page(**sources: str) -> Page:
    return Page(Environment(loader=DictLoader(sources), autoescape=True))


@pytest.mark.parametrize("source", ["'</SCRIPT>'", "'<script>'", "'<!--'", "a::after { content: '</style>' }"])
def test_a_file_that_would_end_its_element_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="file holds what would end it"):
        page(file=source).script("file")


def test_policy_allows_what_has_been_put_and_nothing_else() -> None:
    made = page(one="1;", two="2;", look="p {}")
    assert made.policy == "default-src 'none'; base-uri 'none'; form-action 'none'"
    assert made.script("one", "two") == "<script>1;\n2;</script>"
    made.style("look")
    allowed = dict(part.split(" ", 1) for part in made.policy.split("; "))
    # printf '1;\n2;' | openssl dgst -sha256 -binary | base64, and the same of 'p {}'
    assert allowed["script-src"] == "'sha256-+ysQwl4PZCr5NKB0ga0kxof4hRwGeXOvHShp4pLSQt8='"
    assert allowed["style-src"] == "'sha256-SNJDlN1Iy2mnt7DOjQIyDb2LQE6O5PQiSZomcdzawQ4='"
    assert allowed["default-src"] == "'none'"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_embedded_json_is_read_as_it_was_but_for_what_no_page_can_hold(data: object) -> None:
    text = str(embed_json(data))
    assert not set(text) & set("<>&\u2028\u2029\u202e\0")
    assert text.isascii()
    plain = json.dumps(data, ensure_ascii=False)
    if plain.isprintable() and not re.search(r"\\[bfu]", plain):  # how JSON writes what does not print
        assert json.loads(text) == data


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        embed_json({"value": float("nan")})
