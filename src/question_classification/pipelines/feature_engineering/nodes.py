"""Nodes of the feature engineering."""

import difflib
from typing import Any, NamedTuple

import pandas as pd

from question_classification.pipelines.feature_engineering.parameters import (
    FeatureEngineeringParameters,
    TargetParameters,
)
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.tags import format_tags, parse_tags

_ATTRIBUTION = ["link", "owner_display_name", "owner_link", "content_license"]
_COUNTS = ["score", "view_count", "answer_count", "comment_count"]
_DAY = 24 * 3600


class LabelledQuestions(NamedTuple):
    """The labels, and what they mean: `target_tag` and `match`."""

    question_labels: pd.DataFrame
    target: dict[str, str]


class Split(NamedTuple):
    """Features and label of the questions to learn from and of those to judge by; and the other kind of split.

    Attributes:
        train_set: questions to learn from.
        test_set: questions to judge by.
        other_split: the `side` of each question by the other kind of split: train, test, or gap, which is neither.
        split: what kinds these are, and how many near-duplicates there are.
    """

    train_set: pd.DataFrame
    test_set: pd.DataFrame
    other_split: pd.DataFrame
    split: dict[str, Any]


def label_questions(questions: pd.DataFrame, target: TargetParameters) -> LabelledQuestions:
    """Say for each question whether it is about the target tag.

    Returns:
        A row per question, in the same order: `question_id`; `is_target`, the label by the rule of the target;
        `has_target_tag`, by the exact tag; `contains_target_tag`, by the original tutorial's rule. And the target that
        these labels were made for, which all that comes later goes by.

    Raises:
        InputError: no question is about the target tag; the message names the nearest tags that occur.
    """
    tags = questions["tags"]
    exact = tags.str.contains(format_tags([target.target_tag]), regex=False)
    contains = tags.str.contains(target.target_tag, regex=False)
    is_target = exact if target.match == "exact" else contains
    if not is_target.any():
        raise InputError(_explain_absent_tag(target.target_tag, tags))
    labels = pd.DataFrame(
        {
            "question_id": questions["question_id"],
            "is_target": is_target.astype(bool),
            "has_target_tag": exact.astype(bool),
            "contains_target_tag": contains.astype(bool),
        }
    )
    return LabelledQuestions(labels, {"target_tag": target.target_tag, "match": target.match})


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


def group_near_duplicates(question_features: pd.DataFrame, parameters: FeatureEngineeringParameters) -> pd.DataFrame:
    """Find questions that say nearly the same.

    Returns:
        A row per question, in the same order: `question_id`, and `first_id`, that of the first of its near-duplicates;
        its own where it has none before it.
    """
    from question_classification.text.near_duplicates import find_near_duplicates
    from question_classification.text.tokens import WORDS, Vocabulary

    texts = question_features["title"] + " " + question_features["body"]
    tokens = Vocabulary().tokenize(texts.tolist(), WORDS)
    near = parameters.near_duplicates
    group = find_near_duplicates(tokens.ids, tokens.offsets, similarity=near.similarity, seed=near.seed)
    numbers = question_features["question_id"]
    return pd.DataFrame({"question_id": numbers, "first_id": numbers.iloc[group].to_numpy()})


def split_train_test(
    question_features: pd.DataFrame,
    question_labels: pd.DataFrame,
    near_duplicates: pd.DataFrame,
    parameters: FeatureEngineeringParameters,
) -> Split:
    """Split by the kind asked for: at random, with the same share of targets on both sides, or by time.

    Raises:
        InputError: a side would hold one class only.
    """
    labelled = question_features.merge(
        question_labels[["question_id", "is_target"]], on="question_id", validate="one_to_one"
    ).merge(near_duplicates, on="question_id", validate="one_to_one")
    sides = {"stratified": _split_at_random(labelled, parameters), "temporal": _split_by_time(labelled, parameters)}
    across = {kind: _count_across(side, labelled["first_id"]) for kind, side in sides.items()}
    if parameters.near_duplicates.across == "group":
        sides = {kind: _follow_first(side, labelled) for kind, side in sides.items()}
    side, other = sides[parameters.split], next(kind for kind in sides if kind != parameters.split)

    features = labelled.drop(columns="first_id")
    train, test = (features[side == name] for name in ("train", "test"))
    if min(train["is_target"].nunique(), test["is_target"].nunique()) < 2:
        label = labelled["is_target"]
        raise InputError(
            f"split: {label.sum()} of {len(label)} questions are about the target tag; with a test_share of "
            f"{parameters.test_share} the train or test set would hold one class only; bring more questions of either "
            "kind, or change feature_engineering.test_share."
        )
    split = {
        "kind": parameters.split,
        "other": other,
        "near_duplicates": {
            "similarity": parameters.near_duplicates.similarity,
            "handling": parameters.near_duplicates.across,
            "questions": int(labelled["first_id"].duplicated(keep=False).sum()),
            "test_questions_with_one_in_train": across,
        },
    }
    return Split(
        train.reset_index(drop=True),
        test.reset_index(drop=True),
        pd.DataFrame({"question_id": labelled["question_id"], "side": sides[other]}),
        split,
    )


def _split_at_random(labelled: pd.DataFrame, parameters: FeatureEngineeringParameters) -> "pd.Series[str]":
    """Return the side of each question; all on one where there are too few to give each side one of each class."""
    from sklearn.model_selection import train_test_split

    side = pd.Series("train", index=labelled.index)
    try:
        _, test = train_test_split(
            labelled.index,
            test_size=parameters.test_share,
            stratify=labelled["is_target"],
            random_state=parameters.seed,
        )
    except ValueError:
        return side
    side[test] = "test"
    return side


def _split_by_time(labelled: pd.DataFrame, parameters: FeatureEngineeringParameters) -> "pd.Series[str]":
    """Return the side of each question: the last ones by creation are the test set; those of one second together."""
    created = labelled["creation_time"]
    begin = created.quantile(1 - parameters.test_share, interpolation="higher")
    side = pd.Series("train", index=labelled.index)
    side[created >= begin - parameters.gap_days * _DAY] = "gap"
    side[created >= begin] = "test"
    return side


def _follow_first(side: "pd.Series[str]", labelled: pd.DataFrame) -> "pd.Series[str]":
    """Return the sides, each question on that of the first of its near-duplicates."""
    of_id = pd.Series(side.to_numpy(), index=labelled["question_id"])
    return pd.Series(of_id[labelled["first_id"]].to_numpy(), index=side.index)


def _count_across(side: "pd.Series[str]", first_id: "pd.Series[int]") -> int:
    """Count the questions of the test set that have a near-duplicate in the training set."""
    in_train = set(first_id[side == "train"])
    return int(first_id[side == "test"].isin(in_train).sum())


def _explain_absent_tag(target_tag: str, tags: "pd.Series[str]") -> str:
    occurring = tags.map(parse_tags).explode().value_counts()
    near = difflib.get_close_matches(target_tag, occurring.index, n=5, cutoff=0.4)
    names = near or list(occurring.index[:5])
    kind = "nearest" if near else "most frequent"
    shown = ", ".join(f"{name} ({occurring[name]})" for name in names)
    return f"target_tag: none of {len(tags)} questions has the tag {target_tag!r}; the {kind} are {shown}."
