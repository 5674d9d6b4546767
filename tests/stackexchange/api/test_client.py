"""The client against the simulated server, over real sockets, under a clock that both share."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from question_classification.stackexchange.api import client as client_module
from question_classification.stackexchange.api.client import ApiClient, Response
from question_classification.stackexchange.errors import InputError, TryAgainLaterError
from question_classification.stackexchange.server import (
    ApiServer,
    Backoff,
    Fault,
    FaultPlan,
    Html,
    Recorded,
    Reset,
    Site,
    Throttle,
    Truncated,
    TruncatedGzip,
    Unavailable,
)

SITE = Site.simulated(questions=60, seed=1)


@contextmanager
def service(clock, *faults: Fault, key: str | None = None, quota: int | None = None) -> Iterator[tuple]:
    with ApiServer(SITE, faults=FaultPlan(faults=faults), clock=clock, quota=quota) as server:
        yield server, ApiClient(server.url, key=key, clock=clock)


def get(client: ApiClient, **parameters: str | int) -> Response:
    return client.get("questions", lambda attempt: {"site": "simulated", "pagesize": 10 + attempt, **parameters})


def test_questions_arrive_with_the_quota(clock) -> None:
    with service(clock) as (_, client):
        answer = get(client)
        assert [item["question_id"] for item in answer.items] == [
            item["question_id"]
            for item in sorted(SITE.items, key=lambda item: item["last_activity_date"], reverse=True)[:10]
        ]
        assert (answer.has_more, answer.quota_remaining, answer.total) == (True, 299, None)
        assert get(client, filter="total").total == 60


class TestWaits:
    def test_backoff_is_for_its_method(self, clock) -> None:
        with service(clock, Backoff(at=1, seconds=10)) as (server, client):
            get(client, page=1)
            client.get("info", lambda _: {"site": "simulated"})
            assert sum(clock.slept) < 1
            get(client, page=2)
            assert 12 <= sum(clock.slept) < 13  # 10 s and a margin of 2 s
            assert server.violations == {}

    def test_short_throttle(self, clock) -> None:
        with service(clock, Throttle(at=2, seconds=30)) as (server, client):
            get(client, page=1)
            assert len(get(client, page=2).items) == 11  # the second attempt
            assert 32 <= sum(clock.slept) < 33
            assert server.violations == {}

    def test_long_throttle_is_left_to_a_later_run(self, clock) -> None:
        with service(clock, Throttle(at=1, seconds=85_909)) as (server, client):
            with pytest.raises(TryAgainLaterError) as raised:
                get(client)
            assert raised.value.exit_code == 75
            # noon + 23:51:49 + the margin, and rounded up
            assert "85909 seconds; go on after 2026-11-02 11:52 UTC" in str(raised.value)
            assert (server.requests, clock.slept) == (1, [])

    def test_long_backoff_is_left_to_a_later_run(self, clock) -> None:
        with service(clock, Backoff(at=1, seconds=3600)) as (server, client):
            assert len(get(client, page=1).items) == 10
            with pytest.raises(TryAgainLaterError, match="go on after 2026-11-01 13:01 UTC"):
                get(client, page=2)
            assert server.requests == 1

    def test_never_more_than_30_a_second(self, clock) -> None:
        with service(clock) as (server, client):
            for page in range(1, 21):
                get(client, page=page, pagesize=3)
                get(client, page=page, pagesize=2)
            assert (server.requests, server.violations) == (40, {})

    def test_an_identical_request_waits_for_a_minute(self, clock) -> None:
        with service(clock) as (server, client):
            get(client)
            get(client, page=2)
            get(client)
            assert 60 < sum(clock.slept) < 62
            assert server.violations == {}


class TestQuota:
    def test_the_last_requests_are_left_alone(self, clock) -> None:
        with service(clock, quota=8) as (server, client):
            for page in (1, 2, 3):
                get(client, page=page)
            with pytest.raises(
                TryAgainLaterError, match=r"5 requests are left of the daily quota; with a key"
            ) as raised:
                get(client, page=4)
            assert "go on after 2026-11-02 12:01 UTC" in str(raised.value)
            assert server.requests == 3

    def test_a_key_brings_more(self, clock) -> None:
        with service(clock, key="k") as (_, client):
            assert get(client).quota_remaining == 9_999


OUTAGES = [
    Unavailable(at=1, status=500),
    Unavailable(at=1, status=502),
    Unavailable(at=1, status=503),
    Reset(at=1),
    Truncated(at=1),
    TruncatedGzip(at=1),
    Html(at=1, status=200),
    Html(at=1, status=400),
    Html(at=1, status=429),
]


class TestOutages:
    @pytest.mark.parametrize("fault", OUTAGES, ids=lambda fault: f"{fault.kind} {getattr(fault, 'status', '')}")
    def test_is_tried_again(self, clock, fault: Fault) -> None:
        with service(clock, fault) as (server, client):
            assert len(get(client).items) == 11  # the second attempt
            assert server.faults_served == {fault.kind: 1}
            (wait,) = clock.slept
            assert wait == 32 if getattr(fault, "status", None) == 429 else 0.5 <= wait <= 1

    @pytest.mark.parametrize("fault", [fault.model_copy(update={"at": None, "every": 1}) for fault in OUTAGES[1:-1]])
    def test_not_for_ever(self, clock, fault: Fault) -> None:
        with service(clock, fault) as (server, client):
            with pytest.raises(TryAgainLaterError, match="in a few minutes"):
                get(client)
            assert server.requests == 7
            assert 31.5 <= sum(clock.slept) <= 63  # 1 + 2 + 4 + ... + 32 s, or down to half of that
            assert server.violations == {}

    def test_nobody_listens(self, clock) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            with pytest.raises(TryAgainLaterError, match=f"127.0.0.1:{port}: the connection failed"):
                get(ApiClient(f"http://127.0.0.1:{port}", clock=clock))

    def test_nobody_answers(self, clock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "_TIMEOUT", urllib3.Timeout(connect=1, read=0.05))
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            pytest.raises(TryAgainLaterError, match="no answer in time"),
        ):
            get(ApiClient(f"http://127.0.0.1:{silent.getsockname()[1]}", clock=clock))


class TestRefusals:
    def test_unknown_site(self, clock) -> None:
        with service(clock) as (server, client):
            with pytest.raises(InputError, match=r"bad_parameter.*400.*No site found for name `nowhere`") as raised:
                get(client, site="nowhere")
            assert raised.value.exit_code == 1
            assert server.requests == 1

    def test_page_wall(self, clock) -> None:
        with service(clock) as (_, client), pytest.raises(InputError, match="page above 25 requires"):
            get(client, page=26)


class TestKey:
    KEY = "U4DMV*8nvpm3EOpvf69Rxw(("

    def test_is_in_no_error_and_no_log(self, clock, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
        caplog.set_level(logging.DEBUG)
        error = {"error_id": 400, "error_name": "bad_parameter", "error_message": f"`key` {self.KEY} is unknown"}
        (tmp_path / "error.json").write_text(json.dumps(error))
        faults = Reset(at=1), Html(at=2), Truncated(at=3), Recorded(at=5, path=tmp_path / "error.json")
        with service(clock, *faults, key=self.KEY) as (_, client):
            get(client)
            with pytest.raises(InputError, match=r"`key` \*\*\* is unknown") as raised:
                get(client, page=2)
        assert "/2.3/questions?" in caplog.text  # urllib3 did log the addresses
        for text in (caplog.text, repr(client), str(raised.value)):
            assert self.KEY not in text
            assert "EOpvf69Rxw" not in text

    def test_is_not_in_what_a_failed_connection_says(self, clock) -> None:
        with pytest.raises(TryAgainLaterError) as raised:
            get(ApiClient("http://127.0.0.1:9", key=self.KEY, clock=clock))
        assert "EOpvf69Rxw" not in str(raised.value)


class Bodies(ThreadingHTTPServer):
    """Answers everything with the same bytes."""

    body = b""
    status = 200

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *_: object) -> None:
            pass


@pytest.fixture(scope="module")
def bodies() -> Iterator[Bodies]:
    with Bodies(("127.0.0.1", 0), Bodies.Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)
NAMES = ["items", "has_more", "quota_remaining", "backoff", "error_id", "error_name", "error_message", "total"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8).map(lambda wrapper: json.dumps(wrapper).encode())
    | st.just(b"[" * 100_000),
    status=st.sampled_from([200, 400, 404, 500]),
)
def test_whatever_comes_is_an_answer_or_one_clear_line(bodies: Bodies, clock, body: bytes, status: int) -> None:
    bodies.body, bodies.status = body, status
    client = ApiClient(f"http://127.0.0.1:{bodies.server_port}", clock=clock)
    outcome: object = None
    try:
        outcome = get(client).items
    except InputError as error:
        outcome = str(error).splitlines()
        assert len(outcome) == 1, error  # noqa: PT017
    assert isinstance(outcome, list)


def test_now_is_what_the_fake_clock_says(clock) -> None:
    assert datetime.fromtimestamp(clock.time(), UTC) == datetime(2026, 11, 1, 12, tzinfo=UTC)
