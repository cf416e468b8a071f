"""How long the server takes for a page: the board of many assets, and the brief of an approval."""

from __future__ import annotations

import time
from contextlib import closing
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

ASSETS = 5000
_WARM, _TIMES = 5, 60
_APPROVED = "approved"
"""The asset whose way to Production waits for approval: see `stageward.yaml` beside this file."""


def measure(folder: Path, assets: int = ASSETS) -> list[Row]:
    """Measure over a ledger in a file, with so many assets of two versions each."""
    rows = SQLiteRows(str(folder / "pages.db"))
    with closing(rows):
        made = world(rows, SystemClock())
        approval = _fill(made, assets)
        app = create_app(made.context, Scanner(made.context), sign_in=SignIn.DEV)
        with serving(app) as address, _client(address) as client:
            board = f"p95 of the board, {assets:,} assets"
            return [
                _timed(client, "/", board),
                _timed(client, "/?waiting=true", f"{board}, those that wait"),
                _timed(client, f"/approvals/{approval}", "p95 of a brief"),
            ]


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
