"""The words that figures and report use for candidates, metrics and sources."""

from typing import Any

CANDIDATE_NAMES = {
    "prior": "Class prior",
    "keyword": "Keyword",
    "numeric_logistic": "Numeric features, logistic regression",
    "tfidf_logistic": "TF-IDF, logistic regression",
    "fielded_logistic": "TF-IDF by field, logistic regression",
    "nb_svm_logistic": "TF-IDF by field with log-count ratios, logistic regression",
}
POLICY_NAMES = {
    "max_f1": "Best F1",
    "precision_at_least": "Precision at least {precision:g}",
    "recall_at_least": "Recall at least {recall:g}",
    "least_cost": "Least cost, {false_positive:g} a wrong flag and {false_negative:g} a miss",
}
SLICE_NAMES = {
    "year": "Year",
    "body_length": "Length of the body, characters",
    "answers": "Answers",
    "code": "Code",
    "formulas": "Formulas",
}
LABEL_NOISE_NAMES = {
    "none": "nothing",
    "with a neighbour tag": "others with a tag that goes with the target",
    "suspected": "labels that the model contradicts with confidence",
}
FIELD_NAMES = {
    "title": "Title",
    "prose": "Prose",
    "code": "Code",
    "text": "Title and body, taken together",
    "numeric": "Numbers",
    "keyword": "Keyword",
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


def describe_policy(policy: str, aim: dict[str, float]) -> str:
    """Name a policy and what it asks for.

    >>> describe_policy("recall_at_least", {"recall": 0.8})
    'Recall at least 0.8'
    """
    return POLICY_NAMES[policy].format(**aim)


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
