"""Nodes of the feature engineering."""

import difflib
from typing import NamedTuple

import pandas as pd

from question_classification.pipelines.feature_engineering.parameters import FeatureEngineeringParameters
from question_classification.pipelines.parameters import RunParameters
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.tags import format_tags, parse_tags

_ATTRIBUTION = ["link", "owner_display_name", "owner_link", "content_license"]
_COUNTS = ["score", "view_count", "answer_count", "comment_count"]


class LabelledQuestions(NamedTuple):
    """The labels, and what they mean: `target_tag` and `match`."""

    question_labels: pd.DataFrame
    target: dict[str, str]


class Split(NamedTuple):
    """Features and label of the questions to learn from and of those to judge by."""

    train_set: pd.DataFrame
    test_set: pd.DataFrame


def label_questions(questions: pd.DataFrame, run: RunParameters) -> LabelledQuestions:
    """Say for each question whether it is about the target tag.

    Returns:
        A row per question, in the same order: `question_id`; `is_target`, the label by the rule of the run;
        `has_target_tag`, by the exact tag; `contains_target_tag`, by the original tutorial's rule. And the target that
        these labels were made for, which all that comes later goes by.

    Raises:
        InputError: no question is about the target tag; the message names the nearest tags that occur.
    """
    tags = questions["tags"]
    exact = tags.str.contains(format_tags([run.target_tag]), regex=False)
    contains = tags.str.contains(run.target_tag, regex=False)
    is_target = exact if run.match == "exact" else contains
    if not is_target.any():
        raise InputError(_explain_absent_tag(run.target_tag, tags))
    labels = pd.DataFrame(
        {
            "question_id": questions["question_id"],
            "is_target": is_target.astype(bool),
            "has_target_tag": exact.astype(bool),
            "contains_target_tag": contains.astype(bool),
        }
    )
    return LabelledQuestions(labels, {"target_tag": run.target_tag, "match": run.match})


def engineer_features(questions: pd.DataFrame) -> pd.DataFrame:
    """Compute all that scoring needs, without looking at tags.

    `favorite_count` is dropped: whether it is filled says when the snapshot was taken, not what the question is about.

    Returns:
        A row per question, in the same order: `question_id`, `title` and `body` (HTML) as text without nulls, and as
        floating-point numbers `creation_time` (seconds since 1970), `title_length` and `body_length` (characters),
        `score`, `view_count`, `answer_count`, `comment_count` (NaN where the source has none). And, because the text is
        here, whose it is: `link`, `owner_display_name`, `owner_link`, `content_license`.
    """
    title, body = questions["title"].fillna(""), questions["body"].fillna("")
    return pd.DataFrame(
        {
            "question_id": questions["question_id"],
            "title": title,
            "body": body,
            "creation_time": questions["creation_date"].dt.as_unit("s").astype("int64").astype(float),
            "title_length": title.str.len().astype(float),
            "body_length": body.str.len().astype(float),
            **{
                column: questions[column].astype("Float64").to_numpy(float, na_value=float("nan")) for column in _COUNTS
            },
            **questions[_ATTRIBUTION],
        }
    )


def split_train_test(
    question_features: pd.DataFrame, question_labels: pd.DataFrame, parameters: FeatureEngineeringParameters
) -> Split:
    """Split at random, with the same share of targets on both sides.

    Raises:
        InputError: a side would hold one class only.
    """
    from sklearn.model_selection import train_test_split

    labelled = question_features.merge(
        question_labels[["question_id", "is_target"]], on="question_id", validate="one_to_one"
    )
    label = labelled["is_target"]
    try:
        train, test = train_test_split(
            labelled.index, test_size=parameters.test_share, stratify=label, random_state=parameters.seed
        )
        sides = label[train].nunique(), label[test].nunique()
    except ValueError:  # too few questions to give each side one of each class
        sides = (0, 0)
    if min(sides) < 2:
        raise InputError(
            f"split: {label.sum()} of {len(label)} questions are about the target tag; with a test_share of "
            f"{parameters.test_share} the train or test set would hold one class only; bring more questions of either "
            "kind, or change feature_engineering.test_share."
        )
    return Split(labelled.loc[train].reset_index(drop=True), labelled.loc[test].reset_index(drop=True))


def _explain_absent_tag(target_tag: str, tags: "pd.Series[str]") -> str:
    occurring = tags.map(parse_tags).explode().value_counts()
    near = difflib.get_close_matches(target_tag, occurring.index, n=5, cutoff=0.4)
    names = near or list(occurring.index[:5])
    kind = "nearest" if near else "most frequent"
    shown = ", ".join(f"{name} ({occurring[name]})" for name in names)
    return f"target_tag: none of {len(tags)} questions has the tag {target_tag!r}; the {kind} are {shown}."
