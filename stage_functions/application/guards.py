"""What an endpoint serves: a violation where the version's stage was not deployable to it.

Judged is the moment when a deployment was made or changed, by where the version stood then: a
late hint convicts nobody who was allowed to do it, and no later promotion makes good what was not
allowed. The present state answers for the moments since the stage was granted; only where that
convicts, or cannot know, the history is read.

- Before its history begins, a version stands where that begins.
- What a lifecycle allows now, or allowed then, is no violation.
- A version that the ledger does not know is registered first, as by any other signal. What its
  registry made of itself (Unregistered) has no history that a violation could stand in: it is
  logged, and refused by checks.
- Each deployment is one violation each time it is made or changed, however often it is told of.
- Traffic is taken once for each of these: from one that has none yet when it first gets some.
- What was registered after a deployment was made is not what that serves: another thing had its
  number then.
- What an endpoint is found to serve no more stands no more as a violation: see `putting_right`. The
  history keeps it.
- Of what was deployed before its version was imported, no traffic is taken: arriving in a grown
  estate breaks nothing that runs.
- Where the version's registry is only observed, one Observed record says what would be. Where the
  endpoint's is, no traffic is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys, observing
from stage_functions.application.context import Context
from stage_functions.application.ledger import Committed, Loaded
from stage_functions.application.putting_right import Shown, put_right
from stage_functions.application.serving import Served, may_be_served, objection, standing
from stage_functions.application.signal import EndpointSignal, Signal
from stage_functions.application.signals import follow, settle
from stage_functions.application.writer import tells_of
from stage_functions.domain import effect
from stage_functions.domain.asset import Asset, Version, made_before
from stage_functions.domain.error import RetryableError, StagewardError
from stage_functions.domain.history import stood
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from stage_functions.domain.people import STAGEWARD, UNKNOWN, Actor, Attribution
from stage_functions.domain.record import Draft, Json, Record, RecordType, timestamp
from stage_functions.domain.state import MAX_VIOLATIONS, TRAFFIC, Duty, Step, VersionState

PAGE = 1000
SAME_WRITE_SECONDS = 900
"""So far apart a hint and a registry may date one write of a deployment, which takes its time."""
log = logging.getLogger("stageward.guards")


class _Case(Struct, frozen=True):
    """What is judged."""

    signal: EndpointSignal
    served: Served
    version: Version
    lifecycle: Lifecycle

    @property
    def moment(self) -> datetime:
        return self.served.deployment.changed_at


class _Found(Struct, frozen=True):
    """What is a violation.

    Attributes:
        stage: that the version had.
        why: it is one.
        inherited: it was deployed before the version was imported: when nobody had rules to keep.
    """

    stage: str
    why: str
    inherited: bool = False


def follow_endpoint(context: Context, signal: EndpointSignal) -> bool:
    """Judge what an endpoint serves, and what stands against it; tell if anything was committed.

    Every deployment is judged before a fault is raised, one that may pass before any other.

    Raises:
        NotFoundError, RegistryRefusedError: the endpoint, or a version, cannot be read at all.
        RegistryUnavailableError: it, or a version that it serves, cannot be read now.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver the signal again.
    """
    changed = False
    faults: list[StagewardError] = []
    asked_at = context.clock.now()
    deployments = context.registry(signal.registry).deployments(signal.endpoint)
    served = [Served(signal.registry, deployment) for deployment in deployments]
    for one in served:
        case = _case(context, signal, one)
        if case is None:
            continue
        try:
            changed = _follow(context, case) or changed
        except StagewardError as exc:
            faults.append(exc)
    shown = Shown(f"{signal.registry}/{signal.endpoint}", tuple(served), asked_at)
    changed = put_right(context, shown) or changed
    if faults:
        raise next((one for one in faults if isinstance(one, RetryableError)), faults[0])
    return changed


def _case(context: Context, signal: EndpointSignal, served: Served) -> _Case | None:
    """Return what is to be judged; None where the version is not Stageward's business."""
    version = served.deployment.version
    registry = context.configuration.registries.get(version.asset.registry) if version else None
    if version is None or registry is None or not registry.watches(version.asset):
        return None
    lifecycle = context.governing(version.asset)
    return _Case(signal, served, version, lifecycle) if lifecycle is not None else None


