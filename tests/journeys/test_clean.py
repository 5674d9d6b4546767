"""`make clean` takes what a run can make again, and nothing that is somebody's own."""

from pathlib import Path

KEPT = [
    "data/01_raw/questions/x.parquet",
    "data/mine.csv",
    "conf/local/credentials.yml",
    "mlflow.db",
]
REMOVED = ["data/02_intermediate/q.parquet", "data/test/y"]


def files_in(folder: Path) -> set[str]:
    """Return the files of a project, without Git's and Python's own."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if not {".git", "__pycache__"} & set(path.parts)}


def test_clean_removes_what_a_run_makes_and_nothing_else(new_project) -> None:
    for folder in ("benchmarks", "tests"):
        (new_project.folder / folder).mkdir()
    for name in KEPT + REMOVED:
        path = new_project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = files_in(new_project.folder)
    clean = new_project.execute("make", "clean")
    assert clean.returncode == 0, clean.stderr
    assert files_in(new_project.folder) == before - set(REMOVED)
    assert list((new_project.folder / "src").rglob("__pycache__")) == []
    assert {(new_project.folder / name).read_text() for name in KEPT} == {"mine"}


def test_clean_of_a_clean_project_is_no_error(new_project) -> None:
    for folder in ("benchmarks", "tests"):
        (new_project.folder / folder).mkdir()
    before = files_in(new_project.folder)
    clean = new_project.execute("make", "clean")
    assert clean.returncode == 0, clean.stderr
    assert files_in(new_project.folder) == before
