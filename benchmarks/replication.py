"""The tutorial's recipe on real questions, then each of its flaws mended on its own: writes docs/replication.md.

    python benchmarks/replication.py
    python benchmarks/replication.py questions.csv --tag regression
    python benchmarks/replication.py --november-2020 CrossValidated-Questions-Nov-2020.csv

Without a file it takes the two real exports in the folder STACKEXCHANGE_DATA. What the project has, it uses: reading,
validation, labels, splits, near-duplicates, text, estimators, thresholds, metrics, and the parameters of conf/base.
"""

import argparse
import os
import platform
import shlex
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.special import expit
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import FeatureUnion, Pipeline

from question_classification.models.estimators import make_fielded_logistic, make_numeric_logistic
from question_classification.models.features import Tfidf
from question_classification.models.fitting import calibrate, cross_validate, fit_and_score, score
from question_classification.models.metrics import METRICS, _resampled_metrics, score_metrics
from question_classification.models.questions import Tokenize
from question_classification.pipelines.feature_engineering.nodes import (
    engineer_features,
    group_near_duplicates,
    label_questions,
    split_train_test,
)
from question_classification.pipelines.feature_engineering.parameters import (
    FeatureEngineeringParameters,
    TargetParameters,
)
from question_classification.pipelines.ingestion.nodes import validate_questions
from question_classification.pipelines.ingestion.parameters import IngestionParameters
from question_classification.pipelines.modelling.folds import assign_folds
from question_classification.pipelines.modelling.parameters import (
    Candidate,
    CrossValidationParameters,
    NumericLogistic,
    TextParameters,
)
from question_classification.pipelines.parameters import Interval
from question_classification.pipelines.reporting.names import METRIC_NAMES
from question_classification.pipelines.reporting.parameters import ReportingParameters
from question_classification.pipelines.thresholding.nodes import choose_threshold
from question_classification.pipelines.thresholding.parameters import ThresholdingParameters
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.files import write_bytes
from question_classification.stackexchange.sede import read_sede
from question_classification.text.html import Formulas, split_body
from question_classification.text.tokenized import BODY, CODE, PROSE, TITLE, TokenizedQuestions

PROJECT = Path(__file__).parents[1]
DATA = Path(os.environ.get("STACKEXCHANGE_DATA") or PROJECT.parent / "shared" / "data")

# The recipe
TEST_SHARE = 0.25
SEED = 42
MOST_TERMS = 25_000
SGD, LOGISTIC = "SGD", "logistic regression"

# Its changes
EXACT, TEMPORAL, GROUPED = "exact tag", "split by time", "near-duplicates kept together"
COLUMNS, STRIPPED, FOLDED = "columns used", "markup stripped", "markup stripped and formulas folded"
APART, SUBLINEAR, PAIRS = "fields apart", "sublinear counts", "pairs of code tokens"
TOGETHER = "the three before together"
KNOWN_AT_PUBLICATION = ("creation_time", "title_length", "body_length")
KNOWN_LATER = ("score", "view_count", "answer_count", "comment_count")
BEST_CANDIDATES = ("fielded_logistic", "nb_svm_logistic")
FIXED, MAX_F1, PRECISION = "0.5", "max_f1", "precision_at_least"

SEEDS = range(10)  # to see what chance does
LEAST_TARGETS = 20  # and least others: with fewer, no interval says anything
AP = "average_precision"

PUBLISHED = {
    "test": {
        "roc_auc": 0.8611,
        "average_precision": 0.4583,
        "accuracy": 0.8961,
        "precision": 0.5779,
        "recall": 0.2378,
        "f1": 0.3369,
    },
    "training": {"roc_auc": 0.9547, "average_precision": 0.7174},
}
"""Of the SGD on the November 2020 export, seeds 42 and 42: the history of https://github.com/arjvik/dvc-demo."""
PUBLISHED_QUESTIONS, PUBLISHED_TARGETS = 50_000, 5_552


# What is asked for


@dataclass(frozen=True)
class Export:
    """A file of questions, the target, and what the page says of the file."""

    path: Path
    tag: str
    match: Literal["contains", "exact"] = "contains"
    name: str = ""
    note: str = ""


REAL = (
    Export(
        DATA / "stackoverflow_2018.csv.gz",
        "python",
        name="Stack Overflow",
        note="The file was made of recorded answers of the API; it has no comment counts.",
    ),
    Export(
        DATA / "cross_validated_2016.csv",
        "machine-learning",
        name="Cross Validated",
        note="The file was made of a crawl: titles are the words of the question's address, bodies are text without "
        "markup; it has no comment counts.",
    ),
)


class Settings(NamedTuple):
    """What conf/base says."""

    ingestion: IngestionParameters
    features: FeatureEngineeringParameters
    thresholding: ThresholdingParameters
    interval: Interval
    text: TextParameters
    folds: CrossValidationParameters
    numeric: NumericLogistic
    candidates: dict[str, Candidate]


Model = TypeVar("Model", bound=BaseModel)


def read_settings() -> Settings:
    def tree(name: str) -> dict[str, Any]:
        file = PROJECT / "conf" / "base" / f"parameters_{name}.yml"
        values: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))[name]
        return values

    def read(model: type[Model], name: str) -> Model:
        return model.model_validate(tree(name))

    modelling = tree("modelling")
    return Settings(
        read(IngestionParameters, "ingestion"),
        read(FeatureEngineeringParameters, "feature_engineering"),
        read(ThresholdingParameters, "thresholding"),
        read(ReportingParameters, "reporting").interval,
        TextParameters.model_validate(modelling["text"]),
        CrossValidationParameters.model_validate(modelling["selection"]),
        NumericLogistic.model_validate(modelling["numeric_logistic"]),
        {name: Candidate.model_validate(modelling[name]) for name in BEST_CANDIDATES},
    )


# The questions


@dataclass(frozen=True)
class Questions:
    """The questions of an export, in the order of the file, for the recipe's split depends on it.

    Attributes:
        export: where they come from, and the target.
        settings: what conf/base says.
        quality: counts of the validation.
        licenses: under which they are.
        features: a row per question, as `engineer_features` makes it.
        labels: a row per question, as `label_questions` makes it.
        near_duplicates: a row per question, as `group_near_duplicates` makes it.
        raw: their texts as numbers: the body with all markup, and its parts.
        stripped: the same with bodies without markup, by what became of formulas.
        formula_share: of the questions with a formula.
    """

    export: Export
    settings: Settings
    quality: dict[str, Any]
    licenses: list[str]
    features: pd.DataFrame
    labels: pd.DataFrame
    near_duplicates: pd.DataFrame
    raw: TokenizedQuestions
    stripped: dict[Formulas, TokenizedQuestions]
    formula_share: float

    @property
    def target(self) -> NDArray[np.bool_]:
        """The labels that the recipe has."""
        return self.labels["is_target"].to_numpy(bool)

    @property
    def exact(self) -> NDArray[np.bool_]:
        """The labels by the exact tag."""
        return self.labels["has_target_tag"].to_numpy(bool)

    @property
    def markup_share(self) -> float:
        """The share of the words of bodies that are markup."""
        before, after = (len(each.tokens[BODY].ids) for each in (self.raw, self.stripped["keep"]))
        return 1 - after / max(before, 1)

    @property
    def code_share(self) -> float:
        """The share of the questions with code."""
        return float(np.mean(np.diff(self.raw.tokens[CODE].offsets) > 0))


