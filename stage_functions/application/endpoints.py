"""What endpoints serve, as the scan finds it: it makes up for events that were lost.

Each endpoint is judged as if an event had told of it, which comes to nothing new where nothing
has changed. One that cannot be read holds up no other.
"""

from __future__ import annotations

import logging
from datetime import datetime

from msgspec import Struct

from stage_functions.application.context import Context
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.signal import EndpointSignal
from stage_functions.domain.error import (
    LedgerDamagedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    StagewardError,
    StoreUnavailableError,
)

_OF_THE_LEDGER = (StoreUnavailableError, LedgerDamagedError)
"""Faults that every endpoint would have."""
log = logging.getLogger("stageward.endpoints")


class Judged(Struct, frozen=True):
    """What a look at the endpoints of a registry came to.

    Attributes:
        endpoints: how many were judged.
        changed: of those, how many changed the ledger.
        unread: why one could not be judged, or "".
        left: name of the last one that was looked at where time was over, or None.
    """

    endpoints: int = 0
    changed: int = 0
    unread: str = ""
    left: str | None = None


def judge_endpoints(context: Context, alias: str, after: str, end: datetime) -> Judged:
    """Judge the endpoints of a registry behind a name, until a moment, one at the least.

    Raises:
        StoreUnavailableError, LedgerDamagedError: the ledger cannot be used.
    """
    try:
        names = [name for name in context.registry(alias).endpoints() if name > after]
    except (RegistryUnavailableError, RegistryRefusedError) as exc:
        log.warning("the endpoints of registry %s cannot be listed: %s", alias, exc)
        return Judged(unread=str(exc))
    judged = changed = 0
    unread, last = "", after
    for name in names:
        if last != after and context.clock.now() >= end:
            return Judged(judged, changed, unread, last)
        try:
            changed += follow_endpoint(context, EndpointSignal(alias, name))
            judged += 1
        except _OF_THE_LEDGER:
            raise
        except StagewardError as exc:
            log.warning("endpoint %s/%s is not judged: %s", alias, name, exc)
            unread = unread or f"endpoint {alias}/{name} is not judged: {exc}"
        last = name
    return Judged(judged, changed, unread)
