"""The service behind the sockets: its methods, its quota and throttles, its faults, and how well its client behaves."""

import json
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from math import ceil
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote

from question_classification.stackexchange.clock import Clock
from question_classification.stackexchange.server.faults import (
    AnyFault,
    Backoff,
    Drift,
    Duplicate,
    FaultPlan,
    Html,
    Recorded,
    Reset,
    Slow,
    Throttle,
    Truncated,
    TruncatedGzip,
    Unavailable,
)
from question_classification.stackexchange.server.query import ERROR_NAMES, ApiError, Query, account_of
from question_classification.stackexchange.server.site import Site, escape

ROOT = "/2.3"
ANONYMOUS_QUOTA, KEY_QUOTA = 300, 10_000  # requests a day
_DAY = 86_400  # seconds
_REQUESTS_A_SECOND = 30
_SECOND = 0.999  # sums of floating-point seconds since 1970 are not exact
_REPEAT_AFTER = 60  # seconds before the same request may come again
_BY_ID = re.compile(r"/questions/([0-9]{1,18}(?:;[0-9]{1,18})*)")
_ERROR = re.compile(r"/errors/([0-9]{1,9})")
_HTML = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


@dataclass(frozen=True)
class Answer:
    """What goes back to the client.

    Attributes:
        status: of HTTP.
        body: not yet compressed.
        content_type: of the body.
        delay: seconds to wait before it is sent.
        delivery: `whole`, or the kind of the fault that it meets on the way.
    """

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    delay: float = 0
    delivery: str = "whole"


@dataclass
class _Account:
    """What one key, or all clients without one, may use on a day and have used."""

    quota: int
    day: int  # since 1970-01-01, UTC
    used: int = 0
    refused: bool = False  # have been told that nothing is left

    @property
    def wrapper(self) -> dict[str, int]:
        return {"quota_max": self.quota, "quota_remaining": self.quota - self.used}


@dataclass(frozen=True)
class _Request:
    """A request, taken apart."""

    path: str  # below the root; empty outside of it
    method: str  # the path, without the ids of questions
    parameters: Mapping[str, str]
    account: _Account


