import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from question_classification.provenance.contents import find_content, hash_path
from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.git import Commit
from question_classification.provenance.hashes import hash_file, hash_listing, hash_parts
from question_classification.provenance.identity import VERIFIED_RUN, RunIdentity
from question_classification.provenance.verification import (
    Comparison,
    Record,
    _compare,
    _environment,
    compare_tables,
    compare_values,
    conclude,
    record_of_lock,
)

SAME, NEAR, OTHER = (
    Comparison("data/metrics.json", "identical"),
    Comparison("data/metrics.json", "within tolerance"),
    Comparison("data/metrics.json", "different"),
)
TABLE = Comparison("data/table.parquet", "different", "row 0")


@pytest.mark.parametrize(
    ("comparisons", "verdict"),
    [
        ([SAME], "identical"),
        ([SAME, TABLE], "within tolerance"),
        ([NEAR, TABLE], "within tolerance"),
        ([NEAR], "within tolerance"),
        ([OTHER], "different"),
        ([TABLE], "different"),  # no metric says that it does not matter
    ],
)
def test_verdict(comparisons: list[Comparison], verdict: str) -> None:
    assert conclude(comparisons) == verdict


@pytest.mark.parametrize(
    ("one", "other", "first", "largest"),
    [
        ({"a": 1, "b": [1.0, 2.0]}, {"a": 1, "b": [1.0, 2.0]}, "", 0.0),
        ({"a": {"b": 2.0}}, {"a": {"b": 1.5}}, "a.b: 2.0, now 1.5", 0.25),
        ({"a": [1.0, 4.0]}, {"a": [0.5, 3.0]}, "a[0]: 1.0, now 0.5", 0.5),
        ({"a": "x"}, {"a": "y"}, "a: 'x', now 'y'", float("inf")),
        ({"a": 1}, {}, "a: 1, now None", float("inf")),
        ({}, {"a": 1}, "a: None, now 1", float("inf")),
        ({"a": [1]}, {"a": [1, 2]}, "a: [1], now [1, 2]", float("inf")),
        ({"a": True}, {"a": False}, "a: True, now False", float("inf")),
    ],
)
def test_values(one: object, other: object, first: str, largest: float) -> None:
    assert compare_values(one, other) == (first, largest)


@pytest.mark.parametrize(
    ("made", "difference"),
    [
        ({"id": [1, 2], "x": [0.5, None]}, "the same values in other bytes"),
        ({"id": [1, 2], "x": [0.5, 0.25]}, "row 1, x: np.float64(nan), now np.float64(0.25)"),
        ({"id": [1, 3], "x": [0.5, 0.25]}, "row 1, id: np.int64(2), now np.int64(3)"),
        ({"id": [1], "x": [0.5]}, "2 rows, now 1"),
        ({"id": [1, 2]}, "columns id, x, now id"),
    ],
)
def test_tables(tmp_path: Path, made: dict[str, list[float]], difference: str) -> None:
    pd.DataFrame({"id": [1, 2], "x": [0.5, None]}).to_parquet(tmp_path / "one.parquet")
    pd.DataFrame(made).to_parquet(tmp_path / "other.parquet")
    assert compare_tables(tmp_path / "one.parquet", tmp_path / "other.parquet") == difference


def test_tables_with_an_index_of_their_own(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1, 2]}, index=[3, 4]).to_parquet(tmp_path / "one.parquet")
    pd.DataFrame({"x": [1, 5]}, index=[4, 3]).to_parquet(tmp_path / "other.parquet")
    difference = compare_tables(tmp_path / "one.parquet", tmp_path / "other.parquet")
    assert difference == "row 1, x: np.int64(2), now np.int64(5)"


class TestRecordOfLock:
    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where the tests run in a hook of Git
            monkeypatch.delenv(name, raising=False)
        for name in ("file.json", "folder/part.json", "report.html"):
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        outs = [
            {"path": f"data/{name}", "md5": hash_path(tmp_path / "data" / name)} for name in ("folder", "file.json")
        ]
        (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"one": {"outs": outs}}}))
        author = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "One")):
            subprocess.run(["git", *author, *command], cwd=tmp_path, check=True)
        return tmp_path

    @pytest.mark.parametrize("file", [None, "data/file.json", "data/folder/part.json"])
    def test_has_its_outputs(self, project: Path, file: str | None) -> None:
        expected = {path: hash_path(project / path) for path in ("data/folder", "data/file.json")}
        assert record_of_lock(project, file).outputs == expected

    @pytest.mark.parametrize("file", ["data/report.html", "data/file.json", "data/folder/part.json"])
    def test_does_not_speak_for_a_file_that_it_does_not_have_so(self, project: Path, file: str) -> None:
        (project / file).write_text("edited")
        with pytest.raises(ProvenanceError, match=rf"^{file}: no run .* has made this file, nor does dvc\.lock"):
            record_of_lock(project, file)


