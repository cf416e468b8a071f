"""A version that its registry no longer has: gone when it has said so twice, minutes apart.

One answer proves little: registries show what was there a moment ago, and lose their minds for a
while. The clock asks the second time, see `revisit`; so does the next scan.
"""

from __future__ import annotations

from stage_functions.application.absence import SCAN, missed, operation
from stage_functions.application.context import Context
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Version
from stage_functions.domain.people import Actor


def note_missing(context: Context, version: Version, actor: Actor = SCAN) -> bool:
    """Note that the registry has no such version; tell whether it was recorded as deleted.

    It is, where the registry said the same five minutes ago.

    Raises:
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; note it again.
    """
    return context.persistently(lambda: _attempt(context, version, actor))


def _attempt(context: Context, version: Version, actor: Actor) -> bool:
    now = context.clock.now()
    loaded = context.ledger.load(version.asset, [version.number])
    step = missed(context, loaded.step(), version, actor, now)
    if step == loaded.step():
        return False
    settle(context, context.ledger.commit(loaded, step, now=now, operation=operation(context)))
    return step.version(version.number).gone
