"""Follow up a whole delivery: every hint once, none lost for another's sake."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from stage_functions.application import measures
from stage_functions.application.echoes import Echoes
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.application.signal import AnySignal, Signal, Signals
from stage_functions.domain.error import (
    LedgerDamagedError,
    RegistryRefusedError,
    RetryableError,
    RowTooLargeError,
    TerminalError,
)

SECONDS = 20
"""Event Grid waits 30 seconds for an answer; what is not followed by now is delivered again."""
OF_OTHERS = (RegistryRefusedError, LedgerDamagedError, RowTooLargeError)
"""What these say, a registry or a store has said: for the log, not for anybody who delivers."""
UNSAID = "it is refused; the log of Stageward says why"
log = logging.getLogger("stageward.deliveries")


class Delivered(Struct, frozen=True):
    """What became of a delivery.

    Attributes:
        followed: hints that were followed up.
        changed: of those, how many changed the ledger.
        ignored: why the others were acknowledged unread.
    """

    followed: int
    changed: int
    ignored: tuple[str, ...]


def deliver(
    follow: Callable[[AnySignal], bool],
    delivery: Signals,
    clock: Clock,
    *,
    echoes: Echoes | None = None,
    seconds: float = SECONDS,
    telemetry: Telemetry = SILENT,
    parent: str = "",
) -> Delivered:
    """Follow up every hint of a delivery, but for those that only echo what was written here.

    A hint that can never be followed is acknowledged with its reason: sent again, it would fail
    again. One that may succeed later makes the whole delivery fail, after all others were
    followed; sent again, those come to nothing new.

    Args:
        follow: the use case.
        delivery: the hints.
        clock: the time.
        echoes: of what was written here.
        seconds: after which no further hint is begun.
        telemetry: what is told of it.
        parent: `traceparent` of what delivers, where that is no open step.

    Raises:
        RetryableError: a hint could not be followed now, or there was no time for all.
    """
    began = clock.now()
    outcome, about = "failed", {"stageward.signals": len(delivery.signals)}
    try:
        with telemetry.span(measures.DELIVERY, attributes=about, parent=parent):
            end = began + timedelta(seconds=seconds)
            delivered = _deliver(follow, delivery, clock, echoes, end)
        outcome = "followed"
    finally:
        took = max(0.0, (clock.now() - began).total_seconds())
        telemetry.measure(measures.EVENT_DURATION, took, outcome=outcome)
    if delivered.ignored:
        telemetry.count(measures.SIGNALS, len(delivered.ignored), outcome="ignored")
    return delivered


def _deliver(
    follow: Callable[[AnySignal], bool],
    delivery: Signals,
    clock: Clock,
    echoes: Echoes | None,
    end: datetime,
) -> Delivered:
    ignored = list(delivery.ignored)
    followed = changed = echoed = 0
    failed: RetryableError | None = None
    for position, signal in enumerate(delivery.signals):
        if position and clock.now() >= end:
            message = f"only {position} of {len(delivery.signals)} hints were followed in time"
            raise RetryableError(message)
        if echoes and echoes.heard(signal, clock.now()):
            about = f": '{signal.keys[0]}'" if isinstance(signal, Signal) else ""
            ignored.append(f"{signal}{about} is as Stageward has written it")
            echoed += 1
            continue
        try:
            changed += follow(signal)
            followed += 1
        except RetryableError as exc:
            failed = failed or exc
        except TerminalError as exc:
            log.warning("the hint about %s is not followed: %s", signal, exc)
            ignored.append(f"{signal}: {UNSAID if isinstance(exc, OF_OTHERS) else exc}")
    if failed is not None:
        raise failed
    if ignored:  # what was written here is told of every time, and is nothing to look at
        level = logging.INFO if len(ignored) > echoed else logging.DEBUG
        told = len(ignored), ignored[0]
        log.log(level, "%d entries of a delivery were acknowledged unread: %s", *told)
    return Delivered(followed, changed, tuple(ignored))
