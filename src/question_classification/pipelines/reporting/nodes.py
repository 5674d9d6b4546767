"""Nodes of the reporting."""

from typing import Any, NamedTuple

import pandas as pd

from question_classification.pipelines.modelling.pipeline import CANDIDATES
from question_classification.pipelines.reporting.parameters import ReportingParameters

_DIGITS = 6  # of a metric on record: far finer than its interval, coarser than what differs between processors


class CandidateEvaluation(NamedTuple):
    """What is known of one candidate."""

    evaluation: dict[str, Any]
    precision_recall_curve: pd.DataFrame
    roc_curve: pd.DataFrame
    mlflow_metrics: dict[str, dict[str, float]]


def evaluate_candidate(
    train_scores: pd.DataFrame, test_scores: pd.DataFrame, parameters: ReportingParameters
) -> CandidateEvaluation:
    """Judge a candidate by its scores.

    Returns:
        The metrics on `train` and `test`, those on test each with its `<metric>_interval`, and the confusion matrix
        on test; the points of both curves on test; and the metrics in the form in which MLflow takes them.
    """
    from question_classification.models.metrics import (
        bootstrap_intervals,
        confusion,
        precision_recall_points,
        roc_points,
        score_metrics,
    )

    threshold, interval = parameters.threshold, parameters.interval
    y_true, y_score = test_scores["is_target"].to_numpy(), test_scores["score"].to_numpy()
    train = score_metrics(train_scores["is_target"].to_numpy(), train_scores["score"].to_numpy(), threshold=threshold)
    test = score_metrics(y_true, y_score, threshold=threshold)
    intervals = bootstrap_intervals(
        y_true,
        y_score,
        threshold=threshold,
        resamples=interval.resamples,
        level=interval.level,
        seed=interval.seed,
    )
    test_record: dict[str, Any] = {}
    for metric, value in test.items():
        test_record[metric] = round(value, _DIGITS)
        test_record[f"{metric}_interval"] = [round(bound, _DIGITS) for bound in intervals[metric]]
    evaluation = {
        "train": {metric: round(value, _DIGITS) for metric, value in train.items()},
        "test": test_record,
        "confusion": confusion(y_true, y_score, threshold=threshold),
    }
    return CandidateEvaluation(
        evaluation,
        precision_recall_points(y_true, y_score, most=parameters.curve_points),
        roc_points(y_true, y_score, most=parameters.curve_points),
        {
            f"{split}.{metric}": {"value": value, "step": 0}
            for split, values in (("train", train), ("test", test))
            for metric, value in values.items()
        },
    )


def collect_metrics(
    data_quality: dict[str, Any],
    question_labels: pd.DataFrame,
    target: dict[str, str],
    parameters: ReportingParameters,
    *evaluations: dict[str, Any],
) -> dict[str, Any]:
    """Bring together what the data was and how every candidate did.

    Returns:
        `data`: source, site, target_tag, match, rows, positives, differing_labels (by the exact and the substring
        rule), first and last creation date, and the DVC hash of the raw layer; `threshold`; `interval_level`;
        `candidates`: `train` and `test` metrics by name.
    """
    differing = question_labels["has_target_tag"] != question_labels["contains_target_tag"]
    return {
        "data": {
            "source": data_quality["source"],
            "site": data_quality["site"],
            "target_tag": target["target_tag"],
            "match": target["match"],
            "rows": len(question_labels),
            "positives": int(question_labels["is_target"].sum()),
            "differing_labels": int(differing.sum()),
            "first_creation_date": data_quality["first_creation_date"],
            "last_creation_date": data_quality["last_creation_date"],
            "raw_questions_md5": data_quality["raw_questions"]["md5"],
        },
        "threshold": parameters.threshold,
        "interval_level": parameters.interval.level,
        "candidates": {
            candidate: {"train": evaluation["train"], "test": evaluation["test"]}
            for candidate, evaluation in zip(CANDIDATES, evaluations, strict=True)
        },
    }


def draw_precision_recall(metrics: dict[str, Any], *curves: pd.DataFrame) -> bytes:
    """Draw the precision-recall curves of all candidates on the test set, with the prevalence line, as PNG."""
    from question_classification.pipelines.reporting.figures import draw_curves

    prevalence = metrics["data"]["positives"] / metrics["data"]["rows"]
    return draw_curves(
        metrics,
        curves,
        x="recall",
        y="precision",
        metric="average_precision",
        drawstyle="steps-pre",
        reference=([0, 1], [prevalence, prevalence], f"prevalence {prevalence:.3f}"),
    )


def draw_roc(metrics: dict[str, Any], *curves: pd.DataFrame) -> bytes:
    """Draw the ROC curves of all candidates on the test set, with the line of chance, as PNG."""
    from question_classification.pipelines.reporting.figures import draw_curves

    return draw_curves(
        metrics,
        curves,
        x="false_positive_rate",
        y="true_positive_rate",
        metric="roc_auc",
        reference=([0, 1], [0, 1], "chance 0.500"),
    )


def draw_confusion_matrices(metrics: dict[str, Any], *evaluations: dict[str, Any]) -> bytes:
    """Draw the confusion matrix of each candidate on the test set, as PNG."""
    from question_classification.pipelines.reporting.figures import draw_confusions

    return draw_confusions(metrics, [evaluation["confusion"] for evaluation in evaluations])


def write_report(
    metrics: dict[str, Any],
    data_quality: dict[str, Any],
    parameters: ReportingParameters,
    precision_recall_figure: bytes,
    roc_figure: bytes,
    confusion_figure: bytes,
) -> str:
    """Write one self-contained HTML page: what was found, and what it rests on."""
    from question_classification.pipelines.reporting.report import render_report

    return render_report(
        metrics,
        data_quality,
        parameters,
        figures={
            "precision_recall": precision_recall_figure,
            "roc": roc_figure,
            "confusion": confusion_figure,
        },
    )
