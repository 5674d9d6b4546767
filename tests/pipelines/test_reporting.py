import html.parser
import json
import math
import re
import struct
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from question_classification.pipelines.candidates import CANDIDATES, DEPLOYABLE
from question_classification.pipelines.reporting import figures
from question_classification.pipelines.reporting.names import CANDIDATE_NAMES, METRIC_NAMES
from question_classification.pipelines.reporting.nodes import (
    CandidateEvaluation,
    SelectedEvaluation,
    collect_chart_points,
    collect_metrics,
    count_by_month,
    draw_confusion_matrices,
    draw_learning_curve,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
    evaluate_candidate,
    evaluate_selected,
    write_report,
)
from question_classification.pipelines.reporting.parameters import ReportingParameters

PARAMETERS: dict[str, Any] = {
    "threshold": 0.5,
    "interval": {"resamples": 200, "level": 0.95, "seed": 42},
    "curve_points": 500,
    "precision": 0.8,
    "reliability_bins": 2,
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


SPLIT: dict[str, Any] = {
    "kind": "stratified",
    "other": "temporal",
    "near_duplicates": {
        "similarity": 0.8,
        "handling": "report",
        "questions": 8,
        "test_questions_with_one_in_train": {"stratified": 3, "temporal": 2},
    },
}
SELECTION: dict[str, Any] = {
    "candidate": "nb_svm_logistic",
    "cross_validation": {
        candidate: {"average_precision": 0.5, "standard_error": 0.01, "behind": 0.25, "behind_standard_error": 0.02}
        for candidate in DEPLOYABLE
    },
}
CALIBRATION = {"method": "sigmoid", "log_loss": {"sigmoid": 0.3, "isotonic": 0.123456789}}
THRESHOLD: dict[str, Any] = {
    "policy": "max_f1",
    "threshold": 0.35,
    "policies": {
        "max_f1": {"aim": {}, "threshold": 0.35, "reached": True},
        "precision_at_least": {"aim": {"precision": 0.8}, "threshold": 0.8, "reached": False},
    },
}
SLICES = pd.DataFrame(
    {
        "dimension": ["code", "code"],
        "slice": ["with code", "without code"],
        "n": [1500, 2],
        "positives": [30, 0],
        **{
            f"{metric}{bound}": [value, float("nan")]
            for metric in ("average_precision", "precision", "recall")
            for bound, value in (("", 0.5), ("_low", 0.25), ("_high", 0.75))
        },
    }
)
TERMS = pd.DataFrame(
    {
        "field": ["title", "title"],
        "term": ["neural net", "<b>"],
        "direction": ["for", "against"],
        "questions": [1234, 5],
        "mean_contribution": [1.5, -0.25],
        "influence": [0.2, 0.1],
    }
)
MISTAKES: list[dict[str, Any]] = [
    {
        "question_id": 7,
        "title": "<script>alert(1)</script> Why?",
        "link": "https://example.org/questions/7",
        "owner_display_name": "Ada <i>",
        "owner_link": "javascript:alert(1)",
        "content_license": "CC BY-SA 4.0",
        "is_target": False,
        "score": 0.91,
        "prose": "A Neural net, and why?",
        "code": "",
        "terms": [
            {"field": "title", "term": "why", "contribution": -0.5},
            {"field": "prose", "term": "neural net", "contribution": 1.25},
            {"field": "others", "term": "", "contribution": 0.5},
        ],
    }
]
NEIGHBOURS = pd.DataFrame({"tag": ["svm"], "questions": [40], "with_target": [10], "share": [0.25]})
NOISE = pd.DataFrame(
    {
        "left_out": ["none", "with a neighbour tag", "suspected"],
        "rows_left_out": [0, 1200, 3],
        "positives_left_out": [0, 0, 1],
        "average_precision": [0.5, 0.625, float("nan")],
        "low": [0.4, 0.5, float("nan")],
        "high": [0.6, 0.75, float("nan")],
        "at_random": [0.5, 0.52, float("nan")],
        "false_positives": [9, 4, 2],
    }
)
HYPERPARAMETERS = {"kind": "nb_svm_logistic", "C": 1.5}
CURVE = pd.DataFrame(
    {
        "fold": [0, 0, 0, 1, 1, 1],
        "share": [0.25, 0.5, 1.0] * 2,
        "train_size": [100, 200, 400] * 2,
        "average_precision": [0.3, 0.4, 0.45, 0.35, 0.42, 0.5],
    }
)


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

    def test_mlflow_has_every_metric(self) -> None:
        metrics = evaluate_candidate(TRAIN, TEST, parameters()).mlflow_metrics
        assert set(metrics) == {f"{split}.{name}" for split in ("train", "test") for name in METRIC_NAMES}
        assert metrics["test.roc_auc"] == {"value": 0.75, "step": 0}
        assert metrics["test.average_precision"]["value"] == pytest.approx(5 / 6, abs=1e-6)


@pytest.fixture(scope="module")
def evaluated() -> list[CandidateEvaluation]:
    """Candidates of different worth, in their order; the last is the best."""
    best, weak = scores([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9]), scores([0, 0, 1, 1], [0.6, 0.4, 0.5, 0.5])
    sets = [
        CONSTANT,
        weak,
        TEST,
        scores([0, 0, 1, 1], [0.7, 0.2, 0.3, 0.9]),
        scores([0, 0, 1, 1], [0.5, 0.2, 0.3, 0.4]),
        best,
    ]
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


def evaluate(test: pd.DataFrame = TEST, other: pd.DataFrame = TEST) -> SelectedEvaluation:
    return evaluate_selected(test, other, THRESHOLD, SPLIT, parameters())


def collect(
    evaluated: list[CandidateEvaluation],
    quality: dict[str, Any] = QUALITY,
    selected: SelectedEvaluation | None = None,
    **changes: str,
) -> dict[str, Any]:
    """Collect the record of a run; the changes are of what its labels were made for."""
    return collect_metrics(
        quality,
        labels(),
        TARGET | changes,
        SPLIT,
        SELECTION,
        CALIBRATION,
        THRESHOLD,
        (selected or evaluate()).evaluation,
        parameters(),
        *[each.evaluation for each in evaluated],
    )


class TestEvaluateSelected:
    def test_both_splits_at_the_threshold_worked_out_by_hand(self) -> None:
        evaluation = evaluate(other=scores([0, 1], [0.2, 0.4])).evaluation
        stratified, temporal = (evaluation["by_split"][kind] for kind in ("stratified", "temporal"))
        # at 0.35 and above: 0.4 of an other, 0.35 and 0.8 of the target
        assert (stratified["rows"], stratified["positives"]) == (4, 2)
        assert (stratified["precision"], stratified["recall"]) == (0.666667, 1.0)
        assert stratified["recall_at_precision"] == 0.5  # only 0.8 flags with a precision of at least 0.8
        assert (temporal["rows"], temporal["average_precision"], temporal["recall_at_precision"]) == (2, 1.0, 1.0)
        for measured in (stratified, temporal):
            low, high = measured["expected_calibration_error_interval"]
            assert low <= high

    def test_policies_per_thousand(self) -> None:
        policies = evaluate().evaluation["policies"]
        assert policies["max_f1"]["flagged"] == pytest.approx(750)
        assert policies["max_f1"]["false_positive"] == pytest.approx(250)
        assert policies["max_f1"]["false_negative"] == 0
        assert policies["precision_at_least"]["flagged"] == pytest.approx(250)
        assert policies["precision_at_least"]["reached"] is False

    def test_a_split_without_questions_has_no_metrics(self) -> None:
        selected = evaluate(other=TEST.head(0))
        assert selected.evaluation["by_split"]["temporal"] is None
        assert {name.split(".")[0] for name in selected.mlflow_metrics} == {"stratified"}


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
            "cross_validation": None,
        }
        assert metrics["candidates"]["prior"]["cross_validation"] == SELECTION["cross_validation"]["prior"]
        selected = metrics["selected"]
        assert (selected["candidate"], selected["threshold"], selected["policy"]) == ("nb_svm_logistic", 0.35, "max_f1")
        assert selected["calibration"] == {"method": "sigmoid", "log_loss": {"sigmoid": 0.3, "isotonic": 0.123457}}
        assert selected["temporal"]["average_precision"] == 0.833333
        assert metrics["split"] == SPLIT

    def test_record_is_json(self, evaluated: list[CandidateEvaluation]) -> None:
        metrics = collect(evaluated)
        assert json.loads(json.dumps(metrics)) == metrics

    def test_every_candidate_must_be_there(self, evaluated: list[CandidateEvaluation]) -> None:
        with pytest.raises(ValueError, match="zip"):
            collect(evaluated[:3])


