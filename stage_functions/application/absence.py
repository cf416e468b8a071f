"""What it means that a registry has no such version: noted at first, deleted the second time.

Who has deleted it is known only where an event says so that came by a way that only the platform
can use: a version that is gone names nobody. Whatever else claims to know it leaves no name, for a
record is never changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.signal import Signal
from stage_functions.application.writer import hinted_id
from stage_functions.domain import effect
from stage_functions.domain.asset import Version, made_before
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.state import MISSING_TWICE_SECONDS, Step, VersionState

SCAN = Actor("", Attribution.NONE, "scan")
EVENT = Actor("", Attribution.NONE, "registry")


def told_missing(context: Context, step: Step, signal: Signal, now: datetime) -> Step:
    """Return the step where a hint led to a version that is not there.

    Nothing is noted unless the hint says so itself: that there is no such version may be an old
    answer, and the scan asks further.
    """
    if not signal.deleted:
        return step
    state = step.state.versions.get(signal.version.number)
    about_this = state is not None and signal.at and made_before(state.incarnation, signal.at)
    deleter = hinted_id(context, signal) if signal.authenticated and about_this else ""
    actor = replace(EVENT, id=deleter, attribution=Attribution.PROVEN) if deleter else EVENT
    return missed(context, step, signal.version, actor, now)


def missed(context: Context, step: Step, version: Version, actor: Actor, now: datetime) -> Step:
    """Return the step with it known that the registry has no such version.

    It is unchanged where that is known already and five minutes have not passed.

    Args:
        context: the context.
        step: with the version loaded, where the ledger knows it.
        version: what was read, and is not there.
        actor: who has deleted it, where that is proven; else by which way it was found.
        now: aware UTC.
    """
    state = step.state.versions.get(version.number)
    if state is None or state.gone:
        return step
    if actor.attribution is Attribution.PROVEN and not state.deleted_by:
        state = replace(state, deleted_by=actor.id)
    if state.missing_since is None:
        return step.with_version(replace(state, missing_since=now))
    step = step.with_version(state)
    if now - state.missing_since < timedelta(seconds=MISSING_TWICE_SECONDS):
        return step
    if state.deleted_by:
        actor = Actor(state.deleted_by, Attribution.PROVEN, EVENT.via)
    why = "gone from its registry"
    if not state.governed:
        return effect.forget(step, version.number, actor, why)
    lifecycle = context.lifecycle(version.asset)
    return effect.delete(step, version.number, lifecycle, actor, now, why)


def found(state: VersionState) -> VersionState:
    """Return the state of a version that its registry has, whatever it said before."""
    if state.missing_since is None:
        return state
    return replace(state, missing_since=None, deleted_by="")


def operation(context: Context) -> str:
    """Return an id for what is noted of a version that is not there."""
    return f"missing-{context.clock.operation_id()}"
