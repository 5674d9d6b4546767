import gzip
import http.client
import json
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from question_classification.stackexchange.clock import SystemClock
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.server import (
    ApiServer,
    Backoff,
    Drift,
    Duplicate,
    Fault,
    FaultPlan,
    Html,
    Recorded,
    Reset,
    Site,
    Slow,
    Throttle,
    Truncated,
    TruncatedGzip,
    Unavailable,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
TO_MIDNIGHT = 12 * 3600


class FakeClock:
    def __init__(self) -> None:
        self.now = NOON

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Api:
    """A client without manners, on one connection."""

    def __init__(self, server: ApiServer, clock: FakeClock):
        self.server = server
        self.clock = clock
        self.connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)

    def fetch(self, path: str) -> tuple[int, str, bytes]:
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        return answer.status, answer.headers["Content-Type"], gzip.decompress(body)

    def get(self, path: str = "", **parameters: object) -> tuple[int, dict[str, object]]:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        status, kind, body = self.fetch(path if path.startswith("/") else f"/2.3/questions{path}?site=stats&{query}")
        assert kind == "application/json; charset=utf-8"
        return status, json.loads(body)

    def ids(self, **parameters: object) -> list[int]:
        status, page = self.get(**parameters)
        assert status == 200
        return [item["question_id"] for item in page["items"]]

    def refused(self) -> str:
        """Ask, be refused, and return what was said."""
        status, error = self.get()
        assert (status, error["error_id"], error["error_name"]) == (400, 502, "throttle_violation")
        return error["error_message"]


def site(questions: int = 10) -> Site:
    """Questions by decreasing activity: 10, 9, ... 1."""
    return Site(
        "stats",
        [
            {
                "question_id": number,
                "tags": ["r"],
                "score": 0,
                "view_count": 0,
                "answer_count": 2,
                "creation_date": number,
                "last_activity_date": number,
                "title": "R &amp; S",
                "body": "<p>Body</p>" * 20,
            }
            for number in range(1, questions + 1)
        ],
    )


@contextmanager
def api(*faults: Fault, questions: int = 10, quota: int | None = None) -> Iterator[Api]:
    clock = FakeClock()
    with ApiServer(site(questions), faults=FaultPlan(faults=faults), clock=clock, quota=quota) as server:
        client = Api(server, clock)
        yield client
        client.connection.close()


def throttled_for(seconds: int) -> str:
    return f"too many requests from this IP, more requests available in {seconds} seconds"


def test_a_page_in_its_wrapper():
    with api() as client:
        status, page = client.get(pagesize=1)
        assert status == 200
        assert [item.pop("question_id") for item in page.pop("items")] == [10]
        assert page == {"has_more": True, "quota_max": 300, "quota_remaining": 299}
        assert client.ids(pagesize=3, page=2) == [7, 6, 5]
        assert client.ids(order="asc", sort="creation", min=4, max=6) == [4, 5, 6]
        assert client.ids(fromdate=4, todate=6, tagged="r") == [6, 5, 4]
        assert "body" not in client.get()[1]["items"][0]
        assert client.get(filter="withbody")[1]["items"][0]["body"].startswith("<p>")
        assert client.get(filter="total", min=4)[1] == {"total": 7}
        assert client.get(filter="none")[1] == {}
        assert client.get("/2.3/questions?site=stats.stackexchange.com")[0] == 200
        assert (client.server.requests, client.server.violations) == (9, {})


def test_other_methods():
    with api() as client:
        assert [item["question_id"] for item in client.get("/2.3/questions/3;5;77?site=stats")[1]["items"]] == [5, 3]
        assert client.get("/2.3/questions/3%3B5?site=stats&order=asc")[1]["items"][0]["question_id"] == 3
        assert client.get("/2.3/questions/77?site=stats")[1]["items"] == []
        assert client.get("/2.3/info?site=stats")[1]["items"][0]["total_questions"] == 10
        described = client.get("/2.3/sites")[1]["items"][0]
        assert described["api_site_parameter"] == "stats"
        assert described["site_url"] == "https://stats.stackexchange.com"


