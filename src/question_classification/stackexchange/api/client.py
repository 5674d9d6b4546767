"""A client that keeps the rules of the Stack Exchange API: https://api.stackexchange.com/docs/throttle."""

import json
import logging
import re
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from random import Random
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote, urlencode, urlsplit

import urllib3

from question_classification.stackexchange.clock import Clock, SystemClock
from question_classification.stackexchange.errors import InputError, TryAgainLaterError

API_URL = "https://api.stackexchange.com"
API_VERSION = "2.3"

logger = logging.getLogger(__name__)

_INTERVAL = 1 / 20  # seconds between requests; above 30 a second the service drops an address
_IDENTICAL = 61.0  # seconds until a request may be repeated: more often than once a minute is abusive
_MARGIN = 2.0  # seconds beyond a wait that the service asks for; who waits exactly that long is still refused
_LONGEST_WAIT = 120.0  # seconds; what takes longer is left to a later run
_LONGEST_KNOWN = 366 * 24 * 3600.0  # seconds; no service means more than a year
_QUOTA_FLOOR = 5  # requests that are left to the person at the keyboard
_ATTEMPTS = 7  # with the waits between them, some two minutes
_TIMEOUT = urllib3.Timeout(connect=10, read=30)
_DEADLINE = 120.0  # seconds until an answer must be complete, however slowly it drips
_MOST_BYTES = 256 * 2**20  # of an answer, unpacked; 100 questions have some 10 MB at most
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_GZIP = b"\x1f\x8b"
_NO_API = (401, 404, 405, 407, 410)  # HTTP statuses
_BAN = 30.0  # seconds; the shortest that the service shuts an address out for
_TEMPORARY = ("500", "503")  # internal_error, temporarily_unavailable
_THROTTLE_VIOLATION = "502"
_SECONDS = re.compile(r"(\d+) seconds?\b")

Parameters: TypeAlias = Mapping[str, str | int]


@dataclass(frozen=True)
class Response:
    """What the service answered: the objects asked for, and the account of the requests.

    Attributes:
        items: the objects, as they came.
        has_more: whether there is a further page.
        quota_remaining: requests left today, where the service says so.
        total: how many objects there are, where that was asked for.
    """

    items: list[Any]
    has_more: bool
    quota_remaining: int | None
    total: int | None


