"""Carry out what a decision owes besides tags, events and notices."""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.copying import copy
from stage_functions.application.ledger import Loaded, Owed
from stage_functions.application.unregistered import forget
from stage_functions.domain.asset import Version
from stage_functions.domain.state import COPY, FORGET, TRAFFIC

DUTIES = (COPY, TRAFFIC, FORGET)


def perform(context: Context, loaded: Loaded, row: Owed) -> tuple[Version, ...]:
    """Carry out a duty; may be done twice.

    Returns:
        The versions that are to be observed now.

    Raises:
        RetryableError: try again later.
        TerminalError: it can never be done.
    """
    if row.duty == COPY:
        return copy(context, loaded, row)
    if row.duty == FORGET:
        forget(context, loaded.asset.registry, row.target)
        return ()
    endpoint, _, deployment = row.target.partition("/")
    context.registry(loaded.asset.registry).take_traffic(endpoint, deployment)
    return ()
