"""The questions of a simulated API: where they come from, and which of them a query is answered with."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

from question_classification.stackexchange.attribution import LICENSES, SIMULATED_SITE, find_host
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.server.query import SORT_FIELDS, Query
from question_classification.stackexchange.simulated import simulate
from question_classification.stackexchange.tags import parse_tags

Item = dict[str, Any]
"""A question as the API writes it."""

_BODIES = ("body", "body_markdown")  # what the default filter leaves out
_NEEDED = dict.fromkeys(("question_id", *SORT_FIELDS.values()), int) | {"tags": list}
_NAMED_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_TO_ESCAPE = re.compile("[&<>\"'\u00a0-\u00ff\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Escape text the way the API does under its safe filters: Latin-1 letters too, though HTML does not ask for it.

    >>> escape("Isn't the λ of <Gauß> “too large”?")
    'Isn&#39;t the λ of &lt;Gau&#223;&gt; “too large”?'
    """
    return _TO_ESCAPE.sub(lambda found: _NAMED_REFERENCES.get(found[0], f"&#{ord(found[0])};"), text)


def to_item(row: Mapping[str, Any]) -> Item:
    """Return a question of `QUESTION_SCHEMA` as the API writes it under the filter `withbody`.

    Args:
        row: a row of the table, with `Id`, `Title`, `Site` and `CreationDate`. Null columns are left out of the item;
            an author without `OwnerUserId` is one whose account was deleted.
    """
    created = _seconds(row["CreationDate"])
    edited = _seconds(row["LastEditDate"])
    active = _seconds(row["LastActivityDate"]) or edited or created
    item = {
        "tags": parse_tags(row["Tags"] or ""),
        "owner": _owner(row),
        "is_answered": bool(row["AcceptedAnswerId"] or row["AnswerCount"]),
        "view_count": row["ViewCount"] or 0,
        "closed_date": _seconds(row["ClosedDate"]),
        "accepted_answer_id": row["AcceptedAnswerId"],
        "answer_count": row["AnswerCount"] or 0,
        "score": row["Score"] or 0,
        "last_activity_date": active,
        "creation_date": created,
        "last_edit_date": edited,
        "question_id": row["Id"],
        "content_license": row["ContentLicense"],
        "link": row["Link"] or f"https://{find_host(row['Site'])}/questions/{row['Id']}",
        "title": escape(row["Title"]),
        "body": row["Body"],
    }
    return {name: value for name, value in item.items() if value is not None}


def _owner(row: Mapping[str, Any]) -> Item:
    user, name = row["OwnerUserId"], row["OwnerDisplayName"]
    named = {"display_name": escape(name)} if name else {}
    if user is None:
        return {"user_type": "does_not_exist", **named}
    link = row["OwnerLink"] or f"https://{find_host(row['Site'])}/users/{user}"
    return {
        "account_id": user + 1_000_000,
        "reputation": 1 + user * 7_919 % 9_973,  # any number will do, if it is always the same
        "user_id": user,
        "user_type": "registered",
        "profile_image": f"{link}/portrait.png",
        **named,
        "link": link,
    }


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


class _Question:
    """An item, with its bytes in JSON once they have been asked for."""

    __slots__ = ("_encoded", "item", "tags")

    def __init__(self, item: Item):
        self.item = item
        self.tags = frozenset(item["tags"])
        self._encoded: dict[bool, bytes] = {}

    def encoded(self, *, body: bool) -> bytes:
        found = self._encoded.get(body)
        if found is None:
            item = self.item if body else {name: value for name, value in self.item.items() if name not in _BODIES}
            found = self._encoded[body] = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
        return found


_Place = tuple[
    int, int, _Question
]  # value of the sort field, id, question: sorted, the id decides between equal values


