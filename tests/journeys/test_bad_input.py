"""Bad input: one clear line, exit code not 0, earlier outputs as they were."""

import csv
import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from question_classification.stackexchange.question import REQUIRED_COLUMNS


@pytest.fixture(scope="module")
def project(finished_project, tmp_path_factory: pytest.TempPathFactory):
    """A project in which a run has succeeded."""
    return finished_project.copy(tmp_path_factory.mktemp("bad") / "project")


def check_refused(exit_code: int, stdout: str, stderr: str, expected: str) -> None:
    assert exit_code != 0
    assert "Traceback" not in stdout + stderr
    (line,) = stderr.splitlines()
    assert line.startswith("Error: ")
    assert expected in line


@pytest.fixture
def check(project, kedro_run) -> Callable[..., None]:
    """Return a function that checks that a run is refused, and that no byte of the data changes."""

    def check(expected: str, *arguments: str) -> None:
        before = project.contents()
        run = kedro_run(project, *arguments)
        check_refused(run.exit_code, run.stdout, run.stderr, expected)
        assert project.contents() == before

    return check


def row(number: int, **changes: str) -> dict[str, str]:
    question = dict.fromkeys(REQUIRED_COLUMNS, "")
    question |= {"Id": str(number), "Title": "Why?", "Body": "<p>So</p>", "CreationDate": "2010-07-19 19:12:12"}
    return {**question, "Tags": "<machine-learning>" if number % 5 == 0 else "<regression>", **changes}


def export(path: Path, rows: list[dict[str, str]], leave_out: str | None = None) -> str:
    """Write an export of the Data Explorer; return the parameters of a run that reads it."""
    columns = [name for name in REQUIRED_COLUMNS if name != leave_out]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return f"source=sede,path={path}"


ROWS = [row(number) for number in range(1, 41)]


class TestFile:
    def test_missing(self, check, tmp_path: Path) -> None:
        check("absent.csv: no such file", "--params", f"source=sede,path={tmp_path}/absent.csv")

    def test_not_given(self, check) -> None:
        check("parameters: run: source sede reads a file; give its path, path=FILE", "--params", "source=sede")

    @pytest.mark.parametrize("path", ["/nonexist", "conf/base/globals.yml"])
    def test_given_to_a_source_that_reads_none(self, check, path: str) -> None:
        expected = "parameters: run: source simulated reads no file, yet there is a path; did you mean "
        check(expected, "--params", f"path={path}")

    def test_several_sites(self, check, tmp_path: Path) -> None:
        sites = [{**each, "Site": ("ai", "stats")[number % 2]} for number, each in enumerate(ROWS)]
        path = tmp_path / "export.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*REQUIRED_COLUMNS, "Site"])
            writer.writeheader()
            writer.writerows(sites)
        check(f"{path}: questions of several sites (ai, stats)", "--params", f"source=sede,path={path}")

    def test_folder(self, check, tmp_path: Path) -> None:
        check(f"{tmp_path}: a folder", "--params", f"source=sede,path={tmp_path}")

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "an empty file"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a binary file"),
            (b"<!doctype html><html></html>", "an HTML or XML page"),
            (b"Id;Title;Body\n1;Why?;So\n", "values must be separated by commas"),
            ((",".join(REQUIRED_COLUMNS) + "\n5,Gr").encode() + b"\xfc\xdfe", "not UTF-8"),
            ((",".join(REQUIRED_COLUMNS) + '\n5,"Why?').encode(), "never ends"),
            (gzip.compress(b"Id,Title\n" * 1000)[:-20], "truncated or damaged"),
            ((",".join(REQUIRED_COLUMNS) + "\n").encode(), "a header but no rows"),
        ],
        ids=["empty", "binary", "page", "semicolons", "not UTF-8", "cut", "cut gzip", "header only"],
    )
    def test_not_an_export(self, check, tmp_path: Path, content: bytes, expected: str) -> None:
        path = tmp_path / "export.csv"
        path.write_bytes(content)
        check(expected, "--params", f"source=sede,path={path}")

    @pytest.mark.parametrize("column", ["Tags", "FavoriteCount"])
    def test_needed_column_missing(self, check, tmp_path: Path, column: str) -> None:
        found = ", ".join(name for name in REQUIRED_COLUMNS if name != column)
        parameters = export(tmp_path / "export.csv", ROWS, leave_out=column)
        check(f"the header lacks {column} (found: {found})", "--params", parameters)


class TestQuestions:
    def test_none_valid(self, check, tmp_path: Path) -> None:
        parameters = export(tmp_path / "export.csv", [row(number, CreationDate="July") for number in range(1, 4)])
        expected = "of 3 rows read no row is a valid question: unreadable CreationDate (3); the first has Id 1, "
        check(expected, "--params", parameters)

    def test_too_many_broken(self, check, tmp_path: Path) -> None:
        parameters = export(
            tmp_path / "export.csv", [*ROWS[3:], *[row(number, ViewCount="-1") for number in (1, 2, 3)]]
        )
        check("of 40 rows read 7.5% are quarantined: view_count negative (3)", "--params", parameters)

    def test_target_tag_never_occurs(self, check, tmp_path: Path) -> None:
        parameters = export(tmp_path / "export.csv", ROWS)
        check("the nearest are regression (32)", "--params", f"{parameters},target_tag=regresion")

    @pytest.mark.parametrize(("targets", "others"), [(1, 39), (40, 0), (2, 1)])
    def test_one_class_only_on_a_side(self, check, tmp_path: Path, targets: int, others: int) -> None:
        tags = ["<machine-learning>"] * targets + ["<r>"] * others
        parameters = export(
            tmp_path / "export.csv", [row(number, Tags=tag) for number, tag in enumerate(tags, start=1)]
        )
        check(f"split: {targets} of {targets + others} questions are about the target tag; ", "--params", parameters)


