import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from question_classification.models.metrics import confusion
from question_classification.models.thresholds import outcome_per_thousand
from question_classification.pipelines.candidates import CANDIDATES, DEPLOYABLE
from question_classification.pipelines.reporting.nodes import (
    collect_chart_points,
    collect_metrics,
    evaluate_candidate,
    evaluate_selected,
    write_report,
)
from question_classification.pipelines.reporting.parameters import ReportingParameters

pytestmark = pytest.mark.browser

PARAMETERS = ReportingParameters.model_validate(
    {
        "threshold": 0.5,
        "precision": 0.8,
        "interval": {"resamples": 40, "level": 0.95, "seed": 1},
        "curve_points": 200,
        "reliability_bins": 8,
    }
)
HOSTILE = [
    "<script>run()</script>",
    "</script><script>run()</script>",
    "<img src=x onerror=run()><svg onload=run()>",
    "\" onmouseover=run() x=\"' autofocus onfocus=run() '",
    "<!-- <script> --!> ]]> <![CDATA[",
    "</title></style></textarea></noscript><iframe srcdoc='<script>parent.run()</script>'>",
    "<a href=javascript:run()>x</a><base href=//evil.example/><meta http-equiv=refresh content=0;url=//evil.example>",
    "{{ 7 * 7 }} {% raw %} ${run()} `${run()}` \\u003cscript\\u003e",
    "null \0 bell \a lone \ud800 noncharacter \uffff line \u2028 paragraph \u2029",
    "right to left \u202e esrever \u2066 isolate \u200f mark",
    "Z\u0351\u036b\u0343\u036aa\u0302\u0346lgo " * 8,
    "long" * 5_000,
]


def scores(rng: np.random.Generator, strength: float, label: np.ndarray) -> pd.DataFrame:
    """Probabilities of two digits, so that many are tied and many are thresholds of the slider."""
    value = 1 / (1 + np.exp(-rng.normal(strength * (label - 0.7), 1)))
    return pd.DataFrame({"question_id": np.arange(len(label)), "is_target": label, "score": value.round(2)})


def mistake(text: str, link: str, *, is_target: bool) -> dict[str, Any]:
    return {
        "question_id": 1,
        "title": text,
        "link": link,
        "owner_display_name": text,
        "owner_link": link,
        "content_license": text,
        "is_target": is_target,
        "score": 0.25,
        "prose": text,
        "code": text,
        "terms": [
            {"field": "title", "term": "script", "contribution": 1.0},
            {"field": "code", "term": "<", "contribution": -0.5},
            {"field": "prose", "term": text, "contribution": -0.25},
            {"field": "others", "term": "", "contribution": 0.5},
            {"field": "intercept", "term": "", "contribution": -2.0},
        ],
    }


