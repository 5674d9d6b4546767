import base64
import html.parser
import json
import math
import struct
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from question_classification.pipelines.modelling.pipeline import CANDIDATES
from question_classification.pipelines.reporting.names import CANDIDATE_NAMES, METRIC_NAMES
from question_classification.pipelines.reporting.nodes import (
    CandidateEvaluation,
    collect_metrics,
    draw_confusion_matrices,
    draw_precision_recall,
    draw_roc,
    evaluate_candidate,
    write_report,
)
from question_classification.pipelines.reporting.parameters import ReportingParameters

PARAMETERS: dict[str, Any] = {
    "threshold": 0.5,
    "interval": {"resamples": 200, "level": 0.95, "seed": 42},
    "curve_points": 500,
}
TARGET = {"target_tag": "machine-learning", "match": "exact"}
QUALITY: dict[str, Any] = {
    "source": "sede",
    "site": "stats",
    "raw_questions": {"md5": "0123abcd.dir", "files": 3, "bytes": 4},
    "rows_read": 12345,
    "valid": 12000,
    "duplicate": 340,
    "quarantined": 5,
    "unreadable_values": {"Score": 1234, "ClosedDate": 2},
    "quarantine_reasons": {"tags missing": 4, "view_count negative": 1},
    "left_out": {"answers": 2345},
    "warnings": ["The export was probably cut."],
    "first_creation_date": "2010-07-19T19:12:12+00:00",
    "last_creation_date": "2016-03-04T05:06:07+00:00",
}
PNG = b"\x89PNG\r\n\x1a\n"


def parameters(**changes: Any) -> ReportingParameters:
    return ReportingParameters.model_validate({**PARAMETERS, **changes})


def scores(labels: list[int] | list[bool], values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"question_id": range(len(labels)), "is_target": [bool(y) for y in labels], "score": values})


# Two others and two targets; one pair of the four is in the wrong order.
TRAIN = scores([0, 1], [0.25, 0.75])
TEST = scores([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
CONSTANT = scores([0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5])


class TestEvaluateCandidate:
    def test_metrics_worked_out_by_hand(self) -> None:
        evaluation = evaluate_candidate(TRAIN, TEST, parameters()).evaluation
        assert evaluation["train"] == {
            "roc_auc": 1.0,
            "average_precision": 1.0,
            "accuracy": 1.0,
            "precision": 1.0,
            "recall": 1.0,
            "f1": 1.0,
            "log_loss": round(-math.log(0.75), 6),
            "brier_score": 0.0625,
        }
        assert {name: value for name, value in evaluation["test"].items() if not name.endswith("_interval")} == {
            "roc_auc": 0.75,
            "average_precision": 0.833333,  # 1/2 x 1 + 1/2 x 2/3
            "accuracy": 0.75,
            "precision": 1.0,
            "recall": 0.5,
            "f1": 0.666667,
            "log_loss": round(-math.log(0.9 * 0.6 * 0.35 * 0.8) / 4, 6),
            "brier_score": 0.158125,  # (0.01 + 0.16 + 0.4225 + 0.04) / 4
        }
        assert evaluation["confusion"] == {
            "true_negative": 2,
            "false_positive": 0,
            "false_negative": 1,
            "true_positive": 1,
        }

    def test_threshold_includes_its_own_value(self) -> None:
        evaluation = evaluate_candidate(TRAIN, TEST, parameters(threshold=0.4)).evaluation
        assert evaluation["confusion"] == {
            "true_negative": 1,
            "false_positive": 1,
            "false_negative": 1,
            "true_positive": 1,
        }

    def test_every_test_metric_has_an_interval(self) -> None:
        test = evaluate_candidate(TRAIN, TEST, parameters()).evaluation["test"]
        assert list(test) == [key for name in list(test)[::2] for key in (name, f"{name}_interval")]
        assert set(list(test)[::2]) == set(METRIC_NAMES)
        for name in METRIC_NAMES:
            low, high = test[f"{name}_interval"]
            assert low <= test[name] <= high

    def test_scores_that_say_nothing_leave_nothing_to_chance(self) -> None:
        """Each resample has as many targets as the test set, so with one score for all every resample is alike."""
        test = evaluate_candidate(TRAIN, CONSTANT, parameters()).evaluation["test"]
        assert (test["roc_auc"], test["roc_auc_interval"]) == (0.5, [0.5, 0.5])
        assert (test["average_precision"], test["average_precision_interval"]) == (0.25, [0.25, 0.25])
        assert test["log_loss_interval"] == [round(math.log(2), 6)] * 2

    def test_seed_decides(self) -> None:
        test = scores([number % 3 == 0 for number in range(40)], [number * 7 % 40 / 40 for number in range(40)])
        once, again, other = (
            evaluate_candidate(TRAIN, test, parameters(interval={"resamples": 20, "level": 0.9, "seed": seed}))
            for seed in (1, 1, 2)
        )
        assert once.evaluation == again.evaluation != other.evaluation

    def test_curves(self) -> None:
        _, precision_recall, roc, _ = evaluate_candidate(TRAIN, TEST, parameters())
        assert precision_recall[["recall", "precision"]].iloc[0].tolist() == [0.0, 1.0]
        points = precision_recall[["recall", "precision"]].round(6).values.tolist()
        assert [1.0, 0.666667] in points
        assert roc[["false_positive_rate", "true_positive_rate"]].values.tolist() == [
            [0.0, 0.0],
            [0.0, 0.5],
            [0.5, 0.5],
            [0.5, 1.0],
            [1.0, 1.0],
        ]

    def test_mlflow_has_every_metric_at_full_precision(self) -> None:
        metrics = evaluate_candidate(TRAIN, TEST, parameters()).mlflow_metrics
        assert set(metrics) == {f"{split}.{name}" for split in ("train", "test") for name in METRIC_NAMES}
        assert metrics["test.roc_auc"] == {"value": 0.75, "step": 0}
        assert metrics["test.average_precision"]["value"] == pytest.approx(5 / 6, abs=1e-15)


@pytest.fixture(scope="module")
def evaluated() -> list[CandidateEvaluation]:
    """Candidates of different worth, in their order; the last is the best."""
    sets = [CONSTANT, scores([0, 0, 1, 1], [0.6, 0.4, 0.5, 0.5]), TEST, scores([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9])]
    return [evaluate_candidate(TRAIN, test, parameters()) for test in sets]


def labels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "question_id": range(1, 6),
            "is_target": [True, False, False, False, False],
            "has_target_tag": [True, False, False, False, False],
            "contains_target_tag": [True, True, True, False, False],
        }
    )


