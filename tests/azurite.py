"""Azurite, Microsoft's emulator of Azure Storage: a service of it, for as long as a test needs.

Decides how it is started, on a free port and in memory, and that nothing of it is left. It does
not install it: `make test` does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

PLACE = Path(__file__).parents[1] / ".azurite"
PROGRAM = PLACE / "node"
"""Node itself, so that a signal to it reaches Azurite."""
START_SECONDS = 60
STOP_SECONDS = 10
PORTS_TRIED = 3

ACCOUNT = "devstoreaccount1"
PUBLIC_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""The key that every Azurite has, as published by Microsoft."""

_HOST = "127.0.0.1"


@pytest.fixture(scope="session")
def azurite() -> Iterator[int]:
    """Run Azurite's table service; the value is its port on the loopback interface."""
    with running_azurite() as port:
        yield port


@pytest.fixture(scope="session")
def azurite_blobs() -> Iterator[int]:
    """Run Azurite's blob service; the value is its port on the loopback interface."""
    with running_azurite("blob") as port:
        yield port


def endpoint(port: int) -> str:
    """Return the address of Azurite, or of a proxy before it, at a port."""
    return f"http://{_HOST}:{port}/{ACCOUNT}"


def connection_string(port: int) -> str:
    """Return how to sign in to Azurite, or to a proxy before it, at a port."""
    return f"AccountName={ACCOUNT};AccountKey={PUBLIC_KEY};TableEndpoint={endpoint(port)}"


def blobs_connection_string(port: int) -> str:
    """Return how to sign in to Azurite's blob service at a port."""
    return f"AccountName={ACCOUNT};AccountKey={PUBLIC_KEY};BlobEndpoint={endpoint(port)}"


def free_port() -> int:
    """Return a port on the loopback interface where nobody listens."""
    with socket.create_server((_HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running_azurite(service: str = "table") -> Iterator[int]:
    """Run a service of Azurite inside the block, `table` or `blob`; the value is its port."""
    _demand_program()
    with tempfile.TemporaryFile() as output:
        for _ in range(PORTS_TRIED):
            port = free_port()
            process = _start(service, port, output)
            try:
                with _guarded(process):
                    if _answers(process, port):
                        yield port
                        return
            finally:
                _stop(process)
        output.seek(0)
        said = output.read().decode(errors="replace")
        pytest.fail(f"Azurite did not start; it said:\n{said}", pytrace=False)


def _demand_program() -> None:
    if not PROGRAM.exists():
        pytest.fail(
            f"Azurite is not installed ({PROGRAM} is missing): `make test` installs it",
            pytrace=False,
        )


def _start(service: str, port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    options = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    main = PLACE / "node_modules" / "azurite" / "dist" / "src" / service / "main.js"
    return subprocess.Popen(
        [PROGRAM, main, *options, f"--{service}Host", _HOST, f"--{service}Port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextmanager
def _guarded(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the group also where this process is killed: its end of the pipe closes then."""
    guard = subprocess.Popen(
        ["sh", "-c", 'cat >/dev/null; kill -KILL "-$0"', str(process.pid)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(guard.pid, signal.SIGKILL)
        guard.communicate()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
            return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the group: Azurite leaves on SIGINT only, and Node may have children."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
