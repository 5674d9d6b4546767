"""Nodes of the error analysis."""

import re
from typing import Any, NamedTuple

import pandas as pd

from question_classification.pipelines.error_analysis.parameters import ErrorAnalysisParameters
from question_classification.pipelines.modelling.parameters import Candidate, TextParameters
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.tags import parse_tags
from question_classification.text.tokenized import TokenizedQuestions

_DIGITS = 6  # the same on every processor
_EXCERPT = 1200  # characters of a question's prose, and of its code, that stand beside the terms of a mistake
_BLANK_LINES = re.compile(r"\s*\n\s*")
_ATTRIBUTION = ["link", "owner_display_name", "owner_link", "content_license"]


class LearningCurve(NamedTuple):
    """Average precision by number of training questions, and what each fit took, for MLflow."""

    learning_curve: pd.DataFrame
    fit_seconds: dict[str, list[dict[str, float]]]


class LabelNoise(NamedTuple):
    """The tags that go with the target, and what is left of the errors without the labels in doubt."""

    neighbour_tags: pd.DataFrame
    label_noise: pd.DataFrame


def explain_model(
    model: Any, tokenized_train_set: TokenizedQuestions, parameters: ErrorAnalysisParameters
) -> pd.DataFrame:
    """Find the terms of each field that speak the most for the target, and against it; see `strongest_terms`."""
    from question_classification.models.explanations import explain, strongest_terms

    return strongest_terms(explain(model, tokenized_train_set), most=parameters.terms)


def explain_mistakes(
    model: Any,
    test_set: pd.DataFrame,
    test_scores: pd.DataFrame,
    text: TextParameters,
    parameters: ErrorAnalysisParameters,
) -> list[dict[str, Any]]:
    """Find the most confident mistakes on the test set, and the terms that made them.

    Returns:
        Others with the highest scores, then questions of the target with the lowest: `question_id`, `title`, whose it
        is, `is_target`, `score`; how its `prose` and its `code` begin, with formulas as they were written; and `terms`,
        each with `field`, `term` and `contribution` to the log-odds before calibration.
    """
    import numpy as np

    from question_classification.models.explanations import break_down, explain
    from question_classification.models.questions import Tokenize
    from question_classification.models.slices import most_confident_mistakes
    from question_classification.text.html import split_body

    rows = np.concatenate(
        most_confident_mistakes(
            test_scores["is_target"].to_numpy(), test_scores["score"].to_numpy(), most=parameters.mistakes
        )
    )
    questions = test_set.iloc[rows].reset_index(drop=True)
    tokenized = Tokenize(formulas=text.formulas).transform(questions)
    lines = break_down(explain(model, tokenized), most=parameters.terms_of_a_mistake).round(_DIGITS)
    terms = {row: part.drop(columns="row").to_dict("records") for row, part in lines.groupby("row")}
    mistakes = questions[["question_id", "title", *_ATTRIBUTION, "is_target"]].assign(
        score=test_scores["score"].to_numpy()[rows].round(_DIGITS)
    )
    records = mistakes.astype(object).where(mistakes.notna(), None).to_dict("records")
    bodies = map(split_body, questions["body"])
    return [
        {**record, "prose": _begin(_BLANK_LINES.sub("\n", body.prose)), "code": _begin(body.code), "terms": terms[row]}
        for row, (record, body) in enumerate(zip(records, bodies, strict=True))
    ]


def _begin(text: str) -> str:
    """Return how a text begins, up to the end of a word, and whether it goes on."""
    if len(text) <= _EXCERPT:
        return text
    words = text[: _EXCERPT + 1].rsplit(maxsplit=1)[0]
    return f"{words[:_EXCERPT].rstrip()} \N{HORIZONTAL ELLIPSIS}"


def export_selected_model(
    model: Any,
    tokenized_questions: TokenizedQuestions,
    selection: dict[str, Any],
    threshold: dict[str, Any],
    target: dict[str, str],
    parameters: ErrorAnalysisParameters,
) -> dict[str, Any]:
    """Make plain data of the selected candidate, from which a page can score a question.

    Args:
        model: the selected candidate.
        tokenized_questions: those on which its error is measured.
        selection: which candidate it is.
        threshold: from which probability on a question counts as about the target.
        target: what the labels mean.
        parameters: how large it may be, and how far off.

    Returns:
        `target_tag`, `candidate`, `threshold`, and `model`, as `models.export.export_model` returns it; None if it
        would be too large, and the `reason`.
    """
    from question_classification.models.export import ModelTooLargeError, export_model

    exported, reason = None, None
    try:
        exported = export_model(model, tokenized_questions, **parameters.exported_model.model_dump())
    except ModelTooLargeError as error:
        reason = str(error)
    return {
        "target_tag": target["target_tag"],
        "candidate": selection["candidate"],
        "threshold": threshold["threshold"],
        "model": exported,
        "reason": reason,
    }