def make_report(folder: Path, texts: list[str], *, site: str = "stats", tag: str = "machine-learning") -> "Report":
    """Write the report of a made-up run whose texts are these."""
    rng = np.random.default_rng(3)
    train, test = rng.random(1_500) < 0.15, rng.random(1_000) < 0.15
    strengths = dict(zip(CANDIDATES, (0, 1, 0.5, 2.5, 2.4, 2.7), strict=True))
    evaluated = [
        evaluate_candidate(scores(rng, strengths[each], train), scores(rng, strengths[each], test), PARAMETERS)
        for each in CANDIDATES
    ]
    test_scores = scores(rng, 2.7, test)
    threshold = {
        "policy": "recall_at_least",
        "threshold": 0.4567891234567891,
        "policies": {
            "max_f1": {"aim": {}, "threshold": 0.61, "reached": True},
            "recall_at_least": {"aim": {"recall": 0.8}, "threshold": 0.4567891234567891, "reached": True},
        },
    }
    near = {"similarity": 0.8, "handling": "report", "questions": 2}
    near |= {"test_questions_with_one_in_train": {"stratified": 1, "temporal": 0}}
    split = {"kind": "stratified", "other": "temporal", "near_duplicates": near}
    selected = evaluate_selected(test_scores, test_scores.head(500), threshold, split, PARAMETERS)
    quality = {
        "source": "sede",
        "site": site,
        "raw_questions": {"md5": "0123456789abcdef.dir", "files": 9, "bytes": 1_234_567},
        "rows_read": 2_600,
        "valid": 2_500,
        "duplicate": 60,
        "quarantined": 40,
        "unreadable_values": dict.fromkeys(texts, 1),
        "quarantine_reasons": dict.fromkeys(texts, 2),
        "left_out": dict.fromkeys(texts, 3),
        "warnings": texts,
        "first_creation_date": "2015-01-19T19:12:12+00:00",
        "last_creation_date": "2018-03-04T05:06:07+00:00",
    }
    label = np.concatenate([train, test])
    labels = pd.DataFrame(
        {"question_id": np.arange(2_500), "is_target": label, "has_target_tag": label, "contains_target_tag": True}
    )
    of_candidate = {"average_precision": 0.5, "standard_error": 0.01, "behind": 0.2, "behind_standard_error": 0.02}
    metrics = collect_metrics(
        quality,
        labels,
        {"target_tag": tag, "match": "exact"},
        split,
        {"candidate": "nb_svm_logistic", "cross_validation": dict.fromkeys(DEPLOYABLE, of_candidate)},
        {"method": "isotonic", "log_loss": {"sigmoid": 0.4, "isotonic": 0.3}},
        threshold,
        selected.evaluation,
        PARAMETERS,
        *[each.evaluation for each in evaluated],
    )
    bounds = ("", "_low", "_high")
    slices = pd.DataFrame(
        {
            "dimension": ["year"] * len(texts) + ["code"],
            "slice": pd.Series([*texts, "with code"], dtype=object),
            "n": 100,
            "positives": 9,
            **{
                f"{metric}{bound}": [value] * len(texts) + [float("nan")]
                for metric in ("average_precision", "precision", "recall")
                for bound, value in zip(bounds, (0.5, 0.25, 0.75), strict=True)
            },
        }
    )
    months = pd.period_range("2015-01", "2018-03", freq="M").astype(str)
    learning_curve = pd.DataFrame(
        {"fold": [0, 0, 1, 1], "share": [0.5, 1.0] * 2, "train_size": [500, 1_000] * 2}
    ).assign(average_precision=[0.4, 0.5, 0.42, 0.54])
    charts = collect_chart_points(
        metrics,
        pd.DataFrame({"month": months, "questions": 10, "positives": [3, 0, 1] * 13}),
        threshold,
        test_scores,
        selected.reliability_points,
        slices,
        learning_curve,
        *[each.precision_recall_curve for each in evaluated],
        *[each.roc_curve for each in evaluated],
    )
    page = write_report(
        metrics,
        quality,
        selected.evaluation,
        {"kind": "nb_svm_logistic", "C": 1.0, "note": texts[0]},
        pd.DataFrame(
            {
                "field": "title",
                "term": pd.Series(texts * 2, dtype=object),
                "direction": ["for"] * len(texts) + ["against"] * len(texts),
                "questions": 9,
                "mean_contribution": [0.5] * len(texts) + [-0.25] * len(texts),
            }
        ),
        [
            mistake(text, link, is_target=is_target)
            for is_target in (False, True)
            for text, link in zip(texts, LINKS * len(texts), strict=False)
        ],
        slices,
        pd.DataFrame({"tag": pd.Series(texts, dtype=object), "questions": 40, "with_target": 10, "share": 0.25}),
        pd.DataFrame(
            {
                "left_out": ["none"],
                "rows_left_out": [0],
                "false_positives": [9],
                "average_precision": [0.5],
                "low": [0.4],
                "high": [0.6],
                "at_random": [0.5],
            }
        ),
        charts,
        {"target_tag": texts[0], "candidate": "prior", "threshold": 0.5, "model": None, "reason": texts[0]},
        {
            "id": "a" * 32,
            "started": "2026-11-28T11:24:03Z",
            "commit": {"hash": "b" * 40, "branch": None, "dirty": True},
            "taken": [],
        },
        PARAMETERS,
    )
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return Report(path, test_scores, threshold, metrics)


LINKS = [
    "https://example.org/questions/1",
    "javascript:run()",
    " javascript:run()",
    "data:text/html,<script>run()</script>",
    "https://example.org/\"onmouseover='run()'",
    "vbscript:run()",
    "//evil.example/",
]


class Report:
    """A report, and the numbers that it was made from."""

    def __init__(
        self, path: Path, test_scores: pd.DataFrame, threshold: dict[str, Any], metrics: dict[str, Any]
    ) -> None:
        self.path, self.threshold, self.metrics = path, threshold, metrics
        self.label, self.score = test_scores["is_target"].to_numpy(), test_scores["score"].to_numpy()

    def expected(self, threshold: float) -> dict[str, str]:
        """What Python says of a threshold, as the page shows it."""
        outcome = outcome_per_thousand(self.label, self.score, threshold)
        cells = confusion(self.label, self.score, threshold=threshold)
        hit, alarm, miss = cells["true_positive"], cells["false_positive"], cells["false_negative"]
        return {
            "threshold": f"{threshold:.3f}",
            "precision": f"{outcome['precision']:.3f}" if hit + alarm else "\N{EN DASH}",
            "recall": f"{outcome['recall']:.3f}",
            "flagged": f"{outcome['flagged']:.1f}",
            "f1": f"{2 * hit / (2 * hit + alarm + miss):.3f}",
            **{cell: f"{count:,} {1000 * count / len(self.label):.1f}" for cell, count in cells.items()},
        }


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(tmp_path_factory.mktemp("report"), ["How does a neural script learn?", "x < 1"])