def draw_all(
    evaluated: list[CandidateEvaluation], quality: dict[str, Any] = QUALITY, **changes: Any
) -> dict[str, bytes]:
    metrics = collect(evaluated, quality, **changes)
    return {
        "precision_recall": draw_precision_recall(metrics, *[each.precision_recall_curve for each in evaluated]),
        "roc": draw_roc(metrics, *[each.roc_curve for each in evaluated]),
        "confusion": draw_confusion_matrices(metrics, *[each.evaluation for each in evaluated]),
    }


def draw_others(metrics: dict[str, Any], factor: float = 1.0) -> list[bytes]:
    points = evaluate().reliability_points
    return [
        draw_reliability(metrics, points.assign(mean_score=points["mean_score"] * factor)),
        draw_learning_curve(metrics, CURVE.assign(average_precision=CURVE["average_precision"] * factor)),
    ]


class TestFigures:
    @pytest.fixture(scope="class")
    def images(self, evaluated: list[CandidateEvaluation]) -> dict[str, bytes]:
        return draw_all(evaluated)

    @pytest.fixture(scope="class")
    def others(self, evaluated: list[CandidateEvaluation]) -> list[bytes]:
        return draw_others(collect(evaluated))

    def test_are_images_wide_enough_to_read(self, images: dict[str, bytes], others: list[bytes]) -> None:
        for image in [*images.values(), *others]:
            assert image.startswith(PNG)
            assert image.endswith(b"IEND\xaeB`\x82")
            width, height = struct.unpack(">II", image[16:24])
            assert width >= 1000
            assert height >= 500

    def test_are_the_same_bytes_each_time(
        self, evaluated: list[CandidateEvaluation], images: dict[str, bytes], others: list[bytes]
    ) -> None:
        assert draw_all(evaluated) == images
        assert draw_others(collect(evaluated)) == others

    def test_show_what_they_are_given(
        self, evaluated: list[CandidateEvaluation], images: dict[str, bytes], others: list[bytes]
    ) -> None:
        in_reverse = draw_all(evaluated[::-1])
        assert all(images[name] != in_reverse[name] for name in images)
        pairs = zip(others, draw_others(collect(evaluated), 0.5), strict=True)
        assert all(one != other for one, other in pairs)

    def test_simulated_questions_are_never_taken_for_real_ones(
        self, evaluated: list[CandidateEvaluation], images: dict[str, bytes], others: list[bytes]
    ) -> None:
        quality = QUALITY | {"source": "simulated"}
        simulated = [*draw_all(evaluated, quality).values(), *draw_others(collect(evaluated, quality))]
        assert all(one != other for one, other in zip(simulated, [*images.values(), *others], strict=True))

    def test_no_learning_curve_is_a_figure_too(self, evaluated: list[CandidateEvaluation]) -> None:
        assert draw_learning_curve(collect(evaluated), CURVE.head(0)).startswith(PNG)

    def test_tag_is_text(self, evaluated: list[CandidateEvaluation]) -> None:
        """What stands between dollar signs would be a formula to matplotlib, and an error where it is wrong."""
        assert all(image.startswith(PNG) for image in draw_all(evaluated, target_tag=r"$\frac$").values())


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: its elements, its text, the rows of its tables."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.source = source
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