def measure_slices(
    test_set: pd.DataFrame, test_scores: pd.DataFrame, threshold: dict[str, Any], parameters: ErrorAnalysisParameters
) -> pd.DataFrame:
    """Measure the selected candidate on parts of the test set: by year, length, answers, code and formulas.

    Returns:
        As `models.slices.by_slice`.
    """
    from question_classification.models.slices import by_slice, question_slices

    return by_slice(
        test_scores["is_target"].to_numpy(),
        test_scores["score"].to_numpy(),
        question_slices(test_set),
        threshold=threshold["threshold"],
        **parameters.interval.model_dump(),
    )


def assess_label_noise(
    questions: pd.DataFrame,
    train_set: pd.DataFrame,
    test_scores: pd.DataFrame,
    threshold: dict[str, Any],
    target: dict[str, str],
    parameters: ErrorAnalysisParameters,
) -> LabelNoise:
    """Ask how many of the errors on the test set are noise in the labels.

    Returns:
        The neighbour tags, found in the training set; and per kind of rows that are left out their number, how many of
        them are false positives at the threshold, and the average precision without them.

    Raises:
        InputError: the sets were made from other questions.
    """
    from question_classification.models.label_noise import (
        average_precision_without,
        find_label_errors,
        find_neighbour_tags,
        has_any_tag,
    )

    tags = questions.set_index("question_id")["tags"].map(parse_tags)
    if not train_set["question_id"].isin(tags.index).all():
        raise InputError(
            "train_set: it was made from other questions than those of 02_intermediate; run `kedro run`, or bring what "
            "belongs together by `dvc checkout --force`."
        )
    neighbours = find_neighbour_tags(
        tags[train_set["question_id"]].tolist(),
        train_set["is_target"],
        target=target["target_tag"],
        **parameters.neighbour_tags.model_dump(),
    )
    label, score = test_scores["is_target"].to_numpy(), test_scores["score"].to_numpy()
    with_neighbour = has_any_tag(tags[test_scores["question_id"]].tolist(), neighbours["tag"].tolist())
    left_out = {"with a neighbour tag": ~label & with_neighbour, "suspected": find_label_errors(label, score)}
    table = average_precision_without(label, score, left_out, **parameters.interval.model_dump())
    flagged = score >= threshold["threshold"]
    table["false_positives"] = [0, *(int((flagged & ~label & rows).sum()) for rows in left_out.values())]
    table.loc[0, "false_positives"] = int((flagged & ~label).sum())
    return LabelNoise(neighbours, table)


def trace_learning_curve(
    hyperparameters: dict[str, Any],
    tokenized_train_set: TokenizedQuestions,
    out_of_fold_scores: pd.DataFrame,
    target: dict[str, str],
    text: TextParameters,
    parameters: ErrorAnalysisParameters,
) -> LearningCurve:
    """Measure the selected candidate with fewer training questions.

    Args:
        hyperparameters: of the selected candidate, and its kind.
        tokenized_train_set: the training set.
        out_of_fold_scores: of the cross-validation by which it was selected, and its folds.
        target: what the labels mean.
        text: how texts are read.
        parameters: on how many of these folds.

    Returns:
        Per held-out fold and number of training questions the average precision; and what each fit took, in seconds of
        processor time, with the number of training questions as the step.
    """
    from question_classification.models.learning_curve import learning_curve

    candidate = Candidate.model_validate(hyperparameters)
    fold = out_of_fold_scores["fold"].to_numpy()
    curve = learning_curve(
        candidate.root.build(target["target_tag"], text.formulas),
        tokenized_train_set.select(candidate.root.input_columns()),
        tokenized_train_set.frame["is_target"].to_numpy(),
        fold,
        held_out=range(min(parameters.learning_curve.folds, int(fold.max()) + 1)),
        out_of_fold=out_of_fold_scores["score"].to_numpy(),
        seed=parameters.learning_curve.seed,
    )
    timed = curve.dropna().groupby("share")[["train_size", "fit_seconds"]].mean()
    return LearningCurve(
        curve.drop(columns="fit_seconds"),
        {"fit_seconds": [{"value": row.fit_seconds, "step": round(row.train_size)} for row in timed.itertuples()]},
    )
