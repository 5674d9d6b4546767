"""The tags of a question, written `<a><b>` (exports, older dumps), `|a|b|` (newer dumps) or `a|b` (BigQuery)."""

import re
from collections.abc import Iterable

_TAG = re.compile(r"[^<>|]+")


def parse_tags(text: str) -> list[str]:
    """Return the tags in `text`, in whichever syntax, in their order.

    >>> parse_tags("<regression><r>") == parse_tags("|regression|r|") == parse_tags("regression|r")
    True
    """
    return [tag.strip() for tag in _TAG.findall(text) if tag.strip()]


def format_tags(tags: Iterable[str]) -> str:
    """Write tags in the canonical syntax.

    >>> format_tags(["regression", "r"])
    '<regression><r>'
    """
    return "".join(f"<{tag}>" for tag in tags)
