import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from question_classification.models.calibration import decision_values
from question_classification.models.estimators import (
    make_fielded_logistic,
    make_keyword,
    make_nb_svm_logistic,
    make_numeric_logistic,
    make_prior,
    make_tfidf_logistic,
)
from question_classification.models.fitting import with_calibrator
from question_classification.models.persistence import TRUSTED_TYPES, dump_model, load_model

# Words that are also keys of skops's schema must stay words.
X = pd.DataFrame(
    {
        "title": ["machine learning", "a file", "__loader__ __id__", None] * 5,
        "body": ["what is machine learning", "file content file", "__class__ type", "machine"] * 5,
        "hour": [1.0, 2.0, np.nan, 4.0] * 5,
    }
)
Y = np.array([True, False, False, True] * 5)

PIPELINES = {
    "prior": make_prior(),
    "keyword": make_keyword(["machine", "learning"]),
    "numeric": make_numeric_logistic(["hour"], C=1.0),
    "tfidf": make_tfidf_logistic(max_features=None, C=1.0),
    "tfidf, terms dropped": make_tfidf_logistic(max_features=6, C=1.0),
    "fielded": make_fielded_logistic({"title": 0.5, "prose": 1.0, "code": 1.0}, ["prose"], 1, ["hour"], "keep", C=1.0),
    "nb_svm": make_nb_svm_logistic({"title": 0.5, "prose": 1.0}, [], 2, 1.0, "fold", C=1.0),
    "nested": Pipeline(
        [
            (
                "fields",
                ColumnTransformer(
                    [
                        ("title", make_pipeline(FunctionTransformer(), TfidfVectorizer(max_features=3)), "body"),
                        ("both", FeatureUnion([("counts", CountVectorizer(max_features=4))]), "body"),
                    ]
                ),
            ),
            ("classifier", LogisticRegression()),
        ]
    ),
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


@each_pipeline
def test_round_trip(pipeline) -> None:
    model = clone(pipeline).fit(X, Y)
    loaded = load_model(dump_model(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert repr(loaded) == repr(model)
    assert dump_model(loaded) == dump_model(model)


@each_pipeline
def test_fitting_twice_gives_the_same_bytes(pipeline) -> None:
    first, second = clone(pipeline).fit(X, Y), clone(pipeline).fit(X.copy(), Y.copy())
    second.predict_proba(X)
    assert dump_model(first) == dump_model(second)


@each_pipeline
def test_another_model_gives_other_bytes(pipeline) -> None:
    assert dump_model(clone(pipeline).fit(X, Y)) != dump_model(clone(pipeline).fit(X[1:], Y[1:]))


def test_an_unfitted_model_is_a_model() -> None:
    assert repr(load_model(dump_model(PIPELINES["tfidf"]))) == repr(PIPELINES["tfidf"])


def test_leaves_the_model_alone() -> None:
    model = clone(PIPELINES["tfidf, terms dropped"]).fit(X, Y)
    before = dict(vars(model["tfidf"]))
    dump_model(model)
    assert vars(model["tfidf"]) == before


def test_the_archive_is_canonical() -> None:
    with zipfile.ZipFile(io.BytesIO(dump_model(clone(PIPELINES["numeric"]).fit(X, Y)))) as archive:
        members = archive.infolist()
    names = [member.filename for member in members]
    assert names == ["schema.json", *(f"{number}.npy" for number in range(1, len(names)))]
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.compress_type for member in members} == {zipfile.ZIP_DEFLATED}


def test_a_vocabulary_takes_no_member_per_term() -> None:
    def count_members(max_features: int) -> int:
        data = dump_model(make_tfidf_logistic(max_features, C=1.0).fit(X, Y))
        return len(zipfile.ZipFile(io.BytesIO(data)).namelist())

    assert count_members(max_features=6) == count_members(max_features=2)


SCRIPT = """
import pathlib, sys
import pandas as pd
{code}
"""
FIT = """
from question_classification.models.estimators import make_tfidf_logistic
from question_classification.models.persistence import dump_model
X = pd.read_json(sys.argv[1])
pathlib.Path(sys.argv[2]).write_bytes(dump_model(make_tfidf_logistic(6, 1.0).fit(X, X.pop("y"))))
"""
SCORE = """
from question_classification.models.persistence import load_model
X = pd.read_json(sys.argv[1])
print([score.hex() for score in load_model(pathlib.Path(sys.argv[2]).read_bytes()).predict_proba(X)[:, 1].tolist()])
"""


def run(code: str, *arguments: Path, hash_seed: int) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, "-c", SCRIPT.format(code=code), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


@pytest.mark.long
def test_two_processes_give_the_same_md5_and_a_third_the_same_scores(tmp_path) -> None:
    data = tmp_path / "questions.json"
    X.assign(y=Y).to_json(data)
    models = [tmp_path / "first.skops", tmp_path / "second.skops"]
    for seed, path in enumerate(models):
        run(FIT, data, path, hash_seed=seed)
    digests = {hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in models}
    assert len(digests) == 1

    scores = make_tfidf_logistic(6, 1.0).fit(X, Y).predict_proba(X)[:, 1]
    assert run(SCORE, data, models[0], hash_seed=2).strip() == str([score.hex() for score in scores.tolist()])


def test_every_trusted_type_is_needed() -> None:
    candidates = [name for name in PIPELINES if name != "nested"]
    models = [clone(PIPELINES[name]).fit(X, Y) for name in candidates]
    decisions = decision_values(models[-1], X)
    models += [with_calibrator(models[-1], method, decisions, Y) for method in ("sigmoid", "isotonic")]
    dumps = [dump_model(model) for model in models]
    assert {name for data in dumps for name in skops.io.get_untrusted_types(data=data)} == set(TRUSTED_TYPES)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (make_pipeline(FunctionTransformer(os.system)), f"{os.system.__module__}.system"),
        (DecisionTreeClassifier().fit([[0], [1]], [0, 1]), "sklearn.tree._tree.Tree"),
    ],
    ids=["a function", "a type that skops does not trust"],
)
def test_refuses_what_is_not_trusted(model, name) -> None:
    with pytest.raises(
        ValueError, match=rf"^cannot load the model: Untrusted types found in the file: \['{name}'\]\.$"
    ):
        load_model(skops.io.dumps(model))


MODEL = dump_model(make_prior().fit(X, Y))


@pytest.mark.parametrize(
    "data",
    [b"", b"not a model", MODEL[: len(MODEL) // 2], MODEL[:-1], MODEL.replace(b"schema.json", b"skhema.json")],
    ids=["empty", "text", "half", "without its last byte", "without a schema"],
)
def test_refuses_broken_bytes_in_one_line(data) -> None:
    with pytest.raises(ValueError, match=r"^cannot load the model: .*broken.*$") as caught:
        load_model(data)
    assert "\n" not in str(caught.value)


def test_refuses_a_flipped_bit() -> None:
    data = bytearray(MODEL)
    data[len(data) // 3] ^= 1
    with pytest.raises(ValueError, match="cannot load the model"):
        load_model(bytes(data))


def test_names_what_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        dump_model(FunctionTransformer(io.BytesIO()))
