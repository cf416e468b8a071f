"""What timers call. They do all they can, then let a fault escape, so that the host counts it.

The timer fires again, and nothing owed is lost.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from stage_functions.application import keys, unregistered, upkeep
from stage_functions.application import sweep as sweeping
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner
from stage_functions.application.watching import show_figures
from stage_functions.domain.error import StagewardError

SWEEP_SCHEDULE = "0 * * * * *"
"""Every minute."""
SWEEP_SECONDS = 45
SCAN_MINUTES = 5
SCAN_SCHEDULE = f"0 */{SCAN_MINUTES} * * * *"
SCAN_SECONDS = 240
"""For all registries together: each gets an equal share, and goes on there the next time."""
FORGET_HOUR = 3
log = logging.getLogger("stageward.timers")


def sweep(context: Context, parent: str = "") -> None:
    """Finish owed work and deadlines; then anchor the ledger, when it is time to.

    The shard to begin with changes from minute to minute, by the clock alone: however little a
    sweep gets done, each shard comes first once in a while, in whatever process.

    Args:
        context: the context.
        parent: `traceparent` of the invocation, where the host says.

    Raises:
        StagewardError: the ledger cannot be read.
    """
    minute = int(context.clock.now().timestamp()) // 60
    first = minute % keys.SHARDS
    try:
        swept = sweeping.sweep(context, seconds=SWEEP_SECONDS, first_shard=first, parent=parent)
        log.info("%s", swept)
        show_figures(context)
        if context.places:
            from stage_functions.application import anchoring  # noqa: PLC0415  # seldom configured

            anchoring.keep_up(context)
    finally:
        context.telemetry.flush()


def scan(context: Context, scanner: Scanner, parent: str = "") -> None:
    """Compare every registry that is due with the ledger; once a day, forget answers.

    Args:
        context: the context.
        scanner: scans registries.
        parent: `traceparent` of the invocation, where the host says.

    Raises:
        StagewardError: the first fault, once everything else was done.
    """
    faults: list[StagewardError] = []
    now = context.clock.now()
    aliases = context.configuration.registries
    for alias in aliases:
        try:
            if not _due(context, alias, now):
                continue
            seconds = SCAN_SECONDS / len(aliases)
            log.info("%s", scanner.scan(alias, seconds=seconds, parent=parent))
        except StagewardError as exc:
            log.error("registry %s: %s", alias, exc)  # noqa: TRY400  # the message explains it
            faults.append(exc)
    if _begins_the_day(now):
        upkeep.rebuild_lost_catalog(context)
        log.info("%d old answers are forgotten", upkeep.forget_answers(context))
        log.info("%d outputs are listed no more", unregistered.forget_old(context))
    context.telemetry.flush()
    if faults:
        raise faults[0]


def _due(context: Context, alias: str, now: datetime) -> bool:
    """Tell whether a registry is to be scanned at this ring of the timer."""
    state = context.states.get(alias, fresh=True)
    return context.process.facts.pace.due(state, now, timedelta(minutes=SCAN_MINUTES))


def _begins_the_day(now: datetime) -> bool:
    """Tell whether this is the one scan of a day that also tidies up.

    Only the clock is asked, so nothing need be remembered. A day that is missed, because the timer
    fired late, costs some rows; a day that is met twice, a look.
    """
    return now.hour == FORGET_HOUR and now.minute < SCAN_MINUTES
