"""The timers of `stageward serve`, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from stage_functions.application.anchoring import keep_up
from stage_functions.application.context import Context
from stage_functions.application.sweep import sweep
from stage_functions.application.unregistered import forget_old
from stage_functions.application.upkeep import forget_answers, rebuild_lost_catalog
from stage_functions.application.watching import show_figures
from stage_functions.bootstrap import Application, ensure_webhook
from stage_functions.domain.configuration import RegistryType
from stage_functions.domain.error import StagewardError

SWEEP_SECONDS = 15
SCAN_SECONDS = 60
UPKEEP_SECONDS = 24 * 3600
_LOG = logging.getLogger("stageward.timers")


def scan_seconds(context: Context) -> int:
    """Return how many seconds lie between two scans of a registry, at the least."""
    return max(SCAN_SECONDS, int(context.process.facts.pace.every.total_seconds()))


class Timers:
    """Runs sweep, scan and upkeep until stopped. A fault is logged, and tried again next time."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._stop = threading.Event()
        self._shard = 0
        known = application.context.configuration.registries
        self._failed: set[str] = set()
        self._unhooked = [alias for alias, one in known.items() if one.type is RegistryType.MLFLOW]
        tasks = (
            (SWEEP_SECONDS, self._sweep),
            (SCAN_SECONDS, self.scan),
            (UPKEEP_SECONDS, self._upkeep),
        )
        self._threads = [
            threading.Thread(target=self._every, args=task, daemon=True) for task in tasks
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
        while True:
            try:
                task()
            except StagewardError as exc:
                _LOG.warning("%s", exc)
            except Exception:  # noqa: BLE001  # a timer must not end
                _LOG.exception("an unforeseen fault; it is tried again in %s s", seconds)
            if self._stop.wait(seconds):
                return

    def _sweep(self) -> None:
        swept = sweep(self._application.context, first_shard=self._shard)
        self._shard = swept.next_shard
        show_figures(self._application.context)
        keep_up(self._application.context)

    def scan(self) -> None:
        """Scan each registry whose turn it is; one that fails is tried again next time."""
        self._hook()
        for alias in self._application.context.registries:
            try:
                if self._due(alias):
                    self._application.scanner.scan(alias)
                    self._answers(alias)
            except StagewardError as exc:
                self._failed.add(alias)
                _LOG.warning("registry %s: %s", alias, exc)

    def _answers(self, alias: str) -> None:
        """Say that a registry answers, where the line before said that it does not."""
        if alias in self._failed:
            self._failed.remove(alias)
            _LOG.info("registry %s answers now", alias)

    def _due(self, alias: str) -> bool:
        context = self._application.context
        state, now = context.states.get(alias, fresh=True), context.clock.now()
        return context.process.facts.pace.due(state, now, timedelta(seconds=SCAN_SECONDS))

    def _upkeep(self) -> None:
        rebuild_lost_catalog(self._application.context)
        forget_answers(self._application.context)
        forget_old(self._application.context)

    def _hook(self) -> None:
        """See to the webhooks, again and again until each is there; till then the scan must do."""
        if not self._application.settings.webhook_secret:
            known = self._application.context.configuration.registries
            if any(known[alias].type is RegistryType.MLFLOW for alias in self._unhooked):
                _LOG.warning(
                    "STAGEWARD_WEBHOOK_SECRET is not set, so MLflow cannot tell of changes: "
                    "they are found by the scan, every %d s",
                    scan_seconds(self._application.context),
                )
            self._unhooked.clear()
        for alias in tuple(self._unhooked):
            try:
                ensure_webhook(self._application, alias)
            except StagewardError as exc:
                _LOG.warning("registry %s has no webhook yet: %s", alias, exc)
            else:
                self._unhooked.remove(alias)
