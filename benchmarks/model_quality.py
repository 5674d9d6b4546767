"""The selected model against the tutorial's recipe on real questions: same split, same run.

    python benchmarks/model_quality.py

Whole runs of `kedro run` with the configured parameters, on the two files of real questions; nothing is tuned, and the
choice among the candidates is made within each training set. `tfidf_logistic` is the recipe's model.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from run_against_recipe import PROJECT, copy_project, run
from scipy.stats import t
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import Pipeline

from question_classification.models.fitting import assign_folds, cross_validate
from question_classification.models.metrics import paired_bootstrap_difference, recall_at_precision
from question_classification.models.persistence import load_model
from question_classification.models.questions import Tokenize
from question_classification.models.selection import average_precision_by_fold
from question_classification.pipelines.modelling.parameters import Candidate

REAL = Path(os.environ.get("STACKEXCHANGE_DATA", PROJECT.parent / "shared" / "data"))
STACK_OVERFLOW, CROSS_VALIDATED = REAL / "stackoverflow_2018.csv.gz", REAL / "cross_validated_2016.csv"
RECIPE = "tfidf_logistic"
REPEATS = FOLDS = 5


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for file in (STACK_OVERFLOW, CROSS_VALIDATED):
        if not file.exists():
            sys.exit(f"{file} is not there; set STACKEXCHANGE_DATA to a folder that has it")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        copy_project(project)
        for split in ("stratified", "temporal"):
            execute(project, STACK_OVERFLOW, "python", "contains", split)
            compare_on_test_set(project, split)
            if split == "stratified":
                compare_rates(project)
        execute(project, CROSS_VALIDATED, "machine-learning", "exact", "stratified")
        cross_validate_candidates(project)


def execute(project: Path, file: Path, tag: str, match: str, split: str) -> None:
    parameters = f"source=sede,path={file},target_tag={tag},match={match},feature_engineering.split={split}"
    run([sys.executable, "-m", "kedro", "run", "--params", parameters], project)


def compare_on_test_set(project: Path, split: str) -> None:
    scores, recipe = (
        pd.read_parquet(project / f"data/07_model_output/{candidate}/test_scores.parquet")
        for candidate in ("selected", RECIPE)
    )
    y = scores["is_target"].to_numpy()
    ours, theirs = scores["score"].to_numpy(), recipe["score"].to_numpy()
    difference, low, high = paired_bootstrap_difference(y, ours, theirs, seed=42)
    name = yaml.safe_load((project / "data/06_models/selection.json").read_text())["candidate"]
    print(f"{STACK_OVERFLOW.name}, python (contains), {split}: {y.sum()} of {len(y)} test questions; selected: {name}")
    print(
        f"  average precision     recipe {average_precision_score(y, theirs):.3f}, "
        f"selected {average_precision_score(y, ours):.3f}, difference {difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    )
    recalls = [recall_at_precision(y, each, 0.8) for each in (theirs, ours)]
    print("  recall at precision 0.8  recipe {:.3f}, selected {:.3f}".format(*recalls), flush=True)


def compare_rates(project: Path) -> None:
    """Score raw questions with the selected model, and with the recipe's own scikit-learn pipeline, in turn."""
    train, test = (pd.read_parquet(project / f"data/05_model_input/{split}_set.parquet") for split in ("train", "test"))
    questions = pd.concat([train, test])
    recipe = Pipeline([("tfidf", TfidfVectorizer(max_features=25_000)), ("classifier", LogisticRegression())])
    recipe.fit(train["title"] + " " + train["body"], train["is_target"])
    selected = load_model((project / "data/06_models/selected.skops").read_bytes())
    rates: list[tuple[float, float]] = []
    for _ in range(5):
        start = time.perf_counter()
        recipe.predict_proba(questions["title"] + " " + questions["body"])
        between = time.perf_counter()
        selected.predict_proba(questions)
        rates.append((len(questions) / (between - start), len(questions) / (time.perf_counter() - between)))
    ratio = statistics.median(ours / theirs for theirs, ours in rates)
    theirs, ours = (statistics.median(column) for column in zip(*rates, strict=True))
    print(
        f"  scoring {len(questions):,} raw questions: recipe {theirs:,.0f} a second, selected {ours:,.0f}, "
        f"ratio {ratio:.2f} (median of 5)",
        flush=True,
    )


def cross_validate_candidates(project: Path) -> None:
    """Repeat a cross-validation of all questions, each candidate on the same folds."""
    sets = [pd.read_parquet(project / f"data/05_model_input/{split}_set.parquet") for split in ("train", "test")]
    questions = pd.concat(sets, ignore_index=True).sort_values("question_id", ignore_index=True)
    y = questions["is_target"].to_numpy()
    tokenized = Tokenize().transform(questions)
    configured = yaml.safe_load((PROJECT / "conf/base/parameters_modelling.yml").read_text())["modelling"]
    values: dict[str, np.ndarray] = {}
    for name in (RECIPE, "fielded_logistic", "nb_svm_logistic"):
        pipeline = Candidate.model_validate(configured[name]).root.build("machine-learning", "keep")
        repeats = []
        for seed in range(REPEATS):
            fold = assign_folds(y, folds=FOLDS, seed=seed)
            repeats.append(average_precision_by_fold(y, cross_validate(pipeline, tokenized, y, fold), fold))
        values[name] = np.concatenate(repeats)
    print(f"{CROSS_VALIDATED.name}, machine-learning, {REPEATS} x {FOLDS} cross-validation of {len(y):,} questions")
    for name, each in values.items():
        low, high = _corrected_interval(each - values[RECIPE])
        difference = (each - values[RECIPE]).mean()
        beside = "" if name == RECIPE else f", {difference:+.3f} [{low:+.3f}, {high:+.3f}] beside the recipe"
        print(f"  {name:<18} average precision {each.mean():.3f}{beside}")


def _corrected_interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean over repeated folds, whose training sets overlap.

    Source: Nadeau & Bengio, Inference for the Generalization Error (2003): the corrected resampled t-test.
    """
    variance = differences.var(ddof=1) * (1 / len(differences) + 1 / (FOLDS - 1))
    margin = t.ppf(0.975, len(differences) - 1) * np.sqrt(variance)
    return float(differences.mean() - margin), float(differences.mean() + margin)


if __name__ == "__main__":
    main()
