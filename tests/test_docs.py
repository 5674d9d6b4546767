"""The site can be built, and holds together: no link or anchor leads nowhere, nothing is fetched from outside."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import lxml.html
import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "docs"


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield kind (a, link, img, script) and target of what a page refers to."""
    for element in lxml.html.fromstring(page.read_bytes()).iter("a", "link", "img", "script"):
        for name in ("href", "src"):
            if target := element.get(name):
                yield str(element.tag), target


def problems(site: Path) -> list[str]:
    """Return what is wrong with the links of a site."""
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    anchors = {page.resolve(): set(lxml.html.fromstring(page.read_bytes()).xpath("//@id")) for page in pages}
    found = []
    for page in pages:
        for kind, target in links(page):
            place = f"{page.relative_to(site)}: {kind} {target}"
            if urlsplit(target).scheme in ("http", "https", "mailto"):
                if kind != "a":
                    found.append(f"{place} is outside")
                continue
            path, fragment = urldefrag(unquote(target))
            file = (page.parent / path).resolve() if path else page.resolve()
            if not file.is_file():
                found.append(f"{place} leads nowhere")
            elif fragment and file.suffix == ".html" and fragment not in anchors[file]:
                found.append(f"{place} has no such anchor")
    return found


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="b.html#there">b</a><a href="#here">a</a><a href="c.html">c</a>'
    )
    (tmp_path / "b.html").write_text('<p id="elsewhere">x</p><script src="https://example.com/x.js"></script>')
    assert sorted(problems(tmp_path)) == [
        "a.html: a b.html#there has no such anchor",
        "a.html: a c.html leads nowhere",
        "b.html: script https://example.com/x.js is outside",
    ]


def test_the_site_holds_together() -> None:
    built = subprocess.run([sys.executable, ROOT / "docs/build.py"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert len(list(SITE.rglob("*.html"))) > 30
    assert problems(SITE) == []
    styles = "".join(sheet.read_text() for sheet in SITE.rglob("*.css"))
    assert not re.search(r"url\([\"']?https?:|@import [\"']?https?:", styles)


def test_no_figure_of_the_run_is_typed_into_a_page() -> None:
    """Numbers with three digits after the point come from metrics.json; published ones are named as such."""
    published = {"0.8611", "0.4583"}
    for page in (ROOT / "docs").rglob("*.md"):
        if page.name in ("replication.md", "sources.md"):  # written by a command; has none
            continue
        prose = re.sub(r"^ *```.*?^ *```$|\{[{%].*?[%}]\}", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        assert set(re.findall(r"\b0\.\d{3,}\b", prose)) <= published, page.name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_pages_outside_the_site_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?![a-z]+:|#)([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / target).exists(), f"{page}: {target}"
