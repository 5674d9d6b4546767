"""The original tutorial's two steps, in plain pandas and scikit-learn: what our whole run is timed against.

python benchmarks/tutorial_recipe.py split questions.csv FOLDER --target python
python benchmarks/tutorial_recipe.py train FOLDER
"""

import argparse
import json
from pathlib import Path

import joblib
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split

SEED = 42


def split(csv: Path, folder: Path, target: str) -> None:
    questions = pd.read_csv(csv)
    questions["label"] = questions["Tags"].str.contains(target, regex=False).fillna(False)
    train, test = train_test_split(questions, test_size=0.25, stratify=questions["label"], random_state=SEED)
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)


def train(folder: Path) -> None:
    train_set, test_set = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "test.csv")
    tfidf = TfidfVectorizer(max_features=25_000)
    tfidf.fit(_text(train_set))
    train_matrix, test_matrix = tfidf.transform(_text(train_set)), tfidf.transform(_text(test_set))
    classifier = LogisticRegression(solver="sag", random_state=SEED).fit(train_matrix, train_set["label"])
    joblib.dump((tfidf, classifier), folder / "model.joblib")
    metrics = {
        "train": _metrics(train_set["label"], classifier.predict_proba(train_matrix)[:, 1]),
        "test": _metrics(test_set["label"], classifier.predict_proba(test_matrix)[:, 1]),
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2))


def _text(questions: pd.DataFrame) -> "pd.Series[str]":
    return questions["Title"].fillna("") + " " + questions["Body"].fillna("")


def _metrics(label: "pd.Series[bool]", score: "pd.Series[float]") -> dict[str, float]:
    flagged = score >= 0.5
    return {
        "roc_auc": roc_auc_score(label, score),
        "average_precision": average_precision_score(label, score),
        "accuracy": accuracy_score(label, flagged),
        "precision": precision_score(label, flagged, zero_division=0),
        "recall": recall_score(label, flagged),
        "f1": f1_score(label, flagged),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    splitter = commands.add_parser("split")
    splitter.add_argument("csv", type=Path)
    splitter.add_argument("folder", type=Path)
    splitter.add_argument("--target", required=True)
    trainer = commands.add_parser("train")
    trainer.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "split":
        split(arguments.csv, arguments.folder, arguments.target)
    else:
        train(arguments.folder)


if __name__ == "__main__":
    main()