def load(export: Export, settings: Settings) -> Questions:
    """Read an export as a run does, but for the order.

    Raises:
        InputError: it is no export, or has too few questions of either kind.
    """
    harvest = read_sede(export.path)
    table = pa.concat_tables(list(harvest))
    rows = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    origin = {"source": "sede", "site": harvest.site, "md5": "", "files": 1, "bytes": export.path.stat().st_size}
    account = {"left_out": dict(harvest.left_out), "repaired": dict(harvest.repaired), "warnings": harvest.warnings}
    valid = validate_questions(rows, origin | account, settings.ingestion)

    places = pd.Index(valid.questions["question_id"]).get_indexer(rows["Id"].dropna().drop_duplicates())
    questions = valid.questions.iloc[places[places >= 0]].reset_index(drop=True)
    target = TargetParameters(target_tag=export.tag, match=export.match)
    labels = label_questions(questions, target).question_labels
    for column, rule in (("is_target", export.match), ("has_target_tag", "exact")):
        _check_counts(export, rule, labels[column].to_numpy(bool))

    features = engineer_features(questions)
    bodies = {formulas: _strip(features["body"], formulas) for formulas in _FORMULAS}
    words = Tokenize((TITLE, BODY))
    return Questions(
        export,
        settings,
        valid.data_quality,
        sorted(questions["content_license"].dropna().unique()),
        features,
        labels,
        group_near_duplicates(features, settings.features),
        Tokenize(formulas=settings.text.formulas).transform(features),
        {formulas: words.transform(features.assign(body=body)) for formulas, body in bodies.items()},
        float((bodies["keep"] != bodies["fold"]).mean()),
    )


_FORMULAS: tuple[Formulas, ...] = ("keep", "fold")


def _check_counts(export: Export, rule: str, target: NDArray[np.bool_]) -> None:
    targets, others = int(target.sum()), int((~target).sum())
    if min(targets, others) < LEAST_TARGETS:
        raise InputError(
            f"{export.path}: {targets} questions about {export.tag!r} (rule: {rule}) and {others} others, where at "
            f"least {LEAST_TARGETS} of either kind are needed; bring more questions, or another --tag"
        )


def _strip(bodies: "pd.Series[str]", formulas: Formulas) -> "pd.Series[str]":
    parts = (split_body(body, formulas=formulas) for body in bodies)
    return pd.Series([f"{part.prose}\n{part.code}" for part in parts], index=bodies.index, dtype=str)


class Sides(NamedTuple):
    """The rows of the training set, in the order in which a classifier sees them, and those of the test set."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def split_as_published(questions: Questions, seed: int = SEED) -> Sides:
    target = questions.target
    return Sides(*train_test_split(np.arange(len(target)), test_size=TEST_SHARE, stratify=target, random_state=seed))


def split_as_configured(
    questions: Questions,
    labels: pd.DataFrame,
    *,
    split: Literal["stratified", "temporal"],
    across: Literal["report", "group"],
) -> tuple[Sides, dict[str, Any]]:
    """Return the sides by the project's own split, and what it says of near-duplicates."""
    configured = questions.settings.features
    near_duplicates = configured.near_duplicates.model_copy(update={"across": across})
    changes = {"split": split, "test_share": TEST_SHARE, "seed": SEED, "near_duplicates": near_duplicates}
    made = split_train_test(
        questions.features, labels, questions.near_duplicates, configured.model_copy(update=changes)
    )
    # The SGD depends on the order of its rows: those that stay where they were keep it
    order = np.concatenate(split_as_published(questions))
    numbers = questions.features["question_id"].iloc[order]
    sides = (order[numbers.isin(part["question_id"]).to_numpy()] for part in (made.train_set, made.test_set))
    return Sides(*sides), made.split["near_duplicates"]


# Scores, and what they are worth


class Estimate(NamedTuple):
    """A value and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Scored:
    """A test set and its scores by one classifier, once per training seed; every metric is the mean over these.

    Attributes:
        target: the labels, shape (n_samples,).
        scores: probabilities of the target, each of shape (n_samples,).
        interval: how the bootstrap is to be done.
        threshold: from which score on a question is flagged.
    """

    target: NDArray[np.bool_]
    scores: Sequence[NDArray[np.float64]]
    interval: Interval
    threshold: float = 0.5

    @cached_property
    def values(self) -> dict[str, float]:
        """Every metric."""
        each = [score_metrics(self.target, scores, threshold=self.threshold) for scores in self.scores]
        return {metric: float(np.mean([values[metric] for values in each])) for metric in METRICS}

    @cached_property
    def resampled(self) -> NDArray[np.float64]:
        """Every metric of every resample, shape (resamples, len(METRICS))."""
        # The draws depend on nothing but the labels and the seed: what has the same labels is paired
        threshold, resamples, seed = self.threshold, self.interval.resamples, self.interval.seed
        values: NDArray[np.float64] = np.mean(
            [
                _resampled_metrics(self.target, scores, threshold=threshold, resamples=resamples, seed=seed)
                for scores in self.scores
            ],
            axis=0,
        )
        return values

    def estimate(self, metric: str = AP) -> Estimate:
        """Return a metric and its interval."""
        return self._estimate(self.values[metric], self.resampled[:, METRICS.index(metric)])

    def minus(self, other: "Scored", metric: str = AP) -> Estimate:
        """Return how much more this has of a metric than another, with a paired interval.

        Raises:
            ValueError: the two have not the same labels.
        """
        if not np.array_equal(self.target, other.target):
            raise ValueError("only scores of the same questions with the same labels can be paired")
        place = METRICS.index(metric)
        difference = self.resampled[:, place] - other.resampled[:, place]
        return self._estimate(self.values[metric] - other.values[metric], difference)

    def _estimate(self, value: float, resampled: NDArray[np.float64]) -> Estimate:
        level = self.interval.level
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        return Estimate(value, float(low), float(high))

    def same_as(self, other: "Scored") -> bool:
        """Say whether labels and all scores are the same."""
        return np.array_equal(self.target, other.target) and all(map(np.array_equal, self.scores, other.scores))


Measured = dict[str, Scored]
"""A test set as each classifier scores it."""


def make_classifiers(seeds: Sequence[int]) -> dict[str, list[Any]]:
    """Return the classifiers of the tutorial: that of the published figures, once per seed, and the one before it."""
    return {
        SGD: [SGDClassifier(loss="modified_huber", random_state=seed) for seed in seeds],
        # On text it converges long before; beside columns it takes more than the default of 100 iterations
        LOGISTIC: [LogisticRegression(solver="sag", random_state=SEED, max_iter=1_000)],
    }


def learn(
    features: Any,
    questions: Questions,
    sides: Sides,
    *,
    target: NDArray[np.bool_] | None = None,
    tokenized: TokenizedQuestions | None = None,
    seeds: Sequence[int] | None = None,
) -> Measured:
    """Make features, fit every classifier to them, and score the test set; everything is the recipe's by default."""
    target = questions.target if target is None else target
    train, test = ((tokenized or questions.raw).take(rows) for rows in sides)
    features, y = clone(features), target[sides.train]
    X = features.fit_transform(train, y)
    X_test = features.transform(test)
    return {
        name: Scored(
            target[sides.test],
            [classifier.fit(X, y).predict_proba(X_test)[:, 1] for classifier in family],
            questions.settings.interval,
        )
        for name, family in make_classifiers(SEEDS if seeds is None else seeds).items()
    }