class TestParameters:
    @pytest.mark.parametrize(
        ("parameter", "expected"),
        [
            ("sorce=sede", "'sorce'; did you mean source?"),
            ("modelling.tfidf_logistic.c=1", "'modelling.tfidf_logistic.c'; did you mean modelling.tfidf_logistic.C"),
            ("reporting.interval.levl=0.9", "did you mean reporting.interval.level"),
            ("data=elsewhere", "there is no parameter 'data'"),
            ("run.source=sede", "'run.source'; did you mean source"),  # the source itself would not hear of it
            ("run.simulated.questions=5", "'run.simulated.questions'; did you mean simulated.questions"),
        ],
    )
    def test_misspelt(self, check, parameter: str, expected: str) -> None:
        check(expected, "--params", parameter)

    @pytest.mark.parametrize(
        ("parameter", "expected"),
        [
            ("match=sometimes", "target.match: Input should be 'exact' or 'contains' (got 'sometimes')"),
            ("feature_engineering.test_share=1", "feature_engineering.test_share: Input should be less than 1 (got 1)"),
            ("modelling.tfidf_logistic.C=-1", "modelling.tfidf_logistic.C: Input should be greater than 0 (got -1)"),
            ("modelling.tfidf_logistic.kind=forest", "modelling.tfidf_logistic: Input tag 'forest'"),
            ("ingestion.max_quarantined_share=2", "ingestion.max_quarantined_share: Input should be less than"),
            ("reporting.interval.resamples=0", "reporting.interval.resamples: Input should be greater than 0 (got 0)"),
            ("simulated.questions=0", "run.simulated.questions: Input should be greater than 0 (got 0)"),
            ("simulated.questions=many", "run.simulated.questions: Input should be a valid integer"),
            ("simulated.seed=many", "run.simulated.seed: Input should be a valid integer"),
            ("simulated.seed=-1", "run.simulated.seed: Input should be greater than or equal to 0 (got -1)"),
            ("simulated.until=soon", "run.simulated.until: String should match pattern"),
            ("simulated.until=2026", "run.simulated.until: String should match pattern"),
            ("simulated.until=2026-13", "(got '2026-13')"),
            ("simulated.until=2009-12", "until = '2009-12' is before its first month; use 2010-07 or later"),
            ("target_tag=", "target.target_tag: "),
        ],
    )
    def test_out_of_range(self, check, parameter: str, expected: str) -> None:
        check(expected, "--params", parameter)

    def test_message_is_about_the_parameter_and_not_about_pydantic(self, project, kedro_run) -> None:
        run = kedro_run(project, "--params", "modelling.tfidf_logistic.kind=forest")
        assert "pydantic" not in run.stderr

    def test_unknown_source(self, check) -> None:
        expected = "parameters: run.source: unknown; known are simulated, sede, dump, api (got 'newspaper')"
        check(expected, "--params", "source=newspaper")

    @pytest.mark.parametrize("source", ["", "source=sede,"])
    def test_no_yaml(self, check, source: str) -> None:
        expected = "--params or conf/: a value is no valid YAML (while scanning an alias); write it between quotes."
        check(expected, "--params", f"{source}path=*.csv")

    @pytest.mark.parametrize("names", ["modeling", "ingestion,modeling"])
    def test_unknown_pipeline(self, check, names: str) -> None:
        check("there is no pipeline 'modeling'", "--pipelines", names)

    def test_unknown_tag(self, check) -> None:
        check("Pipeline contains no nodes", "--tags", "nonsense")


def test_pipeline_whose_inputs_are_not_there_yet(new_project, kedro_run) -> None:
    before = new_project.contents()
    run = kedro_run(new_project, "--pipelines", "modelling")
    check_refused(run.exit_code, run.stdout, run.stderr, "other_split has not been made yet; run")
    assert new_project.contents() == before


def test_real_command_line_says_it_alike(project, tmp_path: Path) -> None:
    """In processes of their own, side by side: before the run, at its first node, and after some have written."""
    cases = {
        "a value is no valid YAML": "path=*.csv",
        "no such file": f"source=sede,path={tmp_path}/absent.csv",
        "the nearest are regression (32)": export(tmp_path / "export.csv", ROWS) + ",target_tag=regresion",
    }
    before = project.contents()
    copies = [project.copy(tmp_path / str(number)) for number in range(len(cases))]  # one run at a time in each
    with ThreadPoolExecutor() as pool:
        runs = pool.map(
            lambda copy, given: copy.kedro("run", "--env", "test", "--params", given), copies, cases.values()
        )
    for expected, run, copy in zip(cases, runs, copies, strict=True):
        check_refused(run.returncode, run.stdout, run.stderr, expected)
        assert copy.contents() == before
