"""The timers of `stageward serve`: sweep and scan, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from stage_functions.application.sweep import sweep
from stage_functions.bootstrap import Application
from stage_functions.domain.error import StagewardError

SWEEP_SECONDS = 15
SCAN_SECONDS = 60
log = logging.getLogger("stageward.timers")


class Timers:
    """Runs sweep and scan until stopped. A fault is logged, shown by health, and tried again."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._stop = threading.Event()
        self._shard = 0
        self._threads = [
            threading.Thread(target=self._every, args=(SWEEP_SECONDS, self._sweep), daemon=True),
            threading.Thread(target=self._every, args=(SCAN_SECONDS, self._scan), daemon=True),
        ]

    def start(self) -> None:
        """Start the timers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the timers, letting what runs come to its end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _every(self, seconds: float, task: Callable[[], None]) -> None:
        while not self._stop.wait(seconds):
            try:
                task()
            except StagewardError as exc:
                log.warning("%s", exc)

    def _sweep(self) -> None:
        swept = sweep(self._application.context, first_shard=self._shard)
        self._shard = swept.next_shard

    def _scan(self) -> None:
        for alias in self._application.context.registries:
            try:
                self._application.scanner.scan(alias)
            except StagewardError as exc:
                log.warning("registry %s: %s", alias, exc)
