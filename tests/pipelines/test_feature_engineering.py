from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.model_selection import train_test_split

from question_classification.pipelines.feature_engineering.nodes import (
    Split,
    engineer_features,
    group_near_duplicates,
    label_questions,
    split_train_test,
)
from question_classification.pipelines.feature_engineering.parameters import (
    FeatureEngineeringParameters,
    TargetParameters,
)
from question_classification.stackexchange.errors import InputError

NEAR = {"similarity": 0.8, "across": "report", "seed": 42}
PARAMETERS = {"split": "stratified", "test_share": 0.25, "seed": 42, "gap_days": 0, "near_duplicates": NEAR}
TARGET = {"target_tag": "machine-learning", "match": "exact"}


def parameters(near_duplicates: dict[str, Any] | None = None, **changes: Any) -> FeatureEngineeringParameters:
    near = {**NEAR, **(near_duplicates or {})}
    return FeatureEngineeringParameters.model_validate({**PARAMETERS, "near_duplicates": near, **changes})


def about(**changes: Any) -> TargetParameters:
    return TargetParameters(**{**TARGET, **changes})


def tagged(*tags: str) -> pd.DataFrame:
    return pd.DataFrame({"question_id": range(1, len(tags) + 1), "tags": tags})


class TestLabelQuestions:
    TAGS = ("<machine-learning>", "<r><machine-learning><svm>", "<quantum-machine-learning>", "<r>", "<learning>")

    def test_exact_and_contains_differ_where_a_tag_is_longer(self) -> None:
        labels, _ = label_questions(tagged(*self.TAGS), about())
        assert labels["question_id"].tolist() == [1, 2, 3, 4, 5]
        assert labels["has_target_tag"].tolist() == [True, True, False, False, False]
        assert labels["contains_target_tag"].tolist() == [True, True, True, False, False]

    @pytest.mark.parametrize(("match", "column"), [("exact", "has_target_tag"), ("contains", "contains_target_tag")])
    def test_match_says_which_one_is_the_label(self, match: str, column: str) -> None:
        labels, target = label_questions(tagged(*self.TAGS), about(match=match))
        assert labels["is_target"].tolist() == labels[column].tolist()
        assert target == {"target_tag": "machine-learning", "match": match}

    @pytest.mark.parametrize("tag", ["c++", ".net", "c#", "r"])
    def test_tag_is_no_pattern(self, tag: str) -> None:
        labels, target = label_questions(tagged(f"<{tag}>", "<ccc>", "<anet>"), about(target_tag=tag))
        assert labels["is_target"].tolist() == [True, False, False]
        assert target == {"target_tag": tag, "match": "exact"}

    def test_absent_tag_names_the_nearest_with_their_counts(self) -> None:
        questions = tagged(*["<machine-learning>"] * 2, "<deep-learning>", "<r>")
        with pytest.raises(InputError, match=r"none of 4 .*'machine-lerning'; the nearest are machine-learning \(2\)"):
            label_questions(questions, about(target_tag="machine-lerning"))

    def test_absent_tag_unlike_any_other_names_the_most_frequent(self) -> None:
        with pytest.raises(InputError, match=r"the most frequent are r \(2\), svm \(1\)"):
            label_questions(tagged("<r><svm>", "<r>"), about(target_tag="zzz"))

    def test_one_label_suffices(self) -> None:
        labels, _ = label_questions(tagged("<python-3.x>", "<r>"), about(target_tag="python", match="contains"))
        assert labels["is_target"].tolist() == [True, False]
        with pytest.raises(InputError, match=r"python-3\.x \(1\)"):
            label_questions(tagged("<python-3.x>", "<r>"), about(target_tag="python"))


WHOSE = {
    "link": pd.array([f"https://simulated.example.org/questions/{number}" for number in (1, 2, 3)], "str"),
    "owner_display_name": pd.array(["Ada", None, "Bo"], "str"),
    "owner_link": pd.array(["https://simulated.example.org/users/7", None, None], "str"),
    "content_license": pd.array(["CC BY-SA 2.5", "CC BY-SA 3.0", "CC BY-SA 4.0"], "str"),
}


