import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

PAGE = Path(__file__).parents[2] / "data" / "08_reporting" / "lineage.html"


@pytest.fixture
def page() -> Path:
    """Return the page that `make viz-static` has made, as `make test-browser` calls it."""
    return PAGE


def test_opens_from_disk_without_a_complaint(visit: Callable[..., Any], page: Path) -> None:
    lineage = visit(page)
    lineage.page.get_by_text("train_set", exact=True).first.wait_for()
    lineage.page.locator(".pipeline-layer").first.wait_for(state="attached")
    assert lineage.complaints == []
    assert lineage.outside_requests == []


def test_every_dataset_has_a_layer(page: Path) -> None:
    found = re.search(r'<script type="application/json" id="answers">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    graph = json.loads(found[1])["main"]
    assert [node["name"] for node in graph["nodes"] if node["type"] == "data" and not node["layer"]] == []
    assert graph["layers"] == sorted(graph["layers"])
    assert len(graph["layers"]) == 9
