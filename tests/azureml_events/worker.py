"""One of several processes that follow the events of a workspace; run as a module.

The environment says where everything is, as for any Stageward. A line of JSON on the standard input
is a task, a line on the standard output its result.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.sweep import sweep
from stage_functions.bootstrap import Application, open_application
from stage_functions.domain.error import RetryableError
from stage_functions.settings import read_settings
from stage_functions.triggers.events import EventTrigger
from tests.azureml_events.checks import faults, picture, proven
from tests.fakes.clock import LaterClock

THREADS = 3
DELIVERIES = 30
"""How often an event is delivered that could not be followed."""


class Worker:
    """Follows events, scans, sweeps, and tells what there is."""

    def __init__(self, application: Application, alias: str) -> None:
        self._application = application
        self._alias = alias
        self._trigger = EventTrigger(application.context)

    def follow(self, events: list[dict[str, Any]]) -> dict[str, int]:
        """Deliver events, several at a time, and again what fails; count them."""
        waiting = deque((event, 1) for event in events)
        counts = {"delivered": 0, "again": 0, "undecodable": 0}

        def work() -> None:
            while True:
                try:
                    event, count = waiting.popleft()
                except IndexError:
                    return
                try:
                    known = self._deliver(event)
                except RetryableError:
                    if count == DELIVERIES:
                        raise
                    counts["again"] += 1
                    waiting.append((event, count + 1))
                else:
                    counts["delivered" if known else "undecodable"] += 1

        with ThreadPoolExecutor(THREADS) as threads:
            for done in [threads.submit(work) for _ in range(THREADS)]:
                done.result()
        return counts

    def _deliver(self, event: dict[str, Any]) -> bool:
        """Deliver an event as the host does; tell whether the library could read it."""
        datum = Datum(json.dumps(event), "json")
        try:
            read = EventGridEventInConverter.decode(datum, trigger_metadata=None)
        except (AttributeError, TypeError, ValueError):
            return False
        self._trigger.receive(read)
        return True

    def scan(self) -> dict[str, int]:
        """Scan the registry once."""
        scanned = self._application.scanner.scan(self._alias)
        return {"seen": scanned.seen, "changed": scanned.changed, "missing": scanned.missing}

    def sweep(self, seconds: float) -> list[str]:
        """Sweep as if so many seconds had passed; return what could not be worked on."""
        return list(sweep(self._later(seconds)).failed)

    def picture(self) -> dict[str, Any]:
        """Return what there is in the end."""
        return picture(self._application.context, self._alias)

    def proven(self) -> list[str]:
        """Return the reasons of requests of which it is proven who made them."""
        return sorted(proven(self._application.context))

    def faults(self, requesters: dict[str, str]) -> list[str]:
        """Return what does not hold."""
        return faults(self._application.context, self._alias, requesters)

    def _later(self, seconds: float) -> Context:
        return replace(self._application.context, clock=LaterClock(seconds))


def main() -> None:
    """Work until the input ends."""
    application = open_application(read_settings())
    (alias,) = application.context.registries
    worker = Worker(application, alias)
    _say("ready")
    for line in sys.stdin:
        task = json.loads(line)
        act: Callable[..., object] = getattr(worker, task.pop("do"))
        _say(act(**task))
    application.close()


def _say(result: object) -> None:
    sys.stdout.write(f"{json.dumps(result)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