def collect(evaluated: list[CandidateEvaluation], quality: dict[str, Any] = QUALITY, **changes: str) -> dict[str, Any]:
    """Collect the record of a run; the changes are of what its labels were made for."""
    return collect_metrics(quality, labels(), TARGET | changes, parameters(), *[each.evaluation for each in evaluated])


class TestCollectMetrics:
    def test_record(self, evaluated: list[CandidateEvaluation]) -> None:
        metrics = collect(evaluated)
        assert metrics["data"] == {
            "source": "sede",
            "site": "stats",
            "target_tag": "machine-learning",
            "match": "exact",
            "rows": 5,
            "positives": 1,
            "differing_labels": 2,
            "first_creation_date": "2010-07-19T19:12:12+00:00",
            "last_creation_date": "2016-03-04T05:06:07+00:00",
            "raw_questions_md5": "0123abcd.dir",
        }
        assert (metrics["threshold"], metrics["interval_level"]) == (0.5, 0.95)
        assert list(metrics["candidates"]) == list(CANDIDATES)
        assert metrics["candidates"]["numeric_logistic"] == {
            "train": evaluated[2].evaluation["train"],
            "test": evaluated[2].evaluation["test"],
        }

    def test_record_is_json(self, evaluated: list[CandidateEvaluation]) -> None:
        metrics = collect(evaluated)
        assert json.loads(json.dumps(metrics)) == metrics

    def test_every_candidate_must_be_there(self, evaluated: list[CandidateEvaluation]) -> None:
        with pytest.raises(ValueError, match="zip"):
            collect(evaluated[:3])


def draw_all(evaluated: list[CandidateEvaluation], **changes: Any) -> dict[str, bytes]:
    metrics = collect(evaluated, **changes)
    return {
        "precision_recall": draw_precision_recall(metrics, *[each.precision_recall_curve for each in evaluated]),
        "roc": draw_roc(metrics, *[each.roc_curve for each in evaluated]),
        "confusion": draw_confusion_matrices(metrics, *[each.evaluation for each in evaluated]),
    }


class TestFigures:
    def test_are_images_wide_enough_to_read(self, evaluated: list[CandidateEvaluation]) -> None:
        for image in draw_all(evaluated).values():
            assert image.startswith(PNG)
            assert image.endswith(b"IEND\xaeB`\x82")
            width, height = struct.unpack(">II", image[16:24])
            assert width >= 1000
            assert height >= 500

    def test_are_the_same_bytes_each_time(self, evaluated: list[CandidateEvaluation]) -> None:
        assert draw_all(evaluated) == draw_all(evaluated)

    def test_show_what_they_are_given(self, evaluated: list[CandidateEvaluation]) -> None:
        images, others = draw_all(evaluated), draw_all(evaluated[::-1])
        assert all(images[name] != others[name] for name in images)

    def test_tag_is_text(self, evaluated: list[CandidateEvaluation]) -> None:
        """What stands between dollar signs would be a formula to matplotlib, and an error where it is wrong."""
        assert draw_all(evaluated, target_tag=r"$\frac$")["roc"].startswith(PNG)


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: its elements, its text, the rows of its tables."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data

    def row(self, first: str, *, cells: int = 2) -> list[str]:
        """Return the rest of the only row with so many cells that begins with this one."""
        (row,) = [row for row in self.rows if row[0] == first and len(row) == cells]
        return row[1:]


def report(
    evaluated: list[CandidateEvaluation], quality: dict[str, Any] | None = None, **changes: Any
) -> tuple[Page, dict[str, Any]]:
    quality = {**QUALITY, **(quality or {})}
    metrics = collect(evaluated, quality, **changes)
    return Page(write_report(metrics, quality, parameters(), PNG + b"1", PNG + b"2", PNG + b"3")), metrics


