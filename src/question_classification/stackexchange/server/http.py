"""The sockets of the simulated API: HTTP/1.1 on this machine only, always gzip, and broken where the plan says so."""

import socket
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

from question_classification.stackexchange.clock import Clock, SystemClock
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.server.faults import FaultPlan
from question_classification.stackexchange.server.service import Answer, Service
from question_classification.stackexchange.server.site import Site

HOST = "127.0.0.1"
_GZIP = 16 + zlib.MAX_WBITS
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # lingering is on, for 0 seconds


class ApiServer:
    """A simulated API in a thread of its own, as long as the `with` block lasts.

    Args:
        site: what it serves.
        faults: what goes wrong.
        clock: what all of its timing goes by: quota, backoff, throttles, slowness and its checks of the client.
        quota: requests a day, for each key and for all clients without one together; None for 300 without a key and
            10,000 with one.
        port: where it listens; 0 for a free one.

    Raises:
        InputError: the port is taken, or none at all.
    """

    def __init__(
        self,
        site: Site,
        *,
        faults: FaultPlan | None = None,
        clock: Clock | None = None,
        quota: int | None = None,
        port: int = 0,
    ):
        clock = clock or SystemClock()
        self._service = Service(site, faults or FaultPlan(), clock, quota)
        try:
            self._listener = _Listener(self._service, clock, port)
        except (OSError, OverflowError) as error:
            raise InputError(f"port {port}: {error}; choose another one, or 0 for one that is free") from error
        # Short polls, so that a test does not wait half a second for its server to end
        self._thread = Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    @property
    def url(self) -> str:
        """Its address, such as `http://127.0.0.1:8023`."""
        return f"http://{HOST}:{self._listener.server_port}"

    @property
    def site(self) -> Site:
        """What it serves, to be changed at will."""
        return self._service.site

    @property
    def requests(self) -> int:
        """Requests to the API so far, the malformed and refused ones included."""
        return self._service.requests

    @property
    def violations(self) -> Counter[str]:
        """What clients did that they must not do, by kind, see `Service`."""
        return self._service.violations

    @property
    def faults_served(self) -> Counter[str]:
        """Faults that came about, by kind."""
        return self._service.faults_served

    def account(self) -> Mapping[str, Any]:
        """Return all three, as `GET /violations` does."""
        return self._service.account()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection open for longer than anyone wants to wait

    def __init__(self, service: Service, clock: Clock, port: int):
        self.service = service
        self.clock = clock
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and hang up on those who still wait."""
        super().server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client hangs up in the middle."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedStackExchange"
    # Header and body leave together: apart, the second would wait some 40 ms for the receipt of the first
    wbufsize = -1
    disable_nagle_algorithm = True

    server: _Listener

    def do_GET(self) -> None:
        answer = self.server.service.answer(self.path)
        if answer.delay:
            self.server.clock.sleep(answer.delay)
        if answer.delivery == "reset":
            self._reset()
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        body = zlib.compress(answer.body, level=1, wbits=_GZIP)
        half = body[: len(body) // 2]
        if answer.delivery == "truncated_gzip":
            body = half
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if answer.delivery == "truncated":
            body = half
            self.close_connection = True
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.connection.close()  # takes effect as soon as the handler lets go of its two files
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the account at the end says it all."""
