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

from msgspec import Struct

from stage_functions.domain.error import StagewardError

STARTED_WITHIN_SECONDS = 90


class DemoError(StagewardError):
    """The demonstration cannot go on."""


class _Running(Struct, frozen=True):
    """A process, and the one that ends it should this one die without a word."""

    process: subprocess.Popen[bytes]
    watch: subprocess.Popen[bytes]


class Processes:
    """Processes in groups of their own, all stopped on every way out, even by `kill -9`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[_Running] = []

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
        watch = subprocess.Popen(
            [sys.executable, "-m", "stage_functions.demo.watch", str(process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._running.append(_Running(process, watch))

    def wait_for(self, name: str, url: str) -> None:
        """Wait until a server answers.

        Raises:
            DemoError: it ended, or did not answer in time; the message has the end of its log.
        """
        end = time.monotonic() + STARTED_WITHIN_SECONDS
        while time.monotonic() < end:
            if self._running[-1].process.poll() is not None:
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
        for running in reversed(self._running):
            _signal(running.process.pid, signal.SIGTERM)
        for running in self._running:
            try:
                running.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                _signal(running.process.pid, signal.SIGKILL)
                running.process.wait()
            running.watch.kill()
            running.watch.communicate()
        self._running.clear()


def _signal(group: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, sign)


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
