"""The page of a comparison, made from two records that differ."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from question_classification.experiments.comparison import Experiment, compare_experiments
from question_classification.experiments.page import render_page

pytestmark = pytest.mark.browser


def record(value: float) -> dict[str, Any]:
    test = {"average_precision": value, "average_precision_interval": [value - 0.1, value + 0.1]}
    return {
        "data": {"source": "sede", "site": "stats", "target_tag": "r", "rows": 40, "positives": 8},
        "interval_level": 0.95,
        "split": {"kind": "stratified"},
        "selected": {"candidate": "tfidf", "threshold": 0.5, "policy": "max_f1", "stratified": {**test, "rows": 10}},
        "candidates": {name: {"test": test} for name in ("keyword", "tfidf_logistic", "fielded_logistic")},
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    experiments = [
        Experiment("one", record(0.4), {"modelling.tfidf_logistic.C": 1.0, "seed": 42}),
        Experiment("two", record(0.5), {"modelling.tfidf_logistic.C": 3.0, "seed": 42}),
    ]
    told = ["run 4fa46ea8, 2026-11-26 00:00 UTC, commit 4e66fb5", "champion, run 92552379, commit 4e66fb5"]
    path = tmp_path_factory.mktemp("comparison") / "comparison.html"
    path.write_text(render_page(compare_experiments(experiments), told, {"B": {"code": ["a file"]}}, command="a b"))
    return path


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_opens_on_any_screen_without_a_complaint(
    page: Path, visit: Callable[..., Any], width: int, colour_scheme: str
) -> None:
    opened = visit(page, width=width, colour_scheme=colour_scheme)
    assert opened.complaints == []
    assert opened.outside_requests == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert opened.accessibility_problems() == []
    bar = opened.page.get_by_role("img", name="selected, B: 0.500 [0.400, 0.600]").bounding_box()
    dot = opened.page.locator("svg circle").nth(1).bounding_box()
    assert dot["x"] + dot["width"] / 2 == pytest.approx(bar["x"] + bar["width"] / 2, abs=1)  # in the middle
