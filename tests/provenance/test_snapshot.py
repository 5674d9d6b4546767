"""What Git and DVC have of two models, and what differs, in words: a repository made by hand."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

from question_classification.provenance.comparison import compare
from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.hashes import hash_bytes, hash_file, hash_listing
from question_classification.provenance.snapshot import is_revision, snapshot_of_commit

RAW, MODEL, METRICS = "data/01_raw/questions", "data/06_models/selected.skops", "data/metrics.json"
AUTHOR = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(project: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True, text=True).stdout.strip()


def commit(project: Path, branch: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    git(project, "checkout", "--quiet", "-B", branch)
    git(project, "add", *files)
    git(project, *AUTHOR, "commit", "--quiet", "--message", f"To {branch}")


def store(project: Path, months: dict[str, int]) -> str:
    """Put a raw layer of so many rows a month into DVC's cache, and return its identity."""
    cache = project / ".dvc/cache/files/md5"
    parts = {}
    for month, rows in months.items():
        made = project / "part.parquet"
        pd.DataFrame({"Id": range(rows)}).to_parquet(made)
        parts[f"{month}.parquet"] = hash_file(made)
        place = cache / parts[f"{month}.parquet"][:2] / parts[f"{month}.parquet"][2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        made.rename(place)
    identity = hash_listing(parts)
    listing = cache / identity[:2] / identity[2:]
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text(json.dumps([{"md5": md5, "relpath": name} for name, md5 in sorted(parts.items())]))
    return identity


def lock(raw: str, model: str, C: float) -> str:
    stages = {
        "ingestion": {
            "params": {"conf/base/globals.yml": {"simulated.seed": 42}},
            "outs": [{"path": RAW, "md5": raw, "size": 1}],
        },
        "modelling": {
            "deps": [{"path": RAW, "md5": raw}, {"path": "src/a.py", "md5": "0"}],
            "params": {"conf/base/parameters.yml": {"modelling": {"tfidf": {"C": C}, "folds": 5}}},
            "outs": [{"path": MODEL, "md5": model}, {"path": "data/scores.csv", "md5": f"{model}1"}],
        },
    }
    return yaml.safe_dump({"schema": "2.0", "stages": stages})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    one, other = store(tmp_path, {"2020-01": 2, "2020-02": 3}), store(tmp_path, {"2020-02": 4, "2020-03": 1})
    commit(
        tmp_path,
        "one",
        {
            "dvc.yaml": yaml.safe_dump({"stages": {"reporting": {"metrics": [{METRICS: {"cache": False}}]}}}),
            "dvc.lock": lock(one, "aa", 1.0),
            METRICS: json.dumps({"selected": {"f1": 0.5, "rows": 9, "interval": [0, 1]}, "others": {"f1": 0.1}}),
            "requirements.lock": "joblib==1.5.0\nnumpy==2.4.0\n",
            "src/a.py": "A = 1\n",
            "src/b.py": "ä = 1\n",
        },
    )
    commit(
        tmp_path,
        "other",
        {
            "dvc.lock": lock(other, "bb", 3.0),
            METRICS: json.dumps({"selected": {"f1": 0.75, "rows": 10, "interval": [0, 1]}, "others": {"f1": 0.2}}),
            "requirements.lock": "joblib==1.5.1\nnumpy==2.4.0\n",
            "src/b.py": "ä = 2\n",
        },
    )
    return tmp_path


def test_a_commit_tells_what_its_model_was_made_from(project: Path) -> None:
    snapshot = snapshot_of_commit("one", project, model=MODEL, namespace="selected.")
    assert snapshot.model == "aa"
    assert snapshot.files.keys() == {RAW, "data/scores.csv"}
    assert snapshot.made == {MODEL, "data/scores.csv"}
    assert (snapshot.files[RAW].rows, sorted(snapshot.files[RAW].parts or ())) == (
        5,
        ["2020-01.parquet", "2020-02.parquet"],
    )
    assert snapshot.code == {"src/a.py": hash_bytes(b"A = 1\n"), "src/b.py": hash_bytes("ä = 1\n".encode())}
    assert snapshot.parameters == {"simulated.seed": 42, "modelling.tfidf.C": 1.0, "modelling.folds": 5}
    assert snapshot.metrics == {"selected.f1": 0.5, "selected.rows": 9}
    assert snapshot.pins == {"joblib": "1.5.0", "numpy": "2.4.0"}


def test_difference_of_two_commits_in_words(project: Path) -> None:
    one, other = (snapshot_of_commit(name, project, model=MODEL, namespace="selected.") for name in ("one", "other"))
    hashes = {name: git(project, "rev-parse", name) for name in ("one", "other")}
    assert compare(one, other, project).lines == {
        "model": ["md5 aa → bb"],
        "data": [
            f"{RAW}: 1 part added (2020-03.parquet), 1 part changed (2020-02.parquet), "
            "1 part removed (2020-01.parquet)",
        ],
        "derived data": ["data/scores.csv"],
        "code": [
            f"commit {hashes['one'][:10]} → {hashes['other'][:10]}",
            f"  + {hashes['other'][:7]} To other",
            "1 file with other content: src/b.py",
        ],
        "parameters": ["modelling.tfidf.C: 1.0 → 3.0"],
        "environment": ["joblib 1.5.0 → 1.5.1"],
        "metrics": ["selected.f1: 0.5000 → 0.7500 (+0.2500)", "selected.rows: 9 → 10 (+1)"],
    }
    assert not compare(one, one, project).any


def test_what_the_cache_does_not_have_is_another_content(project: Path) -> None:
    one, other = (snapshot_of_commit(name, project, model=MODEL, namespace="selected.") for name in ("one", "other"))
    raw = other.files[RAW].md5
    (project / ".dvc/cache/files/md5" / raw[:2] / raw[2:]).unlink()
    other = snapshot_of_commit("other", project, model=MODEL, namespace="selected.")
    assert compare(one, other, project).lines["data"][0] == f"{RAW}: another content"


def test_what_is_no_commit_of_a_model_is_said_in_a_line(project: Path) -> None:
    assert is_revision("one", project)
    assert not is_revision("none", project)
    with pytest.raises(ProvenanceError, match="none: no such revision in Git"):
        snapshot_of_commit("none", project, model=MODEL, namespace="")
    git(project, "rm", "--quiet", "--cached", "dvc.lock")
    commit(project, "without", {"src/a.py": ""})
    with pytest.raises(ProvenanceError, match=r"without: the commit has no dvc\.lock"):
        snapshot_of_commit("without", project, model=MODEL, namespace="")
