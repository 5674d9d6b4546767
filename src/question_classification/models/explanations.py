"""Why a linear model gives the score that it gives: what each feature of a question adds to its log-odds.

The log-odds of a linear model are a sum: of each feature times its coefficient, and the intercept. So each term of the
sum is the whole say of that feature, and nothing has to be estimated. A calibrator that follows turns the sum into a
probability that never falls where the sum rises: what speaks for a question before still does so after.

A contribution tells what the model does, and not what makes a question belong to the tag: terms that go together share
their say among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import FeatureUnion, Pipeline

from question_classification.models.calibration import CalibratedClassifier, decision_values
from question_classification.models.features import Columns, ContainsWords, Tfidf
from question_classification.models.fields import INTERCEPT, KEYWORD, NUMERIC, OTHERS, TEXT
from question_classification.models.fitting import _share
from question_classification.text.tokenized import TokenizedQuestions


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to the log-odds of each question, before calibration.

    Attributes:
        features: Of each feature, n_features rows: `field`, which is the text that it is of or one of `TEXT`, `NUMERIC`
            and `KEYWORD`; `term`, its name within the field; and `coefficient`, what the classifier multiplies it by.
        values: Contributions, shape (n_samples, n_features). A term that does not occur in a question has no entry.
        intercept: The log-odds of a question without any feature.
    """

    features: pd.DataFrame
    values: csr_array
    intercept: float

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """The decision values of the classifier, shape (n_samples,)."""
        return np.asarray(self.values.sum(axis=1), np.float64) + self.intercept


def explain(fitted: Pipeline, questions: TokenizedQuestions) -> Contributions:
    """Return what each feature adds to the log-odds of some questions, without tokenising them again.

    Numeric columns are standardised, so theirs is the contribution beside a question of average value.

    Args:
        fitted: A fitted pipeline of `estimators`, calibrated or not.
        questions: n_samples questions, at least one.

    Returns:
        Contributions of all features. The prior has none, and the logit of the share of positives as its intercept.

    Raises:
        ValueError: The classifier is not a linear one of two classes, or the names of its features are not known; or
            there are no questions.
    """
    classifier = fitted[-1]
    if isinstance(classifier, CalibratedClassifier):
        classifier = classifier.classifier
    if isinstance(classifier, DummyClassifier):
        intercept = float(decision_values(classifier, np.zeros((1, 1)))[0])
        features = _name_features(fitted).assign(coefficient=np.empty(0))
        return Contributions(features, csr_array((len(questions), 0)), intercept)
    if len(getattr(classifier, "coef_", [])) != 1:
        raise ValueError(f"a linear classifier of two classes is needed, not {classifier!r}")
    coefficients: NDArray[np.float64] = classifier.coef_[0]
    features = _name_features(fitted)
    if len(features) != len(coefficients):
        raise ValueError(f"{len(coefficients)} features are needed, but the names of {len(features)} are known")
    steps, X = _share(fitted, questions)
    weights = csr_array(steps[:-1].transform(X) if len(steps) > 1 else X)
    values = csr_array(
        (weights.data * coefficients[weights.indices], weights.indices, weights.indptr), shape=weights.shape
    )
    return Contributions(features.assign(coefficient=coefficients), values, float(classifier.intercept_[0]))


