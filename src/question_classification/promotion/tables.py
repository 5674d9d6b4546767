"""Versions and verdicts as text for people, and as plain data for programs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from question_classification.models.promotion import Verdict
from question_classification.provenance.registry import Decision, Version


def print_versions(versions: Sequence[Version]) -> None:
    """Print a line a version."""
    _print(
        ["version", "aliases", "average precision", "commit", "data", "registered (UTC)", "run"],
        [
            (
                str(version.number),
                " ".join(version.aliases) or ("archived" if version.archived else ""),
                _describe_precision(version),
                _describe_commit(version),
                version.tags.get("raw_questions.md5", "")[:10],
                f"{version.created:%Y-%m-%d %H:%M}",
                version.run_id,
            )
            for version in versions
        ],
    )


def print_verdict(verdict: Verdict) -> None:
    """Print a line a check."""
    _print(
        ["", "check", "champion", "challenger", "why"],
        [
            (
                "passed" if check.passed else "failed",
                check.name,
                _round(check.champion),
                _round(check.challenger),
                check.reason,
            )
            for check in verdict.checks
        ],
    )


def describe_version(version: Version) -> list[str]:
    """Return all that is known of a version, in lines."""
    facts = {
        "aliases": ", ".join(version.aliases) or "none",
        "registered": f"{version.created:%Y-%m-%d %H:%M:%S} UTC",
        "run": version.run_id,
        "model": version.source,
        **dict(sorted(version.tags.items())),
    }
    lines = [f"version {version.number}{', archived' if version.archived else ''}"]
    lines += [f"  {name}: {value}" for name, value in facts.items()]
    for decision in version.decisions:
        lines.append(_describe_decision(decision))
        lines += [
            f"  {'passed' if check['passed'] else 'failed'} {check['name']}: {check['reason']}"
            for check in decision.checks
        ]
    return lines


def to_plain(version: Version) -> dict[str, Any]:
    """Return a version as plain data, for JSON."""
    decisions = [decision.model_dump(mode="json", exclude_none=True) for decision in version.decisions]
    return {**dataclasses.asdict(version), "created": version.created.isoformat(), "decisions": decisions}


def _describe_decision(decision: Decision) -> str:
    parts = [f"{decision.at:%Y-%m-%d %H:%M:%S} UTC: {decision.outcome} by {decision.by}"]
    if decision.champion is not None:
        parts.append(f"champion was version {decision.champion}")
    if decision.mode and decision.mode != "enabled":
        parts.append(f"mode {decision.mode}")
    if decision.reason:
        parts.append(f"reason: {decision.reason}")
    return ", ".join(parts)


def _describe_precision(version: Version) -> str:
    tags = version.tags
    try:
        value, low, high = (float(tags[f"average_precision{end}"]) for end in ("", "_low", "_high"))
    except (KeyError, ValueError):  # of a version that something else has registered
        return ""
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _describe_commit(version: Version) -> str:
    commit = version.tags.get("git.commit", "")[:10]
    return f"{commit}, changed" if version.tags.get("git.dirty") == "true" else commit


def _round(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _print(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 10_000  # a line is for `grep` to find: it is not wrapped
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))
