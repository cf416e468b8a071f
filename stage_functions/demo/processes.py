"""Start and stop what the demonstration runs: an MLflow server and Stageward, on free ports."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from stage_functions.domain.error import StagewardError

STARTED_WITHIN_SECONDS = 90


class DemoError(StagewardError):
    """The demonstration cannot go on."""


class Processes:
    """Processes in groups of their own, all stopped on the way out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, arguments: list[str], environment: Mapping[str, str]) -> None:
        """Start a Python module of this environment; its output goes to `<name>.log`."""
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
                cwd=self._folder,
            )
        self._running.append(process)

    def wait_for(self, name: str, url: str) -> None:
        """Wait until a server answers.

        Raises:
            DemoError: it ended, or did not answer in time; the message has the end of its log.
        """
        end = time.monotonic() + STARTED_WITHIN_SECONDS
        while time.monotonic() < end:
            if self._running[-1].poll() is not None:
                break
            with (
                contextlib.suppress(urllib.error.HTTPError, OSError),
                urllib.request.urlopen(url, timeout=2),  # noqa: S310  # a loopback address
            ):
                return
            time.sleep(0.2)
        said = (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        message = f"{name} did not start: {said[-2000:]}"
        raise DemoError(message)

    def stop(self) -> None:
        """Stop everything that was started, with its children."""
        for process in reversed(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
