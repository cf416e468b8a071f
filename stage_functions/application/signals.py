"""Follow up a signal: read the version, decide on what changed, commit, work off.

A signal is a hint: whatever it says, the version is read. Duplicated, reordered, late or lost
signals come to the same, because only what the registry shows and the ledger remembers counts.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import measures
from stage_functions.application.absence import found, operation, told_missing
from stage_functions.application.arrival import arrive, contradiction, demand_fresh, stop
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.freezing import seal
from stage_functions.application.judging import ask
from stage_functions.application.ledger import Committed, Loaded
from stage_functions.application.observing import observe
from stage_functions.application.outbox import work_off, work_off_commits, work_off_due
from stage_functions.application.reconcile import wanted
from stage_functions.application.signal import Signal
from stage_functions.application.unregistered import note_anonymous
from stage_functions.application.witnesses import not_shown, suspected
from stage_functions.application.writer import writer
from stage_functions.domain import effect
from stage_functions.domain.aliases import Holders, named
from stage_functions.domain.approval import Span, Status
from stage_functions.domain.asset import Asset, Snapshot
from stage_functions.domain.configuration import RegistryConfiguration, Source
from stage_functions.domain.consent import close
from stage_functions.domain.error import StagewardError
from stage_functions.domain.grounds import Grounds
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import NATIVE, native_drift
from stage_functions.domain.observation import (
    MAX_TARGET_CHARACTERS,
    MLFLOW_STAGE,
    STAGE,
    observed,
    own_sources,
    read,
)
from stage_functions.domain.people import Actor
from stage_functions.domain.presence import APPROVAL, PRESENCE
from stage_functions.domain.reading import Reading
from stage_functions.domain.record import Json, digest
from stage_functions.domain.state import (
    ALIAS,
    PUT_BACK_LIMIT,
    PUT_BACK_PAUSE_SECONDS,
    PUT_BACK_WINDOW_SECONDS,
    Step,
    VersionState,
)
from stage_functions.domain.transition import Refused, Request

log = logging.getLogger("stageward.signals")
_FOLLOWED_AGAIN = 3
"""How often versions that were changed while their tags were written are followed up at once."""


_PUT_BACK: Mapping[str, str] = {
    STAGE: "the stage tag is put back: what it says is no transition that may be asked for",
    PRESENCE: "the tag that stands for a stage is removed: it may not be asked for so",
    MLFLOW_STAGE: "the field for the stage is put back: what it says may not be asked for so",
    ALIAS: "the alias is put back: the version that holds the stage has it, and no other",
    APPROVAL: "the tag approval is put back: it says what the ledger does not say",
    NATIVE: "the field for the stage is put back: it shows the stage, and asks for nothing",
}


class _Plan(Struct, frozen=True):
    """What a signal comes to, before it is committed."""

    loaded: Loaded
    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    not_before: Mapping[str, datetime] = field(default_factory=dict)
    suspicion: str = ""


def follow(context: Context, signal: Signal) -> bool:
    """Follow up a signal; tell whether anything was committed.

    Raises:
        RegistryUnavailableError: the version cannot be read; deliver the signal again.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver the signal again.
    """
    asset = signal.version.asset
    registry = context.configuration.registry(asset.registry)
    lifecycle = context.governing(asset)
    if lifecycle is None or not registry.watches(asset):
        return False
    with about(asset=str(asset), version=signal.version.number):
        return measures.followed(
            context.telemetry,
            signal.version,
            signal.traceparent,
            lambda: _follow(context, signal, lifecycle),
        )


def _follow(context: Context, signal: Signal, lifecycle: Lifecycle) -> bool:
    committed, loaded = context.persistently(lambda: _attempt(context, signal, lifecycle))
    if committed is not None:
        settle(context, committed)
    elif loaded.head.owed:
        settle_due(context, loaded)
    return committed is not None


def settle(context: Context, committed: Committed) -> None:
    """Carry out a commit, and follow up what was changed meanwhile."""
    _again(context, committed.loaded.asset, work_off(context, committed), _FOLLOWED_AGAIN)


def settle_commits(context: Context, asset: Asset, commits: Collection[int]) -> None:
    """Carry out several commits for an asset, and follow up what was changed meanwhile."""
    _again(context, asset, work_off_commits(context, asset, commits), _FOLLOWED_AGAIN)


def settle_due(context: Context, loaded: Loaded) -> None:
    """Carry out what is due of an asset's owed work, and follow up what was changed meanwhile."""
    _again(context, loaded.asset, work_off_due(context, loaded), _FOLLOWED_AGAIN)


def _again(context: Context, owing: Asset, changed: tuple[Signal, ...], left: int) -> None:
    if left == 0:
        return
    for signal in changed:
        if signal.version.asset != owing:
            _receive(context, owing, signal)
            continue
        follow_up = partial(_follow_again, context, owing, signal, left)
        measures.followed(context.telemetry, signal.version, signal.traceparent, follow_up)