def strongest_terms(contributions: Contributions, *, most: int) -> pd.DataFrame:
    """Return the terms of each field that move the scores of these questions most, for the tag and against it.

    A term speaks for the tag where its contributions are above 0 on average. A numeric column speaks for it where its
    coefficient is: about as many questions are above its average as below, and the sign of their mean is chance.

    Args:
        contributions: From `explain`.
        most: How many terms of each field and direction, at least 1.

    Returns:
        Columns field, term, direction (for, against), questions (in how many the term occurs), mean_contribution (over
        these, in log-odds), influence (standard deviation of the contribution over all questions, 0 where the term does
        not occur, in log-odds). Fields are in the order of the features, `for` comes before `against`, the most
        influential term first; of equals, the alphabet decides. Terms without any influence are left out.

    Raises:
        ValueError: `most` is below 1.
    """
    _check_most(most)
    values, features = contributions.values, contributions.features
    rows, columns = values.shape
    # Sums by column one entry after the other: no dense matrix, and the same order on every machine.
    questions = np.bincount(values.indices, minlength=columns)
    mean = np.bincount(values.indices, values.data, minlength=columns) / max(rows, 1)
    deviations = np.bincount(values.indices, (values.data - mean[values.indices]) ** 2, minlength=columns)
    influence = np.sqrt((deviations + (rows - questions) * mean**2) / max(rows, 1))
    table = features[["field", "term"]].assign(
        questions=questions, mean_contribution=mean * rows / np.maximum(questions, 1), influence=influence
    )
    sign = np.where(features["field"] == NUMERIC, features["coefficient"], mean)

    parts = [table.iloc[:0].assign(direction="")]
    for field in features["field"].unique():
        for direction, side in (("for", sign > 0), ("against", sign < 0)):
            chosen = np.flatnonzero((features["field"] == field) & side & (influence > 0))
            if len(chosen) > most:  # sorting a few hundred thousand terms by name would take longer than all else
                least = np.partition(influence[chosen], -most)[-most]
                chosen = chosen[influence[chosen] >= least]
            part = table.iloc[chosen].sort_values(["influence", "term"], ascending=[False, True]).head(most)
            parts.append(part.assign(direction=direction))
    strongest = pd.concat(parts, ignore_index=True).astype({"field": str, "direction": str})
    return strongest[["field", "term", "direction", "questions", "mean_contribution", "influence"]]


def break_down(contributions: Contributions, *, most: int) -> pd.DataFrame:
    """Break the log-odds of each question down into its largest contributions and the sum of all others.

    Args:
        contributions: From `explain`; of the questions that are asked about, which are few as a rule.
        most: How many features of each question, at least 1; those without a contribution are left out.

    Returns:
        Columns row (number of the question), field, term, contribution (in log-odds). Per question: the largest
        contributions by absolute value, the largest first, of equals in the order of the features; then a line with the
        field `OTHERS` and one with the field `INTERCEPT`, both without a term. They add up to the log-odds.

    Raises:
        ValueError: `most` is below 1.
    """
    _check_most(most)
    values, features = contributions.values, contributions.features
    rows = values.shape[0]
    row = np.repeat(np.arange(rows), np.diff(values.indptr))
    size = np.abs(values.data)
    order = np.lexsort((values.indices, -size, row))  # by row, as the entries are, so that each keeps its range
    rank = np.arange(len(row)) - values.indptr[row]
    listed = (rank < most) & (size[order] > 0)
    others = np.bincount(row[~listed], values.data[order[~listed]], minlength=rows)
    shown = order[listed]
    last = np.arange(rows)
    lines = pd.DataFrame(
        {
            "row": np.concatenate([row[shown], last, last]),
            "field": [*features["field"].iloc[values.indices[shown]], *[OTHERS] * rows, *[INTERCEPT] * rows],
            "term": [*features["term"].iloc[values.indices[shown]], *[""] * (2 * rows)],
            "contribution": np.concatenate([values.data[shown], others, np.full(rows, contributions.intercept)]),
        }
    ).astype({"field": str, "term": str})
    return lines.sort_values("row", kind="stable", ignore_index=True)


def _name_features(fitted: Pipeline) -> pd.DataFrame:
    """Return `field` and `term` of each feature."""
    blocks = list(_find_features(fitted))
    fields = np.array([field for field, _ in blocks], dtype=object)
    return pd.DataFrame(
        {
            # Categorical, for there are a few fields and hundreds of thousands of features.
            "field": pd.Categorical(np.repeat(fields, [len(terms) for _, terms in blocks]), pd.unique(fields)),
            "term": np.concatenate([np.empty(0, object), *(terms for _, terms in blocks)]),
        }
    )


def _find_features(step: Any) -> Iterator[tuple[str, NDArray[np.object_]]]:
    """Yield each field and the names of its features, in the order of the features; a step without names has none."""
    if isinstance(step, Pipeline | FeatureUnion):
        parts = step.steps if isinstance(step, Pipeline) else step.transformer_list
        yield from chain.from_iterable(_find_features(part) for _, part in parts)
    elif isinstance(step, Tfidf):
        yield step.fields[0] if len(step.fields) == 1 else TEXT, step.get_feature_names_out()
    elif isinstance(step, Columns | ColumnTransformer):
        yield NUMERIC, step.get_feature_names_out()
    elif isinstance(step, ContainsWords):
        yield KEYWORD, step.get_feature_names_out()


def _check_most(most: int) -> None:
    if most < 1:
        raise ValueError(f"most must be at least 1, not {most}")
