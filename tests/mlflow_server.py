"""A real MLflow server on a free loopback port, for as long as a test needs it.

Decides how it is started, over a SQLite file, and that nothing of it is left. With the settings of
`WEBHOOKS` it delivers to loopback receivers, which it does not by default.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 90
STOP_SECONDS = 10
WEBHOOKS: Mapping[str, str] = {
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
}
"""What MLflow's environment needs so that webhooks reach a loopback receiver, at once."""

_HOST = "127.0.0.1"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}
_CALL = re.compile(r'"([A-Z]+) ([^ "?]+)[^"]*" [0-9]{3}')


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A server that runs.

    Attributes:
        address: its URL.
        log: the file that it writes its log and its access log to.
    """

    address: str
    log: Path

    def calls(self) -> list[str]:
        """Return the HTTP calls it has answered, in order, as `GET runs/get`, from its own log."""
        found = _CALL.findall(self.log.read_text(errors="replace"))
        return [f"{method} {path.partition('/mlflow/')[2] or path}" for method, path in found]


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Run an MLflow server that delivers webhooks to loopback receivers."""
    with running_mlflow(tmp_path_factory.mktemp("mlflow"), WEBHOOKS) as server:
        yield server


@contextmanager
def running_mlflow(
    folder: Path, settings: Mapping[str, str], options: Sequence[str] = ()
) -> Iterator[MlflowServer]:
    """Run an MLflow server inside the block.

    Args:
        folder: where it keeps its database, artifacts and log; another server may go on with them.
        settings: environment variables; others of MLflow's are not passed on.
        options: more of the command's; a later one goes before an earlier one.
    """
    log = folder / "server.log"
    port = _free_port()
    process = _start(folder, log, port, settings, options)
    try:
        address = f"http://{_HOST}:{port}"
        if not _answers(process, f"{address}/health"):
            pytest.fail(f"MLflow did not start; it said:\n{log.read_text()}", pytrace=False)
        yield MlflowServer(address, log)
    finally:
        _stop(process)


def _start(
    folder: Path, log: Path, port: int, settings: Mapping[str, str], options: Sequence[str]
) -> subprocess.Popen[bytes]:
    own = dict(os.environ)  # noqa: TID251  # the server's environment is ours, less MLflow's
    kept = {name: value for name, value in own.items() if not name.startswith("MLFLOW_")}
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    command += ["--host", _HOST, "--port", str(port), *options]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, **_QUIET, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return True
        time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the group: the server has children of its own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
