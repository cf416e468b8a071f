"""Serve Stageward over stand-ins for its registries, in the way of `stageward serve`.

    python -m benchmarks.stand_in <ledger> <port> <assets>

One process, uvicorn as that command calls it, the same timers, a ledger in a file with
synchronous=FULL. Models `asset-<n>` are registered beforehand, those of `demo` at Staging.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.world import AZURE, MLFLOW, version, world
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.scan import Scanner
from stage_functions.bootstrap import Application
from stage_functions.cli.timers import Timers
from stage_functions.settings import Settings, SignIn
from stage_functions.web.app import create_app


def main(ledger: Path, port: int, assets: int) -> None:
    """Serve until the process is ended."""
    import uvicorn  # as `stageward serve` does

    made = world(SQLiteRows(ledger), SystemClock())
    for number in range(assets):
        for alias in (MLFLOW, AZURE):
            made.register(version(alias, f"asset-{number}"))
        made.move(version(MLFLOW, f"asset-{number}"), "Staging")
    scanner = Scanner(made.context)
    timers = Timers(Application(Settings(), made.context, scanner))
    timers.start()
    app = create_app(made.context, scanner, sign_in=SignIn.DEV)
    try:
        uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    finally:
        timers.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
