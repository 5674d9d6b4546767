"""A run pays for what it uses."""

import sys

HEAVY = ["sklearn", "matplotlib", "plotly"]

RUN = f"""
import sys
from kedro.framework.cli.cli import main

sys.argv = ["kedro", "run", "--env", "test", "--pipelines", "ingestion"]
try:
    main()
finally:
    print("imported:", *[name for name in {HEAVY} if name in sys.modules])
"""


def test_ingestion_alone_does_not_import_what_others_need(new_project) -> None:
    run = new_project.execute(sys.executable, "-c", RUN)
    assert run.returncode == 0, run.stderr
    assert (new_project.folder / "data/test/02_intermediate/questions.parquet").is_file()
    assert run.stdout.splitlines()[-1] == "imported:"