@pytest.mark.parametrize(
    ("path", "error_id", "name", "message"),
    [
        ("/2.3/questions", 400, "bad_parameter", "site is required"),
        ("/2.3/questions?site=x", 400, "bad_parameter", "No site found for name `x`"),
        ("/2.3/questions?site=stats&sort=newest", 400, "bad_parameter", "sort"),
        ("/2.3/questions?site=stats&page=26", 403, "access_denied", "page above 25 requires access token or app key"),
        ("/2.3/answers?site=stats", 404, "no_method", "no method found with this name"),
        ("/2.3/questions/1;?site=stats", 404, "no_method", "no method found with this name"),
        ("/2.2/questions?site=stats", 404, "no_method", "no method found with this name"),
        ("/", 404, "no_method", "no method found with this name"),
        ("/2.3/errors/405", 405, "key_required", "simulated"),
        ("/2.3/errors/7", 400, "bad_parameter", "id"),
    ],
)
def test_errors_come_under_status_400(path, error_id, name, message):
    with api() as client:
        assert client.get(path) == (
            400,
            {"error_id": error_id, "error_name": name, "error_message": message},
        )


def test_a_key_opens_the_later_pages():
    with api(questions=30) as client:
        assert client.ids(pagesize=1, page=26, key="k") == [5]


def test_the_quota_is_per_key_and_ends_at_midnight_utc():
    with api(quota=2) as client:
        assert client.get(page=1)[1]["quota_remaining"] == 1
        assert client.get(page=2)[1]["quota_remaining"] == 0
        assert client.refused() == throttled_for(TO_MIDNIGHT)
        assert client.server.violations == {}  # it could not know for sure
        client.clock.sleep(0.5)
        assert client.refused() == throttled_for(TO_MIDNIGHT)  # rounded up
        assert client.server.violations["in_throttle"] == 1
        assert client.get(key="k")[1]["quota_remaining"] == 1
        client.clock.sleep(TO_MIDNIGHT - 0.5)
        assert client.get()[1]["quota_remaining"] == 1
        assert client.server.violations["in_throttle"] == 1


def test_the_quota_with_a_key():
    with api() as client:
        page = client.get(key="k")[1]
        assert (page["quota_max"], page["quota_remaining"]) == (10_000, 9_999)
        assert client.get()[1]["quota_remaining"] == 299


def test_backoff_is_for_one_method_and_watched():
    with api(Backoff(at=1, seconds=10)) as client:
        assert client.get(page=1)[1]["backoff"] == 10
        assert client.get("/2.3/questions/1?site=stats")[0] == 200
        assert client.server.violations == {}
        client.clock.sleep(9)
        assert "backoff" not in client.get(page=2)[1]
        assert client.server.violations == {"in_backoff": 1}
        client.clock.sleep(1)
        client.get(page=3)
        assert client.server.violations == {"in_backoff": 1}
        assert client.server.faults_served == {"backoff": 1}


def test_a_throttle_refuses_everyone_until_it_is_over():
    with api(Throttle(at=1, seconds=10)) as client:
        assert client.refused() == throttled_for(10)
        assert client.server.violations == {}
        client.clock.sleep(4)
        assert client.get("/2.3/sites?key=k")[1]["error_message"] == throttled_for(6)
        assert client.server.violations == {"in_throttle": 1}
        client.clock.sleep(6)
        assert client.get()[0] == 200
        assert client.server.violations["in_throttle"] == 1
        assert client.server.faults_served == {"throttle": 1}


def test_more_than_30_requests_in_a_second_are_counted_and_answered():
    with api() as client:
        for page in range(1, 31):
            client.get(page=page, key="k")
            client.clock.sleep(0.01)
        assert client.server.violations == {}
        assert client.get(page=31, key="k")[0] == 200
        assert client.server.violations == {"over_30_a_second": 1}