class TestEnvironment:
    """Of the run that makes things again."""

    def test_has_the_identity_of_the_first_run(self, tmp_path: Path) -> None:
        commit = Commit(hash="c0ffee", branch=None, dirty=False)
        identity = RunIdentity(id="1234", started=datetime.now(UTC), commit=commit, taken=["metrics"])
        found = _environment(Record("", "c0ffee", identity=identity), tmp_path, tmp_path / "scratch")
        assert RunIdentity.model_validate_json(found[VERIFIED_RUN]) == identity

    def test_has_nothing_of_the_one_around_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (VERIFIED_RUN, "GIT_DIR", "KEDRO_ENV", "DVC_ROOT"):
            monkeypatch.setenv(name, "foreign")
        found = _environment(Record("", "c0ffee"), tmp_path, tmp_path / "scratch")
        assert "foreign" not in found.values()


class TestCompare:
    @pytest.fixture
    def recorded(self, tmp_path: Path) -> Path:
        path = tmp_path / "recorded.json"
        path.write_text(json.dumps({"average_precision": 0.5}))
        return path

    @pytest.mark.parametrize(
        ("value", "verdict", "difference"),
        [
            (0.5, "identical", ""),
            (0.5 + 1e-9, "within tolerance", "average_precision: 0.5, now 0.500000001"),
            (0.5001, "different", "average_precision: 0.5, now 0.5001"),
        ],
    )
    def test_metrics(self, recorded: Path, tmp_path: Path, value: float, verdict: str, difference: str) -> None:
        made = tmp_path / "metrics.json"
        made.write_text(json.dumps({"average_precision": value}))
        compared = _compare("metrics.json", hash_file(recorded), made, {"": recorded}, 1e-6)
        assert (compared.verdict, compared.difference) == (verdict, difference)

    def test_what_was_not_made(self, recorded: Path, tmp_path: Path) -> None:
        compared = _compare("metrics.json", hash_file(recorded), tmp_path / "absent", {"": recorded}, 1e-6)
        assert (compared.verdict, compared.difference) == ("different", "it was not made")

    def test_folders_part_by_part(self, tmp_path: Path) -> None:
        for folder, values in (("one", {"a": [1], "b": [2]}), ("other", {"a": [1], "b": [3]})):
            (tmp_path / folder).mkdir()
            for name, ids in values.items():
                pd.DataFrame({"id": ids}).to_parquet(tmp_path / folder / f"{name}.parquet")
        one = tmp_path / "one"
        parts = {part: one / part for part in hash_parts(one)}
        compared = _compare("raw", hash_listing(hash_parts(one)), tmp_path / "other", parts, 1e-6)
        assert compared.difference == "b.parquet: row 0, id: np.int64(2), now np.int64(3)"

    @pytest.mark.parametrize(
        ("made", "verdict", "difference"),
        [
            ({"a.json": "[1]", "b.json": "[2]"}, "identical", ""),
            ({"a.json": "[1.0000001]", "b.json": "[2]"}, "within tolerance", "a.json: [0]: 1, now 1.0000001"),
            ({"a.json": "[1.0000001]", "b.json": "[3]"}, "different", "b.json: [0]: 2, now 3"),
            ({"a.json": "[1.0000001]"}, "different", "b.json is missing"),
            ({"a.json": "[1]", "b.json": "[2]", "c.txt": ""}, "different", "c.txt is new"),
        ],
    )
    def test_folder_is_as_its_worst_part(
        self, made: dict[str, str], verdict: str, difference: str, tmp_path: Path
    ) -> None:
        for folder, files in (("one", {"a.json": "[1]", "b.json": "[2]"}), ("other", made)):
            (tmp_path / folder).mkdir()
            for name, text in files.items():
                (tmp_path / folder / name).write_text(text)
        one = tmp_path / "one"
        parts = {part: one / part for part in hash_parts(one)}
        compared = _compare("evaluation", hash_listing(hash_parts(one)), tmp_path / "other", parts, 1e-6)
        assert (compared.verdict, compared.difference) == (verdict, difference)


class TestFindContent:
    def test_in_the_project_or_in_the_cache_of_dvc(self, tmp_path: Path) -> None:
        path = tmp_path / "data/file.txt"
        path.parent.mkdir()
        path.write_text("then")
        md5 = hash_file(path)
        assert find_content("data/file.txt", md5, tmp_path) == {"": path}
        cached = tmp_path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        cached.parent.mkdir(parents=True)
        path.rename(cached)
        path.write_text("now")
        assert find_content("data/file.txt", md5, tmp_path) == {"": cached}
        cached.unlink()
        assert find_content("data/file.txt", md5, tmp_path) is None

    @pytest.mark.parametrize("folder", ["../shared", "{absolute}"])
    def test_in_a_cache_that_clones_share(self, tmp_path: Path, folder: str) -> None:
        config = tmp_path / ".dvc/config"
        config.parent.mkdir()
        place = folder.format(absolute=tmp_path / "shared")
        config.write_text(f"[core]\n    dir = nowhere\n[cache]\n    type = copy\n    dir = {place}\n['remote \"a\"']\n")
        cached = tmp_path / "shared/files/md5/0a/bc"
        cached.parent.mkdir(parents=True)
        cached.write_text("then")
        found = find_content("data/file.txt", "0abc", tmp_path)
        assert found is not None
        assert found[""].resolve() == cached
