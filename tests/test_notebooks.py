import json
import shutil
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def test_notebooks_are_stored_without_outputs() -> None:
    paths = list(NOTEBOOKS.glob("*.ipynb"))
    assert paths
    for path in paths:
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), f"{path.name}: nbstripout notebooks/*.ipynb"
            assert cell.get("execution_count") is None, f"{path.name}: nbstripout notebooks/*.ipynb"


def test_notebooks_run_from_top_to_bottom(finished_project, tmp_path: Path) -> None:
    """On the small data set of the environment `test`."""
    project = finished_project.copy(tmp_path / "project")
    shutil.copytree(NOTEBOOKS, project.folder / "notebooks")
    python = ("env", "KEDRO_ENV=test", sys.executable)
    run = project.execute(*python, "-m", "pytest", "--nbmake", "--nbmake-kernel=python3", "notebooks")
    assert run.returncode == 0, run.stdout
