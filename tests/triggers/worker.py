"""The Functions host, as far as tests need it: it starts a worker, and makes invocations.

What it sends is what the real host sends. Its own quirks are here on purpose: paths are said as it
says them, and headers that are repeated arrive as one.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
STOP_SECONDS = 20
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_TIMER = {"IsPastDue": False, "ScheduleStatus": {}, "Schedule": {"AdjustForDST": True}}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP function answered.

    Attributes:
        status: the status.
        headers: one value each, for the host takes no more.
        cookies: the Set-Cookie headers.
        body: the text.
    """

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    body: str

    def json(self) -> dict[str, Any]:
        """Return the body, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that runs.

    Attributes:
        process: it.
        bindings: of the functions, by their names.
        log: the file that it writes its log to.
    """

    process: subprocess.Popen[str]
    log: Path
    bindings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def event(self, event: Mapping[str, object], traceparent: str = "") -> str:
        """Deliver an event; return what went wrong, or ""."""
        return self._error("on_event", event, traceparent)

    def timer(self, name: str, traceparent: str = "") -> str:
        """Let a timer fire; return what went wrong, or ""."""
        return self._error(name, _TIMER, traceparent)

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        traceparent: str = "",
    ) -> Answer:
        """Send an HTTP request; `target` is the path and query on the wire."""
        sent = {**http(method, target), "headers": dict(headers or {}), "body": body}
        said = self._invoke("web", {"http": sent}, traceparent)
        assert said["ok"], said["error"]
        got = said["answer"]
        return Answer(got["status"], got["headers"], tuple(got["cookies"]), got["body"])

    def _error(self, name: str, value: object, traceparent: str) -> str:
        said = self._invoke(name, value, traceparent)
        assert said["answer"] is None
        return str(said["error"])

    def _invoke(self, name: str, value: object, traceparent: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps([name, value, traceparent])}\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        """Return the next thing that the worker says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the worker ended; it said:\n{self.log.read_text()}"
        said: dict[str, Any] = json.loads(line)
        return said


def http(method: str, target: str) -> dict[str, Any]:
    """Return a request without headers and body as the host hands it to a worker.

    The host decodes the path once, but for `%2F`. So it fills the route's parameter. The URL it
    makes of it is encoded again, save for each `%` that could begin an encoded character.
    """
    path, _, query = target.partition("?")
    decoded = unquote(re.sub("%2f", "%252F", path, flags=re.IGNORECASE))
    encoded = quote(_LONE_PERCENT.sub("%25", decoded), safe="!$&'()*+,-./:;=@_~%")
    return {
        "method": method,
        "url": f"https://stageward.example{encoded}" + (f"?{query}" if query else ""),
        "params": {"route": decoded[1:]} if decoded != "/" else {},
        "query": dict(parse_qsl(query)),
    }


def deploy(folder: Path) -> Path:
    """Copy the project into a folder, without what `.funcignore` keeps from Azure."""
    lines = (ROOT / ".funcignore").read_text("utf-8").split("\n")
    patterns = [line for line in lines if line and not line.startswith(("#", "!"))]

    def ignored(path: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            for pattern in patterns
            if _matches(Path(path, name).relative_to(ROOT), pattern)
        }

    return Path(shutil.copytree(ROOT, folder, ignore=ignored))


def _matches(path: Path, pattern: str) -> bool:
    wanted = pattern.rstrip("/")
    return fnmatch(str(path) if "/" in wanted else path.name, wanted)


@contextmanager
def running_worker(
    deployed: Path, log: Path, settings: Mapping[str, str], *, script: Path | None = None
) -> Iterator[Worker]:
    """Run a worker inside the block.

    Args:
        deployed: the project as it is in Azure.
        log: the file to write its log to.
        settings: of the app, as environment variables; it has no others of Stageward's.
        script: what to load instead of the app itself.
    """
    script = script or deployed / "function_app.py"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{deployed}:{ROOT}",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        **settings,
    }
    command = [sys.executable, "-W", "error::DeprecationWarning:stage_functions"]
    command += [str(FOLDER / "worker_process.py"), str(script.parent), script.name]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            env=environment,
            cwd=log.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            worker = Worker(process, log)
            worker.bindings.update(worker.read())
            yield worker
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                pytest.fail("the worker does not end", pytrace=False)
