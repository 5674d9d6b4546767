"""Nodes of the reporting."""

from typing import Any, NamedTuple

import pandas as pd

from question_classification.pipelines.candidates import CANDIDATES
from question_classification.pipelines.reporting.parameters import ReportingParameters

_DIGITS = 6  # of a metric on record: far finer than its interval, coarser than what differs between processors


class CandidateEvaluation(NamedTuple):
    """What is known of one candidate."""

    evaluation: dict[str, Any]
    precision_recall_curve: pd.DataFrame
    roc_curve: pd.DataFrame
    mlflow_metrics: dict[str, dict[str, float]]


class SelectedEvaluation(NamedTuple):
    """What is known of the selected candidate, calibrated, at its threshold."""

    evaluation: dict[str, Any]
    reliability_points: pd.DataFrame
    mlflow_metrics: dict[str, dict[str, float]]


def evaluate_candidate(
    train_scores: pd.DataFrame, test_scores: pd.DataFrame, parameters: ReportingParameters
) -> CandidateEvaluation:
    """Judge a candidate by its scores.

    Returns:
        The metrics on `train` and `test`, those on test each with its `<metric>_interval`, and the confusion matrix
        on test; the points of both curves on test; and the metrics in the form in which MLflow takes them.
    """
    from question_classification.models.metrics import confusion, precision_recall_points, roc_points, score_metrics

    y_true, y_score = _split_columns(test_scores)
    train = score_metrics(*_split_columns(train_scores), threshold=parameters.threshold)
    test = _measure(test_scores, parameters.threshold, parameters)
    evaluation = {
        "train": {metric: round(value, _DIGITS) for metric, value in train.items()},
        "test": test,
        "confusion": confusion(y_true, y_score, threshold=parameters.threshold),
    }
    return CandidateEvaluation(
        evaluation,
        precision_recall_points(y_true, y_score, most=parameters.curve_points),
        roc_points(y_true, y_score, most=parameters.curve_points),
        _for_mlflow({"train": train, "test": test}),
    )


def evaluate_selected(
    test_scores: pd.DataFrame,
    other_split_scores: pd.DataFrame,
    threshold: dict[str, Any],
    split: dict[str, Any],
    parameters: ReportingParameters,
) -> SelectedEvaluation:
    """Judge the selected candidate on both splits, at its threshold.

    Returns:
        By kind of split the metrics on its test set, each with its `<metric>_interval`, with the recall at a precision
        and the expected calibration error; None where a split has no test set. And what each policy gives on the test
        set, per 1,000 questions. The points of the reliability curve. The metrics in the form in which MLflow takes
        them.
    """
    from question_classification.models.reliability import reliability_points
    from question_classification.models.thresholds import outcome_per_thousand

    y_true, y_score = _split_columns(test_scores)
    by_split = {
        split["kind"]: _measure_selected(test_scores, threshold["threshold"], parameters),
        split["other"]: _measure_selected(other_split_scores, threshold["threshold"], parameters)
        if len(other_split_scores)
        else None,
    }
    outcomes = {
        policy: {**chosen, **outcome_per_thousand(y_true, y_score, chosen["threshold"])}
        for policy, chosen in threshold["policies"].items()
    }
    points = reliability_points(y_true, y_score, parameters.reliability_bins, level=parameters.interval.level)
    return SelectedEvaluation(
        {"by_split": by_split, "policies": outcomes},
        points,
        _for_mlflow({kind: measured for kind, measured in by_split.items() if measured}),
    )


def _measure(scores: pd.DataFrame, threshold: float, parameters: ReportingParameters) -> dict[str, Any]:
    """Return every metric, each followed by its interval."""
    from question_classification.models.metrics import bootstrap_intervals, score_metrics

    interval = parameters.interval
    values = score_metrics(*_split_columns(scores), threshold=threshold)
    intervals = bootstrap_intervals(
        *_split_columns(scores),
        threshold=threshold,
        resamples=interval.resamples,
        level=interval.level,
        seed=interval.seed,
    )
    measured: dict[str, Any] = {}
    for metric, value in values.items():
        measured[metric] = round(value, _DIGITS)
        measured[f"{metric}_interval"] = [round(bound, _DIGITS) for bound in intervals[metric]]
    return measured


def _measure_selected(scores: pd.DataFrame, threshold: float, parameters: ReportingParameters) -> dict[str, Any]:
    from question_classification.models.metrics import recall_at_precision
    from question_classification.models.reliability import (
        expected_calibration_error,
        expected_calibration_error_interval,
    )

    y_true, y_score = _split_columns(scores)
    bins, interval = parameters.reliability_bins, parameters.interval
    error_interval = expected_calibration_error_interval(
        y_true, y_score, bins, resamples=interval.resamples, level=interval.level, seed=interval.seed
    )
    return {
        "rows": len(scores),
        "positives": int(y_true.sum()),
        **_measure(scores, threshold, parameters),
        "recall_at_precision": round(recall_at_precision(y_true, y_score, parameters.precision), _DIGITS),
        "expected_calibration_error": round(expected_calibration_error(y_true, y_score, bins), _DIGITS),
        "expected_calibration_error_interval": [round(bound, _DIGITS) for bound in error_interval],
    }


def _split_columns(scores: pd.DataFrame) -> tuple[Any, Any]:
    return scores["is_target"].to_numpy(), scores["score"].to_numpy()


