"""A version that its registry no longer has: gone when it has said so twice, minutes apart.

One answer proves little: registries show what was there a moment ago, and lose their minds for a
while. The clock asks the second time, see `revisit`; so does the next scan.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.signals import settle
from stage_functions.domain import effect
from stage_functions.domain.asset import Version
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.state import MISSING_TWICE_SECONDS

SCAN = Actor("", Attribution.NONE, "scan")


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
    state = loaded.versions.get(version.number)
    if state is None or state.gone:
        return False
    since = state.missing_since
    certain = since is not None and now - since >= timedelta(seconds=MISSING_TWICE_SECONDS)
    if since is not None and not certain:
        return False
    step = loaded.step()
    why = "gone from its registry"
    if not certain:
        step = step.with_version(replace(state, missing_since=now))
    elif state.governed:
        lifecycle = context.lifecycle(version.asset)
        step = effect.delete(step, version.number, lifecycle, actor, now, why)
    else:
        step = effect.forget(step, version.number, actor, why)
    operation = f"missing-{context.clock.operation_id()}"
    settle(context, context.ledger.commit(loaded, step, now=now, operation=operation))
    return certain