# The recipe, and its changes one by one


def recipe_features(*, sublinear: bool = False) -> Tfidf:
    return Tfidf((TITLE, BODY), max_terms=MOST_TERMS, sublinear=sublinear)


def field_features(*, sublinear: bool = False, bigrams: Sequence[str] = ()) -> FeatureUnion:
    return FeatureUnion(
        [
            (field, Tfidf((field,), bigrams=field in bigrams, max_terms=MOST_TERMS, sublinear=sublinear))
            for field in (TITLE, PROSE, CODE)
        ]
    )


def with_columns(features: Any, columns: Sequence[str]) -> FeatureUnion:
    """Return features and, beside them, numeric columns, as the project's own candidate has them."""
    own = make_fielded_logistic({TITLE: 1.0}, (), 1, columns, "keep", 1.0)["fields"]
    name, numeric = own.transformer_list[-1]
    weights = {name: own.transformer_weights[name]}
    return FeatureUnion([("text", features), (name, numeric)], transformer_weights=weights)


class AsPublished(NamedTuple):
    """The recipe in plain scikit-learn: metrics on the training set, scores of the test set."""

    training: dict[str, dict[str, float]]
    test: Measured


def run_as_published(questions: Questions) -> AsPublished:
    text = questions.features["title"] + " " + questions.features["body"]
    sides = split_as_published(questions)
    vectorizer = TfidfVectorizer(max_features=MOST_TERMS)
    X, X_test = vectorizer.fit_transform(text.iloc[sides.train]), vectorizer.transform(text.iloc[sides.test])
    y, y_test = (questions.target[rows] for rows in sides)
    fitted = {name: family[0].fit(X, y) for name, family in make_classifiers([SEED]).items()}
    interval = questions.settings.interval
    return AsPublished(
        {name: score_metrics(y, each.predict_proba(X)[:, 1]) for name, each in fitted.items()},
        {name: Scored(y_test, [each.predict_proba(X_test)[:, 1]], interval) for name, each in fitted.items()},
    )


def list_changes(questions: Questions) -> dict[str, tuple[Any, TokenizedQuestions]]:
    """Return the changes that leave questions and labels as they are: features, and what they are made of."""
    pairs = FeatureUnion([("text", recipe_features()), (CODE, Tfidf((CODE,), bigrams=True, max_terms=MOST_TERMS))])
    return {
        COLUMNS: (with_columns(recipe_features(), KNOWN_AT_PUBLICATION), questions.raw),
        STRIPPED: (recipe_features(), questions.stripped["keep"]),
        FOLDED: (recipe_features(), questions.stripped["fold"]),
        APART: (field_features(), questions.raw),
        SUBLINEAR: (recipe_features(sublinear=True), questions.raw),
        PAIRS: (pairs, questions.raw),
        TOGETHER: (field_features(sublinear=True, bigrams=(CODE,)), questions.raw),
    }


def measure_changes(questions: Questions) -> dict[str, Measured]:
    sides = split_as_published(questions)
    return {
        name: learn(features, questions, sides, tokenized=tokenized)
        for name, (features, tokenized) in list_changes(questions).items()
    }


class OtherRows(NamedTuple):
    """What a change of questions or labels comes to: its test set is not that of the recipe."""

    name: str
    what: str
    measured: Measured


def measure_other_rows(questions: Questions) -> list[OtherRows]:
    published, differ = split_as_published(questions), questions.exact != questions.target
    temporal, _ = split_as_configured(questions, questions.labels, split="temporal", across="report")
    grouped, near = split_as_configured(questions, questions.labels, split="stratified", across="group")
    across = near["test_questions_with_one_in_train"]["stratified"]
    moved = len(np.setdiff1d(grouped.train, published.train)) + len(np.setdiff1d(grouped.test, published.test))
    labels = f"{differ.sum():,} labels differ, {differ[published.test].sum():,} of them in the test set"
    duplicates = (
        f"{near['questions']:,} questions have a near-duplicate; {across:,} in the test set have one in the training "
        f"set; {moved:,} change sides"
    )
    return [
        OtherRows(EXACT, labels, learn(recipe_features(), questions, published, target=questions.exact)),
        OtherRows(TEMPORAL, _describe_dates(questions, temporal), learn(recipe_features(), questions, temporal)),
        OtherRows(GROUPED, duplicates, learn(recipe_features(), questions, grouped)),
    ]


def _describe_dates(questions: Questions, sides: Sides) -> str:
    created = pd.to_datetime(questions.features["creation_time"], unit="s").dt.strftime("%Y-%m-%d")
    train, test = (created.iloc[rows] for rows in sides)
    return f"learned from {train.min()} to {train.max()}, tested on {test.min()} to {test.max()}"


class Later(NamedTuple):
    """A model with the columns that are known only later, and without them."""

    name: str
    with_them: Scored
    without: Scored


def measure_later(questions: Questions) -> list[Later]:
    sides, numeric = split_as_published(questions), questions.settings.numeric
    train, test = (questions.raw.take(rows) for rows in sides)
    alone, beside = [], []
    for columns in (numeric.features, KNOWN_AT_PUBLICATION):
        fitted, _ = fit_and_score(make_numeric_logistic(columns, numeric.C), train, questions.target[sides.train])
        alone.append(Scored(questions.target[sides.test], [score(fitted, test)], questions.settings.interval))
        beside.append(learn(with_columns(recipe_features(), columns), questions, sides))
    return [
        Later(f"columns alone ({LOGISTIC})", *alone),
        *(Later(f"columns beside the recipe ({name})", *(each[name] for each in beside)) for name in beside[0]),
    ]


class AtThreshold(NamedTuple):
    """The recipe at a threshold, and whether the policy got what it asks for in the training set."""

    classifier: str
    policy: str
    reached: bool
    scored: Scored


