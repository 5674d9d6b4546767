"""Parameters of the candidates: what each is, and its hyperparameters."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, PositiveFloat, PositiveInt, RootModel

from question_classification.pipelines.parameters import Parameters

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

NumericFeature = Literal[
    "creation_time", "title_length", "body_length", "score", "view_count", "answer_count", "comment_count"
]


class Prior(Parameters):
    """Baseline: the share of targets in the training set, for every question."""

    kind: Literal["prior"]

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_prior

        return make_prior()


class Keyword(Parameters):
    """Baseline: do the words of the target tag stand in title or body?"""

    kind: Literal["keyword"]

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str) -> "Pipeline":
        from question_classification.models.estimators import make_keyword

        return make_keyword(tuple(re.split(r"[-\s]+", target_tag.strip("- "))))


class NumericLogistic(Parameters):
    """The tutorial's first model: logistic regression on scaled numeric features."""

    kind: Literal["numeric_logistic"]
    features: tuple[NumericFeature, ...] = Field(min_length=1)
    C: PositiveFloat

    def input_columns(self) -> list[str]:
        return list(self.features)

    def build(self, target_tag: str) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_numeric_logistic

        return make_numeric_logistic(self.features, C=self.C)


class TfidfLogistic(Parameters):
    """The tutorial's second model: logistic regression on the TF-IDF of title and body."""

    kind: Literal["tfidf_logistic"]
    max_features: PositiveInt
    C: PositiveFloat

    def input_columns(self) -> list[str]:
        return ["title", "body"]

    def build(self, target_tag: str) -> "Pipeline":  # noqa: ARG002
        from question_classification.models.estimators import make_tfidf_logistic

        return make_tfidf_logistic(max_features=self.max_features, C=self.C)


class Candidate(RootModel[Annotated[Prior | Keyword | NumericLogistic | TfidfLogistic, Field(discriminator="kind")]]):
    """One candidate of conf/base/parameters_modelling.yml; `root` is its kind."""

    model_config = ConfigDict(frozen=True)
