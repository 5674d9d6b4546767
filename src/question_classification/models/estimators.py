"""The candidates' pipelines: from a table of raw questions to a probability.

Every pipeline takes a DataFrame with the columns title and body (strings, perhaps null) and, where it uses them,
numeric columns; it ends in a step named `classifier`, has `predict_proba` and can be saved by `persistence`.
"""

from collections.abc import Mapping, Sequence

from scipy.sparse import csr_array
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from question_classification.models.features import Columns, ContainsWords, LogCountRatio, Tfidf
from question_classification.models.questions import Tokenize
from question_classification.text.html import Formulas
from question_classification.text.tokenized import BODY, TITLE

_NUMERIC_WEIGHT = 0.1  # of standardised columns, which are far longer than a row of TF-IDF weights


def make_prior() -> Pipeline:
    """Return the baseline that predicts the share of positives for every question."""
    return Pipeline([("classifier", DummyClassifier(strategy="prior"))])


def make_keyword(words: Sequence[str]) -> Pipeline:
    """Return the baseline that only asks whether title and body contain the words of the tag.

    Args:
        words: The words of the tag, such as ("machine", "learning").
    """
    return Pipeline([("words", ContainsWords(words)), ("classifier", LogisticRegression())])


def make_numeric_logistic(columns: Sequence[str], C: float) -> Pipeline:
    """Return a logistic regression on numeric columns: median for nulls, then standardised.

    Args:
        columns: The numeric columns; one that is null throughout counts as 0.
        C: Inverse strength of the L2 penalty, above 0.
    """
    # Imputed inside the ColumnTransformer, which cannot pass on pandas.NA.
    numeric = Pipeline(
        [("impute", SimpleImputer(strategy="median", keep_empty_features=True)), ("scale", StandardScaler())]
    )
    return Pipeline(
        [
            ("columns", ColumnTransformer([("numeric", numeric, list(columns))], verbose_feature_names_out=False)),
            ("classifier", LogisticRegression(C=C)),
        ]
    )


def make_tfidf_logistic(max_features: int | None, C: float) -> Pipeline:
    """Return a logistic regression on the TF-IDF weights of title and body together, markup and all.

    Args:
        max_features: Keep this many of the most frequent terms; None keeps all.
        C: Inverse strength of the L2 penalty, above 0.
    """
    return Pipeline(
        [
            ("tokenize", Tokenize((TITLE, BODY))),
            ("tfidf", Tfidf((TITLE, BODY), max_terms=max_features)),
            ("classifier", _logistic(C)),
        ]
    )


def make_fielded_logistic(
    weights: Mapping[str, float],
    bigrams: Sequence[str],
    min_questions: int,
    columns: Sequence[str],
    formulas: Formulas,
    C: float,
) -> Pipeline:
    """Return a logistic regression on the TF-IDF weights of title, prose and code, and on numeric columns.

    Args:
        weights: What the terms of each field count for, such as {"title": 0.5, "prose": 1}.
        bigrams: The fields of which pairs of neighbouring terms are terms, too.
        min_questions: Keep the terms that occur in at least so many questions.
        columns: Numeric columns, perhaps none.
        formulas: Whether LaTeX is kept or folded in prose; see `split_body`.
        C: Inverse strength of the L2 penalty, above 0.
    """
    fields = _fields(weights, bigrams, min_questions)
    if columns:
        numeric = [
            ("columns", Columns(columns)),
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("sparse", FunctionTransformer(csr_array)),  # joins the others in a tenth of the time
        ]
        fields.transformer_list.append(("numeric", Pipeline(numeric)))
        fields.transformer_weights["numeric"] = _NUMERIC_WEIGHT
    return Pipeline(
        [("tokenize", Tokenize(tuple(weights), formulas)), ("fields", fields), ("classifier", _logistic(C))]
    )


def make_nb_svm_logistic(
    weights: Mapping[str, float],
    bigrams: Sequence[str],
    min_questions: int,
    smoothing: float,
    formulas: Formulas,
    C: float,
) -> Pipeline:
    """Return a logistic regression on the same, weighted by naive Bayes log-count ratios.

    Args:
        weights: As for `make_fielded_logistic`.
        bigrams: As for `make_fielded_logistic`.
        min_questions: As for `make_fielded_logistic`.
        smoothing: Of the ratios, above 0.
        formulas: As for `make_fielded_logistic`.
        C: Inverse strength of the L2 penalty, above 0.
    """
    return Pipeline(
        [
            ("tokenize", Tokenize(tuple(weights), formulas)),
            ("fields", _fields(weights, bigrams, min_questions)),
            ("ratios", LogCountRatio(smoothing)),
            ("classifier", _logistic(C)),
        ]
    )


def _fields(weights: Mapping[str, float], bigrams: Sequence[str], min_questions: int) -> FeatureUnion:
    """Return the TF-IDF weights of each field, which are of length 1 before they are weighted."""
    return FeatureUnion(
        [
            (field, Tfidf((field,), bigrams=field in bigrams, min_questions=min_questions, sublinear=True))
            for field in weights
        ],
        transformer_weights=dict(weights),
    )


def _logistic(C: float) -> LogisticRegression:
    # Dual coordinate descent takes a seventh of the time of newton-cg, at the same average precision to 0.0002 (37,500
    # texts, C = 0.1 to 10: 0.3-0.8 s on one core against 1-5 s); lbfgs stops early, or takes ten times as long. It
    # visits rows at random, and penalises the intercept, which leaves the order of the questions as it is.
    return LogisticRegression(C=C, solver="liblinear", dual=True, tol=0.01, max_iter=1_000, random_state=0)