class Service:
    """Answers one request after the other, from any thread.

    Attributes:
        site: what it serves.
        requests: how many have come, the malformed and refused ones included.
        violations: what clients did that they must not do, by kind:

            - `in_backoff`: called a method before the seconds were over that its last `backoff` asked for,
            - `in_throttle`: called although they had been refused, before the seconds were over that this was for,
            - `over_30_a_second`: requests beyond 30 within a second,
            - `identical_within_a_minute`: repeated a request of the last 60 s, however that one had been answered.
        faults_served: faults that came about, by kind.
    """

    def __init__(self, site: Site, faults: FaultPlan, clock: Clock, quota: int | None):
        self.site = site
        self.requests = 0
        self.violations: Counter[str] = Counter()
        self.faults_served: Counter[str] = Counter()
        self._plan = faults
        self._clock = clock
        self._quota = quota
        self._lock = Lock()
        self._recent: deque[float] = deque(maxlen=_REQUESTS_A_SECOND)  # moments of the last requests
        self._asked: dict[str, float] = {}  # when which request last came, the latest at the end
        self._backoffs: dict[str, float] = {}  # until when each method must not be called
        self._throttled_until = 0.0
        self._accounts: dict[str, _Account] = {}
        self._last: dict[str, Answer] = {}  # the last good answer of each method
        self._drifts: Counter[Query] = Counter()  # by the query at page 1

    def answer(self, target: str) -> Answer:
        """Answer a GET request.

        Args:
            target: path and query of the URL.
        """
        path, _, query = target.partition("?")
        path = unquote(path)
        with self._lock:
            if path == "/violations":  # of this server, not of the API
                return Answer(200, _dump(self.account()))
            self.requests += 1
            return self._answer(target, path.removeprefix(ROOT) if path.startswith(f"{ROOT}/") else "", query)

    def account(self) -> dict[str, Any]:
        """Return the requests, violations and faults so far."""
        return {
            "requests": self.requests,
            "violations": dict(self.violations),
            "faults": dict(self.faults_served),
        }

    def _answer(self, target: str, path: str, query: str) -> Answer:
        now = self._clock.time()
        parameters = dict(parse_qsl(query))
        account = self._account(account_of(parameters), now)
        request = _Request(path, "/questions/{ids}" if _BY_ID.fullmatch(path) else path, parameters, account)
        self._check_client(target, request, now)
        if now < self._throttled_until:
            return _refusal(self._throttled_until - now)
        if account.used >= account.quota:
            account.refused = True
            return _refusal((account.day + 1) * _DAY - now)
        account.used += 1

        fault = self._plan.fault_at(self.requests)
        try:
            answer = None if fault is None else self._meet(fault, request, now)
            if fault is None or answer is None:
                return self._good_answer(request)
        except ApiError as error:
            return _error(error)
        self.faults_served[fault.kind] += 1
        return answer

    def _account(self, name: str, now: float) -> _Account:
        day = int(now // _DAY)
        account = self._accounts.get(name)
        if account is None or account.day != day:
            quota = self._quota if self._quota is not None else KEY_QUOTA if name else ANONYMOUS_QUOTA
            account = self._accounts[name] = _Account(quota, day)
        return account

    def _check_client(self, target: str, request: _Request, now: float) -> None:
        """Count what the client should not have done."""
        while self._asked and now - next(iter(self._asked.values())) >= _REPEAT_AFTER:
            del self._asked[next(iter(self._asked))]
        crowded = len(self._recent) == _REQUESTS_A_SECOND and now - self._recent[0] < _SECOND
        self._recent.append(now)
        for kind, violated in (
            ("in_throttle", now < self._throttled_until or request.account.refused),
            ("in_backoff", now < self._backoffs.get(request.method, 0)),
            ("over_30_a_second", crowded),
            ("identical_within_a_minute", target in self._asked),
        ):
            if violated:
                self.violations[kind] += 1
        self._asked.pop(target, None)  # so that the order stays that of time
        self._asked[target] = now

    def _meet(self, fault: AnyFault, request: _Request, now: float) -> Answer | None:
        """Answer a request under a fault; None if the fault cannot come about."""
        match fault:
            case Throttle():
                self._throttled_until = now + fault.seconds
                return _refusal(fault.seconds)
            case Unavailable():
                return _error(ApiError(500 if fault.status == 500 else 503, "simulated outage"), fault.status)
            case Html():
                page = _HTML.format(f"{fault.status} {HTTPStatus(fault.status).phrase}")
                return Answer(fault.status, page.encode(), "text/html; charset=utf-8")
            case Recorded():
                return _recorded(fault.path.read_bytes())
            case Duplicate():
                return self._last.get(request.method)
            case Drift():
                moved = request.parameters.get("page", "1") != "1"  # nothing comes before the first page
                return self._good_answer(request, drift=fault.questions) if moved else None
            case Backoff():
                answer = self._good_answer(request, backoff=fault.seconds)
                self._backoffs[request.method] = now + fault.seconds
                return answer
            case Slow():
                return replace(self._good_answer(request), delay=fault.seconds)
            case Reset() | Truncated() | TruncatedGzip():
                return replace(self._good_answer(request), delivery=fault.kind)

    def _good_answer(self, request: _Request, backoff: int | None = None, drift: int = 0) -> Answer:
        """Answer a request as the documentation of the API says.

        Raises:
            ApiError: the request is none that the API answers.
        """
        wrapper = {"has_more": False, **({"backoff": backoff} if backoff else {}), **request.account.wrapper}
        if found := _ERROR.fullmatch(request.path):
            number = int(found[1])
            raise ApiError(number, "simulated") if number in ERROR_NAMES else ApiError(400, "id")
        if request.path == "/sites":
            body = _page([_dump(self._description)], wrapper)
        elif request.method in ("/questions", "/questions/{ids}", "/info"):
            self._check_site(request.parameters)
            if request.path == "/info":
                body = _page([_dump(self._statistics())], wrapper)
            else:
                body = self._questions(request, wrapper, drift)
        else:
            raise ApiError(404, "no method found with this name")
        answer = self._last[request.method] = Answer(200, body)
        return answer

    def _check_site(self, parameters: Mapping[str, str]) -> None:
        name = parameters.get("site")
        if not name:
            raise ApiError(400, "site is required")
        if name not in (self.site.name, self.site.host):
            raise ApiError(400, f"No site found for name `{name}`")

    def _questions(self, request: _Request, wrapper: dict[str, Any], drift: int) -> bytes:
        found = _BY_ID.fullmatch(request.path)
        query = Query.parse(request.parameters, tuple(map(int, found[1].split(";"))) if found else None)
        if query.filter in ("none", "total"):
            told = {name: wrapper[name] for name in ("backoff",) if name in wrapper}  # a client must know of it
            return _dump(told if query.filter == "none" else {"total": self.site.count(query), **told})
        begun = replace(query, page=1)
        if query.page == 1:
            del self._drifts[begun]
        elif drift:
            self._drifts[begun] += drift
        items, wrapper["has_more"] = self.site.select(query, self._drifts[begun])
        return _page(items, wrapper)

    @property
    def _description(self) -> dict[str, Any]:
        return {
            "site_type": "main_site",
            "name": escape(self.site.name.capitalize()),
            "api_site_parameter": self.site.name,
            "site_url": f"https://{self.site.host}",
            "site_state": "normal",
        }

    def _statistics(self) -> dict[str, Any]:
        items = self.site.items
        return {
            "total_questions": len(items),
            "total_answers": sum(item.get("answer_count", 0) for item in items),
            "total_unanswered": sum(not item.get("is_answered") for item in items),
            "total_accepted": sum("accepted_answer_id" in item for item in items),
            "api_revision": "simulated",
        }


def _dump(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _page(items: list[bytes], wrapper: dict[str, Any]) -> bytes:
    """Put items that are JSON already into their wrapper."""
    return b'{"items":[' + b",".join(items) + b"]," + _dump(wrapper)[1:]


def _error(error: ApiError, status: int = 400) -> Answer:
    return Answer(status, _dump(error.body))


def _refusal(seconds: float) -> Answer:
    message = f"too many requests from this IP, more requests available in {ceil(seconds)} seconds"
    return _error(ApiError(502, message))


def _recorded(body: bytes) -> Answer:
    try:
        page = json.loads(body)
    except ValueError:
        page = None  # whatever it is, it is sent as it is
    return Answer(400 if isinstance(page, dict) and "error_id" in page else 200, body)
