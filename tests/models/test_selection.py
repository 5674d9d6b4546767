import numpy as np
import pytest

from question_classification.models.selection import average_precision_by_fold, choose, compare


def test_average_precision_of_each_fold_worked_out_by_hand() -> None:
    y = [True, False, True, False, True, False]
    score = [0.9, 0.1, 0.2, 0.8, 5.0, 5.0]
    fold = [0, 0, 1, 1, 2, 2]
    assert average_precision_by_fold(y, score, fold).tolist() == [1.0, 0.5, 0.5]


def test_comparison_worked_out_by_hand() -> None:
    comparisons = compare({"plain": np.array([0.1, 0.2, 0.3]), "best": np.array([0.3, 0.4, 0.8])})
    plain, best = comparisons.values()
    assert plain.average_precision == pytest.approx(0.2)
    assert plain.standard_error == pytest.approx(0.1 / np.sqrt(3))
    assert plain.behind == pytest.approx(0.3)  # 0.2, 0.2 and 0.5
    assert plain.behind_standard_error == pytest.approx(np.sqrt(0.03) / np.sqrt(3))
    assert (best.behind, best.behind_standard_error) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("plain", "chosen"),
    [
        ([0.5, 0.6, 0.7], "plain"),  # the same
        ([0.4, 0.7, 0.7], "plain"),  # behind by 0 on average
        ([0.35, 0.61, 0.7], "plain"),  # 0.0467 behind, standard error 0.0519
        ([0.45, 0.55, 0.65], "rich"),  # 0.05 behind in every fold
        ([0.6, 0.7, 0.8], "plain"),  # better
    ],
)
def test_the_simpler_wins_a_tie(plain: list[float], chosen: str) -> None:
    values = {"plain": np.array(plain), "rich": np.array([0.5, 0.6, 0.7])}
    assert choose(compare(values)) == chosen


def test_the_simplest_of_those_that_tie() -> None:
    values = {"bad": [0.1, 0.1], "middle": [0.5, 0.6], "rich": [0.6, 0.5], "best": [0.6, 0.51]}
    assert choose(compare({name: np.array(each) for name, each in values.items()})) == "middle"
