from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from question_classification.models.tuning import Range, Trial, choose_best, search

RANGES = {"C": Range(0.01, 100.0), "weights.title": Range(0.1, 10.0)}
FIRST = {"C": 1.0, "weights.title": 1.0}
FOLDS = 5


def judge(values: Mapping[str, float], folds: Sequence[int]) -> list[float]:
    """Return scores that are best, 1, where C is 10 and the weight is 0.3; folds differ a little."""
    far = np.log10(values["C"] / 10) ** 2 + np.log10(values["weights.title"] / 0.3) ** 2
    return [float(np.exp(-far) - 0.01 * fold) for fold in folds]


class Judged:
    """`judge`, with a record of what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, float], list[int]]] = []

    def __call__(self, values: Mapping[str, float], folds: Sequence[int]) -> list[float]:
        self.asked.append((dict(values), list(folds)))
        return judge(values, folds)


def find(trials: int = 20, seed: int = 3, finished: Sequence[Trial] = (), folds: int = FOLDS) -> list[Trial]:
    return list(search(judge, RANGES, first=FIRST, folds=folds, trials=trials, seed=seed, finished=finished))


@pytest.fixture(scope="module")
def whole() -> list[Trial]:
    """A search that was never stopped."""
    return find()


def test_trials_are_numbered_and_scored(whole: list[Trial]) -> None:
    assert [trial.number for trial in whole] == list(range(20))
    for trial in whole:
        assert set(trial.values) == set(RANGES)
        assert list(trial.scores) == judge(trial.values, range(len(trial.scores)))
        assert trial.mean_score == pytest.approx(np.mean(trial.scores))


def test_first_trial_is_the_one_that_was_asked_for(whole: list[Trial]) -> None:
    assert whole[0].values == FIRST


def test_seed_decides(whole: list[Trial]) -> None:
    assert find() == whole
    assert find(trials=3, seed=4)[1:] != whole[1:3]


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(0, 20))
def test_search_that_goes_on_is_the_one_that_was_never_stopped(whole: list[Trial], cut: int) -> None:
    assert find(finished=whole[:cut]) == whole[cut:]


def test_more_trials_begin_as_fewer_do(whole: list[Trial]) -> None:
    assert find(trials=4) == whole[:4]


def test_trials_are_handed_out_as_they_are_finished() -> None:
    judged = Judged()
    trials = search(judged, RANGES, first=FIRST, folds=FOLDS, trials=10, seed=3)
    assert next(trials).values == FIRST
    assert judged.asked == [(FIRST, [0, 1]), (FIRST, [2, 3, 4])]


def test_pruned_trials_are_judged_on_the_first_folds_only(whole: list[Trial]) -> None:
    judged = Judged()
    again = list(search(judged, RANGES, first=FIRST, folds=FOLDS, trials=20, seed=3))
    assert again == whole
    pruned = [trial for trial in whole if trial.pruned]
    assert 0 < len(pruned) < 15
    assert not any(trial.pruned for trial in whole[:5])  # there is nothing to compare them with
    for trial in whole:
        folds = [fold for values, some in judged.asked if values == trial.values for fold in some]
        assert folds == list(range(2 if trial.pruned else FOLDS))
        assert len(trial.scores) == len(folds)


def test_trials_are_pruned_that_do_worse_than_most_before(whole: list[Trial]) -> None:
    for trial in whole[5:]:
        earlier = [np.mean(other.scores[:2]) for other in whole[: trial.number] if not other.pruned]
        assert trial.pruned == (np.mean(trial.scores[:2]) < np.median(earlier))


def test_better_values_are_found(whole: list[Trial]) -> None:
    best = choose_best(whole)
    assert best.mean_score > whole[0].mean_score + 0.3
    assert best.mean_score > 0.9 - 0.02  # the very best is 1 - 0.02


def test_what_has_been_learnt_is_put_to_use() -> None:
    """Later trials come nearer to the best values than those that are drawn before anything is known."""
    trials = [trial for seed in range(4) for trial in find(trials=30, seed=seed)]
    far = {trial.number: [] for trial in trials}
    for trial in trials:
        far[trial.number].append(abs(np.log10(trial.values["C"] / 10)))
    assert np.mean([far[number] for number in range(20, 30)]) < 0.7 * np.mean([far[number] for number in range(1, 10)])


@settings(max_examples=15, deadline=None)
@given(low=st.floats(1e-3, 1), factor=st.floats(1.5, 1e4), first=st.floats(1e-3, 1e3), seed=st.integers(0, 2**31 - 1))
def test_values_stay_in_their_range_which_reaches_to_the_first(
    low: float, factor: float, first: float, seed: int
) -> None:
    def peak(values: Mapping[str, float], folds: Sequence[int]) -> list[float]:
        return [-abs(np.log(values["C"] / first)) for _ in folds]

    high = low * factor
    trials = list(search(peak, {"C": Range(low, high)}, first={"C": first}, folds=2, trials=8, seed=seed))
    assert trials[0].values == {"C": first}
    assert all(min(low, first) <= trial.values["C"] <= max(high, first) for trial in trials)
    assert choose_best(trials) == trials[0]


@pytest.mark.parametrize("folds", [2, 3])
def test_few_folds_are_enough(folds: int) -> None:
    trials = find(trials=12, folds=folds)
    assert {len(trial.scores) for trial in trials if not trial.pruned} == {folds}
    assert any(trial.pruned for trial in trials) == (folds > 2)  # of two folds none is saved
    assert find(trials=12, folds=folds, finished=trials[:7]) == trials[7:]


def test_scores_may_be_an_array() -> None:
    def judge_all(values: Mapping[str, float], folds: Sequence[int]) -> np.ndarray:
        return np.array(judge(values, folds), np.float32)

    (trial,) = search(judge_all, RANGES, first=FIRST, folds=FOLDS, trials=1, seed=0)
    assert all(type(score) is float for score in trial.scores)


def test_search_that_is_over_does_nothing(whole: list[Trial]) -> None:
    judged = Judged()
    finished = {"first": FIRST, "folds": FOLDS, "seed": 3, "finished": whole}
    assert list(search(judged, RANGES, trials=20, **finished)) == []
    assert list(search(judged, RANGES, trials=5, **finished)) == []
    assert judged.asked == []


def trial(number: int, *scores: float, pruned: bool = False) -> Trial:
    return Trial(number, {"C": 1.0}, scores, pruned)


def test_best_is_not_one_that_was_pruned_and_the_earliest_of_equals() -> None:
    trials = [trial(0, 0.5, 0.5), trial(1, 0.9, pruned=True), trial(2, 0.4, 0.8), trial(3, 0.6, 0.6)]
    assert choose_best(trials) == trials[2]