def measure_thresholds(questions: Questions) -> list[AtThreshold]:
    """Measure the recipe at 0.5, and at thresholds that were chosen on scores out of fold in the training set."""
    settings, sides = questions.settings, split_as_published(questions)
    train, test = (questions.raw.take(rows) for rows in sides)
    y, y_test = (questions.target[rows] for rows in sides)
    fold = assign_folds(y, settings.folds)
    found = []
    for name, (classifier,) in make_classifiers([SEED]).items():
        steps = [("tokenize", Tokenize((TITLE, BODY))), ("tfidf", recipe_features()), ("classifier", classifier)]
        pipeline = Pipeline(steps)
        out_of_fold = probabilities(classifier, cross_validate(pipeline, train, y, fold))
        scores = [score(fit_and_score(pipeline, train, y)[0], test)]
        found.append(AtThreshold(name, FIXED, True, Scored(y_test, scores, settings.interval)))
        for policy, chosen in _choose_thresholds(y, out_of_fold, settings).items():
            scored = Scored(y_test, scores, settings.interval, chosen["threshold"])
            found.append(AtThreshold(name, policy, chosen["reached"], scored))
    return found


def probabilities(classifier: Any, decisions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the `predict_proba` of a classifier of the recipe makes of decision values, for it takes none."""
    if isinstance(classifier, SGDClassifier):
        return (np.clip(decisions, -1, 1) + 1) / 2
    probability: NDArray[np.float64] = expit(decisions)
    return probability


def _choose_thresholds(
    y: NDArray[np.bool_], scores: NDArray[np.float64], settings: Settings
) -> dict[str, dict[str, Any]]:
    chosen = choose_threshold(pd.DataFrame({"is_target": y, "score": scores}), settings.thresholding)["policies"]
    return {policy: chosen[policy] for policy in (MAX_F1, PRECISION)}


class OnSplits(NamedTuple):
    """Average precision by the seed of the split, the SGD with training seed 42: one value for each of `SEEDS`."""

    recipe: dict[str, NDArray[np.float64]]
    changes: dict[str, dict[str, NDArray[np.float64]]]
    candidates: dict[str, NDArray[np.float64]]


def measure_splits(questions: Questions) -> OnSplits:
    changes = {"": (recipe_features(), questions.raw), **list_changes(questions)}
    changed: dict[str, dict[str, list[float]]] = {name: {SGD: [], LOGISTIC: []} for name in changes}
    candidates: dict[str, list[float]] = {name: [] for name in questions.settings.candidates}
    for seed in SEEDS:
        sides = split_as_published(questions, seed)
        for name, (features, tokenized) in changes.items():
            for classifier, scored in learn(features, questions, sides, tokenized=tokenized, seeds=[SEED]).items():
                changed[name][classifier].append(_average_precision(scored)[0])
        train, test = (questions.raw.take(rows) for rows in sides)
        for name, values in candidates.items():
            # Not calibrated, which would leave their order as it is
            fitted, _ = fit_and_score(_build(name, questions), train, questions.target[sides.train])
            values.append(average_precision_score(questions.target[sides.test], score(fitted, test)))
    arrays = {name: {each: np.array(values) for each, values in found.items()} for name, found in changed.items()}
    return OnSplits(arrays.pop(""), arrays, {name: np.array(values) for name, values in candidates.items()})


def _average_precision(scored: Scored) -> list[float]:
    """Return it by training seed."""
    return [float(average_precision_score(scored.target, scores)) for scores in scored.scores]


def _build(candidate: str, questions: Questions) -> Pipeline:
    return questions.settings.candidates[candidate].root.build(questions.export.tag, questions.settings.text.formulas)


class Mended(NamedTuple):
    """The recipe and the best candidates on the same questions, and what these are."""

    what: str
    recipe: Measured
    candidates: Measured


def mend_all(questions: Questions, target: NDArray[np.bool_], sides: Sides, what: str) -> Mended:
    """Measure the best candidates, calibrated and at a threshold that was chosen in the training set."""
    settings, y = questions.settings, target[sides.train]
    train, test = (questions.raw.take(rows) for rows in sides)
    fold = assign_folds(y, settings.folds)
    candidates = {}
    for name in settings.candidates:
        pipeline = _build(name, questions)
        decisions = cross_validate(pipeline, train, y, fold)
        calibrated = calibrate(fit_and_score(pipeline, train, y)[0], decisions, y, fold)
        threshold = _choose_thresholds(y, calibrated.scores, settings)[MAX_F1]["threshold"]
        candidates[name] = Scored(target[sides.test], [score(calibrated.pipeline, test)], settings.interval, threshold)
    return Mended(what, learn(recipe_features(), questions, sides, target=target), candidates)


@dataclass(frozen=True)
class Replication:
    """All that is measured on a data set.

    Attributes:
        questions: the data set.
        published: the recipe in plain scikit-learn.
        recipe: the same by the project's own text features, the SGD with every training seed.
        changes: by name, one change each, on the same questions.
        other_rows: changes of questions or labels.
        later: what the columns are worth that are known only later.
        thresholds: the recipe at the thresholds of several policies.
        splits: the recipe, the changes and the best candidates on other splits.
        mended: all changes together, on the recipe's own questions and labels, and on mended ones.
    """

    questions: Questions
    published: AsPublished
    recipe: Measured
    changes: dict[str, Measured]
    other_rows: list[OtherRows]
    later: list[Later]
    thresholds: list[AtThreshold]
    splits: OnSplits
    mended: tuple[Mended, Mended]


def replicate(export: Export, settings: Settings) -> Replication:
    """Measure everything on a data set.

    Raises:
        InputError: as `load`, or a split would leave a side with one class.
    """
    questions = load(export, settings)
    sides = split_as_published(questions)
    exact = questions.labels.assign(is_target=questions.exact)
    mended_sides, _ = split_as_configured(questions, exact, split="temporal", across="group")
    dates = _describe_dates(questions, mended_sides)
    own = "On the recipe's own questions and labels"
    mended = f"By the exact tag, split by time, near-duplicates kept together ({dates})"
    return Replication(
        questions,
        run_as_published(questions),
        learn(recipe_features(), questions, sides),
        measure_changes(questions),
        measure_other_rows(questions),
        measure_later(questions),
        measure_thresholds(questions),
        measure_splits(questions),
        (
            mend_all(questions, questions.target, sides, own),
            mend_all(questions, questions.exact, mended_sides, mended),
        ),
    )


# The page


def write_page(replications: Sequence[Replication], command: str, november: Replication | None = None) -> str:
    """Return the page, in Markdown: what it is, its outcome, how to read it, and a section per data set."""
    everything = [*replications, *([november] if november else [])]
    sections = [
        _introduce(everything, command),
        _summarise(everything),
        _set_beside_published(november) if november else _quote_published(),
        _explain(everything),
        *map(_describe_data_set, everything),
    ]
    return "\n\n".join(sections) + "\n"


def _introduce(replications: Sequence[Replication], command: str) -> str:
    rows = []
    for each in replications:
        export, target, quality = each.questions.export, each.questions.target, each.questions.quality
        dates = (quality[f"{end}_creation_date"][:10] for end in ("first", "last"))
        counts = (f"{len(target):,}", f"{target.sum():,} ({target.mean():.1%})")
        rows.append([_name(export), f"`{_plain(export.path.name)}`", f"`{_plain(export.tag)}`", *counts, *dates])
    licenses = sorted({name for each in replications for name in each.questions.licenses})
    return "\n\n".join(
        [
            "# The tutorial's recipe, replicated and mended",
            "This page is written by one command, figures and sentences alike:",
            f"```\n{command}\n```",
            _wrap(
                "A well-known MLOps tutorial asks whether a question of Cross Validated is about machine learning. Its "
                "recipe: a question is a target if the text of the target tag is anywhere in its tags; a random "
                f"quarter of the questions (stratified, seed {SEED}) is the test set; title and body, HTML and all, go "
                f"into `TfidfVectorizer(max_features={MOST_TERMS})`, and from there into "
                '`LogisticRegression(solver="sag")`, later into `SGDClassifier(loss="modified_huber")`, whose figures '
                "are published; from a probability of 0.5 on a question is flagged. Here the recipe runs on the data "
                "at hand. Then each of its flaws is mended on its own, all else being as it was, and at the end all "
                "together."
            ),
            _table(["data", "file", "target tag", "questions", "targets", "from", "to"], rows),
            _wrap(
                f"The questions are by the users of Stack Exchange, under {_join(licenses)}; none is shown here, and "
                "none is in this repository ([NOTICE](../NOTICE)). Measured with scikit-learn "
                f"{sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}."
            ),
        ]
    )


def _summarise(replications: Sequence[Replication]) -> str:
    def other(each: Replication, name: str) -> str:
        found = next(row for row in each.other_rows if row.name == name)
        return f"{each.recipe[SGD].values[AP]:.3f} → {_show(found.measured[SGD].estimate())}"

    def change(each: Replication, name: str) -> str:
        return _show_difference(each.changes[name][SGD], each.recipe[SGD])

    def all_of_it(mended: Mended, name: str) -> str:
        return _show_difference(mended.candidates[name], mended.recipe[SGD])

    def cells(each: Replication) -> list[str]:
        threshold = _show_difference(_at(each, SGD, MAX_F1), _at(each, SGD, FIXED), "f1")
        return [
            *(other(each, name) for name in (EXACT, TEMPORAL, GROUPED)),
            _show_difference(each.later[0].without, each.later[0].with_them),
            *(change(each, name) for name in (COLUMNS, STRIPPED, FOLDED, TOGETHER)),
            _show_difference(each.recipe[LOGISTIC], each.recipe[SGD]),
            f"F1 {threshold}",
            *(all_of_it(mended, name) for mended in each.mended for name in BEST_CANDIDATES),
        ]

    flaws = [
        ("a tag that merely contains the target counts", EXACT),
        ("random split, though questions come in time", TEMPORAL),
        ("near-duplicates across the split", GROUPED),
        ("score, views, answers, comments: known too late", "left out of the model of columns"),
        ("columns computed and never used", COLUMNS),
        ("HTML left in", STRIPPED),
        ("HTML and LaTeX left in", FOLDED),
        ("one bag of words", f"{APART}, {SUBLINEAR}, {PAIRS}"),
        ("probabilities cut off at 0 and 1", "logistic regression instead of the SGD"),
        ("threshold 0.5", f"`{MAX_F1}` in the training set; AP stays"),
        *(("all together", f"`{name}`") for name in BEST_CANDIDATES),
        *(("the same, labels and split mended for the recipe, too", f"`{name}`") for name in BEST_CANDIDATES),
    ]
    columns = [cells(each) for each in replications]
    recipes = [f"{_show(each.recipe[SGD].estimate())} on {_name(each.questions.export)}" for each in replications]
    return "\n\n".join(
        [
            "## In one table",
            _wrap(
                f"The recipe with the SGD has an average precision (AP) of {_join(recipes)}. What mending does to it: "
                "a difference with its paired interval; or, where questions or labels become others, the figure after "
                "the arrow, which has an interval of its own."
            ),
            _table(
                ["flaw", "mended by", *(_name(each.questions.export) for each in replications)],
                [[*flaw, *(column[row] for column in columns)] for row, flaw in enumerate(flaws)],
            ),
        ]
    )


_ORIGIN_OF_PUBLISHED = (
    f"The published figures are those of the SGD on {PUBLISHED_QUESTIONS:,} questions of Cross Validated, November "
    f"2020, of which {PUBLISHED_TARGETS:,} are targets; split seed {SEED}, training seed {SEED}. They are in the "
    "history of [a public copy of the tutorial](https://github.com/arjvik/dvc-demo)."
)


def _quote_published() -> str:
    metrics = list(PUBLISHED["test"])
    rows = [
        [side, *(f"{values[metric]:.4f}" if metric in values else "not found" for metric in metrics)]
        for side, values in PUBLISHED.items()
    ]
    return "\n\n".join(
        [
            "## The published figures",
            _wrap(
                f"{_ORIGIN_OF_PUBLISHED} That file is not at hand here, so they are quoted, not replicated: other "
                "questions have other figures."
            ),
            _table(["set", *(METRIC_NAMES[metric] for metric in metrics)], rows),
            "Whoever has the file, a CSV of the Data Explorer, gets its own figures beside these, and all changes, by",
            "```\npython benchmarks/replication.py --november-2020 CrossValidated-Questions-Nov-2020.csv\n```",
        ]
    )


def _set_beside_published(november: Replication) -> str:
    here = {"test": november.published.test[SGD].values, "training": november.published.training[SGD]}
    pairs = {
        (side, metric): (value, here[side][metric])
        for side, values in PUBLISHED.items()
        for metric, value in values.items()
    }
    rows = [
        [side, METRIC_NAMES[metric], f"{then:.4f}", f"{now:.4f}", f"{now - then:+.4f}"]
        for (side, metric), (then, now) in pairs.items()
    ]
    equal = sum(f"{then:.4f}" == f"{now:.4f}" for then, now in pairs.values())
    side, metric = max(pairs, key=lambda pair: abs(pairs[pair][1] - pairs[pair][0]))
    widest = abs(pairs[side, metric][1] - pairs[side, metric][0])
    target = november.questions.target
    counts = f"{len(target):,} questions, {target.sum():,} targets"
    same = (len(target), target.sum()) == (PUBLISHED_QUESTIONS, PUBLISHED_TARGETS)
    return "\n\n".join(
        [
            "## The published figures",
            _wrap(
                f"{_ORIGIN_OF_PUBLISHED} Beside them stands the same in plain scikit-learn on "
                f"`{_plain(november.questions.export.path.name)}`: {counts}, "
                f"{'as many as published' if same else 'not as many as published, so it is not the same file'}."
            ),
            _table(["set", "metric", "published", "here", "difference"], rows),
            _wrap(
                f"{equal} of {len(pairs)} figures agree to four decimals; the widest gap is {widest:.4f}, in "
                f"{METRIC_NAMES[metric]} on the {side} set."
            ),
        ]
    )


def _explain(replications: Sequence[Replication]) -> str:
    interval = replications[0].questions.settings.interval
    differences = sum(len(each.changes) * len(each.recipe) for each in replications)
    notes = [
        "*AP* is average precision on the test set. Guessing reaches the share of targets.",
        f"In brackets stands a {interval.level:.0%} bootstrap interval over the questions of the test set "
        f"({interval.resamples:,} resamples, stratified). That of a *difference* is paired: before and after are "
        "measured on the same resamples. Where a change leads to other questions or labels nothing can be paired, and "
        "each figure has an interval of its own.",
        "An interval knows nothing of the random numbers of split and training; for these see *What chance does*. As "
        f"the SGD depends much on its training seed, its figures are means over the training seeds {_range(SEEDS)}, "
        f"unless seed {SEED} is named.",
        f"The tables of changes hold {differences} differences. Had none of the changes any effect, about "
        f"{differences * (1 - interval.level):.0f} of their intervals would exclude 0 all the same.",
        f"Each bag of words keeps the {MOST_TERMS:,} most frequent terms.",
    ]
    changes = [
        (EXACT, "tags that contain the text of the target count", "the very tag does"),
        (TEMPORAL, "a random quarter of the questions is the test set", "the last quarter is"),
        (GROUPED, "questions that say nearly the same may be on both sides", "they are on the side of the first"),
        (COLUMNS, "date and lengths are computed and never used", "they stand beside the text, standardised"),
        (STRIPPED, "HTML is tokenised", "what it shows is, code included"),
        (FOLDED, "so is LaTeX", "as before; and one word stands for a formula"),
        (APART, "one bag of words", "one each for title, prose and code (with its punctuation)"),
        (SUBLINEAR, "a word that occurs n times counts n", "it counts 1 + log n"),
        (PAIRS, "single words", "beside them a bag of code tokens and their pairs"),
    ]
    return "\n\n".join(
        [
            "## How to read the tables",
            "\n".join(_wrap(note, bullet=True) for note in notes),
            _table(["change", "in the recipe", "instead"], changes),
        ]
    )


def _describe_data_set(each: Replication) -> str:
    questions, quality = each.questions, each.questions.quality
    left_out = quality["duplicate"] + quality["quarantined"] + sum(quality["left_out"].values())
    near = questions.near_duplicates["first_id"].duplicated(keep=False).sum()
    created = pd.to_datetime(questions.features["creation_time"], unit="s")
    facts = (
        f"{len(questions.target):,} questions, half of them since {created.median():%Y-%m-%d}; "
        f"{questions.target.sum():,} targets (rule `{questions.export.match}`); {left_out:,} rows of the file are left "
        f"out. {questions.code_share:.0%} of the questions have code, {questions.formula_share:.1%} what looks like a "
        f"formula; {questions.markup_share:.1%} of the words of their bodies are markup; {near:,} have a "
        "near-duplicate. "
        f"{questions.export.note}"
    )
    parts = (_show_recipe, _show_chance, _show_changes, _show_other_rows, _show_later, _show_thresholds, _show_mended)
    title = f"## {_name(questions.export)}: `{_plain(questions.export.tag)}`"
    return "\n\n".join([title, _wrap(facts), *(part(each) for part in parts)])


def _show_recipe(each: Replication) -> str:
    published = each.published
    target = published.test[SGD].target
    never = score_metrics(target, np.zeros(len(target)))
    rows = []
    for metric in ("roc_auc", AP, "accuracy", "precision", "recall", "f1"):
        row = [METRIC_NAMES[metric], f"{never[metric]:.3f}"]
        for name, scored in published.test.items():
            row += [_show(scored.estimate(metric)), f"{published.training[name][metric]:.3f}"]
        rows.append(row)
    sentences = []
    for name, scored in published.test.items():
        gap = published.training[name][AP] - scored.values[AP]
        accuracy = scored.estimate("accuracy")
        sentences.append(
            f"{_capital(_the(name))} has {scored.values[AP] / target.mean():.1f} times the average precision of "
            f"guessing, and {abs(gap):.3f} {'more' if gap >= 0 else 'less'} on the questions that it learned from. Its "
            f"accuracy {_compare_accuracy(accuracy, never['accuracy'])}. At 0.5 it finds "
            f"{scored.values['recall']:.0%} of the targets."
        )
    own, plain = _at(each, SGD, FIXED).values[AP], published.test[SGD].values[AP]
    change = f"{own:.4f} instead of {plain:.4f}" if f"{own:.4f}" != f"{plain:.4f}" else f"{own:.4f}, too"
    check = (
        "All tables below rest on the project's own tokens and weights, which may choose otherwise among words that "
        f"are equally frequent: with these the SGD, seed {SEED}, has an average precision of {change}."
    )
    header = ["metric", "always no", *(f"{name}, {side}" for name in published.test for side in ("test", "training"))]
    return _section(
        "The recipe as it was",
        f"Plain scikit-learn, seed {SEED}, threshold 0.5.",
        _table(header, rows),
        *sentences,
        check,
    )


def _compare_accuracy(accuracy: Estimate, never: float) -> str:
    difference = accuracy.value - never
    if accuracy.low > never:
        return f"is {difference:.3f} above that of always saying no"
    if accuracy.high < never:
        return f"is {-difference:.3f} below that of always saying no"
    return f"cannot be told from that of always saying no ({difference:+.3f})"


def _show_chance(each: Replication) -> str:
    training = np.array(_average_precision(each.recipe[SGD]))
    draws = [(f"split, seeds {_range(SEEDS)}", name, values) for name, values in each.splits.recipe.items()]
    draws.append((f"training, seeds {_range(SEEDS)}", SGD, training))
    rows = [
        [what, name, *(f"{value:.3f}" for value in (values.mean(), _sd(values), values.min(), values.max()))]
        for what, name, values in draws
    ]
    own = {name: _at(each, name, FIXED).values[AP] for name in each.recipe}
    places = [f"{_place(own[name], values)} with {_the(name)}" for name, values in each.splits.recipe.items()]
    return _section(
        "What chance does",
        f"Average precision of the recipe with nothing but one seed changed, the other being {SEED}.",
        _table(["drawn anew", "classifier", "mean", "standard deviation", "least", "most"], rows),
        f"Among the splits, that of seed {SEED} takes place {_join(places)}, the best first; among the training seeds, "
        f"{SEED} takes place {_place(own[SGD], training)}. One training seed instead of another can feign a difference "
        f"of {np.ptp(training):.3f}; the mean over {len(training)} has a standard error of "
        f"{_sd(training) / np.sqrt(len(training)):.3f}.",
    )


def _place(value: float, others: NDArray[np.float64]) -> str:
    """Say which place a value takes among others, the greatest first."""
    return f"{int((others > value).sum()) + 1} of {len(others) + 1}"


def _show_changes(each: Replication) -> str:
    parts = []
    header = ["change", "AP", "difference", f"differences on splits {_range(SEEDS)}: mean", "least", "most"]
    for classifier, recipe in each.recipe.items():
        rows = [["none", _show(recipe.estimate()), "", "", "", ""]]
        for name, measured in each.changes.items():
            splits = each.splits.changes[name][classifier] - each.splits.recipe[classifier]
            row = [name, _show(measured[classifier].estimate()), _show_difference(measured[classifier], recipe)]
            rows.append([*row, *(f"{value:+.3f}" for value in (splits.mean(), splits.min(), splits.max()))])
        parts += [f"With {_the(classifier)}:", _table(header, rows), _read_changes(each, classifier)]
    swap = each.recipe[LOGISTIC].minus(each.recipe[SGD])
    parts.append(
        f"Logistic regression instead of the SGD, and no other change, {_verdict(swap)}: {_show(swap, sign=True)}."
    )
    return _section("One change at a time: same questions, same labels", *parts)


def _read_changes(each: Replication, classifier: str) -> str:
    """Say which changes the intervals tell from nothing, and which are larger than what other splits do."""
    recipe, splits = each.recipe[classifier], each.splits
    verdicts = {
        name: "changes no score"
        if measured[classifier].same_as(recipe)
        else _verdict(measured[classifier].minus(recipe))
        for name, measured in each.changes.items()
    }
    spread = _sd(splits.recipe[classifier])
    differences = {name: measured[classifier].minus(recipe).value for name, measured in each.changes.items()}
    on_splits = {name: found[classifier] - splits.recipe[classifier] for name, found in splits.changes.items()}
    signs = {name: np.sign([differences[name], *on_splits[name]]) for name in differences}
    steady = [name for name, each_sign in signs.items() if abs(each_sign.sum()) == len(each_sign)]
    large = [name for name, value in differences.items() if abs(value) > spread]
    readings = {
        "has the same sign on every split": steady,
        f"is larger than the standard deviation of the recipe between splits ({spread:.3f})": large,
    }
    return _bullets(_group(verdicts) | readings)


def _group(verdicts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the names by verdict."""
    groups: dict[str, list[str]] = {}
    for name, verdict in verdicts.items():
        groups.setdefault(verdict, []).append(name)
    return groups


def _bullets(readings: Mapping[str, Sequence[str]]) -> str:
    return "\n".join(_wrap(f"{what}: {', '.join(names) or 'none'}", bullet=True) for what, names in readings.items())


def _verdict(difference: Estimate, metric: str = "average precision") -> str:
    if difference.low > 0:
        return f"raises {metric}"
    if difference.high < 0:
        return f"lowers {metric}"
    return "cannot be told from no change"


def _show_other_rows(each: Replication) -> str:
    def row(name: str, what: str, measured: Measured) -> list[str]:
        target = measured[SGD].target
        counts = [f"{len(target):,}", f"{target.sum():,} ({target.mean():.1%})"]
        return [name, what, *counts, *(_show(scored.estimate()) for scored in measured.values())]

    rows = [row("none", "", each.recipe), *(row(*other) for other in each.other_rows)]
    readings = {other.name: [_read_other_rows(each, other)] for other in each.other_rows}
    header = ["change", "what changes", "test questions", "targets", *(f"{name}, AP" for name in each.recipe)]
    return _section(
        "One change at a time: other questions or labels",
        "Nothing is paired here; and average precision grows with the share of targets, so look at that as well.",
        _table(header, rows),
        _bullets(readings),
    )


def _read_other_rows(each: Replication, other: OtherRows) -> str:
    """Say where average precision is, seen from the recipe's interval, and from the range of other random splits."""
    if all(scored.same_as(each.recipe[name]) for name, scored in other.measured.items()):
        return "nothing changes"
    values = {name: scored.values[AP] for name, scored in other.measured.items()}
    intervals = {name: _side(values[name], *each.recipe[name].estimate()[1:]) for name in values}
    reading = f"{_by_classifier(intervals)} the recipe's interval"
    if other.name != TEMPORAL:
        return reading
    ranges = {
        name: _side(values[name], float(found.min()), float(found.max())) for name, found in each.splits.recipe.items()
    }
    return f"{reading}; {_by_classifier(ranges)} the range of the random splits {_range(SEEDS)}"


def _side(value: float, low: float, high: float) -> str:
    if value < low:
        return "below"
    return "above" if value > high else "within"


def _by_classifier(words: Mapping[str, str]) -> str:
    if len(set(words.values())) == 1:
        return f"with both classifiers {next(iter(words.values()))}"
    return _join([f"with {_the(name)} {word}" for name, word in words.items()])


def _show_later(each: Replication) -> str:
    rows = [
        [
            later.name,
            _show(later.with_them.estimate()),
            _show(later.without.estimate()),
            _show_difference(later.without, later.with_them),
        ]
        for later in each.later
    ]
    verdicts = {later.name: _verdict(later.without.minus(later.with_them)) for later in each.later}
    absent = [f"`{column}`" for column in KNOWN_LATER if each.questions.features[column].isna().all()]
    return _section(
        "Columns known too late",
        "A new question has no score, views, answers or comments. Without them, date and lengths are left."
        + (f" (This file has no {_join(absent)} either.)" if absent else ""),
        _table(["model", "with them, AP", "without them, AP", "difference"], rows),
        f"Leaving them out (guessing has {each.later[0].without.target.mean():.3f}):",
        _bullets(_group(verdicts)),
    )


def _show_thresholds(each: Replication) -> str:
    wanted = each.questions.settings.thresholding.precision
    policies = {FIXED: FIXED, MAX_F1: f"`{MAX_F1}`", PRECISION: f"`{PRECISION}` {wanted:g}"}
    rows, sentences = [], []
    for at in each.thresholds:
        fixed, values = _at(each, at.classifier, FIXED), at.scored.values
        row = [at.classifier, policies[at.policy], f"{at.scored.threshold:.3f}"]
        row += [_show(at.scored.estimate(metric)) for metric in ("precision", "recall", "f1")]
        rows.append([*row, "" if at.policy == FIXED else _show_difference(at.scored, fixed, "f1")])
        if at.policy == MAX_F1:
            sentences.append(
                f"With {_the(at.classifier)} `{MAX_F1}` {_verdict(at.scored.minus(fixed, 'f1'), 'F1')}; recall goes "
                f"from {fixed.values['recall']:.0%} to {values['recall']:.0%}."
            )
        if at.policy == PRECISION:
            flagged = any((scores >= at.scored.threshold).any() for scores in at.scored.scores)
            there = f"it is {values['precision']:.3f}" if flagged else "nothing is flagged"
            sentences.append(
                f"A precision of {wanted:g} is reached by {'a' if at.reached else 'no'} threshold in the training set; "
                f"on the test set, at {'that one' if at.reached else 'the one that comes nearest'}, {there}."
            )
    header = ["classifier", "threshold by", "threshold", "precision", "recall", "F1", "F1 against 0.5"]
    return _section(
        "Another threshold than 0.5",
        f"Chosen on scores out of fold in the training set; seed {SEED}. Scores stay as they are, and so does average "
        "precision.",
        _table(header, rows),
        *sentences,
    )


def _show_mended(each: Replication) -> str:
    parts = []
    header = ["model", "threshold", "ROC AUC", "AP", "AP against the SGD", "recall", "F1", "F1 against the SGD"]
    for mended in each.mended:
        against = mended.recipe[SGD]
        rows = []
        named = {f"recipe, {name}": scored for name, scored in mended.recipe.items()}
        named |= {f"`{name}`": scored for name, scored in mended.candidates.items()}
        for name, scored in named.items():
            differences = [
                "" if scored is against else _show_difference(scored, against, metric) for metric in (AP, "f1")
            ]
            row = [name, f"{scored.threshold:.3f}", f"{scored.values['roc_auc']:.3f}", _show(scored.estimate())]
            row += [differences[0], f"{scored.values['recall']:.3f}", f"{scored.values['f1']:.3f}", differences[1]]
            rows.append(row)
        verdicts = {f"`{name}`": _verdict(scored.minus(against)) for name, scored in mended.candidates.items()}
        parts += [
            f"{mended.what}:",
            _table(header, rows),
            f"Against the recipe with the SGD (guessing has {against.target.mean():.3f}):",
            _bullets(_group(verdicts)),
        ]
    gains = {name: values - each.splits.recipe[SGD] for name, values in each.splits.candidates.items()}
    kept = {"keep": "kept", "fold": "folded"}[each.questions.settings.text.formulas]
    ranges = [f"{gain.min():+.3f} to {gain.max():+.3f} (`{name}`)" for name, gain in gains.items()]
    return _section(
        "All changes together",
        "The project's candidates as `conf/base/parameters_modelling.yml` has them, the same for every target: fields "
        "apart, sublinear counts, pairs of code tokens; beside them columns known at publication (`fielded_logistic`), "
        f"or all weighted by log-count ratios (`nb_svm_logistic`); no markup, formulas {kept}; calibrated; flagged "
        "from the threshold of the best F1 in the training set on. The recipe learns from the same questions, and "
        "flags from 0.5 on.",
        *parts,
        f"On the random splits {_range(SEEDS)} with the recipe's labels, the difference in average precision to the "
        f"SGD (training seed {SEED}) is {_join(ranges)}.",
    )


# Words and cells


def _section(title: str, *parts: str) -> str:
    """Return a section; sentences in a row are one paragraph, tables, lists and what ends in a colon stand alone."""
    blocks: list[list[str]] = []
    together = False
    for part in parts:
        sentence = not part.startswith(("|", "- ")) and not part.endswith(":")
        if sentence and together:
            blocks[-1].append(part)
        else:
            blocks.append([part])
        together = sentence
    text = (each[0] if each[0].startswith(("|", "- ")) else _wrap(" ".join(each)) for each in blocks)
    return "\n\n".join([f"### {title}", *text])


def _wrap(text: str, *, bullet: bool = False) -> str:
    first, rest = ("- ", "  ") if bullet else ("", "")
    return textwrap.fill(
        text.strip(),
        120,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(header)}", *lines[1:]])


def _at(each: Replication, classifier: str, policy: str) -> Scored:
    return next(at.scored for at in each.thresholds if (at.classifier, at.policy) == (classifier, policy))


def _show(estimate: Estimate, *, sign: bool = False) -> str:
    value, low, high = (f"{number:+.3f}" if sign else f"{number:.3f}" for number in estimate)
    return f"{value} [{low}, {high}]"


def _show_difference(scored: Scored, other: Scored, metric: str = AP) -> str:
    return _show(scored.minus(other, metric), sign=True)


def _name(export: Export) -> str:
    return _plain(export.name or export.path.name)


def _plain(text: str) -> str:
    """Return a name as one line that breaks no table."""
    return " ".join(text.split()).replace("|", "/").replace("`", "'")


def _the(classifier: str) -> str:
    return f"the {classifier}" if classifier == SGD else classifier


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _range(seeds: Sequence[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}"


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1))


