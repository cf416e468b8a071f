"""Figures of how Stageward fares, handed to whoever watches, after each sweep.

Where nobody watches, nothing is counted. Dead letters are counted every few minutes only: that is a
request to another store.
"""

from __future__ import annotations

import logging

from stage_functions.application.context import Context
from stage_functions.application.dead_letters import lately_counted
from stage_functions.application.ports.telemetry import SILENT
from stage_functions.application.status import figures, status

log = logging.getLogger("stageward.watching")


def show_figures(context: Context) -> None:
    """Count, and hand over. Of a ledger that cannot be read now there is little to show."""
    if context.telemetry is SILENT:
        return
    known = status(context, lately_counted(context))
    if known.fault:
        log.warning("the figures cannot be counted now: %s", known.fault)
    context.telemetry.gauges(figures(known))
