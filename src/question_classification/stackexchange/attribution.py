"""Whose a question is: where it stands, who wrote it, under which licence.

Questions are licensed under CC BY-SA, which asks for a link to the question, the name of its author and a link to them:
https://stackoverflow.com/help/licensing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

LICENSES: tuple[tuple[datetime, str], ...] = (
    (datetime(2018, 5, 2, tzinfo=UTC), "CC BY-SA 4.0"),
    (datetime(2011, 4, 8, tzinfo=UTC), "CC BY-SA 3.0"),
    (datetime(1970, 1, 1, tzinfo=UTC), "CC BY-SA 2.5"),
)
"""The licence of what was published from a moment on, the latest first: https://stackoverflow.com/help/licensing."""

SIMULATED_SITE = "simulated"
_HOSTS: Mapping[str, str] = MappingProxyType(
    {SIMULATED_SITE: "simulated.example.org", "meta": "meta.stackexchange.com"}
    | {site: f"{site}.com" for site in ("stackoverflow", "serverfault", "superuser", "askubuntu", "stackapps")}
)
_OWN_DOMAINS = ("stackoverflow", "serverfault", "superuser", "askubuntu")


def find_host(site: str) -> str:
    """Return the host of a site that is named as in the API.

    >>> [find_host(site) for site in ("stats", "stats.meta", "stackoverflow", "meta.superuser", "mathoverflow.net")]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['stats.stackexchange.com', 'stats.meta.stackexchange.com', 'stackoverflow.com', 'meta.superuser.com',
     'mathoverflow.net']
    """
    if site in _HOSTS:
        return _HOSTS[site]
    if site.endswith((".com", ".net", ".org")):
        return site
    if site.rpartition(".")[2] in _OWN_DOMAINS:  # meta.superuser, es.stackoverflow
        return f"{site}.com"
    return f"{site}.stackexchange.com"


def find_site(host: str) -> str:
    """Return the name, in the API, of a site that may be named by its host.

    >>> [find_site(host) for host in ("stats.stackexchange.com", "stackoverflow.com", "mathoverflow.net", "stats")]
    ['stats', 'stackoverflow', 'mathoverflow.net', 'stats']
    """
    if host.endswith(".stackexchange.com"):
        return host.removesuffix(".stackexchange.com")
    site = host.removesuffix(".com")
    return site if find_host(site) == host else host
