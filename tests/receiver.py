"""A receiver of events on a free loopback port: what sinks publish to in tests and demonstrations.

It stands in for an Event Grid topic (which answers exactly 200) and for any webhook that takes
CloudEvents. It keeps every request, and gives the answers that it was told to give, in order.

    with Receiver(503, key="secret") as receiver:
        ...                      # publish to receiver.url: the first time 503, then 200
    receiver.events              # what was delivered
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

MAX_BODY_BYTES = 1024 * 1024
"""As Event Grid has it; what is longer gets 413."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer to a request.

    Attributes:
        status: the HTTP status.
        headers: besides Content-Length.
        body: what to say.
        raw: bytes to write instead of all of this, before the connection is cut.
        held: never answer; the connection is cut when the receiver closes.
    """

    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None
    held: bool = False


CUT = Answer(raw=b"")
"""The connection is cut without an answer."""
HELD = Answer(held=True)
"""No answer ever comes."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived.

    Attributes:
        method: such as POST.
        path: with the query.
        headers: names in lower case.
        body: the raw bytes.
        status: what was answered; 0 if the connection was cut or held.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def events(self) -> list[dict[str, object]]:
        """The events in it."""
        content = json.loads(self.body)
        return content if isinstance(content, list) else [content]


class Receiver:
    """An HTTP server that takes events.

    Attributes:
        requests: everything that arrived, in order.
    """

    def __init__(self, *answers: int | Answer, key: str = "") -> None:
        """Start listening.

        Args:
            answers: in order, one a POST; 200 when they have run out.
            key: demanded as `aeg-sas-key` or bearer token if not empty; else 401.
        """
        self.requests: list[Received] = []
        self._answers = deque(answers)
        self._otherwise = Answer()
        self._key = key
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="receiver"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to publish."""
        return f"http://127.0.0.1:{self._server.server_port}/api/events"

    @property
    def events(self) -> list[dict[str, object]]:
        """Every event of the requests that were answered with 2xx, in order."""
        taken = [request for request in self.requests if request.status // 100 == 2]
        return [event for request in taken for event in request.events]

    def answer_next(self, *answers: int | Answer) -> None:
        """Set the next answers, behind those that are still to be given."""
        self._answers.extend(answers)

    def always(self, answer: int | Answer) -> None:
        """Give this answer whenever none was set."""
        self._otherwise = Answer(answer) if isinstance(answer, int) else answer

    def close(self) -> None:
        """Stop, cutting every connection that is open."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.cut()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def decide(self, headers: Mapping[str, str], body_bytes: int) -> Answer:
        """Return the answer to a POST."""
        offered = (headers.get("aeg-sas-key"), headers.get("authorization"))
        if self._key and self._key not in offered and f"Bearer {self._key}" not in offered:
            return Answer(HTTPStatus.UNAUTHORIZED)
        if body_bytes > MAX_BODY_BYTES:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        answer = self._answers.popleft() if self._answers else self._otherwise
        return Answer(answer) if isinstance(answer, int) else answer

    def wait_for_close(self) -> None:
        """Return when the receiver closes."""
        self._closing.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def cut(self) -> None:
        with self._lock:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.receiver.decide(headers, len(body))
        cut = answer.held or answer.raw is not None
        self._keep(headers, body, 0 if cut else answer.status)
        if answer.held:
            self.server.receiver.wait_for_close()
        if cut:
            self.wfile.write(answer.raw or b"")
            self.close_connection = True
        else:
            self._answer(answer)

    def do_OPTIONS(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        allowed = {
            "WebHook-Allowed-Origin": headers.get("webhook-request-origin", "*"),
            "WebHook-Allowed-Rate": headers.get("webhook-request-rate", "*"),
        }
        self._keep(headers, b"", HTTPStatus.OK)
        self._answer(Answer(headers=allowed))

    def _keep(self, headers: Mapping[str, str], body: bytes, status: int) -> None:
        self.server.receiver.requests.append(
            Received(self.command, self.path, headers, body, status)
        )

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Say nothing: what arrived is kept."""
