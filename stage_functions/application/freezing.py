"""Frozen stages: what a version is there is kept, what is edited of it is found and put back.

A version is sealed in the commit that brings it to the stage, as it was read for that decision; one
that came without being read (it was displaced to there, or the stage was made frozen later) as it
is read next: at the latest when its tags are written. So what is edited between a grant and its
tags is found as well.

What costs nothing where no stage is frozen: a look in the lifecycle. Where one is, a version that
is as it was kept costs a digest; one that differs also the reading of what was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.signal import Signal
from stage_functions.application.writer import writer
from stage_functions.domain import effect, frozen
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.frozen import CONTENT, MAX_PARTS, PAUSED, Frozen, freezes
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import Edit
from stage_functions.domain.people import Actor
from stage_functions.domain.record import Json
from stage_functions.domain.state import (
    PUT_BACK_LIMIT,
    PUT_BACK_PAUSE_SECONDS,
    PUT_BACK_WINDOW_SECONDS,
    UNNUMBERED,
    Step,
    VersionState,
)

_STATUS = "edited from outside: nothing is granted to it until somebody acknowledges that"
_PUT_BACK = "it is frozen at {}: it is put back, and nothing is granted until it is acknowledged"
_TOO_OFTEN = "put back {} times in ten minutes; the next time in an hour"
_CONTENT = (
    "it was frozen at {}: its content cannot be put back, so it begins anew, and nothing is "
    "granted until it is acknowledged"
)
UNTOUCHED = Edit()


class Differing(Struct, frozen=True):
    """How a version differs from what was kept of it.

    Attributes:
        parts: what differs, each part with what changed, in words.
        edit: what puts it back.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    edit: Edit = UNTOUCHED

    def unrecorded(self, state: VersionState) -> dict[str, str]:
        """Return the parts that no record tells of yet; none once too many do."""
        if len(state.drifts) >= MAX_PARTS:
            return {}
        return {part: line for part, line in self.parts.items() if part not in state.drifts}


class Looked(Struct, frozen=True):
    """A decision so far, with what was edited of a frozen version.

    Attributes:
        step: with a record of it, where there was none.
        not_before: by version, when its tags may be written at the earliest.
    """

    step: Step
    not_before: Mapping[str, datetime] = field(default_factory=dict)


_SAME = Differing()


def differing(
    context: Context, state: VersionState, snapshot: Snapshot, lifecycle: Lifecycle
) -> Differing:
    """Return how a version at a frozen stage differs from what was kept of it.

    Raises:
        LedgerDamagedError: what was kept is lost.
    """
    if not state.frozen or not freezes(lifecycle, state.stage):
        return _SAME
    now = _shown(context, snapshot, lifecycle)
    if now.sealed()[0] == state.frozen:
        return _SAME
    document = context.ledger.blob(state.frozen)
    if document is None:
        message = f"the ledger has lost what {snapshot.version} was at {state.stage}"
        raise LedgerDamagedError(message)
    before = frozen.kept(document)
    return Differing(before.parts(now), before.edit(now))


def adrift(context: Context, state: VersionState, snapshot: Snapshot, lifecycle: Lifecycle) -> bool:
    """Tell whether a look at a version could come to anything for its stage being frozen."""
    unsealed = bool(state.frozen) is not freezes(lifecycle, state.stage)
    return unsealed or bool(differing(context, state, snapshot, lifecycle).parts)


def look(
    context: Context,
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    now: datetime,
    signal: Signal | None = None,
) -> Looked:
    """Add what was edited of a frozen version to a decision, and owe that it is put back.

    Args:
        context: the context.
        step: the decision so far, with the version.
        snapshot: the version as it was read.
        lifecycle: the one that governs it.
        now: aware UTC.
        signal: what it was read for; None where that hints at nobody.
    """
    state = step.version(snapshot.version.number)
    found = differing(context, state, snapshot, lifecycle)
    if not found.parts:
        return Looked(step)
    fresh = found.unrecorded(state)
    actor, _ = writer(context, signal or Signal(snapshot.version), snapshot, state)
    if state.paused_until is not None and now < state.paused_until:
        return Looked(_recorded(step, state, actor, fresh, _PUT_BACK) if fresh else step)
    window = timedelta(seconds=PUT_BACK_WINDOW_SECONDS)
    recent = tuple(moment for moment in state.put_backs if now - moment < window)
    if len(recent) >= PUT_BACK_LIMIT:
        return _pause(step, replace(state, put_backs=recent), actor, found, now)
    state = replace(state, put_backs=(*recent, now), paused_until=None)
    if fresh:
        return Looked(_recorded(step, state, actor, fresh, _PUT_BACK))
    return Looked(step.with_version(state, touch=True))


