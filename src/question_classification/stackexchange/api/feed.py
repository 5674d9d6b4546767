"""The questions of a site, page by page, by the date at which they were created or last active."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from question_classification.stackexchange.api.client import Answer, ApiClient, Parameters
from question_classification.stackexchange.api.items import to_questions
from question_classification.stackexchange.errors import InputError, TryAgainLaterError
from question_classification.stackexchange.harvest import Page

PAGE_SIZE = 100
LAST_PAGE = 25
"""Without a key, the service has no further pages."""

_FIRST_QUESTION = 1_217_462_400  # 2008-07-31, in seconds since 1970
_END = 4_102_444_800  # 2100-01-01; a date beyond it is none
_OVERLAP = 600  # seconds
_MOST_DOUBTS = 4  # in a row

_Sort: TypeAlias = Literal["creation", "activity"]
_DATES = {"creation": "creation_date", "activity": "last_activity_date"}


@dataclass
class ApiFeed:
    """The questions of a site as the API lists them.

    A listing is walked by its dates, not by page numbers: each request asks for what comes from the last date of the
    page before on. So no key is needed, questions that come or go meanwhile shift nothing, and neighbouring pages share
    some questions.

    Args:
        client: asks the service.
        site: name of the site in the API, such as `stats`.
    """

    client: ApiClient
    site: str
    source: str = field(default="api", init=False)

    def keep_word(self, not_before: float, remember: Callable[[float], None]) -> None:
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

        return max(_dates(self.client.get("questions", parameters), "activity"), default=0)

    def _ascend(self, sort: _Sort, since: int) -> Iterator[Page]:
        doubts = repeated = 0
        remaining: int | None = None
        exact = False  # an earlier run, cut off, may have asked for the same a moment ago
        begin, number, seen = None, 1, set[Any]()
        while number <= LAST_PAGE:
            begin, answer = self._page(sort, since, number, begin, exact)
            newest = max([since, *_dates(answer, sort)])
            ids = {item.get("question_id") for item in answer.items if isinstance(item, dict)}
            doubt = _find_doubt(answer, sort, begin, since, ids <= seen)
            if doubt and doubts < _MOST_DOUBTS:  # ask again: from a little earlier on, or for the same later page
                doubts, repeated = doubts + 1, repeated + len(answer.items)
                if number == 1:
                    begin, exact = None, False
                continue
            if doubt == "stale":
                raise TryAgainLaterError(
                    f"{self.site}: the service repeats old answers; go on in a few minutes with the same command"
                )
            if remaining is None and answer.has_more and sort == "creation":
                remaining = self._count(newest)
            elif remaining is not None:
                remaining = max(0, remaining - len(ids - seen))
            yield Page(to_questions(answer.items, self.site), newest, repeated, remaining, answer.quota_remaining)
            if not answer.has_more:
                return
            doubts = repeated = 0
            if newest > since:
                since, exact = newest, True
                begin, number, seen = None, 1, set()
            else:  # more than a page of one moment
                number, seen = number + 1, seen | ids
        raise InputError(
            f"{self.site}: more than {LAST_PAGE * PAGE_SIZE:,} questions within moments of {since} (seconds "
            "since 1970), which the API cannot tell apart; use a data dump of the site"
        )

    def _page(self, sort: _Sort, since: int, number: int, begin: int | None, exact: bool) -> tuple[int, Answer]:
        """Return where the window begins, which is decided with its first page, and the answer."""
        asked = begin

        def parameters(attempt: int) -> Parameters:
            nonlocal asked
            if begin is None:
                asked = since if exact and not attempt else self._shortly_before(since)
            assert asked is not None
            return self._listing(sort, "asc", asked, page=number, pagesize=PAGE_SIZE, filter="withbody")

        answer = self.client.get("questions", parameters)
        assert asked is not None
        return asked, answer

    def _count(self, since: int) -> int | None:
        """Return how many questions were created since then, about."""

        def parameters(_attempt: int) -> Parameters:
            return self._listing("creation", "asc", self._shortly_before(since), filter="total")

        return self.client.get("questions", parameters).total

    def _listing(self, sort: _Sort, order: str, begin: int, **others: str | int) -> Parameters:
        return {"site": self.site, "sort": sort, "order": order, "min": begin, **others}

    def _shortly_before(self, since: int) -> int:
        """Return a moment up to ten minutes earlier, another one every tenth of a second.

        A request must not be repeated within a minute. A new attempt, and a run that takes over from one that was
        killed, therefore ask for a little more than they need.
        """
        return max(since, _FIRST_QUESTION) - 1 - int(10 * self.client.clock.time()) % _OVERLAP


def _dates(answer: Answer, sort: _Sort) -> list[int]:
    dates = [item.get(_DATES[sort]) for item in answer.items if isinstance(item, dict)]
    return [date for date in dates if isinstance(date, int) and _FIRST_QUESTION <= date < _END]


def _find_doubt(
    answer: Answer, sort: _Sort, begin: int, since: int, repetition: bool
) -> Literal["stale", "short", None]:
    """Say what speaks against an answer: that it is to another question, from an old cache; or that it is not all."""
    dates = _dates(answer, sort)
    advances = answer.has_more and max(dates, default=0) > since
    if (answer.items and repetition) or (min(dates, default=begin) < begin and not advances):
        return "stale"
    return "short" if answer.has_more and len(answer.items) < PAGE_SIZE else None
