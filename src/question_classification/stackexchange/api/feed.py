"""The questions of a site, page by page, by the date at which they were created or last active."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from question_classification.stackexchange.api.client import ApiClient, Parameters, Response
from question_classification.stackexchange.api.items import to_questions
from question_classification.stackexchange.errors import InputError, TryAgainLaterError
from question_classification.stackexchange.harvest import Page

PAGE_SIZE = 100
LAST_PAGE = 25
"""Without a key, the service has no further pages."""

_FIRST_QUESTION = 1_217_462_400  # 2008-07-31, in seconds since 1970
_END = 4_102_444_800  # 2100-01-01; a date beyond it is none
_OVERLAP = 600  # seconds
_MOST_SUSPECTS = 4  # responses in a row; an odd one that stays so is taken for what it is

_Sort: TypeAlias = Literal["creation", "activity"]
_DATES = {"creation": "creation_date", "activity": "last_activity_date"}


@dataclass
class ApiFeed:
    """The questions of a site as the API lists them.

    A listing is walked by its dates (keyset pagination), not by page numbers: each request asks for what comes from the
    last date of the page before on. So no key is needed, questions that come or go meanwhile shift nothing, and
    neighbouring pages share some questions, by which a response from an old cache is found out.

    Args:
        client: asks the service.
        site: name of the site in the API, such as `stats`.
    """

    client: ApiClient
    site: str
    source: str = field(default="api", init=False)

    def resume_at(self, not_before: float, remember: Callable[[float], None]) -> None:
        """Ask nothing before a moment (seconds since 1970), and tell of each further one that the service asks for."""
        self.client.not_before, self.client.remember = not_before, remember

    def created(self, since: int) -> Iterator[Page]:
        """Yield the questions created from a moment on (seconds since 1970), earliest first.

        Raises:
            TryAgainLaterError: the service wants to be left alone, or its answers do not fit what was asked.
            InputError: the service refuses, or has more questions of one second than can be told apart.
        """
        return self._ascend("creation", since)

    def active(self, since: int) -> Iterator[Page]:
        """Yield the questions active from a moment on (seconds since 1970), the one longest at rest first.

        Raises:
            TryAgainLaterError: as for `created`.
            InputError: as for `created`.
        """
        return self._ascend("activity", since)

    def newest_activity(self) -> int:
        """Return when the site was last active, in seconds since 1970; 0 if it has no question.

        Raises:
            TryAgainLaterError: as for `created`.
            InputError: as for `created`.
        """

        def parameters(_attempt: int) -> Parameters:
            return self._listing("activity", "desc", self._shortly_before(0), pagesize=1)

        return max(_dates(self.client.get("questions", parameters), "activity").values(), default=0)

    def _ascend(self, sort: _Sort, since: int) -> Iterator[Page]:
        cursor, number = since, 1
        seen: set[Any] = set()  # on earlier pages of the same second
        anchor: set[Any] = set()  # at the cursor, so that the next response has them too
        early = True  # another run, cut off, may have asked from the cursor on a moment ago
        suspects = repeated = 0
        remaining: int | None = None
        counted = sort != "creation"
        while number <= LAST_PAGE:
            begin, response = self._fetch(sort, cursor, number, early)
            dates = _dates(response, sort)
            newest = max([cursor, *dates.values()])
            suspicion = _find_suspicion(response, dates, begin, cursor, anchor, seen)
            if suspicion and suspects < _MOST_SUSPECTS:
                suspects, repeated, early = suspects + 1, repeated + len(response.items), True
                continue
            if suspicion == "stale":
                raise TryAgainLaterError(
                    f"{self.site}: the service repeats old answers; go on in a few minutes with the same command"
                )
            if begin < cursor == newest and response.has_more:  # an early window full of what is known
                repeated, early = repeated + len(response.items), False
                continue
            if remaining is not None:
                remaining = max(0, remaining - len(dates.keys() - seen))
            questions = to_questions(response.items, self.site)
            yield Page(questions, newest, repeated, remaining, response.quota_remaining)
            if not response.has_more:
                return
            if not counted:
                remaining, counted = self._count(newest), True
            suspects = repeated = 0
            if newest > cursor:
                cursor, number, seen, early = newest, 1, set(), False
            else:  # more than a page of one second
                number, seen = number + 1, seen | dates.keys()
            anchor = {identity for identity, date in dates.items() if date == newest}
        raise InputError(
            f"{self.site}: more than {LAST_PAGE * PAGE_SIZE:,} questions within the second {cursor} (since 1970), "
            "which the API cannot tell apart; use a data dump of the site"
        )

    def _fetch(self, sort: _Sort, cursor: int, number: int, early: bool) -> tuple[int, Response]:
        """Return where the window begins, and the response.

        Page numbers are for windows that begin at the cursor only: what happens to a question of an earlier page shifts
        those of the later ones, and within a second there is little that can.
        """
        begin = cursor

        def parameters(attempt: int) -> Parameters:
            nonlocal begin
            begin = self._shortly_before(cursor) if number == 1 and (early or attempt) else cursor
            return self._listing(sort, "asc", begin, page=number, pagesize=PAGE_SIZE, filter="withbody")

        response = self.client.get("questions", parameters)
        return begin, response

    def _count(self, since: int) -> int | None:
        """Return how many questions were created since then, about; None if the service would rather not say."""

        def parameters(_attempt: int) -> Parameters:
            return self._listing("creation", "asc", self._shortly_before(since), filter="total")

        with suppress(TryAgainLaterError):  # an estimate is not worth ending a run for
            return self.client.get("questions", parameters).total
        return None

    def _listing(self, sort: _Sort, order: str, begin: int, **others: str | int) -> Parameters:
        return {"site": self.site, "sort": sort, "order": order, "min": begin, **others}

    def _shortly_before(self, since: int) -> int:
        """Return a moment up to ten minutes earlier, another one every tenth of a second.

        A request must not be repeated within a minute. A new attempt, and a run that takes over from one that was
        killed, therefore ask for a little more than they need.
        """
        return max(since, _FIRST_QUESTION) - 1 - int(10 * self.client.clock.time()) % _OVERLAP


def _dates(response: Response, sort: _Sort) -> dict[Any, int]:
    """Return the dates by which questions are sorted, by their id, in the order of the response."""
    dates = {item.get("question_id"): item.get(_DATES[sort]) for item in response.items if isinstance(item, dict)}
    return {
        identity: date for identity, date in dates.items() if isinstance(date, int) and _FIRST_QUESTION <= date < _END
    }


def _find_suspicion(
    response: Response, dates: dict[Any, int], begin: int, cursor: int, anchor: set[Any], seen: set[Any]
) -> Literal["stale", "odd", None]:
    """Say what speaks against a response: it is to another request, from an old cache; or it is not as expected."""
    newest = max(dates.values(), default=0)
    advances = response.has_more and newest > cursor
    if (dates and dates.keys() <= seen) or (min(dates.values(), default=begin) < begin and not advances):
        return "stale"
    reaches_cursor = newest >= cursor or not response.has_more
    expected = not anchor or seen or not reaches_cursor or not anchor.isdisjoint(dates)
    full = len(response.items) >= PAGE_SIZE or not response.has_more
    ascending = all(one <= other for one, other in pairwise(dates.values()))
    return None if expected and full and ascending else "odd"
