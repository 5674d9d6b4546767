"""Real exports of the Data Explorer, where they are at hand."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest


def count(path: Path, target_tag: str) -> tuple[int, int]:
    """Count the questions of an export, and those with the tag, in the plainest way."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        tags = [row["Tags"] for row in csv.DictReader(file)]
    return len(tags), sum(f"<{target_tag}>" in each for each in tags)


@pytest.mark.parametrize(
    ("name", "target_tag", "rows", "positives"),
    [
        ("cross_validated_2016.csv", "machine-learning", 2615, 243),
        pytest.param("sede_export_stackoverflow_2022.csv", "python", 352, 60, marks=pytest.mark.long),
    ],
)
def test_report_is_right_about_the_export(
    stackexchange_data: Path, new_project, kedro_run, name: str, target_tag: str, rows: int, positives: int
) -> None:
    path = stackexchange_data / name
    if not path.is_file():
        pytest.skip(f"no {name} in {stackexchange_data}")
    assert count(path, target_tag) == (rows, positives)

    parameters = f"source=sede,path={path},target_tag={target_tag}"
    run = kedro_run(new_project, "--params", parameters)
    assert run.exit_code == 0, run.stderr
    reporting = new_project.folder / "data" / "test" / "08_reporting"
    metrics: dict[str, Any] = json.loads((reporting / "metrics.json").read_text())
    assert {key: metrics["data"][key] for key in ("source", "site", "target_tag", "rows", "positives")} == {
        "source": "sede",
        "site": None,
        "target_tag": target_tag,
        "rows": rows,
        "positives": positives,
    }
    assert metrics["candidates"]["tfidf_logistic"]["test"]["roc_auc"] > 0.6
    assert "simulated" not in (reporting / "report.html").read_text()