def _follow_again(context: Context, owing: Asset, signal: Signal, left: int) -> bool:
    attempt = partial(_attempt, context, signal, context.lifecycle(owing))
    committed, loaded = context.persistently(attempt)
    more = work_off(context, committed) if committed else work_off_due(context, loaded)
    _again(context, owing, more, left - 1)
    return committed is not None


def _receive(context: Context, owing: Asset, copy: Signal) -> None:
    """Observe a copy, and finish what is owed until it is seen.

    Whatever goes wrong in the other registry, the sweep comes to it again: it is no fault of what
    was asked here.
    """
    try:
        follow(context, copy)
        work_off_due(context, context.ledger.load(owing))
    except StagewardError as exc:
        log.warning("%s was copied and cannot be observed now: %s", copy, exc)


def _attempt(
    context: Context, signal: Signal, lifecycle: Lifecycle
) -> tuple[Committed | None, Loaded]:
    version = signal.version
    now = context.clock.now()
    loaded = context.ledger.load(version.asset, [version.number])
    snapshot = context.registry(version.asset.registry).read(version)
    if snapshot is not None:
        demand_fresh(loaded.versions.get(version.number), snapshot, now)
    if snapshot is None:
        plan = _Plan(loaded, told_missing(context, loaded.step(), signal, now))
    elif snapshot.anonymous:
        plan = _nameless(context, loaded, snapshot)
    elif context.states.ungoverned(version.asset.registry):
        seen = observe(context, loaded, snapshot, lifecycle, now)
        plan = _Plan(loaded, seen.step, seen.blobs)
    else:
        plan = _plan(context, signal, loaded, snapshot, lifecycle, now)
        step, kept = seal(context, plan.step, snapshot, lifecycle)
        if step is not plan.step:
            plan = replace(plan, step=step, blobs={**plan.blobs, **kept})
    plan = replace(plan, step=suspected(context, signal, plan.step))
    if plan.step == plan.loaded.step():
        return None, loaded
    committed = context.ledger.commit(
        plan.loaded,
        plan.step,
        now=now,
        operation=_operation(context, loaded, snapshot) if snapshot else operation(context),
        blobs=plan.blobs,
        not_before=plan.not_before,
    )
    if plan.suspicion:
        alias = version.asset.registry
        context.states.suspect(alias, str(version.asset), plan.suspicion, at_once=False)
    return committed, committed.loaded


def _nameless(context: Context, loaded: Loaded, snapshot: Snapshot) -> _Plan:
    """Note what the registry itself has made: nothing is decided on it, and nothing written to it.

    One that was registered and has lost its name is no more written to, with a record that says so.
    """
    step = loaded.step()
    known = loaded.versions.get(snapshot.version.number)
    if known is None or known.gone or known.incarnation != snapshot.incarnation:
        note_anonymous(context, snapshot.version.asset.registry, [snapshot])
    elif known.governed and not known.stopped:
        step = stop(step, known, "it was registered, and its registry calls it anonymous now")
    return _Plan(loaded, step)


def _plan(
    context: Context,
    signal: Signal,
    loaded: Loaded,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    now: datetime,
) -> _Plan:
    number = snapshot.version.number
    known = loaded.versions.get(number)
    if known is not None and known.stopped and known.incarnation == snapshot.incarnation:
        return _Plan(loaded, loaded.step().with_version(found(known)))
    arrived = arrive(context, loaded.step(), snapshot, lifecycle, now, signal)
    why = contradiction(context, loaded, snapshot)
    if why:
        step = stop(arrived.step, arrived.step.version(number), why)
        return _Plan(loaded, step, arrived.blobs, suspicion=why)
    registry = context.configuration.registry(snapshot.version.asset.registry)
    values = observed(snapshot, registry, lifecycle)
    state = arrived.step.version(number)
    holders, owed = arrived.step.state.holders, bool(loaded.head.owed)
    reading = read(state, values, lifecycle, registry, owed=owed, holders=holders)
    plan = _Plan(loaded, arrived.step, arrived.blobs, arrived.not_before)
    if reading.nothing and not arrived.step.drafts and not owed:
        reading = _neglected(context, state, snapshot, lifecycle, holders) or reading
    if reading.nothing:
        return replace(plan, step=not_shown(context, signal, snapshot, plan.step))
    return _answer(context, signal, plan, snapshot, lifecycle, reading, now)