def chart_points(
    evaluated: list[CandidateEvaluation], metrics: dict[str, Any], selected: SelectedEvaluation, **changes: Any
) -> dict[str, Any]:
    inputs = {
        "questions_by_month": pd.DataFrame({"month": ["2010-07", "2010-08"], "questions": [3, 2], "positives": [1, 0]}),
        "threshold": THRESHOLD,
        "test_scores": TEST,
        "reliability_points": selected.reliability_points,
        "slices": SLICES,
        "learning_curve": CURVE,
        **changes,
    }
    curves = [*(each.precision_recall_curve for each in evaluated), *(each.roc_curve for each in evaluated)]
    return collect_chart_points(metrics, *inputs.values(), *curves)


def test_figures_have_the_colours_of_the_page() -> None:
    style = (Path(figures.__file__).parent / "templates" / "report.css").read_text()
    light = dict(re.findall(r"--([\w-]+): light-dark\((#\w+),", style))
    series = [light[f"series-{number}"] for number in range(len(CANDIDATES))]
    assert [colour for colour, _ in figures._STYLES] == series
    assert (light["accent"], light["warm"]) == (figures._SELECTED, figures._PREDICTED)


class TestChartPoints:
    def test_months_without_a_question_are_counted_too(self) -> None:
        created = pd.to_datetime(["2020-01-31T23:59:59Z", "2020-03-01T00:00:00Z", "2020-01-01T00:00:00Z"], utc=True)
        questions = pd.DataFrame({"question_id": [3, 2, 1], "creation_date": created})
        labels = pd.DataFrame({"question_id": [1, 2, 3], "is_target": [True, False, False]})
        assert count_by_month(questions, labels).to_dict("list") == {
            "month": ["2020-01", "2020-02", "2020-03"],
            "questions": [2, 0, 1],
            "positives": [1, 0, 0],
        }

    def test_thresholds_are_even_steps_and_those_of_the_policies(self, evaluated: list[CandidateEvaluation]) -> None:
        chosen = 0.1234567890123
        threshold = {"policy": "max_f1", "threshold": chosen, "policies": {"max_f1": {"aim": {}, "threshold": chosen}}}
        points = chart_points(evaluated, collect(evaluated), evaluate(), threshold=threshold)["thresholds"]
        assert len(points["at"]) == 1002
        assert points["at"][points["chosen"]] == chosen
        assert points["policies"] == [{"name": "Best F1", "place": points["chosen"], "chosen": True}]
        assert (sum(points["positives"]), sum(points["negatives"])) == (2, 2)
        # of the scores 0.1, 0.4, 0.35 and 0.8 only the first is below
        assert sum(points["positives"][points["chosen"] :]) == 2
        assert sum(points["negatives"][points["chosen"] :]) == 1

    def test_are_json_without_a_number_that_json_lacks(self, evaluated: list[CandidateEvaluation]) -> None:
        points = chart_points(evaluated, collect(evaluated), evaluate())
        assert json.loads(json.dumps(points, allow_nan=False)) == points
        (code,) = points["slices"]["precision"]["groups"]
        assert code["rows"][1] == {"name": "without code", "value": None, "low": None, "high": None}

    def test_guessing_is_the_share_of_the_test_set(self, evaluated: list[CandidateEvaluation]) -> None:
        points = chart_points(evaluated, collect(evaluated), evaluate())
        assert points["metrics"]["average_precision"]["reference"]["value"] == 0.5
        assert points["metrics"]["f1"]["reference"] is None

    def test_no_learning_curve_has_no_points(self, evaluated: list[CandidateEvaluation]) -> None:
        points = chart_points(evaluated, collect(evaluated), evaluate(), learning_curve=CURVE.head(0))
        assert points["learning_curve"] == []


