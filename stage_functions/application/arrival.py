"""Bring the ledger up to what a registry shows, before anything is asked of it. Commits nothing.

A version that the ledger does not know is registered; one whose number now means another thing is
deleted and registered anew; an approval whose deadline has passed is closed. And a version whose
tags name another ledger, or a record that this one has not reached, is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import reduce

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import freezing
from stage_functions.application.absence import found
from stage_functions.application.context import Context
from stage_functions.application.copies import Expected
from stage_functions.application.ledger import Loaded
from stage_functions.application.signal import Signal
from stage_functions.application.unregistered import begin
from stage_functions.domain import effect, frozen
from stage_functions.domain.approval import Status
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.consent import close
from stage_functions.domain.copied import only_copies, trespass
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.observation import STAGE_GOVERNOR, STAGE_REQUEST, observed
from stage_functions.domain.people import STAGEWARD, Actor, Attribution
from stage_functions.domain.review import pass_time
from stage_functions.domain.state import UNNUMBERED, Step, VersionState
from stage_functions.domain.uses import references

_SCAN = Actor("", Attribution.NONE, "scan")
_MADE_WITHIN = timedelta(seconds=1)
"""So much later than its creation a registry may date the write that creates a version."""


class Arrived(Struct, frozen=True):
    """The asset with this version known to the ledger.

    Attributes:
        step: the decision so far.
        blobs: documents by digest that its records refer to.
        not_before: by version, when its tags may be written at the earliest.
    """

    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    not_before: Mapping[str, datetime] = field(default_factory=dict)


def arrive(
    context: Context,
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    now: datetime,
    signal: Signal | None = None,
) -> Arrived:
    """Return the step with this version known, as the thing that its number means now.

    Args:
        context: the context.
        step: the decision so far.
        snapshot: the version as it was read.
        lifecycle: the one that governs it.
        now: aware UTC.
        signal: what it was read for; None where that hints at nobody.
    """
    number = snapshot.version.number
    state = step.state.versions.get(number)
    if state is None or not state.governed:
        return _register(context, step, snapshot, lifecycle, now)
    if state.incarnation == snapshot.incarnation:
        step = expire(step.with_version(found(state)), number, now)
        step = pass_time(step, number, lifecycle, now)
        looked = freezing.look(context, step, snapshot, lifecycle, now, signal)
        return Arrived(looked.step, not_before=looked.not_before)
    why = f"another thing was registered as {number}"
    edited = frozen.edited_in_place(state, snapshot, lifecycle)
    if edited:
        step = freezing.edited_in_place(context, step, snapshot, signal)
        why = f"another content was put into {number}"
    step = effect.delete(step, number, lifecycle, _SCAN, now, why)
    arrived = _register(context, step, snapshot, lifecycle, now)
    if not edited:
        return arrived
    state = replace(arrived.step.version(number), drifted=UNNUMBERED, drifts=(frozen.CONTENT,))
    return replace(arrived, step=arrived.step.with_version(state))


def demand_fresh(state: VersionState | None, snapshot: Snapshot, now: datetime) -> None:
    """Refuse to take for an edit what a version showed before Stageward wrote to it.

    Some registries answer for a moment with what was there before a write.

    Raises:
        RegistryUnavailableError: it is such an answer; ask again.
    """
    same = state is not None and state.incarnation == snapshot.incarnation
    if state is not None and same and state.outdates(snapshot.modified_at, now):
        alias = snapshot.version.asset.registry
        message = f"registry {alias} answers with what {snapshot.version} was before it was written"
        raise RegistryUnavailableError(message)


def expire(step: Step, number: str, now: datetime) -> Step:
    """Close the version's open approval if its deadline has passed: it lapses, never approves."""
    approval = step.state.approval_of(number)
    if approval is None or not approval.lapsed(now):
        return step
    if approval.ratifies:  # more follows of that than that it lapses: the clock has it
        return step
    return close(step, approval.id, Status.EXPIRED, approval.lapse, ITSELF, now)