class TestWriteReport:
    def test_compares_the_candidates(self, evaluated: list[CandidateEvaluation]) -> None:
        page, metrics = report(evaluated)
        for candidate, results in metrics["candidates"].items():
            assert page.row(CANDIDATE_NAMES[candidate], cells=1 + len(METRIC_NAMES)) == [
                "{:.3f} [{:.3f}, {:.3f}]".format(results["test"][name], *results["test"][f"{name}_interval"])
                for name in METRIC_NAMES
            ]
            assert page.row(CANDIDATE_NAMES[candidate], cells=5) == [
                f"{results[split][name]:.3f}"
                for name in ("average_precision", "roc_auc")
                for split in ("train", "test")
            ]

    def test_names_the_best_by_average_precision(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        assert "The best candidate,\nTF-IDF, logistic regression, reaches an average precision of\n1.000 [" in page.text
        page, _ = report([evaluated[3], *evaluated[:3]])
        assert "The best candidate,\nClass prior," in page.text

    def test_says_nothing_of_what_it_flags_where_it_finds_nothing(self, evaluated: list[CandidateEvaluation]) -> None:
        best = evaluated[3]
        found_nothing = {**best.evaluation, "test": {**best.evaluation["test"], "recall": 0.0, "precision": 0.0}}
        page, _ = report([*evaluated[:3], best._replace(evaluation=found_nothing)])
        assert "it finds none of the target's questions" in page.text
        assert "it flags are right" not in page.text
        page, _ = report(evaluated)
        assert "it flags are right" in page.text

    def test_says_where_the_data_came_from(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        origin = {
            "Source": "sede",
            "Site": "stats",
            "Rows read": "12,345",
            "Valid questions": "12,000",
            "Duplicates": "340",
            "Quarantined": "5",
            "— tags missing": "4",
            "— view_count negative": "1",
            "Unreadable Score, taken as missing": "1,234",
            "Unreadable ClosedDate, taken as missing": "2",
            "Left out: answers": "2,345",
            "About the target tag": "1 (20.00 %)",
            "Rule of the label": "exactly the tag machine-learning",
            "Questions that the other rule would label differently": "2",
            "DVC hash of the raw layer": "0123abcd.dir",
        }
        assert {name: page.row(name) for name in origin} == {name: [value] for name, value in origin.items()}
        assert "2010-07-19 to 2016-03-04" in page.text
        assert "The export was probably cut." in page.text

    def test_says_by_which_rule_and_whether_the_site_is_known(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated, {"site": None}, match="contains")
        assert page.row("Rule of the label") == ["any tag that contains it machine-learning"]
        assert page.row("Site") == ["not stated by the source"]

    def test_simulated_questions_are_never_taken_for_real_ones(self, evaluated: list[CandidateEvaluation]) -> None:
        notice, licence = "they say nothing about a real site", "under CC BY-SA"
        simulated, real = report(evaluated, {"source": "simulated"})[0].text, report(evaluated)[0].text
        assert notice in simulated
        assert notice not in real
        assert licence in real
        assert licence not in simulated

    def test_says_nothing_of_values_that_were_all_readable(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated, {"unreadable_values": {}})
        assert "Unreadable" not in page.text

    def test_needs_nothing_but_itself(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        images = [attributes["src"] for tag, attributes in page.elements if tag == "img"]
        assert [base64.b64decode((image or "").removeprefix("data:image/png;base64,")) for image in images] == [
            PNG + b"1",
            PNG + b"2",
            PNG + b"3",
        ]
        assert all(attributes.get("alt") for tag, attributes in page.elements if tag == "img")
        assert not {"script", "link", "iframe"} & {tag for tag, _ in page.elements}

    def test_hostile_text_stays_text(self, evaluated: list[CandidateEvaluation]) -> None:
        hostile = "</code></title><script>alert(1)</script><img src=x onerror=\"alert(1)\"> & 'quoted'"
        harmless, _ = report(evaluated)
        quality = {
            "source": hostile,
            "site": hostile,
            "quarantine_reasons": {hostile: 3, "tags missing": 2},
            "unreadable_values": {hostile: 4, "Score": 1},
            "left_out": {hostile: 1},
            "warnings": [hostile],
        }
        page, _ = report(evaluated, quality, target_tag=hostile)
        assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
        # title and heading, twice in the origin below them, the warning, and six cells of the table
        assert page.text.count(hostile) == 11
        assert page.row(f"— {hostile}") == ["3"]
        assert page.row(f"Unreadable {hostile}, taken as missing") == ["4"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"threshold": 1.5},
        {"curve_points": 9},
        {"interval": {"resamples": 0, "level": 0.95, "seed": 1}},
        {"interval": {"resamples": 10, "level": 1, "seed": 1}},
        {"interval": {"resamples": 10, "level": 0.95, "seed": 1, "sed": 2}},
        {"tresholt": 0.4},
        {"target_tag": "r"},
        {"match": "exact"},
    ],
    ids=str,
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)