def _answer(
    context: Context,
    signal: Signal,
    plan: _Plan,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    reading: Reading,
    now: datetime,
) -> _Plan:
    number = snapshot.version.number
    state = plan.step.version(number)
    actor, candidates = writer(context, signal, snapshot, state)
    registry = context.configuration.registry(snapshot.version.asset.registry)
    out_of_place = reading.drift is not None or reading.missing
    if out_of_place:
        plan = _put_back(plan, state, reading, snapshot.tags.get(STAGE), actor, now)
    waits = reading.misplaced if _paused(state, now) else ()
    judged = {**reading.answers, **reading.absorbed}
    judged = {source: value for source, value in judged.items() if source not in waits}
    if judged:
        at = snapshot.modified_at or now
        step = plan.step.with_version(plan.step.version(number).answered(judged, at))
        plan = replace(plan, step=step)
    if reading.withdraw:
        plan = replace(
            plan, step=_withdraw(plan.step, number, reading.withdraw, lifecycle, actor, now)
        )
    if reading.wish is not None:
        wish = reading.wish
        by_tag = wish.source != MLFLOW_STAGE and Source.TAG in registry.requests_from
        asked = Span(state.verified_at or snapshot.created_at, snapshot.modified_at or now)
        request = Request(wish.target, wish.reason, actor, "", candidates, by_tag, asked)
        answer = ask(context, plan.loaded, plan.step, snapshot, lifecycle, request, now)
        blobs = {**plan.blobs, **answer.judged.blobs}
        plan = replace(plan, loaded=answer.loaded, step=answer.step, blobs=blobs)
        plan = replace(plan, step=_show(plan.step, number, reading, registry))
    return plan


def _neglected(
    context: Context,
    state: VersionState,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    holders: Holders,
) -> Reading | None:
    """Return what somebody changed of Stageward's own tags while nothing was owed to them."""
    shown = wanted(context, snapshot.version.asset, state, lifecycle, holders)
    if shown.differing(snapshot).nothing:
        return None
    edited = native_drift(state, shown, snapshot)
    return Reading(drift=edited or None, drift_in=NATIVE, missing=True)


def _show(step: Step, number: str, reading: Reading, registry: RegistryConfiguration) -> Step:
    """Owe the tags of a version that asked by one of them, also where the wish changed nothing."""
    asked = any(source in reading.answers for source in own_sources(registry))
    return step.with_version(step.version(number), touch=asked)


def _put_back(
    plan: _Plan,
    state: VersionState,
    reading: Reading,
    shown: str | None,
    actor: Actor,
    now: datetime,
) -> _Plan:
    """Owe the tags again, unless somebody keeps changing them: then pause, and say so once."""
    if _paused(state, now):
        return plan
    window = timedelta(seconds=PUT_BACK_WINDOW_SECONDS)
    recent = tuple(moment for moment in state.put_backs if now - moment < window)
    found: dict[str, Json] = (
        {"found": reading.drift[:MAX_TARGET_CHARACTERS]} if reading.drift is not None else {}
    )
    fields: dict[str, Json] = {**found, "granted": state.stage}
    if len(recent) >= PUT_BACK_LIMIT:
        until = now + timedelta(seconds=PUT_BACK_PAUSE_SECONDS)
        state = replace(state, put_backs=recent, paused_until=until)
        fields["why"] = f"put back {len(recent)} times in ten minutes; the next time in an hour"
        step = effect.drift(plan.step.with_version(state), state.version, actor, fields)
        not_before = {**plan.not_before, state.version: until}
        return replace(plan, step=step, not_before=not_before)
    state = replace(state, put_backs=(*recent, now), paused_until=None)
    if reading.drift is None:
        base = {**state.base, STAGE: shown}
        return replace(plan, step=plan.step.with_version(replace(state, base=base), touch=True))
    fields["why"] = _PUT_BACK[ALIAS if named(reading.drift_in) else reading.drift_in]
    step = effect.drift(plan.step.with_version(state), state.version, actor, fields)
    return replace(plan, step=step)


def _paused(state: VersionState, now: datetime) -> bool:
    return state.paused_until is not None and now < state.paused_until


def _withdraw(
    step: Step, number: str, approval: str, lifecycle: Lifecycle, actor: Actor, now: datetime
) -> Step:
    current = step.state.approval_of(number)
    mine = current is not None and current.id == approval.lower()
    if current is not None and mine and not current.ratifies:  # that one takes who is proven
        return close(step, current.id, Status.WITHDRAWN, "withdrawn by tag", actor, now)
    state = step.version(number)
    refused = Refused(f"no approval {approval} is open for it", lifecycle.allowed(state.stage))
    request = Request(f"withdraw {approval}"[:200], "", actor)
    return effect.refuse(step, number, request, refused, actor, Grounds(lifecycle))


def _operation(context: Context, loaded: Loaded, snapshot: Snapshot) -> str:
    """Return the id of what a signal does: the same for the same observation of the same state."""
    registry = context.configuration.registry(snapshot.version.asset.registry)
    known = loaded.versions.get(snapshot.version.number)
    base = known.base if known else {}
    values = observed(snapshot, registry, context.lifecycle(snapshot.version.asset))
    document: dict[str, Json] = {
        "version": str(snapshot.version),
        "incarnation": snapshot.incarnation,
        "number": loaded.head.number,
        "base": {source: value for source, value in base.items() if value is not None},
        "observed": {source: value for source, value in values.items() if value is not None},
    }
    return f"signal-{digest(document).removeprefix('sha256:')[:32]}"
