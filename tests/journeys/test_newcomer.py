"""A newcomer's walk: what the tutorial and README.md say is typed, word for word, in a fresh clone.

A block of the pages that is marked `console` is a dialogue: a line that begins with `$ ` is typed, the lines below it
are what comes. `…` stands for what varies: within a line for any text, alone on a line for any lines.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (*sorted((ROOT / "docs/tutorial").glob("[0-9]-*.md")), ROOT / "README.md")

_BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_IN_TABLE = re.compile(r"^\| `((?:kedro|dvc|make) [^`]+)`", re.MULTILINE)
# What needs a file, run or branch of one's own, ends only by Ctrl-C, or is a journey, benchmark or check of its own
_NOT_TYPED = re.compile(
    r"questions\.csv|RUN|their-branch|make (tune|viz|mlflow|lab|check|format|benchmark|test)|kedro (ipython|verify)"
)


@dataclass(frozen=True)
class Command:
    """What is typed, and what is to come: a pattern of the whole output."""

    page: str
    line: str
    expected: tuple[str, ...]

    def matches(self, output: str) -> bool:
        """Say whether an output is as expected, white space at the ends of lines and below them aside."""
        said = "".join(f"{line.rstrip()}\n" for line in output.rstrip().splitlines())
        return re.fullmatch("".join(map(_pattern, self.expected)), said) is not None


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, line.split("…"))) + r"\n"


def dialogue(page: Path) -> Iterator[Command]:
    """Yield the commands of a page with what they print; those in a table's first column may print anything."""
    for line in _IN_TABLE.findall(page.read_text()):
        if not _NOT_TYPED.search(line):
            yield Command(page.name, line, ("…",))
    for indent, block in _BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", "\n".join(line.removeprefix(indent) for line in block.splitlines()), flags=re.M)[
            1:
        ]:
            line, *expected = part.rstrip("\n").split("\n")
            while line.endswith("\\"):
                line = f"{line[:-1]}{expected.pop(0).strip()}"
            yield Command(page.name, line, tuple(each.rstrip() for each in expected))


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ((), "", True),
        ((), "something\n", False),
        (("a … c",), "a b c  \n", True),
        (("a … c",), "a b d\n", False),
        (("a", "…", "z"), "a\nb\nc\nz\n", True),
        (("a", "…", "z"), "a\nb\n", False),
        (("…", "z"), "z\n", True),
    ],
)
def test_an_output_is_compared_line_by_line(expected: tuple[str, ...], output: str, same: bool) -> None:
    assert Command("page", "command", expected).matches(output) is same


def test_every_level_has_commands() -> None:
    assert len(PAGES) == 8
    for page in PAGES:
        assert list(dialogue(page)), page.name


@pytest.mark.long
def test_a_newcomer_gets_what_the_pages_say(tmp_path: Path) -> None:
    """One clone, one page after the other. Only the environment is not made anew, which takes minutes."""
    clone = tmp_path / "question-classification"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    with (clone / ".git/info/exclude").open("a") as exclude:
        exclude.write(".venv\n")  # a link, which `.venv/` does not match
    for name in ("requirements.lock", "pyproject.toml"):
        os.utime(clone / name, (0, 0))  # older than the environment, for make
    others = ("GIT_", "KEDRO_", "MLFLOW_", "DVC_", "PYTEST_", "MAKE", "MFLAGS")  # a newcomer has none of them set
    mine = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    author = {
        f"GIT_{who}_{what}": f"test{at}"
        for who in ("AUTHOR", "COMMITTER")
        for what, at in (("NAME", ""), ("EMAIL", "@example.com"))
    }
    environment = {
        **mine,
        **author,
        "PATH": f"{clone}/.venv/bin:{mine['PATH']}",  # source .venv/bin/activate
        "PYTHONPATH": str(clone / "src"),
        "PYTHONDONTWRITEBYTECODE": "",
        "COLUMNS": "100",
    }
    place, surprises = clone, []
    for command in (each for page in PAGES for each in dialogue(page)):
        done = subprocess.run(
            ["bash", "-c", f"{command.line}\ncode=$?; pwd > '{tmp_path}/place'; exit $code"],
            cwd=place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        place = Path((tmp_path / "place").read_text().strip())
        said = f"{command.page}: $ {command.line}\nprinted (exit code {done.returncode}):\n{done.stdout}"
        refused = any(line.startswith("Error") for line in command.expected)
        if (done.returncode != 0) != refused or not command.matches(done.stdout):
            surprises.append("\n".join([said, "and not:", *command.expected]))
        with (tmp_path / "walk.log").open("a") as record:  # for whoever waits
            record.write(f"{said}\n")
    assert not surprises, "\n\n".join(surprises)
