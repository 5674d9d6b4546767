"""The packages that code runs with: those that are installed, and those that a lock file pins."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def installed_packages() -> dict[str, str]:
    """Return the version of each package that an import would find, by its name.

    The names of the `.dist-info` folders tell:
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/.
    """
    packages: dict[str, str] = {}
    for folder in filter(None, sys.path):
        for path in sorted(Path(folder).glob("*.dist-info")):
            name, _, version = path.stem.partition("-")
            packages.setdefault(canonicalize_name(name), version)
    return packages


def pinned_packages(lock: str) -> dict[str, str]:
    """Return the version that a lock file pins of each package, as far as its markers hold here.

    >>> pinned_packages("Joblib==1.5.3 ; python_version >= '3'")
    {'joblib': '1.5.3'}
    >>> pinned_packages("appnope==1.0 ; os_name == 'x'")
    {}
    """
    packages: dict[str, str] = {}
    for line in re.findall(r"^\w[^#\\\n]*==[^#\\\n]*", lock, re.MULTILINE):
        try:
            pin = Requirement(line.partition(" --hash")[0].strip())
        except InvalidRequirement:  # what pip, too, would refuse
            continue
        if pin.marker is None or pin.marker.evaluate():
            packages[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return packages


def compare_packages(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say which packages have another version, of those that are known of both."""
    return [
        f"{name} {then[name]} → {now[name]}" for name in sorted(then.keys() & now.keys()) if then[name] != now[name]
    ]