def contradiction(context: Context, loaded: Loaded, snapshot: Snapshot) -> str:
    """Say how a version's tags contradict this ledger, or return an empty text.

    What an operator has resolved no longer counts: see `resolving.resolve`.
    """
    governor = snapshot.tags.get(STAGE_GOVERNOR, "")
    state = loaded.versions.get(snapshot.version.number)
    if not governor or (state is not None and state.overruled == governor):
        return ""
    owner, _, reached = governor.rpartition("/")
    unknown = state is None or state.incarnation != snapshot.incarnation
    if unknown and (context.awaited(snapshot) is not None or _came_along(context, snapshot)):
        return ""  # they are those of what it was copied from
    if owner != context.ledger.id:
        registry = context.states.get(snapshot.version.asset.registry)
        if owner in registry.taken_over:
            return ""
        return f"the tags of {snapshot.version} name another ledger, {owner or governor}"
    number = int(reached) if reached.isdecimal() else 0
    known = loaded.head.number
    if number > known:
        return (
            f"the tags of {snapshot.version} are at record {number} of its asset, this ledger is "
            f"at {known}: was it restored or emptied?"
        )
    return ""


def _came_along(context: Context, snapshot: Snapshot) -> bool:
    """Tell whether somebody has made a version with tags of another one, as who shares it does.

    What Stageward writes to a version it writes after that was made: where nobody has written
    since, a number of this ledger is that of another history.
    """
    own = {None, STAGEWARD, *context.registry(snapshot.version.asset.registry).identities()}
    at = snapshot.modified_at
    return (
        snapshot.tags.get(STAGE_GOVERNOR, "").rpartition("/")[0] == context.ledger.id
        and snapshot.author not in own
        and snapshot.modified_by == snapshot.author
        and at is not None
        and at - snapshot.created_at < _MADE_WITHIN
    )


def stop(step: Step, state: VersionState, why: str) -> Step:
    """Stop writing to a version, with one record that says why."""
    step = effect.drift(step, state.version, ITSELF, {"why": why})
    return step.with_version(replace(state, stopped=why))


def _register(
    context: Context, step: Step, snapshot: Snapshot, lifecycle: Lifecycle, now: datetime
) -> Arrived:
    copied = context.awaited(snapshot)
    if copied is not None:
        return _receive(context, step, snapshot, copied, lifecycle, now)
    evidence = context.evidence(snapshot)
    sealed, document = evidence.sealed()
    begun = begin(context, snapshot)
    author = snapshot.author or str(evidence.section("author").get("id", ""))
    registry = context.configuration.registry(snapshot.version.asset.registry)
    values = observed(snapshot, registry, lifecycle)
    base = {source: value for source, value in values.items() if source != STAGE_REQUEST}
    author = context.identify(author) if author else ""
    actor = Actor(author, Attribution.INFERRED if author else Attribution.NONE, "registry")
    author = author or begun.author  # whose job it was, not who registered what that left behind
    trainer = context.trainer(begun.author, evidence)
    step = effect.register(
        step,
        snapshot,
        actor,
        author,
        base,
        lifecycle,
        now,
        sealed,
        begun.fields,
        trainer=trainer,
    )
    if registry.copies_only:
        why = only_copies(registry.alias)
        step = trespass(step, snapshot.version.number, actor, why, lifecycle)
    overruled = snapshot.tags[STAGE_GOVERNOR] if _came_along(context, snapshot) else ""
    state = step.version(snapshot.version.number)
    state = replace(state, uses=references(evidence), overruled=overruled)
    step = reduce(Step.owing, begun.duties, step.with_version(state))
    return Arrived(step, {sealed: document})


def _receive(
    context: Context,
    step: Step,
    snapshot: Snapshot,
    copied: Expected,
    lifecycle: Lifecycle,
    now: datetime,
) -> Arrived:
    """Register a copy that Stageward has made, at the stage that was granted to the original.

    The tags that it came with were the original's: none of them asks for anything here. They may
    have changed while it was copied, so where nobody but Stageward has written to it, all came.
    """
    evidence = context.evidence(snapshot)
    sealed, document = evidence.sealed()
    asset, number = snapshot.version.asset, snapshot.version.number
    values = observed(snapshot, context.configuration.registry(asset.registry), lifecycle)
    own = {STAGEWARD, *context.registry(asset.registry).identities()}
    if values.get(STAGE_REQUEST) != copied.asked and snapshot.modified_by not in own:
        values.pop(STAGE_REQUEST, None)  # somebody has asked since
    stage = copied.stage if copied.stage in lifecycle.stages else lifecycle.initial
    holders = step.state.holders.get(stage, ())
    if lifecycle.stages[stage].exclusive and holders:
        held = context.ledger.load(asset, holders)
        step = step.knowing(held.versions, held.approvals)
    step = effect.register_copy(
        step, snapshot, copied.origin, stage, values, lifecycle, now, sealed
    )
    state = step.version(number)
    governor = snapshot.tags.get(STAGE_GOVERNOR, "")
    state = replace(state, uses=references(evidence), overruled=governor)
    return Arrived(step.with_version(state), {sealed: document})
