"""What the charts of the report are drawn from: plain numbers, in JSON, which the page itself holds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from question_classification.models.power_law import extrapolate
from question_classification.models.thresholds import count_between
from question_classification.pipelines.candidates import CANDIDATES
from question_classification.pipelines.reporting.names import (
    CANDIDATE_NAMES,
    METRIC_NAMES,
    SLICE_NAMES,
    describe_policy,
)

_DIGITS = 6
_STEPS = 1000  # of the threshold
_SLICE_METRICS = ("precision", "recall", "average_precision")
_LOSSES = ("log_loss", "brier_score")


def count_by_period(created: pd.Series, is_target: pd.Series) -> pd.DataFrame:
    """Count questions by the month of their creation, in UTC.

    Returns:
        Columns month (as 2016-03), questions, positives; a row for every month from the first to the last.
    """
    month = created.dt.tz_localize(None).dt.to_period("M")
    counts = is_target.groupby(month.to_numpy()).agg(questions="size", positives="sum")
    every = pd.period_range(counts.index.min(), counts.index.max(), freq="M", name="month")
    return counts.reindex(every, fill_value=0).astype("int64").reset_index().astype({"month": str})


def describe_charts(
    metrics: Mapping[str, Any],
    questions_by_month: pd.DataFrame,
    curves: Sequence[pd.DataFrame],
    threshold: Mapping[str, Any],
    test_scores: pd.DataFrame,
    reliability_points: pd.DataFrame,
    slices: pd.DataFrame,
    learning_curve: pd.DataFrame,
) -> dict[str, Any]:
    """Return the points of every chart, by its name; a number that is not known is None.

    Args:
        metrics: the record of the run.
        questions_by_month: from `count_by_period`.
        curves: precision-recall curves, then ROC curves, each in the order of the candidates.
        threshold: the chosen one, and that of each policy.
        test_scores: of the selected candidate, from which the page counts what a threshold gives.
        reliability_points: of the selected candidate.
        slices: of the selected candidate.
        learning_curve: of the selected candidate.
    """
    measured = metrics["selected"][metrics["split"]["kind"]]
    precision_recall, roc = curves[: len(CANDIDATES)], curves[len(CANDIDATES) :]
    return {
        "level": metrics["interval_level"],
        "months": {column: questions_by_month[column].tolist() for column in questions_by_month},
        "candidates": [
            {"name": CANDIDATE_NAMES[candidate], "selected": candidate == metrics["selected"]["candidate"]}
            for candidate in CANDIDATES
        ],
        "metrics": _compare(metrics, prevalence=measured["positives"] / measured["rows"]),
        "precision_recall": [_columns(points, x="recall", y="precision") for points in precision_recall],
        "roc": [_columns(points, x="false_positive_rate", y="true_positive_rate") for points in roc],
        "thresholds": _explore(threshold, test_scores),
        "reliability": _records(reliability_points),
        "slices": {metric: _compare_slices(slices, metric) for metric in _SLICE_METRICS},
        "learning_curve": []
        if learning_curve.empty
        else _records(extrapolate(learning_curve, level=metrics["interval_level"])),
    }


def _compare(metrics: Mapping[str, Any], *, prevalence: float) -> dict[str, Any]:
    references = {
        "average_precision": {"value": round(prevalence, _DIGITS), "name": "guessing"},
        "roc_auc": {"value": 0.5, "name": "guessing"},
    }
    return {
        metric: {
            "name": name,
            "better": "lower" if metric in _LOSSES else "higher",
            "reference": references.get(metric),
            "values": [
                [results["test"][metric], *results["test"][f"{metric}_interval"]]
                for results in metrics["candidates"].values()
            ],
        }
        for metric, name in METRIC_NAMES.items()
    }


def _explore(threshold: Mapping[str, Any], test_scores: pd.DataFrame) -> dict[str, Any]:
    """Return the rows of each class between the thresholds that the page offers: even steps, and those of the policies.

    As no other threshold can be asked for, the page counts as exactly as from all scores, of any number of questions.
    """
    policies = threshold["policies"]
    at = np.unique([*np.arange(_STEPS + 1) / _STEPS, *(each["threshold"] for each in policies.values())])
    positives, negatives = count_between(test_scores["is_target"], test_scores["score"], at)
    return {
        "at": at.tolist(),
        "positives": positives.tolist(),
        "negatives": negatives.tolist(),
        "chosen": int(np.searchsorted(at, threshold["threshold"])),
        "policies": [
            {
                "name": describe_policy(policy, chosen["aim"]),
                "place": int(np.searchsorted(at, chosen["threshold"])),
                "chosen": policy == threshold["policy"],
            }
            for policy, chosen in policies.items()
        ],
    }


def _compare_slices(slices: pd.DataFrame, metric: str) -> dict[str, Any]:
    return {
        "name": METRIC_NAMES[metric],
        "groups": [
            {
                "name": SLICE_NAMES[dimension],
                "rows": [
                    {
                        "name": row["slice"],
                        "value": _number(row[metric]),
                        "low": _number(row[f"{metric}_low"]),
                        "high": _number(row[f"{metric}_high"]),
                    }
                    for row in part.to_dict("records")
                ],
            }
            for dimension, part in slices.groupby("dimension", sort=False)
        ],
    }


def _columns(points: pd.DataFrame, **names: str) -> dict[str, list[float]]:
    return {axis: points[column].astype(float).round(_DIGITS).tolist() for axis, column in names.items()}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(column): _number(value) for column, value in row.items()} for row in table.to_dict("records")]


def _number(value: Any) -> Any:
    """Round a number to what is the same on every processor; None where there is none."""
    if not isinstance(value, float):
        return value
    return round(value, _DIGITS) if math.isfinite(value) else None
