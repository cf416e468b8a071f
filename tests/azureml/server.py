"""Serves the local Azure ML over TLS, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.azureml.application import TRANSPORT, Application
from tests.azureml.certificates import issue
from tests.azureml.local import LocalAzureMl
from tests.azureml.world import World

_HOST = "127.0.0.1"
_START_SECONDS = 10
_STOP_SECONDS = 10
_TICK_SECONDS = 0.001


class _Protocol(HttpToolsProtocol):
    """Lets the application have the connection, so that it can be cut."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][TRANSPORT] = self.transport

    def shutdown(self) -> None:
        """Hang up: clients keep connections open, and are not waited for."""
        self.transport.abort()


class _Server(uvicorn.Server):
    """Starts and ends without the pauses that uvicorn makes, for tests start many."""

    _loop: asyncio.AbstractEventLoop
    _ended: asyncio.Event

    async def main_loop(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections:  # noqa: ASYNC110  # uvicorn tells nobody
            await asyncio.sleep(_TICK_SECONDS)

    @property
    def is_ready(self) -> bool:
        """Whether it serves, and can be ended."""
        return self.started and hasattr(self, "_ended")

    def end(self) -> None:
        """Let it end; from another thread."""
        self._loop.call_soon_threadsafe(self._ended.set)


@contextmanager
def running(port: int = 0) -> Iterator[LocalAzureMl]:
    """Run a local Azure ML inside the block.

    Args:
        port: on loopback; 0 for one that is free.
    """
    with (
        tempfile.TemporaryDirectory(prefix="azureml-") as folder,
        socket.create_server((_HOST, port), backlog=1024) as listener,
    ):
        ca, chain = issue(Path(folder))
        url = f"https://{_HOST}:{listener.getsockname()[1]}"
        local = LocalAzureMl(World(url=url), ca)
        config = uvicorn.Config(
            Application(local),
            http=_Protocol,
            ssl_certfile=chain,
            log_config=None,
            log_level="critical",
            lifespan="off",
        )
        with _serving(_Server(config), listener):
            yield local
        local.world.deliveries.close()


@contextmanager
def _serving(server: _Server, listener: socket.socket) -> Iterator[None]:
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="local Azure ML", daemon=True
    )
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.is_ready:
        if not thread.is_alive() or time.monotonic() > deadline:
            message = "the local Azure ML did not start"
            raise RuntimeError(message)
        time.sleep(_TICK_SECONDS)
    try:
        yield
    finally:
        server.end()
        thread.join(_STOP_SECONDS)
