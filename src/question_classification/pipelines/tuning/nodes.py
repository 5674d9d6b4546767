"""Nodes of the tuning."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from question_classification.pipelines.modelling.folds import assign_folds
from question_classification.pipelines.modelling.parameters import Candidate, TextParameters, values_of, with_values
from question_classification.pipelines.tuning.parameters import TuningParameters
from question_classification.text.tokenized import TokenizedQuestions

if TYPE_CHECKING:
    from question_classification.models.tuning import Trial

TUNED = ("fielded_logistic", "nb_svm_logistic")
"""The candidates that are tuned; the others are baselines, or the tutorial's."""

logger = logging.getLogger(__name__)


def tune_candidate(
    tokenized_train_set: TokenizedQuestions,
    target: dict[str, str],
    text: TextParameters,
    parameters: TuningParameters,
    candidate: Candidate,
    finished_trials: list[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Search better hyperparameters by cross-validation within the training set, from the configured ones on.

    Args:
        tokenized_train_set: the training set.
        target: what the labels mean.
        text: how texts are read.
        parameters: of the search.
        candidate: as it is configured.
        finished_trials: of an earlier search; it goes on if it was the same one.

    Yields:
        Each trial when it is finished: `study`, which identifies the search; `number`; `values` of the hyperparameters;
        `scores`, the average precision on each fold, or on the first ones; whether it was `pruned` after these.
    """
    from question_classification.models.fitting import cross_validate
    from question_classification.models.selection import average_precision_by_fold
    from question_classification.models.tuning import Range, search

    questions = tokenized_train_set.select(candidate.root.input_columns())
    label = tokenized_train_set.frame["is_target"].to_numpy()
    fold = assign_folds(label, parameters)
    ranges = parameters.ranges_of(candidate.root.kind)

    def evaluate(values: Mapping[str, float], held_out: Sequence[int]) -> Any:
        pipeline = with_values(candidate, values).root.build(target["target_tag"], text.formulas)
        decision = cross_validate(pipeline, questions, label, fold, held_out=held_out)
        rows = ~pd.isna(decision)
        return average_precision_by_fold(label[rows], decision[rows], fold[rows])

    study = _identify(tokenized_train_set.frame, target, text, parameters, candidate)
    for trial in search(
        evaluate,
        {name: Range(each.low, each.high) for name, each in ranges.items()},
        first=values_of(candidate, ranges),
        folds=int(fold.max()) + 1,
        trials=parameters.trials,
        seed=parameters.seed,
        finished=[_to_trial(record) for record in finished_trials if record["study"] == study],
    ):
        judged = f"given up after {len(trial.scores)} folds" if trial.pruned else f"{trial.mean_score:.4f}"
        logger.info("    trial %d of %d: %s", trial.number + 1, parameters.trials, judged)
        yield {"study": study, **dataclasses.asdict(trial)}


def collect_tuned(target: dict[str, str], *trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose the best trial of each candidate.

    Args:
        target: what the labels mean.
        trials: of each of `TUNED`.

    Returns:
        `target`; and by candidate, in `candidates`: the `values` of its hyperparameters, the `average_precision` that
        they reached in cross-validation, that of the values which were configured, and how many trials there were.
    """
    from question_classification.models.tuning import choose_best

    candidates = {}
    for name, records in zip(TUNED, trials, strict=True):
        made = [_to_trial(record) for record in records]
        best = choose_best(made)
        candidates[name] = {
            "values": {key: float(f"{value:.4g}") for key, value in best.values.items()},
            "average_precision": round(best.mean_score, 6),
            "configured_average_precision": round(made[0].mean_score, 6),
            "trials": len(made),
        }
    return {"target": target, "candidates": candidates}


def _to_trial(record: Mapping[str, Any]) -> "Trial":
    from question_classification.models.tuning import Trial

    return Trial(record["number"], record["values"], tuple(record["scores"]), record["pruned"])


def _identify(
    train_set: pd.DataFrame,
    target: dict[str, str],
    text: TextParameters,
    parameters: TuningParameters,
    candidate: Candidate,
) -> str:
    """Return a name for all that the outcome of a trial depends on, but for how many trials there are."""
    settings = [target, text.model_dump(), parameters.model_dump(exclude={"trials", "ranges"}), candidate.model_dump()]
    ranges = {name: each.model_dump() for name, each in parameters.ranges_of(candidate.root.kind).items()}
    name = hashlib.md5(json.dumps([*settings, ranges], sort_keys=True).encode(), usedforsecurity=False)
    columns = ["question_id", "is_target", "title", "body"]
    name.update(pd.util.hash_pandas_object(train_set[columns], index=False).to_numpy().tobytes())
    return name.hexdigest()