def edited_in_place(
    context: Context,
    step: Step,
    snapshot: Snapshot,
    signal: Signal | None = None,
) -> Step:
    """Record that the content of a frozen version was edited, before it begins anew."""
    state = step.version(snapshot.version.number)
    actor, _ = writer(context, signal or Signal(snapshot.version), snapshot, state)
    change = {CONTENT: frozen.content_change(state, snapshot)}
    return _recorded(step, state, actor, change, _CONTENT)


def seal(
    context: Context, step: Step, snapshot: Snapshot, lifecycle: Lifecycle
) -> tuple[Step, Mapping[str, bytes]]:
    """Keep what a version is that stands at a frozen stage by now; forget it where it does not.

    Returns:
        The decision, and documents by digest that it refers to.
    """
    state = step.state.versions.get(snapshot.version.number)
    if state is None or not state.governed or state.incarnation != snapshot.incarnation:
        return step, {}
    if bool(state.frozen) is freezes(lifecycle, state.stage):
        return step, {}
    if state.frozen:
        return step.with_version(replace(state, frozen="")), {}
    digest, document = _shown(context, snapshot, lifecycle).sealed()
    return frozen.seal(step, state.version, digest), {digest: document}


def settled(
    context: Context, state: VersionState, snapshot: Snapshot, lifecycle: Lifecycle
) -> VersionState:
    """Return the state of a version whose tags were verified: sealed, and nothing to put back.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    if state.drifts and not state.drifted:
        state = replace(state, drifts=())
    if state.frozen or not freezes(lifecycle, state.stage):
        return state
    digest, document = _shown(context, snapshot, lifecycle).sealed()
    context.ledger.keep({digest: document})
    return replace(state, frozen=digest)


def _pause(
    step: Step, state: VersionState, actor: Actor, found: Differing, now: datetime
) -> Looked:
    """Stop putting back for a while; that is recorded once."""
    until = now + timedelta(seconds=PUT_BACK_PAUSE_SECONDS)
    state = replace(state, paused_until=until)
    fresh = replace(found, parts={**found.parts, PAUSED: ""}).unrecorded(state)
    why = _TOO_OFTEN.format(len(state.put_backs))
    not_before = {state.version: until}
    if not fresh:
        return Looked(step.with_version(state, touch=True), not_before)
    shown = fresh if len(fresh) > 1 else {**found.parts, PAUSED: ""}
    return Looked(_recorded(step, state, actor, shown, why), not_before)


def _recorded(
    step: Step, state: VersionState, actor: Actor, parts: Mapping[str, str], why: str
) -> Step:
    named = tuple(part for part in parts if part not in state.drifts)
    changes: Json = [line for line in parts.values() if line][:MAX_PARTS]
    fields: dict[str, Json] = {
        "granted": state.stage,
        "why": why.format(state.stage),
        "changes": changes,
    }
    if state.frozen:
        fields["frozen"] = state.frozen
    status = state.status if state.approval else _STATUS
    state = replace(
        state,
        drifted=state.drifted or UNNUMBERED,
        drifts=(*state.drifts, *named)[:MAX_PARTS],
        status=status,
    )
    return effect.drift(step.with_version(state), state.version, actor, fields)


def _shown(context: Context, snapshot: Snapshot, lifecycle: Lifecycle) -> Frozen:
    registry = context.configuration.registry(snapshot.version.asset.registry)
    return frozen.shown(snapshot, registry, lifecycle)
