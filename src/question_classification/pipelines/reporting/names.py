"""The words that figures and report use for candidates, metrics and sources."""

from typing import Any

CANDIDATE_NAMES = {
    "prior": "Class prior",
    "keyword": "Keyword",
    "numeric_logistic": "Numeric features, logistic regression",
    "tfidf_logistic": "TF-IDF, logistic regression",
}
METRIC_NAMES = {
    "average_precision": "Average precision",
    "roc_auc": "ROC AUC",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "accuracy": "Accuracy",
    "log_loss": "Log loss",
    "brier_score": "Brier score",
}


def describe_source(data: dict[str, Any]) -> str:
    """Say in a few words where the questions come from, so that simulated ones are never taken for real ones."""
    if "simulated" in (data["source"], data["site"]):
        return "simulated questions"
    origins = {
        "api": "the Stack Exchange API",
        "dump": "a Stack Exchange data dump",
        "sede": "a Stack Exchange Data Explorer export",
    }
    origin = origins.get(data["source"], data["source"])
    return f"questions of {data['site']}, from {origin}" if data["site"] else f"questions from {origin}"
