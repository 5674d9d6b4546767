"""What differs between two models, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from question_classification.provenance.environment import compare_packages
from question_classification.provenance.git import git
from question_classification.provenance.origin import LOCK_FILE, FileRecord
from question_classification.provenance.snapshot import Snapshot


@dataclass(frozen=True)
class Difference:
    """What differs, in words, by kind: model, data, derived data, code, parameters, environment, metrics.

    Data are the files that rest on no other one; derived data were made from others.
    """

    lines: dict[str, list[str]]

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return any(self.lines.values())


def compare(first: Snapshot, second: Snapshot, project: Path) -> Difference:
    """Say what differs from a first model to a second one.

    A run and a commit do not tell of the same things: held against one another, what only one knows of is left out.

    Args:
        first: what is known of a model.
        second: of another.
        project: the root of the project, whose history tells the commits.
    """
    alike = first.source == second.source
    data, derived = _compare_data(first, second, alike)
    return Difference(
        {
            "model": [] if first.model == second.model else [f"md5 {first.model} → {second.model}"],
            "data": data,
            "derived data": derived,
            "code": _compare_code(first, second, project),
            "parameters": _compare_values(first.parameters, second.parameters, alike),
            "environment": _compare_environment(first, second, alike),
            "metrics": _compare_metrics(first.metrics, second.metrics),
        }
    )


def _compare_data(first: Snapshot, second: Snapshot, alike: bool) -> tuple[list[str], list[str]]:
    """Say which files of the models' origins have another content: those that rest on no other file, and the rest."""
    lines, made = [], []
    for path in _names(first.files, second.files, alike):
        one, other = first.files.get(path), second.files.get(path)
        if one is None or other is None:
            lines.append(f"{path}: only the {'second' if one is None else 'first'} comes from it")
        elif one.md5 != other.md5:
            if path in first.made | second.made:
                made.append(path)
            else:
                lines.append(f"{path}: {_compare_files(one, other)}")
    return lines, [shorten(made)] if made else []


def _names(first: Mapping[str, Any], second: Mapping[str, Any], alike: bool) -> list[str]:
    return sorted(first.keys() | second.keys() if alike else first.keys() & second.keys())


def _compare_files(one: FileRecord, other: FileRecord) -> str:
    what = [_compare_parts(one.parts, other.parts)] if one.parts is not None and other.parts is not None else []
    if one.rows != other.rows and one.rows is not None and other.rows is not None:
        what.append(f"rows {one.rows:,} → {other.rows:,}")
    what += [
        f"{column} up to {one.ranges[column][1]} → {other.ranges[column][1]}"
        for column in sorted(one.ranges.keys() & other.ranges.keys())
        if one.ranges[column][1] != other.ranges[column][1]
    ]
    return ", ".join(what) or "another content"


def _compare_parts(one: dict[str, str], other: dict[str, str]) -> str:
    kinds = {
        "added": sorted(other.keys() - one.keys()),
        "changed": sorted(part for part in one.keys() & other.keys() if one[part] != other[part]),
        "removed": sorted(one.keys() - other.keys()),
    }
    return ", ".join(f"{_count(parts, 'part')} {kind} ({shorten(parts)})" for kind, parts in kinds.items() if parts)


def _compare_code(first: Snapshot, second: Snapshot, project: Path) -> list[str]:
    lines = []
    one, other = first.commit, second.commit
    if one != other:
        lines.append(f"commit {_abbreviate(one)} → {_abbreviate(other)}")
        if one and other:
            for a, b, sign in ((one, other, "+"), (other, one, "-")):
                log = (git(project, "log", "--oneline", "--no-decorate", f"{a}..{b}") or "").splitlines()
                lines += [f"  {sign} {line}" for line in log[:MOST]]
                lines += [f"  {sign} and {len(log) - MOST} more commits"] if len(log) > MOST else []
    for which, snapshot in (("first", first), ("second", second)):
        if snapshot.dirty:
            lines.append(f"the {which} ran with uncommitted changes")
        if snapshot.changed_code:
            lines.append(f"the {which} ran while its code was changed: {shorten(snapshot.changed_code)}")
    changed = [
        path for path in sorted(first.code.keys() | second.code.keys()) if first.code.get(path) != second.code.get(path)
    ]
    return [*lines, f"{_count(changed, 'file')} with other content: {shorten(changed)}"] if changed else lines


def _compare_environment(first: Snapshot, second: Snapshot, alike: bool) -> list[str]:
    installed = compare_packages(first.packages or first.pins, second.packages or second.pins)
    pinned = [each for each in compare_packages(first.pins, second.pins) if each not in installed]
    lines = [*_compare_values(first.versions, second.versions, alike), *_cut(installed)]
    lines += [f"{LOCK_FILE}: {shorten(pinned)}"] if pinned else []
    return lines or ([f"{LOCK_FILE}: another content"] if first.lock != second.lock else [])


def _compare_values(first: Mapping[str, Any], second: Mapping[str, Any], alike: bool) -> list[str]:
    return [
        f"{name}: {first.get(name, 'none')} → {second.get(name, 'none')}"
        for name in _names(first, second, alike)
        if first.get(name) != second.get(name)
    ]


def _compare_metrics(first: Mapping[str, float], second: Mapping[str, float]) -> list[str]:
    lines = []
    for name in sorted(first.keys() & second.keys()):
        one, other = first[name], second[name]
        digits = ",.0f" if float(one).is_integer() and float(other).is_integer() else ".4f"  # counts, or shares
        if one != other:
            lines.append(f"{name}: {one:{digits}} → {other:{digits}} ({other - one:+{digits}})")
    return lines


MOST = 8
"""So many names are told; of more, only how many there are."""


def shorten(names: Iterable[str]) -> str:
    """Return the first of some names, and how many more there are."""
    return ", ".join(_cut(list(names)))


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MOST
    return [*lines[:MOST], f"and {more} more"] if more > 0 else lines


def _count(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''}"


def _abbreviate(commit: str | None) -> str:
    return commit[:10] if commit else "none"
