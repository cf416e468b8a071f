"""A TCP proxy that can lose a reply: the request arrives, the answer does not.

Decides nothing about what is said; it forwards bytes between one client connection and one
connection to the server.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

_HOST = "127.0.0.1"
_CHUNK_BYTES = 65536
_CLOSE_SECONDS = 5


class LossyProxy:
    """Forward to a local server, until told to lose replies.

    Attributes:
        port: where clients connect.
        connections: how many clients have connected so far.
    """

    def __init__(self, server_port: int) -> None:
        self.connections = 0
        self._server_port = server_port
        self._passed_bytes: int | None = None
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    def lose_replies(self, *, after_bytes: int = 0) -> None:
        """Hang up on the client when a reply comes, having passed on its first bytes."""
        self._passed_bytes = after_bytes

    def forward_replies(self) -> None:
        """Lose no more replies."""
        self._passed_bytes = None

    def close(self) -> None:
        """Hang up on everyone and end the threads."""
        _hang_up(self._listener)
        for end in self._sockets:
            _hang_up(end)
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection((_HOST, self._server_port))
                self._sockets += [client, server]
                self._run(partial(self._pump, client, server, is_reply=False))
                self._run(partial(self._pump, server, client, is_reply=True))

    def _pump(self, source: socket.socket, sink: socket.socket, *, is_reply: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                passed_bytes = self._passed_bytes
                if is_reply and passed_bytes is not None:
                    sink.sendall(data[:passed_bytes])
                    break
                sink.sendall(data)
        _hang_up(source)
        _hang_up(sink)

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()


@contextmanager
def lossy_proxy(server_port: int) -> Iterator[LossyProxy]:
    """Run a proxy before a local server inside the block."""
    proxy = LossyProxy(server_port)
    try:
        yield proxy
    finally:
        proxy.close()


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