@pytest.fixture
def questions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "question_id": pd.array([1, 2, 3], "Int64"),
            "title": pd.array(["Why?", "\N{GREEK SMALL LETTER ALPHA} ≠ 日本\N{GRINNING FACE}", None], "str"),
            "body": pd.array(["<p>x</p>", None, ""], "str"),
            "tags": ["<r>", "<r>", "<r>"],
            "creation_date": pd.to_datetime(
                ["1970-01-01T00:00:10Z", "2010-07-19T19:12:12Z", "2026-10-31T23:59:59Z"]
            ).as_unit("s"),
            "score": pd.array([-3, None, 0], "Int64"),
            "view_count": pd.array([None, None, None], "Int64"),
            "answer_count": pd.array([0, 1, 2], "Int64"),
            "comment_count": pd.array([4, 5, None], "Int64"),
            "favorite_count": pd.array([6, 7, 8], "Int64"),
            **WHOSE,
        }
    )


class TestEngineerFeatures:
    def test_worked_out_by_hand(self, questions: pd.DataFrame) -> None:
        features = engineer_features(questions)
        pd.testing.assert_frame_equal(
            features,
            pd.DataFrame(
                {
                    "question_id": pd.array([1, 2, 3], "Int64"),
                    "title": pd.array(["Why?", "\N{GREEK SMALL LETTER ALPHA} ≠ 日本\N{GRINNING FACE}", ""], "str"),
                    "body": pd.array(["<p>x</p>", "", ""], "str"),
                    "creation_time": [10.0, 1279566732.0, 1793491199.0],
                    "title_length": [4.0, 7.0, 0.0],  # in characters, not in bytes
                    "body_length": [8.0, 0.0, 0.0],
                    "score": [-3.0, np.nan, 0.0],
                    "view_count": [np.nan] * 3,
                    "answer_count": [0.0, 1.0, 2.0],
                    "comment_count": [4.0, 5.0, np.nan],
                    **WHOSE,  # wherever the text goes, its author, address and licence go along
                }
            ),
        )

    def test_tags_and_favorites_are_not_looked_at(self, questions: pd.DataFrame) -> None:
        features = engineer_features(questions)
        assert not {"tags", "favorite_count"} & set(features.columns)
        without = questions.drop(columns=["tags", "favorite_count"])
        pd.testing.assert_frame_equal(engineer_features(without), features)


def texts(*bodies: str) -> pd.DataFrame:
    """Return features of questions by their bodies, under one title."""
    return pd.DataFrame({"question_id": range(70, 70 - len(bodies), -1), "title": "Mean or median", "body": bodies})


class TestGroupNearDuplicates:
    WORDS = "which of the two is better when a few of the values are far larger than all of the others in the sample"

    def test_each_question_points_at_the_first_that_says_nearly_the_same(self) -> None:
        other = "<p>How do I draw a histogram with unequal widths?</p>"
        edited = self.WORDS.replace("larger", "greater")
        near = group_near_duplicates(texts(other, self.WORDS, edited, other, self.WORDS), parameters())
        assert near["question_id"].tolist() == [70, 69, 68, 67, 66]
        assert near["first_id"].tolist() == [70, 69, 69, 70, 69]

    def test_similarity_says_how_near_is_near(self) -> None:
        """One word of 24 is another: 21 pairs of neighbours in common, 25 in all."""
        pair = texts(self.WORDS, self.WORDS.replace("larger", "greater"))
        strict = group_near_duplicates(pair, parameters({"similarity": 0.9}))
        assert strict["first_id"].tolist() == [70, 69]

    def test_case_punctuation_and_spaces_make_no_difference(self) -> None:
        near = group_near_duplicates(
            texts(self.WORDS, self.WORDS.title(), self.WORDS.replace(" ", ",\n")), parameters({"similarity": 1})
        )
        assert near["first_id"].tolist() == [70] * 3

    def test_title_counts_too(self) -> None:
        features = texts("Why?", "Why?").assign(title=["Mean", "Histogram"])
        assert group_near_duplicates(features, parameters())["first_id"].tolist() == [70, 69]

    def test_questions_without_words_are_alone(self) -> None:
        features = texts("", "", "?").assign(title="")
        assert group_near_duplicates(features, parameters())["first_id"].tolist() == [70, 69, 68]


DAY = 24 * 3600.0
Kind = Literal["stratified", "temporal"]
each_kind = pytest.mark.parametrize("kind", ["stratified", "temporal"])
FIRST_ID = 100


