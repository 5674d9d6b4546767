import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from question_classification.provenance.environment import compare_packages, installed_packages, pinned_packages


def test_installed_packages_are_those_that_an_import_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = installed_packages()
    assert here["scikit-learn"] == version("scikit-learn")
    assert here["pyyaml"] == version("PyYAML")
    (tmp_path / "scikit_learn-99.0rc1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", str(tmp_path / "absent"), *sys.path])
    assert installed_packages() == {**here, "scikit-learn": "99.0rc1"}


LOCK = """\
appnope==1.0.0 ; sys_platform == 'never' \\
    --hash=sha256:00
contourpy==1.3.3 ; python_full_version < '3' \\
    --hash=sha256:00
contourpy==1.4.0 ; python_full_version >= '3' \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via
    #   another==2
Jinja2[i18n]==3.1.6 \\
    --hash=sha256:00
# a==1
-e .
"""


def test_pinned_packages_are_those_of_this_machine() -> None:
    assert pinned_packages(LOCK) == {"contourpy": "1.4.0", "jinja2": "3.1.6"}
    assert pinned_packages("") == {}


def test_the_lock_file_of_the_project_is_what_is_installed() -> None:
    pins = pinned_packages((Path(__file__).parents[2] / "requirements.lock").read_text())
    assert len(pins) > 200
    assert compare_packages(pins, installed_packages()) == []


def test_packages_that_both_know_are_compared() -> None:
    assert compare_packages({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "1", "d": "1"}) == ["b 1 → 2"]