def _follow(context: Context, case: _Case) -> bool:
    known = context.ledger.state(case.version)
    registered = False
    if known is None or known.gone:
        registered = follow(context, Signal(case.version))
        if context.ledger.state(case.version) is None:
            log.warning("%s serves %s, which is Unregistered", case.served.target, case.version)
            return False
    committed = context.persistently(lambda: _attempt(context, case))
    if committed is not None:
        settle(context, committed)
    return registered or committed is not None


def _attempt(context: Context, case: _Case) -> Committed | None:
    asset, number = case.version.asset, case.version.number
    now = context.clock.now()
    loaded = context.ledger.load(asset, [number])
    state = loaded.versions.get(number)
    if state is None or _told(context, state, case):
        return None
    if not made_before(state.incarnation, case.moment) and _was_another(context, case, state):
        return None
    if case.served.idle_mark in state.violations:
        given = _given(context, loaded, state, case)
        operation = f"traffic-{case.served.mark}"
        return context.ledger.commit(loaded, given, now=now, operation=operation) if given else None
    step = loaded.step().with_version(state.violated(case.served.mark))
    if context.states.ungoverned(asset.registry):
        found = _foreseen(context, loaded, state, case)
        made = _foresee(step, case, found) if found is not None else None
    else:
        found = _found(context, loaded, state, case)
        made = _record(context, loaded, step, case, found) if found is not None else None
    if made is None:
        return None
    operation = f"violation-{case.served.mark}"
    return context.ledger.commit(loaded, made, now=now, operation=operation)


def _told(context: Context, state: VersionState, case: _Case) -> bool:
    """Tell whether this violation was recorded; asks the history where it may be forgotten."""
    if case.served.mark in state.violations or len(state.violations) < MAX_VIOLATIONS:
        return case.served.mark in state.violations
    own = _fields(case, _Found("", ""))
    told = {key: own[key] for key in ("endpoint", "deployment", "changed_at")}
    return any(
        record.version == state.version and told.items() <= record.content.items()
        for record in _records(context, case.version.asset)
        if record.content["incarnation"] == state.incarnation
    )


def _was_another(context: Context, case: _Case, state: VersionState) -> bool:
    """Tell whether another thing had the number of a version before it."""
    number, own = case.version.number, state.incarnation
    records = (one for one in _records(context, case.version.asset) if one.version == number)
    return any(record.content["incarnation"] != own for record in records)


def _found(context: Context, loaded: Loaded, state: VersionState, case: _Case) -> _Found | None:
    """Return what is a violation; None where the version might be deployed at the moment."""
    lifecycle, endpoint, moment = case.lifecycle, case.served.endpoint, case.moment
    settled = state.governed and state.since <= moment and not state.blocked_when_invalid
    present = standing(state)
    if settled and not objection(context, loaded, present, lifecycle, endpoint, moment):
        return None
    past = stood(_records(context, case.version.asset), case.version.number, moment)
    if past is None:
        return None
    takers = _takers_then(context, case)
    why = objection(context, loaded, past, lifecycle, endpoint, moment, takers)
    inherited = past.why == "imported" and moment < past.since
    return _Found(past.stage, why, inherited) if why else None


def _records(context: Context, asset: Asset) -> Iterator[Record]:
    partition, after = keys.asset_partition(asset), 0
    while page := context.ledger.records(partition, after=after, limit=PAGE):
        yield from page
        after = page[-1].number


def _takers_then(context: Context, case: _Case) -> tuple[str, ...]:
    """Return the stages that the endpoint took by the text that was in force at the moment."""
    lifecycle = case.lifecycle
    records = context.ledger.records(keys.lifecycle_partition(lifecycle.name))
    adopted = [one for one in records if one.type is RecordType.LIFECYCLE_ADOPTED]
    then = [one for one in adopted if one.at <= case.moment] or adopted[:1]
    named = then[-1].content["lifecycle"] if then else {}
    digest = str(named["digest"]) if isinstance(named, dict) and named else lifecycle.digest
    text = context.ledger.blob(digest) if digest != lifecycle.digest else None
    if text is None:
        return ()
    stages = msgspec.json.decode(text).get("stages", {})
    globs = {name: tuple(one.get("deployable_to", ())) for name, one in stages.items()}
    before = {
        name: replace(stage, deployable_to=globs.get(name, ()))
        for name, stage in lifecycle.stages.items()
    }
    return replace(lifecycle, stages=before).takers(case.served.endpoint)


