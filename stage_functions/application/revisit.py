"""What the clock has to do for a version.

See whether it is gone, hide what has retired, and have reviewed what is due.

As with approvals, what is due is derived from the version's state and the time alone; a row of the
clock only says when to look.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.missing import note_missing
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow, settle
from stage_functions.domain import review
from stage_functions.domain.asset import Version
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.stored import demand_understood

_PAUSE = timedelta(hours=1)
"""How long a review that is due waits where a registry is only observed."""


def revisit(context: Context, version: Version) -> datetime:
    """Do what is due for a version now.

    Returns:
        The reading of the clock that it was looked at with.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: the version cannot be read; look again.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; look again.
        LaterReleaseError: only a later release knows what is due.
    """
    now = context.clock.now()
    state = context.ledger.state(version)
    if state is not None:
        demand_understood(state)
    if state is None or state.gone:
        return now
    if state.missing_since is not None:
        if context.registry(version.asset.registry).read(version) is None:
            note_missing(context, version)
        else:
            follow(context, Signal(version))
    if state.retires_at is not None and state.retires_at <= now:
        context.persistently(lambda: _retire(context, version))
    if state.review_at is not None and state.review_at <= now:
        context.persistently(lambda: _have_reviewed(context, version))
    return now


def _have_reviewed(context: Context, version: Version) -> None:
    """Note that a review is due, or has lapsed; where its registry is only observed, wait."""
    now = context.clock.now()
    loaded = context.ledger.load(version.asset, [version.number])
    state, lifecycle = loaded.versions.get(version.number), _governing(context, version)
    if state is None or state.gone or state.review_at is None or now < state.review_at:
        return
    step = loaded.step()
    if lifecycle is None:
        step = step.with_version(review.awaiting(state, None))
    elif context.states.ungoverned(version.asset.registry):
        step = step.with_version(replace(state, review_at=now + _PAUSE))
    else:
        step = review.pass_time(step, version.number, lifecycle, now)
    operation = f"review-{context.clock.operation_id()}"
    settle(context, context.ledger.commit(loaded, step, now=now, operation=operation))


def _governing(context: Context, version: Version) -> Lifecycle | None:
    """Return the lifecycle that governs a version, or None where none does any more."""
    try:
        return context.lifecycle(version.asset)
    except NotFoundError:
        return None


def _retire(context: Context, version: Version) -> None:
    """Let the tags and the archive flag of a version follow that its time is over."""
    now = context.clock.now()
    loaded = context.ledger.load(version.asset, [version.number])
    state = loaded.versions.get(version.number)
    if state is None or state.gone or state.retires_at is None or now < state.retires_at:
        return
    step = loaded.step().with_version(replace(state, retires_at=None, retires_from=""), touch=True)
    operation = f"retire-{context.clock.operation_id()}"
    settle(context, context.ledger.commit(loaded, step, now=now, operation=operation))
