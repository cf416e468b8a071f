"""The load generator: a process of its own, the same for every server.

It reads a plan from its standard input and writes what it found to its standard output. Every
client has a thread and a kept-alive connection, and sends its requests in turn, each one when the
last was answered. Requests are bytes made beforehand, and answers are looked at no further than
needed to know that they are right, so that it costs as little as it can. It always ends with the
last request of a turn, so that the next round finds everything as this one did.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length:"
_TIMEOUT_SECONDS = 60
_CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what a right answer holds.

    Attributes:
        method: of the request.
        path: with its query.
        body: JSON, or "".
        expected: text that the answer holds.
    """

    method: str
    path: str
    body: str
    expected: str

    def encoded(self, host: str) -> tuple[bytes, bytes]:
        """Return the bytes to send, and those that must come back."""
        body = self.body.encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", "Accept: */*"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += ["Authorization: Bearer ada", "", ""]
        return "\r\n".join(lines).encode() + body, self.expected.encode()


@dataclass(frozen=True, slots=True)
class Load:
    """What a round came to.

    Attributes:
        seconds: from the start until the last answer.
        latencies: of every request, in milliseconds.
        busy: which share of one core the load generator itself used.
    """

    seconds: float
    latencies: list[float]
    busy: float

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def drive(address: str, clients: Sequence[Sequence[Call]], seconds: float) -> Load:
    """Let every client send its calls in turn for some seconds, from another process.

    Raises:
        RuntimeError: an answer was not as expected.
    """
    turns = [[asdict(call) for call in calls] for calls in clients]
    plan = json.dumps({"address": address, "clients": turns, "seconds": seconds})
    done = subprocess.run(  # noqa: S603  # this very module
        [sys.executable, "-m", __name__],
        input=plan,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode:
        message = f"the load on {address} failed: {done.stderr.strip()[-2000:]}"
        raise RuntimeError(message)
    return Load(**json.loads(done.stdout))


class _Client:
    """One client: a connection, and what it sends in turn."""

    def __init__(self, address: str, calls: Sequence[Call]) -> None:
        parts = urlsplit(address)
        self._calls = [call.encoded(parts.netloc) for call in calls]
        self._socket = socket.create_connection((parts.hostname, parts.port), _TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.latencies: list[float] = []
        self.fault = ""

    def run(self, start: threading.Barrier, seconds: float) -> None:
        """Send until the time is over."""
        start.wait()
        try:
            self._run(time.perf_counter() + seconds)
        except (OSError, ValueError) as exc:
            self.fault = f"{type(exc).__name__}: {exc}"
        finally:
            self._socket.close()

    def _run(self, end: float) -> None:
        clock, noted = time.perf_counter, self.latencies.append
        while clock() < end:
            for request, expected in self._calls:
                sent = clock()
                self._socket.sendall(request)
                answer = self._answer()
                noted((clock() - sent) * 1000)
                if expected not in answer:
                    raise ValueError(answer[:1500])

    def _answer(self) -> bytes:
        received = self._receive()
        while (split := received.find(_HEAD_ENDS)) < 0:
            received += self._receive()
        head = received[:split].lower()
        at = head.find(_LENGTH)
        if at < 0:
            message = f"an answer without a length: {head!r}"
            raise ValueError(message)
        length = int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])
        while len(received) < split + len(_HEAD_ENDS) + length:
            received += self._receive()
        return received

    def _receive(self) -> bytes:
        received = self._socket.recv(_CHUNK_BYTES)
        if not received:
            message = "the server closed the connection"
            raise ConnectionError(message)
        return received


def _generate(address: str, clients: Sequence[Sequence[Call]], seconds: float) -> Load:
    ready = [_Client(address, calls) for calls in clients]
    start = threading.Barrier(len(ready) + 1)
    threads = [threading.Thread(target=one.run, args=(start, seconds)) for one in ready]
    for thread in threads:
        thread.start()
    start.wait()
    began, busy = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    faults = [one.fault for one in ready if one.fault]
    if faults:
        sys.exit(faults[0])
    latencies = [latency for one in ready for latency in one.latencies]
    return Load(took, latencies, (time.process_time() - busy) / took)


def main() -> None:
    """Carry out the plan on standard input."""
    plan = json.load(sys.stdin)
    clients = [[Call(**call) for call in calls] for calls in plan["clients"]]
    load = _generate(plan["address"], clients, plan["seconds"])
    json.dump(asdict(load), sys.stdout)


if __name__ == "__main__":
    main()