def _record(context: Context, loaded: Loaded, step: Step, case: _Case, found: _Found) -> Step:
    number = case.version.number
    then, target = case.lifecycle.on_violation, case.served.target
    stands = not _may_be_served_now(context, loaded, step, case)
    taken = stands and not found.inherited and _can_be_taken(context, case)
    if then is OnViolation.ZERO_TRAFFIC and not taken:
        then = OnViolation.NOTIFY
    who, fields = _who(context, case), _fields(case, found)
    step = effect.violate(step, number, who, fields, then, stands=stands)
    if then is not OnViolation.ZERO_TRAFFIC:
        return step
    if case.served.deployment.traffic_percent:
        return step.owing(Duty(TRAFFIC, number, target))
    return step.with_version(
        _remarked(step.version(number), case.served.mark, case.served.idle_mark)
    )


def _given(context: Context, loaded: Loaded, state: VersionState, case: _Case) -> Step | None:
    """Return the step where a deployment that had no requests when it was judged gets some now.

    They are made that way: traffic comes with a second call. It is taken once, as it would have
    been at first.
    """
    if (
        not case.served.deployment.traffic_percent
        or case.lifecycle.on_violation is not OnViolation.ZERO_TRAFFIC
        or context.states.ungoverned(case.version.asset.registry)
        or not _can_be_taken(context, case)
        or _may_be_served_now(context, loaded, loaded.step(), case)
    ):
        return None
    marked = _remarked(state, case.served.idle_mark, case.served.mark)
    duty = Duty(TRAFFIC, state.version, case.served.target)
    return loaded.step().with_version(marked).owing(duty)


def _remarked(state: VersionState, before: str, after: str) -> VersionState:
    marks = tuple(after if one == before else one for one in state.violations)
    return replace(state, violations=marks)


def _fields(case: _Case, found: _Found) -> dict[str, Json]:
    return {
        "from": found.stage,
        "why": found.why,
        "endpoint": case.served.endpoint,
        "deployment": case.served.deployment.name,
        "changed_at": timestamp(case.moment),
    }


def _can_be_taken(context: Context, case: _Case) -> bool:
    """Tell whether requests can be kept from it."""
    divided = case.served.deployment.divided
    return divided and not context.states.ungoverned(case.served.registry)


def _may_be_served_now(context: Context, loaded: Loaded, step: Step, case: _Case) -> bool:
    state = step.version(case.version.number)
    return may_be_served(context, loaded, state, case.lifecycle, case.served.endpoint)


def _foreseen(context: Context, loaded: Loaded, state: VersionState, case: _Case) -> _Found | None:
    """Return what would be a violation, by what the version shows now: nothing was granted."""
    snapshot = context.registry(case.version.asset.registry).read(case.version)
    if snapshot is None or state.gone:
        return None
    stage = observing.standing(state, snapshot, case.lifecycle)
    at = replace(standing(state), stage=stage)
    endpoint = case.served.endpoint
    why = objection(context, loaded, at, case.lifecycle, endpoint, case.moment)
    return _Found(stage, why) if why else None


def _foresee(step: Step, case: _Case, found: _Found) -> Step:
    detail = f"would be recorded as violated: {found.why}"
    fields = {**_fields(case, found), "outcome": "refused", "detail": detail}
    del fields["why"]
    number = case.version.number
    incarnation = step.version(number).incarnation
    return step.record(Draft(RecordType.OBSERVED, number, incarnation, UNKNOWN, fields))


def _who(context: Context, case: _Case) -> Actor:
    """Return who made or changed the deployment, as far as its registry says.

    What a hint claims counts only where it came by the platform's own way and the registry names
    the same person, or shows them by a name that the hint has too.
    """
    signal, deployment = case.signal, case.served.deployment
    shown = deployment.changed_by or ""
    if shown in ("", STAGEWARD):
        return Actor("", Attribution.NONE, "registry")
    about_it = signal.authenticated and signal.deployment in ("", deployment.name)
    if (
        about_it
        and signal.actor
        and tells_of(signal, shown, deployment.changed_at, SAME_WRITE_SECONDS)
    ):
        return Actor(context.identify(signal.actor), Attribution.PROVEN, "registry")
    return Actor(context.identify(shown), Attribution.INFERRED, "registry")