def test_30_requests_a_second_are_allowed():
    with api() as client:
        for page in range(1, 100):
            client.get(page=page, key="k")
            client.clock.sleep(1 / 30)
        assert client.server.violations == {}


def test_a_repeated_request_counts_for_a_minute():
    with api() as client:
        client.get(page=1)
        client.get(page=2)
        client.clock.sleep(59)
        client.get(page=1)
        assert client.server.violations == {"identical_within_a_minute": 1}
        client.clock.sleep(1)
        client.get(page=2)
        assert client.server.violations == {"identical_within_a_minute": 1}
        client.get(page=1)
        assert client.server.violations == {"identical_within_a_minute": 2}


@pytest.mark.parametrize(
    ("status", "error_id", "name"),
    [(500, 500, "internal_error"), (502, 503, "temporarily_unavailable"), (503, 503, "temporarily_unavailable")],
)
def test_unavailable(status, error_id, name):
    with api(Unavailable(at=1, status=status)) as client:
        answered, error = client.get()
        assert (answered, error["error_id"], error["error_name"]) == (status, error_id, name)
        assert client.ids()[0] == 10


def test_slow():
    with api(Slow(at=1, seconds=7)) as client:
        assert client.ids()[0] == 10
        assert client.clock.now == NOON + 7


def test_reset(capfd):
    with api(Reset(at=2)) as client:
        client.get(page=1)
        with pytest.raises(ConnectionResetError):
            client.get(page=2)
        client.connection.close()
        assert client.ids(page=2) == []
        assert client.server.faults_served == {"reset": 1}
    assert capfd.readouterr().err == ""  # no traceback of a thread


def test_truncated():
    with api(Truncated(at=1)) as client:
        client.connection.request("GET", "/2.3/questions?site=stats&filter=withbody")
        answer = client.connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as error:
            answer.read()
        assert len(error.value.partial) == int(answer.headers["Content-Length"]) // 2
        client.connection.close()
        assert client.ids()[0] == 10


def test_truncated_gzip():
    with api(TruncatedGzip(at=1)) as client:
        client.connection.request("GET", "/2.3/questions?site=stats&filter=withbody")
        answer = client.connection.getresponse()
        body = answer.read()
        assert len(body) == int(answer.headers["Content-Length"])
        unpacked = zlib.decompressobj(wbits=31)
        unpacked.decompress(body)
        assert not unpacked.eof
        assert client.ids()[0] == 10  # on the same connection


@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_html(status):
    with api(Html(at=1, status=status)) as client:
        answered, kind, body = client.fetch("/2.3/questions?site=stats")
        assert (answered, kind) == (status, "text/html; charset=utf-8")
        assert body.startswith(b"<!DOCTYPE html>")


def test_duplicate():
    with api(Duplicate(at=(1, 4))) as client:
        assert client.ids(pagesize=3) == [10, 9, 8]  # there was nothing to answer once more
        assert client.server.faults_served == {}
        stale = client.get(pagesize=3, page=2)
        client.get("/2.3/questions/1?site=stats")
        assert client.get(pagesize=3, page=3) == stale
        assert client.ids(pagesize=3, page=4) == [1]
        assert client.server.faults_served == {"duplicate": 1}


def test_drift_lasts_until_the_query_is_begun_again():
    with api(Drift(at=(1, 3), questions=2)) as client:
        assert client.ids(pagesize=3) == [10, 9, 8]  # nothing comes before the first page
        assert client.ids(pagesize=3, page=2) == [7, 6, 5]
        assert client.ids(pagesize=3, page=3) == [6, 5, 4]
        assert client.ids(pagesize=3, page=4) == [3, 2, 1]
        assert client.ids(pagesize=4, page=2) == [6, 5, 4, 3]  # another query
        assert client.ids(pagesize=3) == [10, 9, 8]
        assert client.ids(pagesize=3, page=3) == [4, 3, 2]
        assert client.server.faults_served == {"drift": 1}