class Site:
    """A site with its questions, which may change while they are served.

    Attributes:
        name: what the API calls the site, such as `stats`.
    """

    def __init__(self, name: str, items: Iterable[Mapping[str, Any]] = ()):
        self.name = name
        self._questions: dict[int, _Question] = {}
        self._orders: dict[str, list[_Place]] = {}
        for item in items:
            self.add(item)

    @classmethod
    def simulated(cls, questions: int = 20_000, seed: int = 42, until: str = "2026-10") -> "Site":
        """Return a site of simulated questions, see `simulate`.

        Raises:
            InputError: `simulate` does not take these arguments.
        """
        batches = simulate(questions, seed, until)
        return cls(SIMULATED_SITE, (to_item(row) for batch in batches for row in batch.to_pylist()))

    @classmethod
    def recorded(cls, folder: str | Path) -> "Site":
        """Return the site that recorded pages of the API came from.

        Args:
            folder: where the pages are, named by their number: `1.json`, `2.json` ... Of a question that is on several
                pages, the last one counts. Pages with an error instead of questions are left out.

        Raises:
            InputError: there are no pages, or one cannot be read, or they come from several sites.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; give the one with the recorded pages, 1.json, 2.json, ...")
        site = cls("")
        hosts = set()
        for path in sorted(folder.glob("*.json"), key=_page_number):
            for item in _items_of(path):
                try:
                    site.add(item)
                    hosts.add(item["link"].split("/")[2])
                except (InputError, AttributeError, KeyError, IndexError) as error:
                    raise InputError(f"{path}: an item that is no question with a link; remove the file") from error
        if not hosts:
            raise InputError(f"{folder}: no questions in its *.json files; give the folder with the recorded pages")
        if len(hosts) > 1:
            raise InputError(f"{folder}: pages of several sites ({', '.join(sorted(hosts))}); give each its own folder")
        site.name = site_on(hosts.pop())
        return site

    @property
    def host(self) -> str:
        """The host in the links to its questions."""
        return find_host(self.name)

    @property
    def items(self) -> list[Item]:
        """All questions, in the order in which they were first added. Change them by `edit` only."""
        return [question.item for question in self._questions.values()]

    def add(self, item: Mapping[str, Any]) -> None:
        """Post a question, or replace the one with the same `question_id`.

        Raises:
            InputError: the item lacks a field that questions are sorted or chosen by.
        """
        missing = [name for name, kind in _NEEDED.items() if not isinstance(item.get(name), kind)]
        if missing:
            raise InputError(f"question {item.get('question_id')}: cannot be served without {', '.join(missing)}")
        self._questions[item["question_id"]] = _Question(dict(item))
        self._orders = {}

    def edit(
        self,
        question_id: int,
        *,
        at: datetime,
        title: str | None = None,
        tags: Iterable[str] | None = None,
        body: str | None = None,
    ) -> None:
        """Change a question. Its activity moves to that moment; with a new title or body, its edit and licence do too.

        Args:
            question_id: which one.
            at: the moment, with a time zone.
            title: the new title as a person types it, not escaped.
            tags: all of its tags from now on.
            body: the new body, in HTML.

        Raises:
            KeyError: there is no such question.
        """
        item = self._questions[question_id].item | {"last_activity_date": _seconds(at)}
        if title is not None or body is not None:
            item["last_edit_date"] = _seconds(at)
            item["content_license"] = next(name for since, name in LICENSES if at >= since)
        if title is not None:
            item["title"] = escape(title)
        if body is not None:
            item["body"] = body
            item.pop("body_markdown", None)  # it would still say what the body said before
        if tags is not None:
            item["tags"] = list(tags)
        self.add(item)

    def select(self, query: Query, drift: int = 0) -> tuple[list[bytes], bool]:
        """Return the questions on a page, each as JSON, and whether there are more after it.

        Args:
            query: what was asked for.
            drift: how many questions earlier the page begins than it should.
        """
        found = self._matching(query)
        start = max(0, (query.page - 1) * query.pagesize - drift)
        end = start + query.pagesize
        body = query.filter == "withbody"
        return [question.encoded(body=body) for _, _, question in found[start:end]], end < len(found)

    def count(self, query: Query) -> int:
        """Return how many questions are on all pages together."""
        return len(self._matching(query))

    def _matching(self, query: Query) -> list[_Place]:
        if len(query.tagged) > 5:
            return []  # no question can have so many
        order = self._order(query.sort)
        least, most = query.min, query.max
        dated = query.fromdate is not None or query.todate is not None
        if dated and query.sort == "creation":  # two pairs of bounds for one field
            least = max((bound for bound in (least, query.fromdate) if bound is not None), default=None)
            most = min((bound for bound in (most, query.todate) if bound is not None), default=None)
            dated = False
        first = 0 if least is None else bisect_left(order, (least,))
        end = len(order) if most is None else bisect_left(order, (most + 1,))
        found = order[first:end]
        if query.descending:
            found.reverse()
        if dated:
            earliest = -inf if query.fromdate is None else query.fromdate
            latest = inf if query.todate is None else query.todate
            found = [place for place in found if earliest <= place[2].item["creation_date"] <= latest]
        if query.tagged:
            found = [place for place in found if place[2].tags.issuperset(query.tagged)]
        if query.ids is not None:
            found = [place for place in found if place[1] in query.ids]
        return found

    def _order(self, sort: str) -> list[_Place]:
        """Return all questions by increasing value of the sort field; the id decides between equal ones."""
        field = SORT_FIELDS[sort]
        orders = self._orders  # held on to, as a change in another thread begins new ones
        if field not in orders:
            orders[field] = sorted((q.item[field], number, q) for number, q in self._questions.copy().items())
        return orders[field]


def site_on(host: str) -> str:
    """Return what the API calls the site on a host.

    >>> [site_on(host) for host in ("stackoverflow.com", "stats.stackexchange.com", "mathoverflow.net")]
    ['stackoverflow', 'stats', 'mathoverflow.net']
    """
    names = (SIMULATED_SITE, *(host.removesuffix(suffix) for suffix in (".stackexchange.com", ".com")))
    return next((name for name in names if name != host and find_host(name) == host), host)


def _page_number(path: Path) -> tuple[int, str]:
    return (int(path.stem), "") if path.stem.isdecimal() else (0, path.stem)


def _items_of(path: Path) -> list[Item]:
    try:
        page = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); record the page again, or remove the file") from error
    if isinstance(page, dict) and "error_id" in page:
        return []
    if not isinstance(page, dict) or not isinstance(page.get("items"), list):
        raise InputError(f"{path}: JSON without a list of items; only pages of the API may be in this folder")
    items: list[Item] = page["items"]
    return items