class _TemporaryError(Exception):
    """A request failed in a way that may pass: `wait` is how long the service asks for, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class ApiClient:
    """Sends one request at a time, slowly enough, and again where the network or the service fails.

    What the service asks for is done: a `backoff` is waited for per method, a `throttle_violation` as well where it is
    short; no request is repeated within a minute; the last few requests of the daily quota are left alone. The key is
    part of each request's address and of nothing else: no error, no log record and no `repr` shows it.

    Args:
        url: scheme, host and port of the service.
        key: key of the application, for 10,000 requests a day instead of 300.
        clock: tells the time and waits.
        random: spreads the waits between attempts.

    Attributes:
        not_before: when the service may be asked again, in seconds since 1970.
        remember: told of each such moment that is waited for, so that a run that takes over from one that was killed
            can keep to it.
        requests: how many have been sent.
        quota_remaining: how many the service still allows today; None as long as it has not said so.
    """

    url: str = API_URL
    key: str | None = field(default=None, repr=False)
    clock: Clock = field(default_factory=SystemClock, repr=False)
    random: Random = field(default_factory=Random, repr=False)
    not_before: float = field(default=0.0, init=False)
    remember: Callable[[float], None] = field(init=False, repr=False)
    requests: int = field(default=0, init=False)
    quota_remaining: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        self.remember = lambda _: None
        parts = urlsplit(self.url)
        if self.key and parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
            raise InputError(f"{self.url}: the key would go there in the clear; use https, or leave the key out")
        self._host = urlsplit(self.url).netloc
        self._pool = _connect(self.url)
        self._backoff_ends: dict[str, float] = {}  # by method
        self._sent: dict[str, float] = {}  # address: when, of the last minute
        _redact_keys_in_logs()

    def get(self, method: str, parameters: Callable[[int], Parameters]) -> Response:
        """Ask for a page of a method.

        Args:
            method: such as `questions`.
            parameters: returns the parameters of an attempt, which is counted from 0. Where those of a further attempt
                differ, it need not wait until a minute has passed.

        Raises:
            TryAgainLaterError: the quota is used up, or the service wants to be left alone for longer than two minutes,
                or it failed at every attempt.
            InputError: the service refuses the request; the message says why.
        """
        for attempt in range(_ATTEMPTS):
            self._check_quota()
            asked = parameters(attempt)
            address = self._address(method, asked)
            self._wait_for_turn(method, address)
            try:
                return self._receive(method, asked.get("filter") == "total", self._send(address))
            except _TemporaryError as error:
                failure = error
            if failure.wait > _LONGEST_WAIT:
                break
            if attempt < _ATTEMPTS - 1:
                wait = failure.wait + _MARGIN if failure.wait else 2**attempt * self.random.uniform(0.5, 1)
                self.remember(self.clock.time() + wait)
                logger.info("%s: %s; next attempt in %.0f s", self._host, failure, wait)
                self.clock.sleep(wait)
        raise self._later(str(failure), failure.wait)

    def _address(self, method: str, parameters: Parameters) -> str:
        key = {"key": self.key} if self.key else {}
        return f"{self.url}/{API_VERSION}/{method}?{urlencode({**parameters, **key}, safe=';')}"

    def _wait_for_turn(self, method: str, address: str) -> None:
        now = self.clock.time()
        self._sent = {sent: moment for sent, moment in self._sent.items() if moment > now - _IDENTICAL}
        last = max(self._sent.values(), default=0.0)
        turn = max(
            last + _INTERVAL,
            self.not_before,
            self._backoff_ends.get(method, 0.0),
            self._sent[address] + _IDENTICAL if address in self._sent else 0.0,
        )
        if turn - now > _LONGEST_WAIT:
            raise self._later("the service asks to be left alone", turn - now)
        if turn > now:
            if turn > now + 1:
                logger.info("%s: waiting %.0f s, as the service asks", self._host, turn - now)
            self.clock.sleep(turn - now)
        self._sent[address] = self.clock.time()

    def _send(self, address: str) -> tuple[int, bytes, float]:
        """Return the status, the unpacked body, and the seconds that a `Retry-After` asks for."""
        self.requests += 1
        if self.quota_remaining is not None:  # until the response says it
            self.quota_remaining -= 1
        try:
            response = self._pool.request("GET", address, preload_content=False, retries=False, redirect=False)
            try:
                body = _read(response)
            except BaseException:
                response.close()  # what is left of the answer must not be taken for that to the next request
                raise
            response.release_conn()
        except (urllib3.exceptions.LocationParseError, urllib3.exceptions.SSLError) as error:
            reason = " ".join(self._without_key(str(error)).split())[:200]
            raise InputError(f"{self.url}: cannot be asked ({reason}); check api_url and the proxy settings") from None
        except urllib3.exceptions.HTTPError as error:
            raise _TemporaryError(_explain(error)) from None
        retry_after = response.headers.get("Retry-After", "")
        return response.status, _unpack(body), float(retry_after) if retry_after.isdecimal() else 0.0

    def _receive(self, method: str, total_only: bool, received: tuple[int, bytes, float]) -> Response:
        status, body, retry_after = received
        try:
            wrapper = json.loads(body)
        except (ValueError, RecursionError):
            wrapper = None
        if not isinstance(wrapper, dict):
            self._raise_foreign(status, retry_after)
        self._note_backoff(method, _number(wrapper.get("backoff")))
        if wrapper.get("error_id"):
            self._raise_error(method, wrapper)
        if status != 200:
            raise _TemporaryError(f"HTTP {status} without an explanation", retry_after)
        quota = _number(wrapper.get("quota_remaining"))
        self.quota_remaining = self.quota_remaining if quota is None else quota
        items, total = wrapper.get("items"), _number(wrapper.get("total"))
        if total_only:
            items = None if total is None else []
        if not isinstance(items, list):
            raise _TemporaryError(f"an answer without {'a total' if total_only else 'items'}")
        return Response(items, wrapper.get("has_more") is True, quota, total)

    def _note_backoff(self, method: str, seconds: int | None) -> None:
        if seconds:
            self._backoff_ends[method] = self.clock.time() + seconds + _MARGIN
            if seconds <= _LONGEST_WAIT:
                self.remember(self._backoff_ends[method])

    def _raise_foreign(self, status: int, retry_after: float) -> NoReturn:
        """Raise what follows from a response that is not the API's: a proxy's, or another server's."""
        if status // 100 == 3 or status in _NO_API:
            raise InputError(
                f"{self.url}: HTTP {status} and no JSON, so this is not the API; check api_url and the proxy"
            )
        if status == 429:
            retry_after = retry_after or _BAN
        raise _TemporaryError(f"HTTP {status} with something else than a JSON object", retry_after)

    def _raise_error(self, method: str, wrapper: dict[str, Any]) -> NoReturn:
        number, name, message = (
            " ".join(self._without_key(str(wrapper.get(field))).split())[:300]
            for field in ("error_id", "error_name", "error_message")
        )
        if number == _THROTTLE_VIOLATION:
            seconds = _SECONDS.search(message)
            raise _TemporaryError(f"{name}: {message}", float(seconds[1]) if seconds else _MARGIN)
        if number in _TEMPORARY:
            raise _TemporaryError(f"{name}: {message}")
        raise InputError(f"{self._host} refuses to list {method}: {name} ({number}): {message}")

    def _check_quota(self) -> None:
        if self.quota_remaining is not None and self.quota_remaining <= _QUOTA_FLOOR:
            hint = "" if self.key else "; with a key of your own it is 10,000 requests a day (see docs/sources.md)"
            raise self._later(f"{self.quota_remaining} requests are left of the daily quota{hint}", 24 * 3600)

    def _later(self, reason: str, wait: float) -> TryAgainLaterError:
        """Say why and when: `wait` in seconds, 0 where the service did not say."""
        wait = min(wait, _LONGEST_KNOWN)
        moment = datetime.fromtimestamp(self.clock.time() + wait + _MARGIN, UTC) + timedelta(minutes=1)
        when = f"after {moment:%Y-%m-%d %H:%M} UTC" if wait else "in a few minutes"
        return TryAgainLaterError(f"{self._host}: {self._without_key(reason)}; go on {when} with the same command")

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key else text


