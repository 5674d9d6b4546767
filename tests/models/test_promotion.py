"""The gate, by cases that were worked out by hand, and by what must hold of any models."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import average_precision_score

from question_classification.models.promotion import Evidence, GateParameters, Verdict, judge, measure

PARAMETERS: dict[str, Any] = {
    "average_precision_margin": 0.0,
    "brier_score_margin": 0.0,
    "expected_calibration_error_margin": 0.0,
    "calibration_bins": 10,
    "slice_margin": 0.0,
    "slice_min_positives": 1,
    "max_quarantined_share": 0.05,
    "interval": {"resamples": 20, "level": 0.95, "seed": 42},
}
SLICES = [("code", "with code", 6, 5, 0.8), ("code", "without code", 4, 4, 0.6)]
COLUMNS = ["dimension", "slice", "n", "positives", "average_precision"]


def parameters(**changes: Any) -> GateParameters:
    return GateParameters.model_validate(PARAMETERS | changes)


def slices(*rows: tuple[str, str, int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def evidence(
    positive: float = 0.9,
    negative: float = 0.1,
    *,
    positives: int = 9,
    first: int = 1,
    table: pd.DataFrame | None = None,
    quarantined: float = 0.0,
) -> Evidence:
    """Nine questions of the target with one score, one other with another: all resamples are alike."""
    scores = pd.DataFrame(
        {
            "question_id": pd.array(range(first, first + positives + 1), dtype="Int64"),
            "is_target": [True] * positives + [False],
            "score": [positive] * positives + [negative],
        }
    )
    return Evidence(scores, slices(*SLICES) if table is None else table, quarantined)


def outcomes(verdict: Verdict) -> dict[str, bool]:
    return {check.name: check.passed for check in verdict.checks}


def reason(verdict: Verdict, name: str) -> str:
    return next(check.reason for check in verdict.checks if check.name == name)


# Of the champion: average precision 1, Brier score 0.1² = 0.01, calibration error 0.1.
# A challenger that scores all ten alike has the average precision of the share of positives, 0.9.
# One with 0.8 and 0.2 ranks as well; its Brier score is 0.2² = 0.04, its calibration error 0.2.
CASES = [
    # challenger, changed parameters, the check, does it pass, what it says
    (evidence(), {}, "test_set", True, "the same 10 questions"),
    (evidence(first=2), {}, "test_set", False, "10 of the champion, 10 of the challenger, 9 of both"),
    (evidence(positives=8), {}, "test_set", False, "10 of the champion, 9 of the challenger, 9 of both"),
    (evidence(), {}, "average_precision", True, "difference +0.0000 [+0.0000, +0.0000]"),
    (evidence(0.5, 0.5), {}, "average_precision", False, "difference -0.1000 [-0.1000, -0.1000]"),
    (evidence(0.5, 0.5), {"average_precision_margin": 0.099}, "average_precision", False, "may be -0.0990"),
    (evidence(0.5, 0.5), {"average_precision_margin": 0.1}, "average_precision", True, "may be -0.1000"),
    (evidence(), {}, "brier_score", True, "difference +0.0000"),
    (evidence(1.0, 0.0), {}, "brier_score", True, "difference -0.0100"),
    (evidence(0.8, 0.2), {"brier_score_margin": 0.029}, "brier_score", False, "difference +0.0300; may be +0.0290"),
    (evidence(0.8, 0.2), {"brier_score_margin": 0.03}, "brier_score", True, "difference +0.0300; may be +0.0300"),
    (evidence(), {}, "expected_calibration_error", True, "difference +0.0000"),
    (evidence(1.0, 0.0), {}, "expected_calibration_error", True, "difference -0.1000"),
    (
        evidence(0.8, 0.2),
        {"expected_calibration_error_margin": 0.099},
        "expected_calibration_error",
        False,
        "difference +0.1000; may be +0.0990",
    ),
    (evidence(0.8, 0.2), {"expected_calibration_error_margin": 0.1}, "expected_calibration_error", True, "+0.1000"),
    (evidence(), {}, "slices", True, "the worst of 2"),
    (
        evidence(table=slices(("code", "with code", 6, 5, 0.7), SLICES[1])),
        {"slice_margin": 0.099},
        "slices",
        False,
        "worse of 2: code with code -0.1000; a difference may be -0.0990",
    ),
    (
        evidence(table=slices(("code", "with code", 6, 5, 0.7), SLICES[1])),
        {"slice_margin": 0.1},
        "slices",
        True,
        "the worst of 2: code with code -0.1000",
    ),
    (
        evidence(table=slices(("code", "with code", 6, 5, 0.7), ("code", "without code", 4, 4, 0.4))),
        {},
        "slices",
        False,
        "worse of 2: code without code -0.2000, code with code -0.1000",
    ),
    # the slice that got worse is too small to be judged: 4 positives
    (
        evidence(table=slices(SLICES[0], ("code", "without code", 4, 4, 0.1))),
        {"slice_min_positives": 5},
        "slices",
        True,
        "the worst of 1: code with code +0.0000",
    ),
    (
        evidence(table=slices(SLICES[0], ("code", "without code", 4, 4, 0.1))),
        {"slice_min_positives": 4},
        "slices",
        False,
        "worse of 2: code without code -0.5000",
    ),
    (evidence(), {"slice_min_positives": 6}, "slices", True, "none has 6 positives"),
    (evidence(table=slices(SLICES[0])), {}, "slices", False, "not measured on the same questions: code without code"),
    (
        evidence(table=slices(SLICES[0], ("code", "without code", 5, 4, 0.6))),
        {},
        "slices",
        False,
        "not measured on the same questions: code without code",
    ),
    (
        evidence(table=slices(SLICES[0], ("code", "without code", 4, 4, np.nan))),
        {},
        "slices",
        False,
        "not measured on the same questions: code without code",
    ),
    (evidence(table=slices(*SLICES, ("year", "2020", 10, 9, 0.1))), {}, "slices", True, "the worst of 2"),
    (evidence(quarantined=0.05), {}, "quarantine", True, "5.00% of the rows were too broken to use; may be 5.00%"),
    (evidence(quarantined=0.0501), {}, "quarantine", False, "5.01%"),
    (evidence(quarantined=0.0), {"max_quarantined_share": 0.0}, "quarantine", True, "0.00%"),
]


@pytest.mark.parametrize(("challenger", "changes", "check", "passed", "said"), CASES)
def test_case(challenger: Evidence, changes: dict[str, Any], check: str, passed: bool, said: str) -> None:
    verdict = judge(challenger, evidence(), parameters(**changes))
    assert outcomes(verdict)[check] is passed
    assert said in reason(verdict, check)
    assert "\n" not in reason(verdict, check)


def test_a_challenger_passes_that_passes_every_check() -> None:
    verdict = judge(evidence(1.0, 0.0), evidence(), parameters())
    assert (verdict.passed, verdict.failed) == (True, ())
    assert list(outcomes(verdict)) == [
        "test_set",
        "average_precision",
        "brier_score",
        "expected_calibration_error",
        "slices",
        "quarantine",
    ]


def test_one_check_is_enough_to_fail() -> None:
    verdict = judge(evidence(quarantined=0.06), evidence(), parameters())
    assert (verdict.passed, verdict.failed) == (False, ("quarantine",))


def test_nothing_is_compared_on_other_questions() -> None:
    verdict = judge(evidence(first=2), evidence(), parameters())
    assert outcomes(verdict) == {"test_set": False, "quarantine": True}


def test_a_label_belongs_to_the_test_set() -> None:
    scores = evidence().scores.assign(is_target=[True] * 8 + [False] * 2)
    assert Evidence(scores, slices(*SLICES), 0.0).test_set != evidence().test_set


class TestWithoutChampion:
    def test_the_first_one_must_be_better_than_guessing(self) -> None:
        verdict = judge(evidence(), None, parameters())
        assert outcomes(verdict) == {"average_precision": True, "quarantine": True}
        assert "1.0000 [1.0000, 1.0000]" in reason(verdict, "average_precision")

    def test_guessing_does_not_pass(self) -> None:
        verdict = judge(evidence(0.5, 0.5), None, parameters())
        assert outcomes(verdict) == {"average_precision": False, "quarantine": True}
        assert "above 0.9000" in reason(verdict, "average_precision")

    def test_quarantine_is_asked_of_the_first_one_too(self) -> None:
        assert judge(evidence(quarantined=0.06), None, parameters()).failed == ("quarantine",)


def test_figures_are_those_of_both() -> None:
    verdict = judge(evidence(0.8, 0.2), evidence(), parameters())
    figures = {check.name: (check.champion, check.challenger) for check in verdict.checks}
    assert figures["average_precision"] == (1.0, 1.0)
    assert figures["brier_score"] == pytest.approx((0.01, 0.04))
    assert figures["expected_calibration_error"] == pytest.approx((0.1, 0.2))


def test_measure() -> None:
    assert measure(evidence(0.8, 0.2, quarantined=0.01), parameters()) == pytest.approx(
        {
            "average_precision": 1.0,
            "average_precision_low": 1.0,
            "average_precision_high": 1.0,
            "brier_score": 0.04,
            "expected_calibration_error": 0.2,
            "quarantined_share": 0.01,
        }
    )


def test_a_question_that_occurs_twice_is_refused() -> None:
    scores = pd.concat([evidence().scores, evidence().scores[:1]])
    with pytest.raises(ValueError, match="a question occurs twice"):
        Evidence(scores, slices(*SLICES), 0.0)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="quarantined_share"):
        evidence(quarantined=share)


@pytest.mark.parametrize(
    "changes",
    [{"slice_margin": -0.1}, {"max_quarantined_share": 1.5}, {"calibration_bins": 0}, {"margin": 0.1}],
    ids=lambda changes: next(iter(changes)),
)
def test_parameters_are_checked(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**changes)


UNIT = st.floats(0, 1, allow_subnormal=False)
MARGINS = st.fixed_dictionaries(
    {
        name: st.floats(0, 0.2)
        for name in (
            "average_precision_margin",
            "brier_score_margin",
            "expected_calibration_error_margin",
            "slice_margin",
        )
    }
)


def by_parity(scores: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, part in scores.groupby(scores["question_id"] % 2):
        positives = int(part["is_target"].sum())
        both = 0 < positives < len(part)
        precision = average_precision_score(part["is_target"], part["score"]) if both else np.nan
        rows.append(("parity", str(name), len(part), positives, precision))
    return slices(*rows)


def make(labels: list[bool], scores: list[float]) -> Evidence:
    table = pd.DataFrame({"question_id": range(len(labels)), "is_target": labels, "score": scores})
    return Evidence(table, by_parity(table), 0.0)


LABELS = st.lists(st.booleans(), min_size=2, max_size=30).filter(lambda labels: 0 < sum(labels) < len(labels))


@st.composite
def two_models(draw: st.DrawFn) -> tuple[Evidence, Evidence]:
    labels = draw(LABELS)
    size = len(labels)
    first, second = (draw(st.lists(UNIT, min_size=size, max_size=size)) for _ in range(2))
    return make(labels, first), make(labels, second)


@st.composite
def a_model_and_a_worse_one(draw: st.DrawFn) -> tuple[Evidence, Evidence]:
    """Each question of the target scores lower, each other one higher."""
    labels = draw(LABELS)
    size = len(labels)
    scores = draw(st.lists(st.floats(0.1, 0.9), min_size=size, max_size=size))
    steps = draw(st.lists(st.floats(0.001, 0.1), min_size=size, max_size=size))
    worse = [score - step if label else score + step for label, score, step in zip(labels, scores, steps, strict=True)]
    return make(labels, scores), make(labels, worse)


class TestOfAnyModels:
    @given(models=two_models(), margins=MARGINS)
    @settings(max_examples=20, deadline=None)
    def test_identical_ones_pass(self, models: tuple[Evidence, Evidence], margins: dict[str, float]) -> None:
        model, _ = models
        assert judge(model, model, parameters(**margins)).passed

    @given(models=a_model_and_a_worse_one())
    @settings(max_examples=20, deadline=None)
    def test_one_that_is_worse_on_every_row_does_not_pass(self, models: tuple[Evidence, Evidence]) -> None:
        champion, challenger = models
        verdict = judge(challenger, champion, parameters())
        assert not verdict.passed
        assert "brier_score" in verdict.failed

    @given(models=two_models(), margins=MARGINS, seed=st.integers(0, 100))
    @settings(max_examples=20, deadline=None)
    def test_order_plays_no_part(self, models: tuple[Evidence, Evidence], margins: dict[str, float], seed: int) -> None:
        def shuffle(model: Evidence, state: int) -> Evidence:
            return Evidence(
                model.scores.sample(frac=1, random_state=state), model.slices.sample(frac=1, random_state=state), 0.0
            )

        challenger, champion = models
        asked = parameters(**margins)
        shuffled = judge(shuffle(challenger, seed), shuffle(champion, seed + 1), asked)
        assert shuffled == judge(challenger, champion, asked)

    @given(models=two_models(), margins=MARGINS)
    @settings(max_examples=20, deadline=None)
    def test_wider_margins_let_no_fewer_pass(
        self, models: tuple[Evidence, Evidence], margins: dict[str, float]
    ) -> None:
        challenger, champion = models
        strict = judge(challenger, champion, parameters())
        wide = judge(challenger, champion, parameters(**margins))
        assert set(wide.failed) <= set(strict.failed)
