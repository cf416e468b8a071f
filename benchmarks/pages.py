"""How long the server takes for a page: the board of many assets, and the brief of an approval.

And, since everything is there that a call can be about: what a fuzzer makes of the API.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from benchmarks.rows import Row, percentile
from benchmarks.world import MLFLOW, UnexpectedError, World, version, world
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.scan import Scanner
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from tests.api_server import serving
from tests.web.fuzzing import fuzz

ASSETS = 5000
_WARM, _TIMES = 5, 60
_EXAMPLES = 60
_APPROVED = "approved"
"""The asset whose way to Production waits for approval: see `stageward.yaml` beside this file."""


def measure(folder: Path, assets: int = ASSETS) -> list[Row]:
    """Measure over a ledger in a file, with so many assets of two versions each."""
    board = f"p95 of the board, {assets:,} assets"
    with _serving(folder / "pages.db", assets) as (address, approval), _client(address) as client:
        rows = [
            _timed(client, "/", board),
            _timed(client, "/?waiting=1", f"{board}, those that wait"),
            _timed(client, f"/approvals/{approval}", "p95 of a brief"),
        ]
    with _serving(folder / "fuzz.db", 1) as (address, approval):
        return [*rows, _fuzzed(address, approval)]


@contextmanager
def _serving(ledger: Path, assets: int) -> Iterator[tuple[str, str]]:
    """Serve so many assets inside the block; the value is the URL and an approval that waits."""
    with closing(SQLiteRows(str(ledger))) as rows:
        made = world(rows, SystemClock())
        approval = _fill(made, assets)
        app = create_app(made.context, Scanner(made.context), sign_in=SignIn.DEV)
        with serving(app) as address:
            yield address, approval


def _client(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"Authorization": "Bearer ada"}, timeout=60)


def _fill(made: World, assets: int) -> str:
    """Register everything; return the id of an approval that waits where something is displaced."""
    for count in range(assets):
        for number in (1, 2):
            made.register(version(MLFLOW, f"model-{count}", number))
        made.move(version(MLFLOW, f"model-{count}", 1), "Staging", "Production")
    for number in (1, 2):
        made.register(version(MLFLOW, _APPROVED, number))
    made.approve(made.ask(version(MLFLOW, _APPROVED, 1), "Production"))
    return made.ask(version(MLFLOW, _APPROVED, 2), "Production").approval


def _fuzzed(address: str, approval: str) -> Row:
    name = "answers to a fuzzer that are faults, or not as described"
    there = {"registry": MLFLOW, "kind": "models", "name": "model-0", "version": "1"}
    try:
        called = fuzz(address, "ada", {**there, "approval": approval}, _EXAMPLES)
    except Exception as exc:  # noqa: BLE001  # whatever it is, it is the finding
        return Row(name, 1, "or more", "= 0", " ".join(str(exc).split())[:300])
    return Row(name, 0, "answers", "= 0", f"{sum(called.values())} of {len(called)} calls")


def _timed(client: httpx.Client, path: str, name: str) -> Row:
    took: list[float] = []
    for _ in range(_WARM + _TIMES):
        begun = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != httpx.codes.OK:
            message = f"{path} answered {answer.status_code}: {answer.text[:200]}"
            raise UnexpectedError(message)
    size = len(answer.content) // 1024
    return Row(name, percentile(took[_WARM:], 0.95), "ms", note=f"{_TIMES} requests, {size} KiB")