NO_EXPORT = {
    "target_tag": "machine-learning",
    "candidate": "prior",
    "threshold": 0.5,
    "model": None,
    "reason": "too big",
}


COMMIT = {"hash": "c0ffee" * 6 + "c0ff", "branch": "main", "dirty": False}
UNTRACKED = "none: MLflow did not track it, so the first two commands below do not find it"
RUN = {"id": "1234abcd" * 4, "started": "2026-11-28T09:05:07.123456Z", "commit": COMMIT, "taken": []}


def report(
    evaluated: list[CandidateEvaluation],
    quality: dict[str, Any] | None = None,
    selected: SelectedEvaluation | None = None,
    run: dict[str, Any] = RUN,
    **changes: Any,
) -> tuple[Page, dict[str, Any]]:
    quality, selected = {**QUALITY, **(quality or {})}, selected or evaluate()
    metrics = collect(evaluated, quality, selected, **changes)
    analysis = (TERMS, MISTAKES, SLICES, NEIGHBOURS, NOISE)
    shown = (chart_points(evaluated, metrics, selected), NO_EXPORT)
    page = write_report(metrics, quality, selected.evaluation, HYPERPARAMETERS, *analysis, *shown, run, parameters())
    return Page(page), metrics


class TestWriteReport:
    def test_compares_the_candidates(self, evaluated: list[CandidateEvaluation]) -> None:
        page, metrics = report(evaluated)
        for candidate, results in metrics["candidates"].items():
            note = " (not deployable)" if candidate == "numeric_logistic" else ""
            assert page.row(CANDIDATE_NAMES[candidate] + note, cells=1 + len(METRIC_NAMES)) == [
                "{:.3f} [{:.3f}, {:.3f}]".format(results["test"][name], *results["test"][f"{name}_interval"])
                for name in METRIC_NAMES
            ]
            gaps = [row[1:] for row in page.rows if row[0] == CANDIDATE_NAMES[candidate] and len(row) == 5]
            assert gaps[-1] == [
                f"{results[split][name]:.3f}"
                for name in ("average_precision", "roc_auc")
                for split in ("train", "test")
            ]
            if candidate != "numeric_logistic":
                assert gaps[0] == ["0.5000", "0.0100", "0.2500", "0.0200"]

    def test_says_what_the_selected_candidate_reaches(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        text = " ".join(page.text.split())
        assert (
            f"The selected candidate, {CANDIDATE_NAMES['nb_svm_logistic']}, reaches an average precision of 0.833 ["
            in text
        )
        assert "a probability of 0.350, it finds 100 % of the target's questions, and 67 % of those" in text
        assert page.row("Best F1, chosen", cells=8)[:2] == ["0.350", "750.0"]
        assert page.row("Precision at least 0.8 (out of reach: the nearest)", cells=8)[:2] == ["0.800", "250.0"]
        assert "3 questions of the test set have a near-duplicate in the training set" in text

    def test_judges_the_selected_candidate_by_both_kinds_of_split(self, evaluated: list[CandidateEvaluation]) -> None:
        page, metrics = report(evaluated, selected=evaluate(other=scores([0, 0, 1, 1, 0], [0.1, 0.2, 0.3, 0.9, 0.8])))
        kinds = [metrics["selected"][kind] for kind in ("stratified", "temporal")]
        expected = [f"{kind['log_loss']:.3f}" for kind in kinds]
        assert expected[0] != expected[1]
        assert [cell.split()[0] for cell in page.row("Log loss", cells=3)] == expected
        lead = " ".join(page.text.split())
        assert f"learning from earlier ones only, {kinds[1]['average_precision']:.3f} against 0.400." in lead
        assert "has too few questions" not in page.text
        none, _ = report(evaluated, selected=evaluate(other=TEST.head(0)))
        assert none.row("Log loss", cells=3)[1] == "\N{EN DASH}"
        assert "in the temporal one, a side has too few questions of a class" in " ".join(none.text.split())

    def test_where_nothing_is_flagged_there_is_no_precision(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated, selected=evaluate(scores([0, 1, 0, 1], [0.1, 0.2, 0.1, 0.3])))
        assert page.row("Best F1, chosen", cells=8)[1:] == ["0.0", "0.0", "0.0", "500.0", "\N{EN DASH}", "0.000"]

    def test_says_nothing_of_what_it_flags_where_it_finds_nothing(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated, selected=evaluate(scores([0, 1, 0, 1], [0.1, 0.2, 0.1, 0.3])))
        assert "it finds none of the target's questions" in page.text
        assert "it flags are right" not in page.text

    def test_says_where_it_errs(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        assert page.row("with code", cells=6) == ["1,500", "30", *["0.500 [0.250, 0.750]"] * 3]
        assert page.row("without code", cells=6) == ["2", "0", "\N{EN DASH}", "\N{EN DASH}", "\N{EN DASH}"]
        assert page.row("neural net", cells=4) == ["+1.50", "", "1,234"]
        assert page.row("<b>", cells=4) == ["\N{MINUS SIGN}0.25", "", "5"]
        assert page.row("nothing", cells=5) == ["0", "9", "0.500 [0.400, 0.600]", "0.500"]
        assert page.row("labels that the model contradicts with confidence", cells=5) == [
            "3",
            "2",
            "\N{EN DASH}",
            "\N{EN DASH}",
        ]
        text = " ".join(page.text.split())
        assert (
            "<script>alert(1)</script> Why? Probability 0.910 \N{MIDDLE DOT} Ada <i> \N{MIDDLE DOT} CC BY-SA 4.0"
            in text
        )
        assert "why title \N{MINUS SIGN}0.50 neural net prose +1.25 all others +0.50" in text
        assert "svm (25 %)" in text
        assert "Missed, though with the tag" not in text

    def test_marks_the_terms_in_their_own_field(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        marks = [attributes["class"] for tag, attributes in page.elements if tag == "mark"]
        assert marks == ["for", "against", "against", "for"]  # of the explanation, of the title, of the prose

    def test_links_go_to_the_question_and_never_to_a_script(self, evaluated: list[CandidateEvaluation]) -> None:
        links = [attributes["href"] or "" for tag, attributes in report(evaluated)[0].elements if tag == "a"]
        assert [link for link in links if not link.startswith("#")] == ["https://example.org/questions/7"]
        simulated, _ = report(evaluated, {"source": "simulated"})
        assert not [1 for tag, attributes in simulated.elements if tag == "a" and "rel" in attributes]

    def test_says_where_the_data_came_from(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        origin = {
            "Source": "sede",
            "Site": "stats",
            "Rows read": "12,345",
            "Valid questions": "12,000",
            "Duplicates": "340",
            "Quarantined": "5",
            "tags missing": "4",
            "view_count negative": "1",
            "Unreadable Score, taken as missing": "1,234",
            "Unreadable ClosedDate, taken as missing": "2",
            "Left out: answers": "2,345",
            "About the target tag": "1 (20.00\N{NO-BREAK SPACE}%)",
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
        assert not {"link", "iframe", "img", "object", "embed", "base"} & {tag for tag, _ in page.elements}
        assert not {"src", "style"} & {name for _, attributes in page.elements for name in attributes}
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        (policy,) = [attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes]
        assert "default-src 'none'" in (policy or "")
        assert "unsafe" not in (policy or "")

    def test_same_inputs_give_the_same_bytes(self, evaluated: list[CandidateEvaluation]) -> None:
        assert report(evaluated)[0].source == report(evaluated)[0].source

    @pytest.mark.parametrize(
        ("run", "rows"),
        [
            (RUN, ["1234abcd" * 4, COMMIT["hash"]]),
            (
                RUN | {"commit": COMMIT | {"dirty": True}},
                ["1234abcd" * 4, f"{COMMIT['hash']}, with uncommitted changes"],
            ),
            (
                RUN | {"id": None, "commit": {"hash": None, "branch": None, "dirty": True}},
                [UNTRACKED, "none: no Git repository"],
            ),
            (
                RUN | {"id": None, "commit": COMMIT | {"dirty": True}},
                [UNTRACKED, f"{COMMIT['hash']}, with uncommitted changes"],
            ),
        ],
        ids=["clean", "dirty", "unknown", "untracked"],
    )
    def test_names_its_run_and_commit(
        self, evaluated: list[CandidateEvaluation], run: dict[str, Any], rows: list[str]
    ) -> None:
        page, _ = report(evaluated, run=run)
        assert [*page.row("MLflow run"), *page.row("Commit")] == rows
        assert page.row("Started") == ["2026-11-28 09:05:07 UTC"]
        commit = run["commit"]
        assert ("git checkout c0ffeec0ff" in page.text) == (commit["hash"] is not None)
        assert ("the run has that as uncommitted.diff" in page.text) == bool(run["id"] and commit["dirty"])

    def test_says_what_its_run_has_not_made(self, evaluated: list[CandidateEvaluation]) -> None:
        page, _ = report(evaluated)
        assert page.row("Taken from earlier runs") == ["nothing"]
        page, _ = report(evaluated, run=RUN | {"taken": ["metrics", "selected.model"]})
        assert page.row("Taken from earlier runs") == ["metrics, selected.model"]
        page, _ = report(evaluated, run=RUN | {"taken": [*"abcdefghij"]})
        assert page.row("Taken from earlier runs") == ["a, b, c, d, e, f, g, h, and 2 more"]

    def test_says_how_to_ask_again(self, evaluated: list[CandidateEvaluation]) -> None:
        command = "kedro run --params source=sede,path=FILE,site=stats,target_tag=machine-learning,match=exact"
        assert command in report(evaluated)[0].text
        quoted, _ = report(evaluated, target_tag="a;b")
        assert "'source=sede,path=FILE,site=stats,target_tag=a;b,match=exact'" in quoted.text
        assert quoted.row("C") == ["1.5"]

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
        # title and heading, twice in the origin below them, the warning, and six cells of the tables
        assert page.text.count(hostile) == 11
        assert page.row(hostile) == ["3"]
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
