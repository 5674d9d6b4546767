from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

REPORT = Path(__file__).parents[2] / "data" / "08_reporting" / "report.html"


def test_report_opens_from_disk_without_a_complaint(visit: Callable[..., Any]) -> None:
    report = visit(REPORT)
    assert report.complaints == []
    assert report.outside_requests == []