def _for_mlflow(measured: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the numbers, without their intervals, as kedro-mlflow takes them."""
    return {
        f"{name}.{metric}": {"value": value, "step": 0}
        for name, values in measured.items()
        for metric, value in values.items()
        if not isinstance(value, list)
    }


def collect_metrics(
    data_quality: dict[str, Any],
    question_labels: pd.DataFrame,
    target: dict[str, str],
    split: dict[str, Any],
    selection: dict[str, Any],
    calibration: dict[str, Any],
    threshold: dict[str, Any],
    selected: dict[str, Any],
    parameters: ReportingParameters,
    *evaluations: dict[str, Any],
) -> dict[str, Any]:
    """Bring together what the data was, how every candidate did, and which was selected.

    Returns:
        `data`: source, site, target_tag, match, rows, positives, differing_labels (by the exact and the substring
        rule), first and last creation date, and the DVC hash of the raw layer; `threshold`; `interval_level`;
        `candidates`: `train` and `test` metrics by name, and those in cross-validation of the ones that may be
        selected; `selected`: candidate, threshold, policy, calibration, and by kind of split the metrics on its test
        set; `split`: the kinds, and near-duplicates.
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
        "split": split,
        "selected": {
            "candidate": selection["candidate"],
            "threshold": round(threshold["threshold"], _DIGITS),
            "policy": threshold["policy"],
            "calibration": _round(calibration),
            **selected["by_split"],
        },
        "candidates": {
            candidate: {
                "train": evaluation["train"],
                "test": evaluation["test"],
                "cross_validation": _round(selection["cross_validation"].get(candidate)),
            }
            for candidate, evaluation in zip(CANDIDATES, evaluations, strict=True)
        },
    }


def _round(record: Any) -> Any:
    """Round the numbers of a record to what is the same on every processor."""
    if isinstance(record, dict):
        return {key: _round(value) for key, value in record.items()}
    return round(record, _DIGITS) if isinstance(record, float) else record


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


def draw_reliability(metrics: dict[str, Any], reliability_points: pd.DataFrame) -> bytes:
    """Draw how often the probabilities of the selected candidate come true on the test set, as PNG."""
    from question_classification.pipelines.reporting.figures import draw_reliability_curve

    return draw_reliability_curve(metrics, reliability_points)


def draw_learning_curve(metrics: dict[str, Any], learning_curve: pd.DataFrame) -> bytes:
    """Draw what more training questions would bring to the selected candidate, as PNG."""
    from question_classification.pipelines.reporting.figures import draw_learning_curve

    return draw_learning_curve(metrics, learning_curve)


def count_by_month(questions: pd.DataFrame, question_labels: pd.DataFrame) -> pd.DataFrame:
    """Count the questions and those about the target by the month of their creation; see `charts.count_by_period`."""
    from question_classification.pipelines.reporting.charts import count_by_period

    labelled = questions[["question_id", "creation_date"]].merge(question_labels, on="question_id")
    return count_by_period(labelled["creation_date"], labelled["is_target"])


def collect_chart_points(
    metrics: dict[str, Any],
    questions_by_month: pd.DataFrame,
    threshold: dict[str, Any],
    test_scores: pd.DataFrame,
    reliability_points: pd.DataFrame,
    slices: pd.DataFrame,
    learning_curve: pd.DataFrame,
    *curves: pd.DataFrame,
) -> dict[str, Any]:
    """Bring together what the charts of the report are drawn from; see `charts.describe_charts`."""
    from question_classification.pipelines.reporting.charts import describe_charts

    return describe_charts(
        metrics, questions_by_month, curves, threshold, test_scores, reliability_points, slices, learning_curve
    )


def write_report(
    metrics: dict[str, Any],
    data_quality: dict[str, Any],
    selected: dict[str, Any],
    hyperparameters: dict[str, Any],
    strongest_terms: pd.DataFrame,
    mistakes: list[dict[str, Any]],
    slices: pd.DataFrame,
    neighbour_tags: pd.DataFrame,
    label_noise: pd.DataFrame,
    chart_points: dict[str, Any],
    exported_model: dict[str, Any],
    run_identity: dict[str, Any],
    parameters: ReportingParameters,
) -> str:
    """Write one self-contained HTML page: what was found, and what it rests on."""
    from question_classification.pipelines.reporting.report import Analysis, render_report

    analysis = Analysis(strongest_terms, mistakes, slices, neighbour_tags, label_noise)
    return render_report(
        metrics,
        data_quality,
        selected,
        hyperparameters,
        analysis,
        chart_points,
        exported_model,
        run_identity,
        parameters,
    )


def write_model_card(
    metrics: dict[str, Any],
    selected: dict[str, Any],
    hyperparameters: dict[str, Any],
    slices: pd.DataFrame,
    label_noise: pd.DataFrame,
    parameters: ReportingParameters,
) -> str:
    """Write what the selected model is for, how good it is and where it errs, as Markdown."""
    from question_classification.pipelines.reporting.cards import render_model_card

    return render_model_card(metrics, selected, hyperparameters, slices, label_noise, parameters)


def write_data_card(
    metrics: dict[str, Any], data_quality: dict[str, Any], questions: pd.DataFrame, question_labels: pd.DataFrame
) -> str:
    """Write where the questions come from, what they are and under which licence, as Markdown."""
    from question_classification.pipelines.reporting.cards import render_data_card

    return render_data_card(metrics, data_quality, questions, question_labels)