def split(
    labels: list[bool], created: list[float] | None = None, first: list[int] | None = None, **changes: Any
) -> Split:
    """Split as many questions as there are labels; features, labels and near-duplicates know each other by id alone.

    Args:
        labels: of the questions.
        created: in days; a day apart by default.
        first: the position of the first near-duplicate of each question; none has any by default.
        changes: of the parameters.
    """
    ids = pd.RangeIndex(FIRST_ID, FIRST_ID + len(labels))
    features = pd.DataFrame(
        {
            "question_id": ids,
            "title": [f"title {each}" for each in ids],
            "creation_time": DAY * np.array(range(len(labels)) if created is None else created, float),
        }
    )
    question_labels = pd.DataFrame({"question_id": ids, "is_target": labels, "has_target_tag": labels})[::-1]
    near = pd.DataFrame({"question_id": ids, "first_id": ids if first is None else ids[first]}).sample(
        frac=1, random_state=1
    )
    return split_train_test(features, question_labels, near, parameters(**changes))


def positions(questions: pd.DataFrame) -> list[int]:
    return (questions["question_id"] - FIRST_ID).tolist()


def sides(made: Split, kind: Kind) -> list[str]:
    """Return the side of each question by a kind of split, whichever of the two was asked for."""
    if made.split["other"] == kind:
        return made.other_split["side"].tolist()
    side = ["gap"] * len(made.other_split)
    for name, questions in (("train", made.train_set), ("test", made.test_set)):
        for position in positions(questions):
            side[position] = name
    return side


ALTERNATING = [True, False] * 20


class TestSplitTrainTest:
    @each_kind
    def test_rows_keep_features_label_and_order(self, kind: Kind) -> None:
        made = split(ALTERNATING, split=kind)
        for questions in (made.train_set, made.test_set):
            assert questions.index.equals(pd.RangeIndex(len(questions)))
            assert positions(questions) == sorted(positions(questions))
            assert questions.columns.tolist() == ["question_id", "title", "creation_time", "is_target"]
            for row, position in zip(questions.itertuples(), positions(questions), strict=True):
                assert row.title == f"title {row.question_id}"
                assert (row.creation_time, row.is_target) == (position * DAY, ALTERNATING[position])

    @each_kind
    def test_other_split_is_what_the_other_kind_would_have_given(self, kind: Kind) -> None:
        other: Kind = "temporal" if kind == "stratified" else "stratified"
        options: dict[str, Any] = {"gap_days": 3, "seed": 5}
        made, asked = split(ALTERNATING, split=kind, **options), split(ALTERNATING, split=other, **options)
        assert (made.split["kind"], made.split["other"]) == (kind, other)
        assert made.other_split.columns.tolist() == ["question_id", "side"]
        assert positions(made.other_split) == list(range(40))
        for each in (kind, other):
            assert sides(made, each) == sides(asked, each)

    @each_kind
    @pytest.mark.parametrize("targets", [0, 40])
    def test_set_of_one_class_is_refused(self, kind: Kind, targets: int) -> None:
        with pytest.raises(InputError) as error:
            split([True] * targets + [False] * (40 - targets), split=kind)
        assert str(error.value) == (
            f"split: {targets} of 40 questions are about the target tag; with a test_share of 0.25 the train or test "
            "set would hold one class only; bring more questions of either kind, or change "
            "feature_engineering.test_share."
        )

    @pytest.mark.parametrize("targets", [1, 39])
    def test_class_of_one_question_cannot_be_stratified(self, targets: int) -> None:
        with pytest.raises(InputError, match=f"^split: {targets} of 40 questions are about the target tag; "):
            split([True] * targets + [False] * (40 - targets))

    @pytest.mark.parametrize("late", [True, False])
    def test_temporal_side_of_one_class_is_refused(self, late: bool) -> None:
        labels = [not late] * 30 + [late, not late] * 5
        with pytest.raises(InputError, match=r"would hold one class only"):
            split(labels, split="temporal")
        assert set(split(labels).other_split["side"]) == {"train", "test"}  # as a second opinion it is no obstacle

    def test_temporal_split_is_made_where_a_stratified_one_cannot_be(self) -> None:
        """Of 8 questions 1 goes to the test set, which cannot hold both classes; the second opinion is then empty."""
        labels, created = [True, False] * 4, [0, 0, 1, 1, 2, 2, 3, 3]
        with pytest.raises(InputError, match=r"^split: 4 of 8"):
            split(labels, created, test_share=0.1)
        made = split(labels, created, test_share=0.1, split="temporal")
        assert positions(made.test_set) == [6, 7]
        assert set(made.other_split["side"]) == {"train"}

    @settings(max_examples=100, deadline=None)
    @given(
        questions=st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=60),
        kind=st.sampled_from(["stratified", "temporal"]),
        across=st.sampled_from(["report", "group"]),
        share=st.floats(0.01, 0.99),
        gap_days=st.sampled_from([0, 0.5, 7]),
        seed=st.integers(0, 2**32 - 1),
    )
    @example([(True, 0, 0), (False, 0, 1), (True, 1, 2), (False, 1, 3)], "stratified", "report", 0.625, 0, 0)
    def test_every_question_is_somewhere_once(
        self,
        questions: list[tuple[bool, int, int]],
        kind: Kind,
        across: str,
        share: float,
        gap_days: float,
        seed: int,
    ) -> None:
        """Whatever the numbers: both classes on both sides, or one clear line."""
        labels, created = [label for label, _, _ in questions], [quarter / 4 for _, quarter, _ in questions]
        groups = [group for _, _, group in questions]
        first = [groups.index(group) for group in groups]
        options: dict[str, Any] = {"split": kind, "test_share": share, "gap_days": gap_days, "seed": seed}
        try:
            made = split(labels, created, first, near_duplicates={"across": across}, **options)
        except InputError as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert refused.startswith(f"split: {sum(labels)} of {len(labels)} questions are about the target tag; ")
            return
        train, test = positions(made.train_set), positions(made.test_set)
        assert not set(train) & set(test)
        assert {labels[each] for each in train} == {labels[each] for each in test} == {True, False}
        assert positions(made.other_split) == list(range(len(labels)))
        of_kind = {each: sides(made, each) for each in ("stratified", "temporal")}
        assert "gap" not in of_kind["stratified"]
        for side in of_kind.values():
            assert set(side) <= {"train", "test", "gap"}
            if across == "group":
                assert all(side[position] == side[each] for position, each in enumerate(first))
        if across == "report":
            check_comes_before(of_kind["temporal"], created, gap_days)


