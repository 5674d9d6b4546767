import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kedro.framework.cli.cli import KedroCLI

ROOT = Path(__file__).parents[1]

# Whatever a shell starts with `&` ignores Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What a run depends on; of conf/local only what is in Git, for it may hold credentials.
_PARTS = ("src", "conf/base", "conf/test", "conf/logging.yml", "conf/local/.gitkeep", "pyproject.toml")
_PARTS += (
    "data/06_models/tuned.json",
    "dvc.yaml",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvcignore",
    ".gitignore",
    ".telemetry",
    "Makefile",
    "requirements.lock",
)

# Settings of the person who runs the tests, which must not reach the project under test.
_FOREIGN = ("GIT_", "KEDRO_", "MLFLOW_", "DVC_", "PYTEST_", "QUESTION_CLASSIFICATION_")


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own, driven by the real command line."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands: that of the tests, but for its own sources and tracking store."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {**ours, "PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": ""}

    def execute(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def kedro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.execute(Path(sys.executable).with_name("kedro"), *arguments)

    def contents(self, folder: str = "data") -> dict[str, str]:
        """Return the hash of every file below a folder, by its path from there."""
        root = self.folder / folder
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def versioned_contents(self, folder: str = "data") -> dict[str, str]:
        """Return the same of what Git and DVC have: all but the report, which names the run that made it."""
        return {path: md5 for path, md5 in self.contents(folder).items() if Path(path).name != "report.html"}

    def copy(self, folder: Path) -> "Project":
        """Return a copy of it as it is now; its tracking store still points at the original's artifacts."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("mlartifacts"))
        return Project(folder)

    def clone(self, folder: Path) -> "Project":
        """Return what another person gets from Git."""
        made = self.execute("git", "clone", "--quiet", ".", folder)
        assert made.returncode == 0, made.stderr
        return Project(folder)


def copy_project(folder: Path) -> Project:
    """Copy the project, without any data, and commit it to a Git repository of its own."""
    for part in _PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.egg-info", ".*"))
        else:
            shutil.copy(source, target)
    project = Project(folder)
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message", "All")):
        made = project.execute("git", *command)
        assert made.returncode == 0, made.stderr
    return project


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process at a time through, so that workers share what is costly to make."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def finished_project(shared_folder: Path) -> Project:
    """A project in which `kedro run --env test` has succeeded, once for all workers. Read it, or copy it."""
    project = Project(shared_folder / "finished")
    done = shared_folder / "finished.done"
    with _alone(shared_folder / "finished.lock"):
        if not done.exists():
            shutil.rmtree(project.folder, ignore_errors=True)
            copy_project(project.folder)
            run = project.kedro("run", "--env", "test")
            assert run.returncode == 0, run.stdout + run.stderr
            done.touch()
    return project


@pytest.fixture(scope="session")
def make_project() -> Callable[[Path], Project]:
    """A function that copies the project into a folder."""
    return copy_project


@pytest.fixture
def new_project(tmp_path: Path) -> Project:
    """A project in which nothing has run yet."""
    return copy_project(tmp_path / "project")


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Project], None]]:
    """Return a function that enters a project, so that Kedro can be called in this process, which is faster."""
    import mlflow  # takes a second, which most tests need not spend

    earlier = mlflow.get_tracking_uri()  # a run sets it for the whole process, and other tests have theirs

    def enter(project: Project) -> None:
        for name in ("KEDRO_ENV", "MLFLOW_TRACKING_URI", "DVC_ROOT", "QUESTION_CLASSIFICATION_TRACEBACK"):
            monkeypatch.delenv(name, raising=False)
        # Kedro extends both, and neither may outlive the test.
        monkeypatch.setenv("PYTHONPATH", str(project.folder / "src"))
        monkeypatch.setattr(sys, "path", sys.path.copy())
        monkeypatch.chdir(project.folder)

    yield enter
    mlflow.set_tracking_uri(earlier)


@pytest.fixture
def kedro(story: Project, enter: Callable[[Project], None]) -> Callable[..., Result]:
    """Return a function that calls Kedro in the project of a module's `story`, in this process."""

    def kedro(*arguments: str) -> Result:
        enter(story)
        return CliRunner().invoke(KedroCLI(story.folder), list(arguments))

    return kedro


@pytest.fixture
def kedro_run(enter: Callable[[Project], None]) -> Callable[..., Result]:
    """Return a function that calls `kedro run --env test` in this process."""

    def kedro_run(project: Project, *arguments: str) -> Result:
        enter(project)
        return CliRunner().invoke(KedroCLI(project.folder), ["run", "--env", "test", *arguments])

    return kedro_run


class FakeClock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def stackexchange_data() -> Path:
    """The folder with real Stack Exchange data, which is never part of the repository."""
    beside = ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("STACKEXCHANGE_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no real Stack Exchange data in {folder}; set STACKEXCHANGE_DATA to a folder that has it")
    return folder


@pytest.fixture(scope="session")
def recorded_pages(stackexchange_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the 840 recorded pages of the API."""
    archive = stackexchange_data / "stackoverflow_api_pages.tar.gz"
    if not archive.exists():
        pytest.skip(f"no {archive}")
    folder = tmp_path_factory.mktemp("recorded")
    with tarfile.open(archive) as pages:
        for member in pages:
            if content := pages.extractfile(member):  # not for a folder
                (folder / Path(member.name).name).write_bytes(content.read())
    return folder