def test_drift_begins_no_earlier_than_the_site():
    with api(Drift(at=1, questions=30)) as client:
        page = client.get(pagesize=3, page=2)[1]
        assert [item["question_id"] for item in page["items"]] == [10, 9, 8]
        assert page["has_more"]


@pytest.mark.parametrize(
    ("body", "status"), [('{"items": [], "x": 1}', 200), ('{"error_id": 502}', 400), ("[1, ", 200), ('"error_id"', 200)]
)
def test_recorded(tmp_path, body, status):
    path = tmp_path / "body.json"
    path.write_text(body)
    with api(Recorded(at=1, path=path)) as client:
        assert client.fetch("/2.3/questions?site=stats")[::2] == (status, body.encode())


def test_a_fault_uses_up_its_request():
    with api(Reset(at=2), Unavailable(every=2)) as client:
        client.get(page=1)
        with pytest.raises(ConnectionResetError):
            client.get(page=2)
        client.connection.close()
        assert client.get(page=3)[1]["quota_remaining"] == 297
        assert client.get(page=4)[0] == 503


def test_the_account_is_there_to_look_at():
    with api(Backoff(at=1, seconds=5)) as client:
        client.get(page=1)
        client.get(page=2)
        account = {"requests": 2, "violations": {"in_backoff": 1}, "faults": {"backoff": 1}}
        assert client.get("/violations") == (200, account)
        assert client.get("/violations") == (200, account)
        assert client.server.account() == account


def test_a_question_that_is_posted_meanwhile_is_served():
    with api() as client:
        assert client.ids(pagesize=2) == [10, 9]
        client.server.site.edit(3, at=datetime.fromtimestamp(11, UTC), title="New")
        client.server.site.add({**client.server.site.items[0], "question_id": 12, "last_activity_date": 12})
        assert client.ids(pagesize=2, page=1) == [12, 3]


def test_a_server_that_has_ended_answers_no_one():
    clock = FakeClock()
    with ApiServer(site(), clock=clock) as server:
        client = Api(server, clock)
        client.get()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        client.get()  # on the connection that was open
    client.connection.close()
    with pytest.raises(ConnectionRefusedError):
        client.get()


def test_a_port_that_is_taken():
    with ApiServer(site()) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(InputError, match=f"port {port}: .*choose another"):
            ApiServer(site(), port=port)
    with pytest.raises(InputError, match="port 70000: "):
        ApiServer(site(), port=70_000)


def test_the_clock_on_the_wall():
    clock = SystemClock()
    before = clock.time()
    clock.sleep(0.01)
    assert 0.01 <= clock.time() - before < 5
    assert abs(before - datetime.now(UTC).timestamp()) < 5


COMMAND = [sys.executable, "-m", "question_classification.stackexchange.server"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_stopped(tmp_path, stop):
    plan = tmp_path / "plan.yml"
    plan.write_text("faults: [{at: 1, fault: backoff, seconds: 60}]")
    options = ["--port", "0", "--questions", "50", "--faults", plan]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            host = process.stdout.readline().strip().removeprefix("http://")
            connection = http.client.HTTPConnection(host, timeout=5)
            for page, questions in ((1, 30), (2, 20)):
                connection.request("GET", f"/2.3/questions?site=simulated&page={page}")
                found = json.loads(gzip.decompress(connection.getresponse().read()))
                assert len(found["items"]) == questions
            connection.close()
            process.send_signal(stop)
            output, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert json.loads(output.splitlines()[-1]) == {
        "requests": 2,
        "violations": {"in_backoff": 1},
        "faults": {"backoff": 1},
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--faults", "absent.yml"], "absent.yml: No such file"),
        (["--pages", "absent"], "absent: no such folder"),
        (["--questions", "0"], "simulated site: cannot make 0 questions"),
        (["--questions", "1", "--port", "70000"], "port 70000: "),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(tmp_path, options, said):
    result = subprocess.run([*COMMAND, *options], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
