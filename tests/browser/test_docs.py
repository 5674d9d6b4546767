"""The site as a person opens it: from disk, narrow and wide, light and dark."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
PAGES = [
    "index.html",
    "tutorial/4-evaluation.html",
    "explanation/imbalance.html",
    "how-to/tracking-server.html",
    "reference/pipelines/modelling.html",
    "replication.html",
]


@pytest.fixture(scope="module")
def site() -> Path:
    built = subprocess.run([sys.executable, ROOT / "docs/build.py"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return ROOT / "build" / "docs"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_fault(visit: Callable[..., Any], site: Path, name: str, width: int, scheme: str) -> None:
    page = visit(site / name, width=width, colour_scheme=scheme)
    background = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(",")[:3])) < 3 * 128) == (scheme == "dark")
    assert page.complaints == []
    assert page.outside_requests == []
    assert page.accessibility_problems() == []  # last: axe-core itself reads the stylesheets anew, in vain
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out


@pytest.mark.parametrize("width", [390, 1280])
def test_search_finds_a_page_and_leads_to_it(visit: Callable[..., Any], site: Path, width: int) -> None:
    """By the keyboard, from a page that is not at the top."""
    page = visit(site / "how-to/refresh.html", width=width)
    page.page.keyboard.press("Control+k")
    page.page.keyboard.type("paired_bootstrap_difference")
    page.page.get_by_role("option").filter(has_text="Two candidates").wait_for(timeout=10_000)
    page.page.keyboard.press("Enter")
    page.page.wait_for_url("**/explanation/intervals.html*")
    assert page.complaints == []
    assert page.outside_requests == []


def test_button_of_a_transcript_copies_its_commands_alone(visit: Callable[..., Any], site: Path) -> None:
    page = visit(site / "tutorial/6-experiments.html").page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    transcript = page.locator(".highlight", has_text="dvc pull --quiet").first
    transcript.hover()
    transcript.locator("button").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.length > 0)")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied == ["git clone --quiet . ../colleague", "cd ../colleague", "dvc pull --quiet", "dvc status"]
