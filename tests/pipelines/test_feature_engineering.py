from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.model_selection import train_test_split

from question_classification.pipelines.feature_engineering.nodes import (
    engineer_features,
    label_questions,
    split_train_test,
)
from question_classification.pipelines.feature_engineering.parameters import FeatureEngineeringParameters
from question_classification.pipelines.parameters import RunParameters
from question_classification.stackexchange.errors import InputError

PARAMETERS = {"test_share": 0.25, "seed": 42}
RUN = {"source": "simulated", "target_tag": "machine-learning", "match": "exact"}


def parameters(**changes: Any) -> FeatureEngineeringParameters:
    return FeatureEngineeringParameters(**{**PARAMETERS, **changes})


def run(**changes: Any) -> RunParameters:
    return RunParameters(**{**RUN, **changes})


def tagged(*tags: str) -> pd.DataFrame:
    return pd.DataFrame({"question_id": range(1, len(tags) + 1), "tags": tags})


class TestLabelQuestions:
    TAGS = ("<machine-learning>", "<r><machine-learning><svm>", "<quantum-machine-learning>", "<r>", "<learning>")

    def test_exact_and_contains_differ_where_a_tag_is_longer(self) -> None:
        labels, _ = label_questions(tagged(*self.TAGS), run())
        assert labels["question_id"].tolist() == [1, 2, 3, 4, 5]
        assert labels["has_target_tag"].tolist() == [True, True, False, False, False]
        assert labels["contains_target_tag"].tolist() == [True, True, True, False, False]

    @pytest.mark.parametrize(("match", "column"), [("exact", "has_target_tag"), ("contains", "contains_target_tag")])
    def test_match_says_which_one_is_the_label(self, match: str, column: str) -> None:
        labels, target = label_questions(tagged(*self.TAGS), run(match=match))
        assert labels["is_target"].tolist() == labels[column].tolist()
        assert target == {"target_tag": "machine-learning", "match": match}

    @pytest.mark.parametrize("tag", ["c++", ".net", "c#", "r"])
    def test_tag_is_no_pattern(self, tag: str) -> None:
        labels, target = label_questions(tagged(f"<{tag}>", "<ccc>", "<anet>"), run(target_tag=tag))
        assert labels["is_target"].tolist() == [True, False, False]
        assert target == {"target_tag": tag, "match": "exact"}

    def test_absent_tag_names_the_nearest_with_their_counts(self) -> None:
        questions = tagged(*["<machine-learning>"] * 2, "<deep-learning>", "<r>")
        with pytest.raises(InputError, match=r"none of 4 .*'machine-lerning'; the nearest are machine-learning \(2\)"):
            label_questions(questions, run(target_tag="machine-lerning"))

    def test_absent_tag_unlike_any_other_names_the_most_frequent(self) -> None:
        with pytest.raises(InputError, match=r"the most frequent are r \(2\), svm \(1\)"):
            label_questions(tagged("<r><svm>", "<r>"), run(target_tag="zzz"))

    def test_one_label_suffices(self) -> None:
        labels, _ = label_questions(tagged("<python-3.x>", "<r>"), run(target_tag="python", match="contains"))
        assert labels["is_target"].tolist() == [True, False]
        with pytest.raises(InputError, match=r"python-3\.x \(1\)"):
            label_questions(tagged("<python-3.x>", "<r>"), run(target_tag="python"))


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


def labelled(labels: list[bool]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features and labels of as many questions; they know each other by id, not by their order."""
    ids = range(100, 100 + len(labels))
    features = pd.DataFrame({"question_id": ids, "title": [f"title {id_}" for id_ in ids]})
    return features, pd.DataFrame({"question_id": ids, "is_target": labels, "has_target_tag": labels})[::-1]


class TestSplitTrainTest:
    def test_equals_that_of_scikit_learn(self) -> None:
        labels = [number % 9 == 0 for number in range(90)]
        features, question_labels = labelled(labels)
        train, test = split_train_test(features, question_labels, parameters(seed=3))
        expected = train_test_split(np.arange(90), test_size=0.25, stratify=labels, random_state=3)
        assert train["question_id"].tolist() == (expected[0] + 100).tolist()
        assert test["question_id"].tolist() == (expected[1] + 100).tolist()

    def test_rows_keep_features_and_label(self) -> None:
        features, question_labels = labelled([True, False] * 20)
        train, test = split_train_test(features, question_labels, parameters())
        together = pd.concat([train, test]).sort_values("question_id").reset_index(drop=True)
        pd.testing.assert_frame_equal(together, features.assign(is_target=[True, False] * 20))
        assert list(test.index) == list(range(10))

    @settings(max_examples=25, deadline=None)
    @given(
        others=st.integers(4, 200),
        targets=st.integers(4, 60),
        share=st.sampled_from([0.25, 0.3, 0.5]),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_sides_are_disjoint_of_the_right_size_and_alike(
        self, others: int, targets: int, share: float, seed: int
    ) -> None:
        features, question_labels = labelled([True] * targets + [False] * others)
        train, test = split_train_test(features, question_labels, parameters(test_share=share, seed=seed))
        assert set(train["question_id"]) | set(test["question_id"]) == set(features["question_id"])
        assert len(train) + len(test) == len(features)
        assert len(test) == int(np.ceil(share * len(features)))
        assert abs(test["is_target"].mean() - targets / len(features)) < 1 / len(test)

    def test_seed_decides(self) -> None:
        features, question_labels = labelled([True] * 20 + [False] * 80)
        once, again, other = (
            split_train_test(features, question_labels, parameters(seed=seed)).test_set["question_id"].tolist()
            for seed in (1, 1, 2)
        )
        assert once == again != other

    @pytest.mark.parametrize("targets", [1, 39, 40])
    def test_side_of_one_class_is_refused(self, targets: int) -> None:
        features, question_labels = labelled([True] * targets + [False] * (40 - targets))
        with pytest.raises(InputError) as error:
            split_train_test(features, question_labels, parameters())
        assert str(error.value) == (
            f"split: {targets} of 40 questions are about the target tag; with a test_share of 0.25 the train or test "
            "set would hold one class only; bring more questions of either kind, or change "
            "feature_engineering.test_share."
        )

    @settings(max_examples=150, deadline=None)
    @given(others=st.integers(0, 12), targets=st.integers(1, 12), share=st.floats(0.01, 0.99), seed=st.integers(0, 9))
    @example(others=2, targets=2, share=0.625, seed=0)
    def test_small_sets_are_split_well_or_refused(self, others: int, targets: int, share: float, seed: int) -> None:
        """Whatever the numbers: both classes on both sides, or one clear line."""
        features, question_labels = labelled([True] * targets + [False] * others)
        try:
            sides = split_train_test(features, question_labels, parameters(test_share=share, seed=seed))
        except InputError as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert refused.startswith(f"split: {targets} of {targets + others} questions are about the target tag; ")
            return
        assert [side["is_target"].nunique() for side in sides] == [2, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"test_share": 0},
        {"test_share": 1},
        {"seed": -1},
        {"seed": 2**32},
        {"target_tag": "r"},
    ],
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)
