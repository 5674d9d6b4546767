"""The search for hyperparameters: seeded, pruned, and resumed where it was left."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import optuna
from numpy.typing import ArrayLike

Evaluate = Callable[[Mapping[str, float], Sequence[int]], ArrayLike]
"""Takes the values of a trial and some folds, and returns the score on each of them, the higher the better."""

_Spaces = dict[str, optuna.distributions.BaseDistribution]
_FIRST_FOLDS = 2  # after which a trial may be pruned
_TRIALS_BEFORE_PRUNING = 5


class Range(NamedTuple):
    """The values that a hyperparameter may take, above 0, evenly in their logarithm."""

    low: float
    high: float


@dataclass(frozen=True)
class Trial:
    """What some values of the hyperparameters gave.

    Attributes:
        number: counts from 0.
        values: of the hyperparameters, by name.
        scores: on each fold; on the first few only where the trial was pruned.
        pruned: whether it was given up, for the first folds did worse than in most trials before.
    """

    number: int
    values: dict[str, float]
    scores: tuple[float, ...]
    pruned: bool

    @property
    def mean_score(self) -> float:
        """The mean over the folds on which it was judged."""
        return sum(self.scores) / len(self.scores)


def search(
    evaluate: Evaluate,
    ranges: Mapping[str, Range],
    *,
    first: Mapping[str, float],
    folds: int,
    trials: int,
    seed: int,
    finished: Sequence[Trial] = (),
) -> Iterator[Trial]:
    """Search by the tree-structured Parzen estimator, and prune by the median of the trials before.

    Sources: Bergstra et al., Algorithms for Hyper-Parameter Optimization (2011); Golovin et al., Google Vizier (2017).
    Each trial has a seed of its own, so a search that goes on from finished trials is the one that was never stopped.

    Args:
        evaluate: judges values on some folds.
        ranges: of the hyperparameters, by name.
        first: the values that are tried first, which may lie outside their ranges.
        folds: how many folds there are.
        trials: how many trials there are to be in all, the finished ones among them.
        seed: of the first trial; the others have those that follow.
        finished: the trials that an earlier search with the same arguments has made, in order.

    Yields:
        The trials, as they are finished.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spaces: _Spaces = {name: _space(each, first[name]) for name, each in ranges.items()}
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_TRIALS_BEFORE_PRUNING)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.add_trials([_to_optuna(trial, spaces) for trial in finished])
    for number in range(len(finished), trials):
        study.sampler = optuna.samplers.TPESampler(seed=seed + number, multivariate=True)
        if number == 0:
            study.enqueue_trial(dict(first))
        asked = study.ask(spaces)
        scores: list[float] = []
        pruned = False
        for some in (range(min(_FIRST_FOLDS, folds)), range(_FIRST_FOLDS, folds)):
            if not some:
                continue
            scores += map(float, evaluate(asked.params, some))  # type: ignore[arg-type]
            asked.report(sum(scores) / len(scores), len(scores))
            if pruned := len(scores) < folds and bool(asked.should_prune()):
                break
        trial = Trial(number, asked.params, tuple(scores), pruned)
        if pruned:
            study.tell(asked, state=optuna.trial.TrialState.PRUNED)  # its value is the last that was reported
        else:
            study.tell(asked, trial.mean_score)
        yield trial


def choose_best(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the best mean score of those that were not pruned; the earliest of equals."""
    return max((trial for trial in trials if not trial.pruned), key=lambda trial: trial.mean_score)


def _space(values: Range, first: float) -> optuna.distributions.BaseDistribution:
    return optuna.distributions.FloatDistribution(min(values.low, first), max(values.high, first), log=True)


def _to_optuna(trial: Trial, spaces: _Spaces) -> optuna.trial.FrozenTrial:
    """Return a trial in the form that a study keeps."""
    reported = {_FIRST_FOLDS, len(trial.scores)} if len(trial.scores) > _FIRST_FOLDS else {len(trial.scores)}
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.PRUNED if trial.pruned else optuna.trial.TrialState.COMPLETE,
        value=trial.mean_score,
        params=trial.values,
        distributions=spaces,
        intermediate_values={step: sum(trial.scores[:step]) / step for step in reported},
    )