def _join(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# The command


class Arguments(NamedTuple):
    """What the command line asks for.

    Attributes:
        exports: the data sets.
        november: the file that the published figures are of.
        output: the page.
        command: the command, without anything of this machine.
    """

    exports: tuple[Export, ...]
    november: Export | None
    output: Path
    command: str


def main() -> None:
    asked = parse_arguments(sys.argv[1:])
    try:
        settings = read_settings()
        replications = [replicate(export, settings) for export in asked.exports]
        november = replicate(asked.november, settings) if asked.november else None
        page = write_page(replications, asked.command, november)
    except InputError as error:
        sys.exit(str(error))
    write_bytes(asked.output, page.encode())
    print(asked.output)


def parse_arguments(words: Sequence[str]) -> Arguments:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="*", help="exports of the Data Explorer, CSV or CSV.gz")
    each = "; once for all files, or once for each in their order"
    parser.add_argument("--tag", action="append", help=f"target tag (default: machine-learning){each}")
    parser.add_argument(
        "--match",
        action="append",
        choices=["contains", "exact"],
        help=f"rule of the recipe's labels (default: contains, the tutorial's){each}",
    )
    parser.add_argument("--name", action="append", help=f"what the page calls the data (default: the file){each}")
    parser.add_argument("--november-2020", type=Path, metavar="FILE", help="the export of the published figures")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs" / "replication.md", help="the page")
    given = parser.parse_args(words)
    files = len(given.data)

    def per_file(option: str, default: str) -> list[Any]:
        values = getattr(given, option) or [default]
        if getattr(given, option) and len(values) not in (1, files):
            parser.error(f"--{option}: there are {files} files; give it once, or once for each")
        return values * files if len(values) == 1 else values

    options = zip(given.data, per_file("tag", "machine-learning"), per_file("match", "contains"), strict=True)
    exports = [
        Export(path, tag, match, name) for (path, tag, match), name in zip(options, per_file("name", ""), strict=True)
    ]
    if not files and (given.tag or given.match or given.name):
        parser.error("--tag, --match and --name are about files of your own; name these, too")
    november = given.november_2020 and Export(
        given.november_2020, "machine-learning", name="Cross Validated, November 2020"
    )
    return Arguments(tuple(exports) or REAL, november, given.output, _describe_command(given))


def _describe_command(given: argparse.Namespace) -> str:
    """Return the command as the page may show it: files by their names only, and not where the page goes."""
    words = ["python", "benchmarks/replication.py", *(path.name for path in given.data)]
    for option in ("tag", "match", "name"):
        words += [word for value in getattr(given, option) or [] for word in (f"--{option}", value)]
    if given.november_2020:
        words += ["--november-2020", given.november_2020.name]
    return shlex.join(words)


if __name__ == "__main__":
    main()
