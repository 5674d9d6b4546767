import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_nb_svm_logistic,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)

PIPELINES = {
    "prior": make_prior(),
    "keyword": make_keyword(("machine", "learning")),
    "numeric": make_numeric_logistic(["title_length", "hour"], C=1.0),
    "tfidf": make_tfidf_logistic(max_features=60, C=1.0),
    "fielded": make_fielded_logistic(
        {"title": 0.5, "prose": 1.0, "code": 1.2}, ["code"], 2, ["title_length", "hour"], "keep", C=1.0
    ),
    "fielded, no numbers": make_fielded_logistic({"prose": 1.0}, [], 1, [], "fold", C=1.0),
    "nb_svm": make_nb_svm_logistic({"title": 0.5, "prose": 1.0, "code": 1.2}, ["prose"], 2, 1.0, "keep", C=0.3),
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


class TestPipelines:
    @each_pipeline
    def test_goes_from_raw_questions_to_probabilities(self, pipeline, simulate) -> None:
        X, y = simulate()
        before = X.copy()
        probabilities = clone(pipeline).fit(X, y).predict_proba(X)
        assert probabilities.shape == (len(X), 2)
        assert pipeline.steps[-1][0] == "classifier"
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        pd.testing.assert_frame_equal(X, before)

    def test_prior_is_the_share_of_positives(self, simulate) -> None:
        X, y = simulate()
        np.testing.assert_allclose(make_prior().fit(X, y).predict_proba(X)[:, 1], y.mean())

    def test_keyword_ranks_questions_with_the_words_first(self, simulate) -> None:
        X, y = simulate()
        scores = make_keyword(("machine", "learning")).fit(X, y).predict_proba(X)[:, 1]
        contains = X["body"].str.contains("machine learning")
        assert scores[contains].min() > scores[~contains].max()

    @pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64", "int64[pyarrow]"])
    def test_numeric_takes_any_numbers_with_nulls(self, dtype, simulate) -> None:
        X, y = simulate()
        expected = make_numeric_logistic(["title_length"], C=1.0).fit(X, y).predict_proba(X)
        X["title_length"] = X["title_length"].astype(dtype)
        np.testing.assert_array_equal(
            make_numeric_logistic(["title_length"], C=1.0).fit(X, y).predict_proba(X), expected
        )

    def test_numeric_keeps_a_column_of_nulls(self, simulate) -> None:
        X, y = simulate()
        X["hour"] = np.nan
        pipeline = make_numeric_logistic(("title_length", "hour"), C=1.0).fit(X, y)
        assert pipeline[:-1].get_feature_names_out().tolist() == ["title_length", "hour"]
        assert pipeline["classifier"].coef_[0, 1] == 0

    def test_parameters_are_the_callers(self) -> None:
        pipeline = make_tfidf_logistic(max_features=17, C=0.25)
        assert pipeline.get_params()["tfidf__max_terms"] == 17
        assert pipeline.get_params()["classifier__C"] == 0.25
        assert make_numeric_logistic(["hour"], C=0.25).get_params()["classifier__C"] == 0.25

    def test_fields_count_for_what_the_caller_says(self, simulate) -> None:
        X, y = simulate()
        pipeline = make_fielded_logistic({"title": 0.5, "code": 2.0}, ["code"], 3, ["hour"], "keep", C=0.25).fit(X, y)
        weights = pipeline[1].transform(pipeline[0].transform(X))
        title, code = (
            len(dict(pipeline["fields"].transformer_list)[field].get_feature_names_out()) for field in ("title", "code")
        )
        assert weights.shape == (len(X), title + code + 1)
        lengths = np.sqrt(weights.multiply(weights)[:, :title].sum(axis=1))
        assert np.unique(lengths.round(12)).tolist() == [0.0, 0.5]  # of rows without and with a title
        lengths = np.sqrt(weights.multiply(weights)[:, title : title + code].sum(axis=1))
        assert np.unique(lengths.round(12)).tolist() == [0.0, 2.0]

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
    def test_tfidf_reaches_the_optimum(self, C, simulate) -> None:
        X, y = simulate()
        train, test = slice(0, 200), slice(200, None)
        pipeline = make_tfidf_logistic(max_features=None, C=C)
        tight = clone(pipeline).set_params(classifier__tol=1e-9, classifier__max_iter=10_000)
        average_precision, best = (
            average_precision_score(y[test], candidate.fit(X[train], y[train]).predict_proba(X[test])[:, 1])
            for candidate in (pipeline, tight)
        )
        assert average_precision == pytest.approx(best, abs=0.001)
