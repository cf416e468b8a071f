"""How the ratification of an emergency ends: ratified, put back, or escalated.

By votes, by its requester who takes it back, and by the clock: all of them come here. What it is
bound to is read again; the lifecycle is not part of that, since the policy is kept with it, and the
rules are not asked again, since the stage has changed already.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.arrival import arrive
from stage_functions.application.cases import Case, Ruling, changed
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.promotions import past_of, stood_before
from stage_functions.application.rollback import changed as changed_there
from stage_functions.domain import emergency
from stage_functions.domain.approval import Approval, Binding, Status
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.consent import close
from stage_functions.domain.emergency import Return
from stage_functions.domain.facts import binding as bound_to
from stage_functions.domain.grounds import ITSELF, Grounds
from stage_functions.domain.lifecycle import Lifecycle, NotRatified
from stage_functions.domain.people import Actor
from stage_functions.domain.rollback import barrier, displaced_in
from stage_functions.domain.state import Step
from stage_functions.domain.voting import counted


class _Plan(Struct, frozen=True):
    """How an emergency would be put back.

    Attributes:
        loaded: the asset, with everything loaded that this touches.
        goes: the version that goes back, and by what it stands there; None where it cannot.
        comes: what comes back, if anything was displaced.
        why_not: why it cannot be put back, or "".
    """

    loaded: Loaded
    goes: Return | None = None
    comes: Return | None = None
    why_not: str = ""


def ratify(context: Context, case: Case, step: Step, actor: Actor) -> Ruling:
    """Ratify an emergency whose quorum is reached; where what was shown has changed, do not.

    Raises:
        RegistryUnavailableError: what it is bound to cannot be read; nothing was decided.
    """
    approval = step.state.approvals[case.approval.id]
    version = Version(case.loaded.asset, approval.version)
    snapshot = context.registry(version.asset.registry).read(version)
    if snapshot is None or snapshot.anonymous:
        return unratified(context, case, step, Status.VOIDED, f"{version} is not registered")
    if snapshot.incarnation != approval.binding.incarnation:
        arrived = arrive(context, step, snapshot, case.lifecycle, case.now)
        return Ruling(case.loaded, arrived.step, arrived.blobs)
    bound, blobs = bound_now(context, case.lifecycle, approval, snapshot)
    if bound != approval.binding:
        why = changed(context, step, snapshot, approval, bound, blobs)
        return unratified(context, case, step, Status.VOIDED, why, bound=bound, blobs=blobs)
    names = counted(approval, context.configuration.directory)
    why = f"ratified by {' and '.join(names)}"
    approval = replace(approval, approvers=tuple(names))
    step = step.with_approval(approval)
    return Ruling(case.loaded, emergency.ratify(step, approval, why, actor, case.now))


def unratified(
    context: Context,
    case: Case,
    step: Step,
    status: Status,
    why: str,
    actor: Actor = ITSELF,
    *,
    bound: Binding | None = None,
    blobs: dict[str, bytes] | None = None,
) -> Ruling:
    """Close a ratification that was not given, with what follows.

    Args:
        context: the context.
        case: the ratification.
        step: the decision so far.
        status: how it ends.
        why: in words.
        actor: by whom.
        bound: what the next one is to be bound to, where that has changed.
        blobs: documents by digest that this refers to.

    Raises:
        RegistryUnavailableError: what would come back cannot be read; nothing was decided.
    """
    approval, lifecycle = step.state.approvals[case.approval.id], case.lifecycle
    state = step.version(approval.version)
    used = state.unratified
    if used is None or used.number != approval.ratifies:
        return Ruling(case.loaded, close(step, approval.id, status, why, actor, case.now))
    wanted = lifecycle.emergency.not_ratified if lifecycle.emergency else NotRatified.ESCALATE
    # Stages may be called otherwise since the use: the approval keeps what was voted on.
    source, target = used.source or approval.binding.source, state.stage
    plan = _Plan(case.loaded)
    if wanted is NotRatified.REVERT:
        plan = _plan(context, case.loaded, approval.version, (source, target), lifecycle, case.now)
    if plan.goes is not None:
        step = step.knowing(plan.loaded.versions, plan.loaded.approvals)
        ended = status, why, actor
        step = emergency.revert(
            step, approval, plan.goes, plan.comes, source, ended, lifecycle, case.now
        )
        return Ruling(plan.loaded, step, note=_put_back(plan, source, target))
    ended = status, f"{why}; it is not put back: {plan.why_not}" if plan.why_not else why, actor
    binding = replace(bound or approval.binding, source=source, target=target)
    following = emergency.following(
        replace(approval, binding=binding),
        lifecycle.emergency,
        context.clock.approval_id(),
        case.now,
        context.telemetry.traceparent(),
    )
    grounds = Grounds(
        lifecycle,
        following.verdicts,
        following.binding.evidence,
        following.binding.fingerprint,
    )
    directory = context.configuration.directory
    step = emergency.escalate(step, approval, following, ended, grounds, directory, case.now)
    note = (
        f"version {approval.version} stays at {target}, not to be deployed until approval "
        f"{following.id} ratifies it"
    )
    return Ruling(case.loaded, step, blobs or {}, note)


def _put_back(plan: _Plan, source: str, target: str) -> str:
    """Say what was put back."""
    goes = f"version {plan.goes.version} is back at {source}" if plan.goes is not None else ""
    if plan.comes is None:
        return f"{goes}, and nothing holds {target}"
    return f"{goes}, and version {plan.comes.version} at {target}"


def lapse(context: Context, loaded: Loaded, approval: Approval, now: datetime) -> Ruling:
    """Close a ratification whose deadline has passed, with what follows.

    Raises:
        RegistryUnavailableError: as `unratified`.
    """
    case = Case(context.lifecycle(loaded.asset), loaded, loaded.step(), approval, now)
    return unratified(context, case, case.step, Status.EXPIRED, approval.lapse)


def _plan(
    context: Context,
    loaded: Loaded,
    version: str,
    way: tuple[str, str],
    lifecycle: Lifecycle,
    now: datetime,
) -> _Plan:
    """Look whether an emergency can be put back, by which a version went this way."""
    source, target = way[0], lifecycle.stages.get(way[1])
    if source not in lifecycle.stages or target is None:
        return _Plan(loaded, why_not=f"the lifecycle has no stage {source} any more")
    past = past_of(context, loaded, version)
    goes = Return(version, stood_before(context, loaded, version, past.promotion.number))
    displaced = displaced_in(past.promotion)
    if not displaced:
        return _Plan(loaded, goes)
    if len(displaced) > 1:
        return _Plan(loaded, why_not=f"it displaced {len(displaced)} versions")
    loaded = context.ledger.more(loaded, displaced)
    why = barrier(lifecycle, target, loaded.versions.get(displaced[0]), past, now) or changed_there(
        context, loaded, Version(loaded.asset, displaced[0])
    )
    if why:
        return _Plan(loaded, why_not=why)
    return _Plan(loaded, goes, Return(displaced[0], past.before))


def bound_now(
    context: Context, lifecycle: Lifecycle, approval: Approval, snapshot: Snapshot
) -> tuple[Binding, dict[str, bytes]]:
    """Return what a ratification would be bound to now, and the documents that it refers to."""
    kept = approval.binding
    sealed, document = context.evidence(snapshot).sealed()
    lifecycle = replace(lifecycle, bind=_bind(context, lifecycle, kept.lifecycle))
    now = bound_to(lifecycle, snapshot, kept.source, kept.target, kept.displaces, sealed)
    # Its policy is kept with it: who edits the lifecycle changes nothing about what was done.
    return replace(now, lifecycle=kept.lifecycle), {sealed: document}


def _bind(context: Context, lifecycle: Lifecycle, digest: str) -> tuple[str, ...]:
    """Return which tags were bound by the lifecycle of the use, whatever one binds now."""
    text = context.ledger.blob(digest) if digest != lifecycle.digest else None
    return tuple(msgspec.json.decode(text).get("bind", ())) if text else lifecycle.bind