def shown(page: Any) -> dict[str, str]:
    """What the threshold explorer shows."""
    return page.evaluate(
        """() => {
          const shown = {threshold: document.querySelector("#threshold-value").textContent};
          for (const each of document.querySelectorAll("[data-show]")) shown[each.dataset.show] = each.textContent;
          for (const each of document.querySelectorAll("[data-cell]"))
            shown[each.dataset.cell] = ["b", "small"].map((name) => each.querySelector(name).textContent).join(" ");
          return shown;
        }"""
    )


def test_opens_from_disk_without_a_complaint_or_a_request(visit: Callable[..., Any], report: Report) -> None:
    opened = visit(report.path)
    opened.page.wait_for_selector("#learning-curve-chart svg circle")
    assert opened.page.locator(".plot svg").count() >= 7
    assert opened.complaints == []
    assert opened.outside_requests == []


@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_anyone_can_read_it(visit: Callable[..., Any], report: Report, width: int, colour_scheme: str) -> None:
    opened = visit(report.path, width=width, colour_scheme=colour_scheme)
    opened.page.wait_for_selector("#learning-curve-chart svg circle")
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert opened.accessibility_problems() == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width  # only tables scroll sideways


class TestThresholdExplorer:
    def test_starts_at_the_chosen_threshold(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        assert shown(page) == report.expected(report.threshold["threshold"])
        assert page.locator(".presets [aria-pressed=true]").inner_text() == "Recall at least 0.8 0.457"

    def test_says_the_same_before_its_scripts_have_run(
        self, visit: Callable[..., Any], report: Report, tmp_path: Path
    ) -> None:
        """A script that is not ours to the last byte does not run; what stands there then is what scripts would say."""
        still = tmp_path / "still.html"
        still.write_text(report.path.read_text().replace('"use strict";', '"use strict"; '))
        blocked = visit(still)
        assert len(blocked.complaints) == 5
        assert all("violates the following Content Security Policy" in each for each in blocked.complaints)
        assert shown(blocked.page) == shown(visit(report.path).page)

    def test_the_keyboard_moves_it_and_all_numbers_with_it(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        page.locator("#threshold").focus()
        at = page.evaluate("page.data.thresholds.at")
        for key, place in (("Home", 0), ("ArrowRight", 1), ("End", len(at) - 1), ("ArrowLeft", len(at) - 2)):
            page.keyboard.press(key)
            assert shown(page) == report.expected(at[place]), key
        assert page.locator("#threshold").get_attribute("aria-valuetext").startswith("0.999: precision ")

    def test_every_threshold_gives_the_counts_of_python(self, visit: Callable[..., Any], report: Report) -> None:
        """To the last question: scores of two digits stand on the very thresholds of the slider."""
        counted = visit(report.path).page.evaluate("page.data.thresholds.at.map((_, place) => explorer.outcome(place))")
        assert len(counted) == 1_002  # 1,001 steps, and one threshold that lies between two of them
        for each in counted:
            expected = confusion(report.label, report.score, threshold=each["threshold"])
            assert {cell: each[cell] for cell in expected} == expected, each["threshold"]

    def test_a_policy_and_the_chart_move_it(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        page.get_by_role("button", name="Best F1").click()
        assert shown(page) == report.expected(0.61)
        chart = page.locator("#explorer svg.canvas")
        box = chart.bounding_box()
        chart.click(position={"x": box["width"] - 14, "y": box["height"] / 2})
        assert shown(page) == report.expected(1.0)

    def test_the_dot_on_the_curves_goes_with_it(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        dot = page.locator("#precision-recall-chart circle.threshold")
        before = float(dot.get_attribute("cx"))
        page.locator("#threshold").press("Home")
        assert float(dot.get_attribute("cx")) > before  # all are flagged, so recall is 1
        assert dot.is_visible()
        page.locator("#threshold").press("End")
        assert dot.is_hidden()  # none is flagged, so there is no precision


class TestCurves:
    @staticmethod
    def readout(page: Any, chart: str) -> tuple[str, list[str]]:
        table = page.locator(f"#{chart} .readout")
        return table.locator("thead th").last.inner_text(), table.locator("tbody td:last-child").all_inner_texts()

    def test_tell_what_is_under_the_mouse(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        chart = page.locator("#roc-chart svg.canvas")
        box = chart.bounding_box()
        chart.hover(position={"x": box["width"] - 14, "y": 50})
        assert self.readout(page, "roc-chart") == (
            "True positive rate at false positive rate 1.00",
            ["1.000"] * len(CANDIDATES),
        )
        chart.hover(position={"x": 46 + (box["width"] - 60) / 2, "y": 50})
        assert self.readout(page, "roc-chart")[0] == "True positive rate at false positive rate 0.50"

    def test_precision_at_a_recall_is_that_of_python(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        chart = page.locator("#precision-recall-chart svg.canvas")
        chart.focus()
        for _ in range(3):
            page.keyboard.press("PageUp")
        recall = int(chart.get_attribute("aria-valuenow")) / 100
        assert recall == 0.65
        points = page.evaluate("page.data.precision_recall")
        title, values = self.readout(page, "precision-recall-chart")
        assert title == f"Precision at recall {recall:.2f}"
        assert values == [self.precision_at(recall, curve) for curve in points]
        assert f"Recall 0.65: Class prior, precision {values[0]}; " in chart.get_attribute("aria-valuetext")
        page.keyboard.press("End")
        assert self.readout(page, "precision-recall-chart")[1] == [self.precision_at(1, curve) for curve in points]

    @staticmethod
    def precision_at(recall: float, curve: dict[str, list[float]]) -> str:
        """The precision of the strictest threshold that reaches a recall, as the page shows it."""
        points = zip(curve["x"], curve["y"], strict=True)
        return f"{next(precision for reached, precision in points if reached >= recall):.3f}"

    def test_ends_are_where_the_keys_say(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        for chart in page.locator("svg.canvas[role=slider]").all():
            chart.focus()
            for key, attribute in (
                ("End", "aria-valuemax"),
                ("ArrowRight", "aria-valuemax"),
                ("Home", "aria-valuemin"),
            ):
                page.keyboard.press(key)
                assert chart.get_attribute("aria-valuenow") == chart.get_attribute(attribute)
                assert chart.get_attribute("aria-valuetext")

    def test_candidates_are_compared_by_the_metric_asked_for(self, visit: Callable[..., Any], report: Report) -> None:
        page = visit(report.path).page
        for metric in ("average_precision", "log_loss"):
            page.locator("#candidates-chart select").select_option(metric)
            rows = page.locator("#candidates-chart .row .value").all_inner_texts()[: len(CANDIDATES)]
            assert rows == [
                "{:.3f} [{:.3f}, {:.3f}]".format(results["test"][metric], *results["test"][f"{metric}_interval"])
                for results in report.metrics["candidates"].values()
            ]


def test_numbers_are_written_as_python_writes_them(visit: Callable[..., Any], report: Report) -> None:
    values = [0.0625, 0.1875, 0.0005, 0.0015, 0.15, 1.25, 1.35, 2.5, 3.5, 188.25, 0, 1, 1e-9, 0.9995, 76.05, 0.125]
    for digits in (0, 1, 2, 3):
        written = visit(report.path).page.evaluate(f"{json.dumps(values)}.map((each) => page.fixed(each, {digits}))")
        assert written == [f"{value:.{digits}f}" for value in values]


def test_hostile_texts_stay_texts(visit: Callable[..., Any], tmp_path: Path) -> None:
    made = make_report(tmp_path, HOSTILE, site=HOSTILE[1], tag=HOSTILE[2])
    opened = visit(made.path, width=390)
    page = opened.page
    page.wait_for_selector("#learning-curve-chart svg circle")
    page.locator("#slices-chart select").select_option("recall")
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.evaluate("document.querySelectorAll('main *').forEach((each) => each.dispatchEvent(new Event('mouseover')))")
    assert opened.complaints == []  # whatever had tried to run would have met the policy, which complains
    assert opened.outside_requests == []
    assert page.locator("img, iframe, base, main script, main style, textarea, main meta").count() == 0
    attributes = "[...document.querySelectorAll('*')].flatMap((each) => each.getAttributeNames())"
    assert [name for name in page.evaluate(attributes) if name.startswith("on") or name == "srcdoc"] == []
    links = page.evaluate("[...document.querySelectorAll('main a')].map((each) => each.href)")
    assert {link.partition("://")[0] for link in links} == {"https"}
    assert not any("evil" in link for link in links)
    assert page.locator("h1").inner_text() == f"Is a question about {HOSTILE[2]}?"
    titles = page.locator(".mistakes h4").all_inner_texts()
    assert titles[0] == HOSTILE[0]
    assert titles[8].count("\N{REPLACEMENT CHARACTER}") == 4
    # nothing turns the writing around beyond a text of its own
    assert not page.evaluate("/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.documentElement.textContent)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390  # nor do they break the layout
    assert shown(page) == made.expected(made.threshold["threshold"])


def test_prints_in_light_and_without_what_is_to_be_clicked(visit: Callable[..., Any], report: Report) -> None:
    page = visit(report.path, colour_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    for clicked in (".contents", "select", "input[type=range]", "summary"):
        assert not page.locator(clicked).first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".plot svg").first.is_visible()