def _connect(url: str) -> urllib3.PoolManager:
    """Keep a connection open, through the proxy of the environment where there is one."""
    parts = urlsplit(url)
    options: dict[str, Any] = {
        "timeout": _TIMEOUT,
        "headers": {
            "User-Agent": f"question-classification/{version('question-classification')}",
            "Accept-Encoding": "gzip",
        },
    }
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return urllib3.PoolManager(**options)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    user, password = urlsplit(proxy).username, urlsplit(proxy).password
    login = f"{unquote(user)}:{unquote(password or '')}" if user else None
    try:
        return urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=login), **options)
    except urllib3.exceptions.ProxySchemeUnknown:
        raise InputError(
            f"the proxy for {parts.scheme} in the environment is neither http:// nor https://; set another one"
        ) from None


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read the body as it came over the wire, within a time."""
    deadline = time.monotonic() + _DEADLINE
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(2**16, decode_content=False):  # whatever has come by now
        chunks.append(chunk)
        size += len(chunk)
        if time.monotonic() > deadline or size > _MOST_BYTES:
            raise _TemporaryError("an answer without end")
    return b"".join(chunks)


def _unpack(body: bytes) -> bytes:
    """Unpack gzip, which the service sends unasked and without saying so in every case."""
    if not body.startswith(_GZIP):
        return body
    stream = zlib.decompressobj(wbits=31)
    try:
        unpacked = stream.decompress(body, _MOST_BYTES)
    except zlib.error:
        raise _TemporaryError("a damaged answer") from None
    if not stream.eof:
        raise _TemporaryError("an answer that was cut off")
    return unpacked


def _explain(error: urllib3.exceptions.HTTPError) -> str:
    """Say what happened to a connection, without the address, which holds the key."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.strerror):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, OSError):
        return f"the connection failed: {cause.strerror}"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return f"the connection failed: {type(error).__name__}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


_KEY = re.compile(r"([?&]key=)[^&\s'\"]+")


def _hide_key(text: str) -> str:
    return _KEY.sub(r"\1***", text)


def _redact_keys_in_logs() -> None:
    """Keep keys out of urllib3's debug log, which has the address of each request."""
    log = logging.getLogger("urllib3.connectionpool")
    if _redact not in log.filters:
        log.addFilter(_redact)


def _redact(record: logging.LogRecord) -> bool:
    record.msg, record.args = _hide_key(record.getMessage()), None
    return True
