import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from question_classification.provenance.git import describe_commit
from question_classification.provenance.hashes import hash_file, hash_listing, hash_parts
from question_classification.provenance.origin import FileRecord, NodeRecord, Origin, Recorder, describe_file

NODE = NodeRecord(name="double", inputs=["word", "params:times"], outputs=["words"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/one.py").write_text("1")
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "word.txt").write_text("word")
    return tmp_path


def record(project: Path, **changes: Any) -> Recorder:
    return Recorder(
        project,
        **{
            "started": datetime.now(UTC),
            "commit": describe_commit(project),
            "code": ["src", "pyproject.toml", "absent"],
            "nodes": [NODE],
            "inputs": {"word": project / "word.txt", "nothing": project / "nothing.txt"},
            "parameters": {"params:times": {"n": 2, "path": Path("a")}},
            "env": None,
            "runtime_parameters": {},
            "pipelines": ["b", "a"],
            **changes,
        },
    )


class TestHashes:
    def test_of_a_folder_is_that_of_dvc(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        (folder / "below").mkdir(parents=True)
        (folder / "b.txt").write_text("b")
        (folder / "below/a.txt").write_text("a")
        for command in (["init", "--no-scm", "--quiet"], ["add", "--quiet", "folder"]):
            subprocess.run([sys.executable, "-m", "dvc", *command], cwd=tmp_path, check=True, capture_output=True)
        assert f"md5: {hash_listing(hash_parts(folder))}" in (tmp_path / "folder.dvc").read_text()

    def test_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"content\r\n")
        assert hash_file(tmp_path / "file") == hashlib.md5(b"content\r\n").hexdigest()


class TestDescribeFile:
    def test_table(self, tmp_path: Path) -> None:
        path = tmp_path / "data/table.parquet"
        path.parent.mkdir()
        pd.DataFrame({"id": [3, 1, 2], "text": ["c", "a", "b"]}).to_parquet(path)
        assert describe_file("table", path, tmp_path, ranges=["id"]) == FileRecord(
            dataset="table",
            path="data/table.parquet",
            md5=hash_file(path),
            bytes=path.stat().st_size,
            rows=3,
            ranges={"id": ("1", "3")},
        )

    def test_folder_of_tables(self, tmp_path: Path) -> None:
        for name, ids in (("a", [5, 6]), ("b", [1])):
            pd.DataFrame({"id": ids}).to_parquet(tmp_path / f"{name}.parquet")
        (tmp_path / "note.txt").write_text("x")
        described = describe_file("parts", tmp_path, tmp_path.parent, ranges=["id", "absent"])
        assert (described.rows, described.ranges) == (3, {"id": ("1", "6")})
        assert described.parts is not None
        assert list(described.parts) == ["a.parquet", "b.parquet", "note.txt"]
        assert described.md5.endswith(".dir")

    def test_file_elsewhere_keeps_its_whole_path(self, tmp_path: Path) -> None:
        (tmp_path / "export.csv").write_text("x")
        described = describe_file("export", tmp_path / "export.csv", tmp_path / "project")
        assert described.path == str(tmp_path / "export.csv")
        assert (described.rows, described.parts) == (None, None)


class TestRecorder:
    def test_says_what_was_read_and_made(self, project: Path) -> None:
        recorder = record(project)
        (project / "words.txt").write_text("wordword")
        origin = recorder.finish({"words": project / "words.txt"}, status="finished", facts={"source": "me"})
        assert [(file.dataset, file.md5) for file in origin.inputs] == [("word", hashlib.md5(b"word").hexdigest())]
        assert [(file.dataset, file.bytes) for file in origin.outputs] == [("words", 8)]
        assert origin.parameters == {"params:times": {"n": 2, "path": "a"}}
        assert (origin.pipelines, origin.nodes, origin.facts) == (["a", "b"], [NODE], {"source": "me"})
        assert origin.code == {
            "pyproject.toml": hash_file(project / "pyproject.toml"),
            "src/one.py": hash_file(project / "src/one.py"),
        }
        assert origin.changed_code == []
        assert origin.started <= origin.ended

    def test_inputs_are_those_of_the_start(self, project: Path) -> None:
        recorder = record(project)
        (project / "word.txt").write_text("another")
        origin = recorder.finish({}, status="finished", facts={})
        assert origin.inputs[0].md5 == hashlib.md5(b"word").hexdigest()

    def test_code_that_changes_under_a_run_is_named(self, project: Path) -> None:
        (project / "src/gone.py").write_text("3")
        recorder = record(project)
        (project / "src/one.py").write_text("2")
        (project / "src/new.py").write_text("2")
        (project / "src/gone.py").unlink()
        origin = recorder.finish({}, status="finished", facts={})
        assert origin.changed_code == ["src/gone.py", "src/new.py", "src/one.py"]
        assert origin.code["src/one.py"] == hashlib.md5(b"1").hexdigest()

    def test_is_the_same_through_json(self, project: Path) -> None:
        origin = record(project).finish({}, status="failed", facts={"error": "it broke"})
        assert Origin.model_validate_json(origin.model_dump_json()) == origin
