"""Figures, drawn with matplotlib's objects (no global state), returned as PNG."""

import io
import math
from collections.abc import Sequence
from itertools import cycle
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure

from question_classification.models.power_law import extrapolate
from question_classification.pipelines.reporting.names import CANDIDATE_NAMES, METRIC_NAMES, describe_source

# The colours and dashes of the page (report.css), in light; the dashes help in print, and whoever sees fewer colours.
_STYLES = (
    ("#8a929c", (0, (1, 1.5))),
    ("#b07a00", (0, (4, 1.5))),
    ("#9a5c8f", (0, (1, 1.5))),
    ("#2f8468", "-"),
    ("#5f6fb5", (0, (4, 1.5))),
    ("#b4553f", "-"),
)
_SELECTED, _PREDICTED = "#0a5fb4", "#a84a00"
_DPI = 150


def draw_curves(
    metrics: dict[str, Any],
    curves: Sequence[pd.DataFrame],
    *,
    x: str,
    y: str,
    metric: str,
    reference: tuple[list[float], list[float], str],
    drawstyle: Literal["default", "steps-pre"] = "default",
) -> bytes:
    """Draw a curve per candidate.

    Args:
        metrics: the record of the run.
        curves: the points of each candidate, in the order of the record.
        x: column of the horizontal axis.
        y: column of the vertical axis.
        metric: the area under the curve, named in the legend with its interval.
        reference: x, y and label of a grey line to compare with.
        drawstyle: how points are joined; precision is a step function of recall, see Davis and Goadrich (2006).
    """
    figure = Figure(figsize=(7.2, 6.2), layout="constrained")
    axes = figure.add_subplot()
    for (candidate, results), points, (colour, dashes) in zip(
        metrics["candidates"].items(), curves, cycle(_STYLES), strict=False
    ):
        low, high = results["test"][f"{metric}_interval"]
        label = f"{CANDIDATE_NAMES[candidate]}: {results['test'][metric]:.3f} [{low:.3f}, {high:.3f}]"
        style: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": 1.6}
        if candidate == metrics["selected"]["candidate"]:
            style = {"color": _SELECTED, "linewidth": 2.8}
        axes.plot(points[x], points[y], drawstyle=drawstyle, label=label, **style)
    axes.plot(reference[0], reference[1], color="black", linewidth=1, alpha=0.6, label=reference[2])
    axes.set(
        xlabel=_label(x),
        ylabel=_label(y),
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        title=_plain(
            f"Is a question about {metrics['data']['target_tag']}?\nTest set, {describe_source(metrics['data'])}"
        ),
    )
    axes.grid(alpha=0.25)
    figure.legend(
        loc="outside lower center",
        title=f"{METRIC_NAMES[metric]} with {metrics['interval_level']:.0%} interval",
        frameon=False,
    )
    return _to_png(figure)


def draw_confusions(metrics: dict[str, Any], confusions: Sequence[dict[str, int]]) -> bytes:
    """Draw a confusion matrix per candidate: questions of the test set, shaded by share of their row."""
    columns = math.ceil(len(confusions) / 2)
    figure = Figure(figsize=(3.6 * columns, 9), layout="constrained")
    for index, (candidate, confusion) in enumerate(zip(metrics["candidates"], confusions, strict=True), start=1):
        axes = figure.add_subplot(2, columns, index)
        table = [
            [confusion["true_negative"], confusion["false_positive"]],
            [confusion["false_negative"], confusion["true_positive"]],
        ]
        shares = [[cell / max(sum(row), 1) for cell in row] for row in table]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, (cells, row_shares) in enumerate(zip(table, shares, strict=True)):
            for column, (cell, share) in enumerate(zip(cells, row_shares, strict=True)):
                colour = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{cell:,}\n{share:.1%}", ha="center", va="center", color=colour, fontsize=12)
        axes.set_xticks([0, 1], ["other", "target"])
        axes.set_yticks([0, 1], ["other", "target"], rotation=90, va="center")
        axes.set(xlabel="predicted", title="\n".join(CANDIDATE_NAMES[candidate].split(", ")))
        if index % columns == 1:
            axes.set_ylabel("true")
    title = f"Test set before calibration, at threshold {metrics['threshold']}, {describe_source(metrics['data'])}"
    figure.suptitle(_plain(title), fontsize=11)
    return _to_png(figure)


def draw_reliability_curve(metrics: dict[str, Any], points: pd.DataFrame) -> bytes:
    """Draw the share of the target's questions by their probability, each bin of questions with its interval."""
    figure = Figure(figsize=(7.2, 6.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, alpha=0.6, label="as often as said")
    axes.errorbar(
        points["mean_score"],
        points["share_positive"],
        yerr=[points["share_positive"] - points["low"], points["high"] - points["share_positive"]],
        color=_SELECTED,
        marker="o",
        capsize=3,
        label=f"bins of about {points['n'].median():,.0f} questions, {metrics['interval_level']:.0%} interval",
    )
    most = min(1.0, 1.1 * max(points["high"].max(), points["mean_score"].max()))
    title = f"{_name_selected(metrics)}, {metrics['selected']['calibration']['method']} calibration"
    axes.set(
        xlabel="Probability of the target, mean of the bin",
        ylabel="Share of the target's questions",
        xlim=(-0.01, most),
        ylim=(-0.01, most),
        title=_plain(f"{title}\nTest set, {describe_source(metrics['data'])}"),
    )
    axes.title.set_wrap(True)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper left")
    return _to_png(figure)


def draw_learning_curve(metrics: dict[str, Any], curve: pd.DataFrame) -> bytes:
    """Draw average precision by the number of training questions: measured, and where the trend leads."""
    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel="Training questions", ylabel="Average precision on held-out folds of the training set")
    title = f"{_name_selected(metrics)}\nTraining set, {describe_source(metrics['data'])}"
    axes.set_title(_plain(title), wrap=True)
    if curve.empty:
        axes.text(0.5, 0.5, "too few questions to tell", ha="center", va="center", transform=axes.transAxes)
        return _to_png(figure)
    points = extrapolate(curve, level=metrics["interval_level"])
    measured, predicted = points[~points["extrapolated"]], points[points["extrapolated"]]
    for part, style, label in (
        (measured, {"color": _SELECTED, "marker": "o"}, "measured, mean of the folds"),
        (
            predicted,
            {"color": _PREDICTED, "marker": "o", "markerfacecolor": "white", "linestyle": ":"},
            "extrapolated, not measured",
        ),
    ):
        error = [part["average_precision"] - part["low"], part["high"] - part["average_precision"]]
        axes.errorbar(part["train_size"], part["average_precision"], error, capsize=3, label=label, **style)
    last = pd.concat([measured.tail(1), predicted.head(1)])
    axes.plot(last["train_size"], last["average_precision"], color=_PREDICTED, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks(points["train_size"], [f"{size:,}" for size in points["train_size"]], rotation=30)
    axes.minorticks_off()
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper left", title=f"{metrics['interval_level']:.0%} intervals")
    return _to_png(figure)


def _name_selected(metrics: dict[str, Any]) -> str:
    return CANDIDATE_NAMES[metrics["selected"]["candidate"]]


def _label(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _plain(text: str) -> str:
    """Keep matplotlib from reading a dollar sign as the start of a formula."""
    return text.replace("$", r"\$")


def _to_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
