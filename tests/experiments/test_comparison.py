from typing import Any

import pandas as pd
import pytest

from question_classification.experiments.comparison import (
    Change,
    Experiment,
    Row,
    Value,
    compare_experiments,
    is_same_test_set,
)
from question_classification.experiments.page import render_page
from question_classification.experiments.wording import explain, unknown_parameters


def record(average_precision: float, low: float, high: float, **changes: Any) -> dict[str, Any]:
    """Return a record of a run, as metrics.json has it, with one candidate and one metric."""
    test = {"average_precision": average_precision, "average_precision_interval": [low, high]}
    return {
        "data": {"source": "sede", "site": "stats", "target_tag": "r", "rows": 40, "positives": 8},
        "interval_level": 0.95,
        "split": {"kind": "stratified"},
        "selected": {"candidate": "tfidf", "threshold": 0.5, "policy": "max_f1", "stratified": {**test, "rows": 4}},
        "candidates": {"tfidf": {"test": test}},
        **changes,
    }


def scores(*values: float, first_id: int = 1) -> pd.DataFrame:
    """Return the scores of as many questions, the first half of which are of the target."""
    return pd.DataFrame(
        {
            "question_id": range(first_id, first_id + len(values)),
            "is_target": [number < len(values) / 2 for number in range(len(values))],
            "score": values,
        }
    )


def rows(*experiments: Experiment) -> dict[str, Row]:
    comparison = compare_experiments(experiments)
    return {row.candidate: row for row in comparison.rows if row.metric == "average_precision"}


class TestValuesAndDifferences:
    def test_stand_side_by_side(self) -> None:
        compared = rows(Experiment("one", record(0.4, 0.3, 0.5)), Experiment("two", record(0.25, 0.2, 0.29)))
        assert compared["selected"].values == (Value(0.4, 0.3, 0.5), Value(0.25, 0.2, 0.29))
        (change,) = compared["tfidf"].changes
        assert change is not None
        assert change.difference == pytest.approx(-0.15)
        assert change.overlap is False
        assert change.low is change.high is None

    def test_intervals_that_touch_overlap(self) -> None:
        compared = rows(Experiment("one", record(0.4, 0.3, 0.5)), Experiment("two", record(0.6, 0.5, 0.7)))
        assert [change and change.overlap for change in compared["selected"].changes] == [True]

    def test_all_are_measured_by_the_first(self) -> None:
        experiments = [Experiment(str(value), record(value, value, value)) for value in (0.5, 0.25, 0.75)]
        assert [change and change.difference for change in rows(*experiments)["selected"].changes] == [-0.25, 0.25]

    def test_a_candidate_that_one_does_not_have_has_no_difference(self) -> None:
        test = {"average_precision": 0.3, "average_precision_interval": [0.2, 0.4]}
        other = record(0.4, 0.3, 0.5, candidates={"forest": {"test": test}})
        compared = rows(Experiment("one", record(0.4, 0.3, 0.5)), Experiment("two", other))
        assert list(compared) == ["selected", "tfidf", "forest"]
        assert compared["forest"] == Row("forest", "average_precision", (None, Value(0.3, 0.2, 0.4)), (None,))


class TestPairedInterval:
    """Of four questions, two of the target: each resample draws as many of both, so these are all cases there are."""

    RIGHT = scores(0.9, 0.8, 0.2, 0.1)  # average precision 1, in every resample
    WRONG = scores(0.1, 0.2, 0.8, 0.9)  # both after the others: (1/3 + 2/4) / 2 = 5/12; one drawn twice: 2/4

    def test_is_that_of_the_same_questions(self) -> None:
        one = Experiment("one", record(1, 1, 1), scores={"selected": self.RIGHT})
        # in another order, which is no difference
        two = Experiment("two", record(5 / 12, 0.4, 0.5), scores={"selected": self.WRONG.iloc[::-1]})
        (change,) = rows(one, two)["selected"].changes
        assert change is not None
        assert change.low == pytest.approx(5 / 12 - 1)  # different questions were drawn of the target
        assert change.high == pytest.approx(1 / 2 - 1)  # twice the same

    def test_is_zero_for_the_same_scores(self) -> None:
        both = [Experiment(name, record(1, 1, 1), scores={"selected": self.RIGHT}) for name in ("one", "two")]
        assert rows(*both)["selected"].changes == (Change(0.0, 0.0, 0.0, True),)

    @pytest.mark.parametrize(
        "other", [scores(0.9, 0.8, 0.2, 0.1, first_id=2), RIGHT.assign(is_target=[True, False, True, False])]
    )
    def test_is_not_claimed_of_other_questions_or_labels(self, other: pd.DataFrame) -> None:
        experiments = [
            Experiment("one", record(1, 1, 1), scores={"selected": self.RIGHT}),
            Experiment("two", record(1, 1, 1), scores={"selected": other}),
        ]
        (change,) = rows(*experiments)["selected"].changes
        assert change == Change(0.0, overlap=True)
        comparison = compare_experiments(experiments)
        assert comparison.same_test_set == (False,)
        assert "B was scored on other questions or labels than A." in explain(comparison)

    def test_needs_the_scores_of_both(self) -> None:
        assert is_same_test_set(self.RIGHT, None) is None
        experiments = [
            Experiment("one", record(1, 1, 1), scores={"selected": self.RIGHT}),
            Experiment("two", record(1, 1, 1)),
        ]
        assert "no more to be had" in " ".join(explain(compare_experiments(experiments)))


class TestSettings:
    def test_that_differ_are_told_from_those_that_do_not(self) -> None:
        comparison = compare_experiments(
            [
                Experiment("one", record(0.4, 0.3, 0.5), {"tfidf.C": 1.0, "seed": 42}),
                Experiment("two", record(0.4, 0.3, 0.5), {"tfidf.C": 3.0, "seed": 42, "folds": 5}),
            ]
        )
        assert comparison.different_parameters == {"tfidf.C": (1.0, 3.0), "folds": (None, 5)}
        assert comparison.parameters["seed"] == (42, 42)
        assert comparison.different_facts == {}

    def test_that_are_not_known_are_not_called_different(self) -> None:
        comparison = compare_experiments(
            [
                Experiment("one", record(0.4, 0.3, 0.5), {"seed": 42}),
                Experiment("two", record(0.4, 0.3, 0.5, data={"target_tag": "python"})),
            ]
        )
        assert comparison.parameters == {}
        assert unknown_parameters(comparison).startswith("The parameters of B are not known")
        assert comparison.different_facts["target tag"] == ("r", "python")


def test_page_escapes_what_it_is_given() -> None:
    comparison = compare_experiments(
        [
            Experiment("one", record(0.4, 0.3, 0.5), {"tag": "<script>alert(1)</script>"}),
            Experiment("two", record(0.4, 0.3, 0.5), {"tag": "r"}),
        ]
    )
    page = render_page(comparison, ["<b>one</b>", "two"], {"B": {"data": ["a & b"]}}, command="a b")
    assert "<script>" not in page
    assert "<b>" not in page
    assert "a &amp; b" in page
    assert "http" not in page
