"""What the README tells is true: its first row is the record of the committed run."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_first_row_is_the_committed_record() -> None:
    metrics = json.loads((ROOT / "data/08_reporting/metrics.json").read_text())
    row = re.search(r"^\| ([\d,]+) simulated.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert row is not None
    data = metrics["data"]
    expected = [f"{data['rows']:,}", f"{data['positives'] / data['rows']:.1%}".replace("%", " %")]
    for candidate in ("keyword", "numeric_logistic", "tfidf_logistic"):
        test = metrics["candidates"][candidate]["test"]
        low, high = test["average_precision_interval"]
        expected.append(f"{test['average_precision']:.3f} [{low:.3f}, {high:.3f}]")
    selected = metrics["selected"]["stratified"]
    low, high = selected["average_precision_interval"]
    expected.append(f"**{selected['average_precision']:.3f} [{low:.3f}, {high:.3f}]** |")
    for text in expected:
        assert text in row[0]


def test_every_make_target_that_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / page).read_text(), re.MULTILINE))
        assert named <= targets, page