def check_comes_before(side: list[str], created: list[float], gap_days: float) -> None:
    """Check that what is learnt from came before what is judged by, and that nothing was left out without need."""
    begin = min(day for day, each in zip(created, side, strict=True) if each == "test")
    for day, each in zip(created, side, strict=True):
        assert each == ("test" if day >= begin else "gap" if day >= begin - gap_days else "train")


class TestStratifiedSplit:
    def test_is_that_of_scikit_learn(self) -> None:
        labels = [number % 9 == 0 for number in range(90)]
        made = split(labels, seed=3)
        train, test = train_test_split(np.arange(90), test_size=0.25, stratify=labels, random_state=3)
        assert positions(made.train_set) == sorted(train)
        assert positions(made.test_set) == sorted(test)

    @settings(max_examples=25, deadline=None)
    @given(
        others=st.integers(4, 200),
        targets=st.integers(4, 60),
        share=st.sampled_from([0.25, 0.3, 0.5]),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_sides_are_of_the_right_size_and_alike(self, others: int, targets: int, share: float, seed: int) -> None:
        made = split([True] * targets + [False] * others, test_share=share, seed=seed)
        assert len(made.test_set) == int(np.ceil(share * (targets + others)))
        assert len(made.train_set) + len(made.test_set) == targets + others
        assert abs(made.test_set["is_target"].mean() - targets / (targets + others)) < 1 / len(made.test_set)

    def test_seed_decides(self) -> None:
        once, again, other = (positions(split([True, False] * 40, seed=seed).test_set) for seed in (1, 1, 2))
        assert once == again != other


class TestTemporalSplit:
    def test_last_ones_by_creation_are_the_test_set(self) -> None:
        created = [float(day * 7 % 40) for day in range(40)]  # in no order
        made = split(ALTERNATING, created, split="temporal")
        assert positions(made.test_set) == [position for position, day in enumerate(created) if day >= 30]
        assert len(made.train_set) == 30

    def test_those_of_one_second_stay_together(self) -> None:
        """The quarter would begin within the third of four seconds."""
        made = split([True, False] * 8, [0] * 4 + [1] * 4 + [2] * 6 + [3] * 2, split="temporal")
        assert positions(made.test_set) == list(range(8, 16))

    def test_gap_is_left_out(self) -> None:
        made = split(ALTERNATING, split="temporal", gap_days=2.5)
        assert positions(made.test_set) == list(range(30, 40))
        assert positions(made.train_set) == list(range(28))  # days 28 and 29 are within 2.5 days of day 30
        assert sides(split(ALTERNATING, gap_days=2.5), "temporal") == ["train"] * 28 + ["gap"] * 2 + ["test"] * 10

    def test_question_at_the_very_edge_of_the_gap_is_left_out(self) -> None:
        assert positions(split(ALTERNATING, split="temporal", gap_days=1).train_set) == list(range(29))

    def test_seed_plays_no_part(self) -> None:
        once, other = (positions(split(ALTERNATING, split="temporal", seed=seed).test_set) for seed in (1, 2))
        assert once == other

    def test_gap_that_leaves_nothing_to_learn_from_is_refused(self) -> None:
        with pytest.raises(InputError, match="would hold one class only"):
            split(ALTERNATING, split="temporal", gap_days=1000)


class TestNearDuplicatesAcross:
    """Of 40 questions, a day apart: 31 and 38 repeat 2, 39 repeats 35, and 20 repeats 4."""

    FIRST = (*range(20), 4, *range(21, 31), 2, *range(32, 38), 2, 35)

    def test_are_counted(self) -> None:
        made = split(ALTERNATING, first=list(self.FIRST), split="temporal")
        assert made.split["near_duplicates"] == {
            "similarity": 0.8,
            "handling": "report",
            "questions": 7,
            "test_questions_with_one_in_train": {
                "temporal": 2,  # 31 and 38
                "stratified": self.count_across(sides(made, "stratified")),
            },
        }
        assert positions(made.test_set) == list(range(30, 40))

    @pytest.mark.parametrize("seed", range(5))
    def test_are_counted_in_both_kinds(self, seed: int) -> None:
        made = split(ALTERNATING, first=list(self.FIRST), seed=seed)
        across = made.split["near_duplicates"]["test_questions_with_one_in_train"]
        assert across == {"temporal": 2, "stratified": self.count_across(sides(made, "stratified"))}

    def count_across(self, side: list[str]) -> int:
        groups = [[2, 31, 38], [35, 39], [4, 20]]
        return sum(
            side[each] == "test" and any(side[other] == "train" for other in group)
            for group in groups
            for each in group
        )

    def test_group_puts_them_where_the_first_is(self) -> None:
        apart = split(ALTERNATING, first=list(self.FIRST), split="temporal")
        made = split(ALTERNATING, first=list(self.FIRST), split="temporal", near_duplicates={"across": "group"})
        for kind in ("stratified", "temporal"):
            side, before = sides(made, kind), sides(apart, kind)
            assert side == [before[each] for each in self.FIRST]
        assert sorted(set(positions(made.train_set)) & set(range(30, 40))) == [31, 38]
        counted = {**apart.split["near_duplicates"], "handling": "group"}  # how many there were to be moved
        assert made.split["near_duplicates"] == counted

    def test_none_is_said_where_there_are_none(self) -> None:
        near = split(ALTERNATING).split["near_duplicates"]
        assert (near["questions"], near["test_questions_with_one_in_train"]) == (0, {"stratified": 0, "temporal": 0})


@pytest.mark.parametrize(
    "wrong",
    [
        {"split": "random"},
        {"split": None},
        {"test_share": 0},
        {"test_share": 1},
        {"seed": -1},
        {"seed": 2**32},
        {"gap_days": -1},
        {"gap_days": float("nan")},
        {"gap_days": "a week"},
        {"near_duplicates": {"similarity": 0}},
        {"near_duplicates": {"similarity": 1.01}},
        {"near_duplicates": {"across": "drop"}},
        {"near_duplicates": {"seed": -1}},
        {"near_duplicates": {"seed": 2**32}},
        {"near_duplicates": {"permutations": 128}},
        {"target_tag": "r"},
    ],
    ids=str,
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)


@pytest.mark.parametrize("name", [*PARAMETERS, *(f"near_duplicates.{name}" for name in NEAR)])
def test_parameters_must_be_said(name: str) -> None:
    given = {**PARAMETERS, "near_duplicates": dict(NEAR)}
    *path, last = name.split(".")
    (given["near_duplicates"] if path else given).pop(last)
    with pytest.raises(ValidationError, match="Field required"):
        FeatureEngineeringParameters.model_validate(given)
