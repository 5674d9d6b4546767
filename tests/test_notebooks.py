"""The notebooks are stored without output, run from top to bottom, and so do the solutions of their exercises."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_notebooks_are_stored_without_outputs() -> None:
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), f"{path.name}: nbstripout notebooks/*.ipynb"
            assert cell.get("execution_count") is None, f"{path.name}: nbstripout notebooks/*.ipynb"


def test_each_notebook_opens_with_what_is_learned_and_ends_with_exercises() -> None:
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text())["cells"]
        assert "You will learn" in "".join(cells[0]["source"]), path.name
        assert "## Exercises" in "".join(cells[-1]["source"]), path.name


@pytest.mark.long
def test_notebooks_and_solutions_run_from_top_to_bottom(finished_project, tmp_path: Path) -> None:
    """On the small data set of the environment `test`."""
    project = finished_project.copy(tmp_path / "project")
    folder = project.folder / "notebooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in NOTEBOOKS:
        (folder / path.name).write_text(with_solutions(path))
    python = ("env", "KEDRO_ENV=test", sys.executable)
    run = project.execute(*python, "-m", "pytest", "--nbmake", "--overwrite", "--nbmake-kernel=python3", "notebooks")
    assert run.returncode == 0, run.stdout
    for path in folder.glob("*.ipynb"):  # Kedro shows an error by other means than those that nbmake looks for
        for cell in json.loads(path.read_text())["cells"]:
            assert "Traceback (most recent call last)" not in json.dumps(cell.get("outputs", [])), cell["source"]


def with_solutions(path: Path) -> str:
    """Return a notebook with the solutions of its exercises, which are folded in its last cell, as a cell of code."""
    notebook = json.loads(path.read_text())
    solutions = re.findall(r"```python\n(.*?)```", "".join(notebook["cells"][-1]["source"]), re.DOTALL)
    assert solutions, f"{path.name}: no solutions"
    for number, solution in enumerate(solutions):
        cell = {"cell_type": "code", "id": f"solution-{number}", "metadata": {}, "execution_count": None, "outputs": []}
        notebook["cells"].append({**cell, "source": solution})
    return json.dumps(notebook)
