"""Stageward asks by itself that an approval which has run out be given anew. Commits nothing.

Nobody is proven to have asked, so the approval that opens needs a sponsor: somebody must stand for
it. It opens whatever the rules answer, and shows that; at its quorum they must pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from stage_functions.application.arrival import arrive
from stage_functions.application.context import Context
from stage_functions.application.judging import new_approval, weigh
from stage_functions.domain import validity
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.consent import open_approval
from stage_functions.domain.lifecycle import Lifecycle, Transition, WhenInvalid
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import minute
from stage_functions.domain.state import Step
from stage_functions.domain.transition import MAX_OPEN_APPROVALS, Request

NOBODY_ELSE = Actor("", Attribution.NONE, "itself")
"""As who Stageward asks: nobody, until somebody sponsors it."""


class Followed(Struct, frozen=True):
    """What follows when an approval has run out.

    Attributes:
        step: the decision so far.
        blobs: documents by digest that its records refer to.
        why_not: why no approval of a renewal opened, though it should; or "".
    """

    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    why_not: str = ""


def end_and_renew(
    context: Context, step: Step, version: Version, approval: Approval, now: datetime
) -> Followed:
    """Note that an approval has run out, and open one of its renewal where that is possible.

    Raises:
        RegistryUnavailableError: the version or its evidence cannot be read; nothing is noted.
    """
    lifecycle = context.governing(version.asset)
    way = _way(lifecycle, step, version)
    if lifecycle is None or way is None:
        return _only_ended(
            step, version, approval, now, f"reaching {approval.binding.target} asks for none"
        )
    snapshot = context.registry(version.asset.registry).read(version)
    if snapshot is None or snapshot.anonymous:
        return _only_ended(step, version, approval, now, "the registry has no such version")
    arrived = arrive(context, step, snapshot, lifecycle, now)
    step = arrived.step
    if snapshot.incarnation != approval.binding.incarnation:
        return Followed(step, arrived.blobs)
    waiting = step.state.approval_of(version.number)
    if waiting is not None and waiting.renews:
        return Followed(validity.end(step, version, approval, WhenInvalid.RENEW, now))
    if waiting is not None:
        return _only_ended(step, version, approval, now, f"approval {waiting.id} is open")
    if len(step.state.open_approvals) >= MAX_OPEN_APPROVALS:
        return _only_ended(step, version, approval, now, f"{MAX_OPEN_APPROVALS} approvals are open")
    return _open(context, step, snapshot, lifecycle, way, approval, now)


def _way(lifecycle: Lifecycle | None, step: Step, version: Version) -> Transition | None:
    state = step.version(version.number)
    return lifecycle.renewal(state.stage, state.held) if lifecycle is not None else None


def _only_ended(
    step: Step, version: Version, approval: Approval, now: datetime, why_not: str
) -> Followed:
    return Followed(validity.end(step, version, approval, WhenInvalid.NOTIFY, now), why_not=why_not)


def _open(
    context: Context,
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    way: Transition,
    ended: Approval,
    now: datetime,
) -> Followed:
    until = minute(ended.valid_until) if ended.valid_until else ""
    request = Request(way.target, f"approval {ended.id} was valid until {until}", NOBODY_ELSE)
    judged = weigh(context, lifecycle, step, snapshot, way, request, now)
    approval = new_approval(context, way, step, snapshot, judged, request, now)
    step = validity.end(step, snapshot.version, ended, WhenInvalid.RENEW, now)
    step = open_approval(step, approval, judged.grounds, context.configuration.directory)
    return Followed(step, judged.blobs)
