"""The folds of a cross-validation within the training set."""

from typing import Any

from question_classification.pipelines.modelling.parameters import CrossValidationParameters
from question_classification.stackexchange.errors import InputError


def assign_folds(label: Any, parameters: CrossValidationParameters) -> Any:
    """Assign folds, shape (n_samples,); fewer than asked for where a class has fewer questions.

    Raises:
        InputError: a class has fewer than two.
    """
    from question_classification.models import fitting

    smaller = int(min(label.sum(), (~label).sum()))
    if smaller < 2:
        raise InputError(
            f"training set: {label.sum()} of {len(label)} questions are about the target tag, too few to choose a "
            "candidate by; bring more questions of either kind."
        )
    return fitting.assign_folds(label, folds=min(parameters.folds, smaller), seed=parameters.seed)
