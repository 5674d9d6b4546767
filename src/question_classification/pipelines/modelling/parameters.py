"""Parameters of the candidates: what each is, and its hyperparameters; and of the choice among them."""

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, RootModel

from question_classification.pipelines.parameters import Parameters
from question_classification.text.html import Formulas

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

KnownAtPublication = Literal["creation_time", "title_length", "body_length"]
KnownLater = Literal["score", "view_count", "answer_count", "comment_count"]
"""What votes, views, answers and comments have made of a question since: a new one has none of it."""

TextField = Literal["title", "prose", "code"]


class Prior(Parameters):
    """Baseline: the share of targets in the training set, for every question."""

    kind: Literal["prior"]

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str, formulas: Formulas) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_prior

        return make_prior()


class Keyword(Parameters):
    """Baseline: do the words of the target tag stand in title or body?"""

    kind: Literal["keyword"]

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str, formulas: Formulas) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_keyword

        return make_keyword(tuple(re.split(r"[-\s]+", target_tag.strip("- "))))


class NumericLogistic(Parameters):
    """The tutorial's first model: logistic regression on scaled numeric features."""

    kind: Literal["numeric_logistic"]
    features: tuple[KnownAtPublication | KnownLater, ...] = Field(min_length=1)
    C: PositiveFloat

    def input_columns(self) -> list[str]:
        return list(self.features)

    def build(self, target_tag: str, formulas: Formulas) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_numeric_logistic

        return make_numeric_logistic(self.features, C=self.C)


class TfidfLogistic(Parameters):
    """The tutorial's second model: logistic regression on the TF-IDF of title and body."""

    kind: Literal["tfidf_logistic"]
    max_features: PositiveInt
    C: PositiveFloat

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str, formulas: Formulas) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_tfidf_logistic

        return make_tfidf_logistic(max_features=self.max_features, C=self.C)


class _Fielded(Parameters):
    """TF-IDF of title, prose and code apart."""

    weights: Mapping[TextField, NonNegativeFloat] = Field(min_length=1)
    bigrams: tuple[TextField, ...]
    min_questions: PositiveInt
    C: PositiveFloat


class FieldedLogistic(_Fielded):
    """Logistic regression on the TF-IDF of title, prose and code apart, and on what else is known at publication."""

    kind: Literal["fielded_logistic"]
    features: tuple[KnownAtPublication, ...]

    def input_columns(self) -> list[str]:
        return ["title", "body", *self.features]

    def build(self, target_tag: str, formulas: Formulas) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_fielded_logistic

        return make_fielded_logistic(
            dict(self.weights), self.bigrams, self.min_questions, self.features, formulas, self.C
        )


class NbSvmLogistic(_Fielded):
    """Logistic regression on the TF-IDF of title, prose and code apart, weighted by log-count ratios."""

    kind: Literal["nb_svm_logistic"]
    smoothing: PositiveFloat

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str, formulas: Formulas) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_nb_svm_logistic

        return make_nb_svm_logistic(
            dict(self.weights), self.bigrams, self.min_questions, self.smoothing, formulas, self.C
        )


Kind = Prior | Keyword | NumericLogistic | TfidfLogistic | FieldedLogistic | NbSvmLogistic


class Candidate(RootModel[Annotated[Kind, Field(discriminator="kind")]]):
    """One candidate of conf/base/parameters_modelling.yml; `root` is its kind."""

    model_config = ConfigDict(frozen=True)


def values_of(candidate: Candidate, names: Iterable[str]) -> dict[str, Any]:
    """Return some hyperparameters by dotted name, such as `weights.title`."""
    tree = candidate.model_dump()
    return {name: reduce(getitem, name.split("."), tree) for name in names}


def with_values(candidate: Candidate, values: Mapping[str, Any]) -> Candidate:
    """Return a candidate with other values of some hyperparameters, given by dotted name."""
    tree = candidate.model_dump()
    for name, value in values.items():
        *path, last = name.split(".")
        reduce(getitem, path, tree)[last] = value
    return Candidate.model_validate(tree)


class TextParameters(Parameters):
    """How texts are read."""

    formulas: Formulas


class CrossValidationParameters(Parameters):
    """A stratified cross-validation within the training set."""

    folds: int = Field(ge=2, le=20)
    seed: int = Field(ge=0, lt=2**31)
