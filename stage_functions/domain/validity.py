"""How long what was approved stays valid, what follows when it does not, and how it is renewed.

Neither the end of an approval nor its renewal moves a version: `stage` and `since` stay. What is
blocked when an approval has run out is decided by the moment, whether the end was recorded or not.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Version
from stage_functions.domain.grounds import ITSELF, Grounds
from stage_functions.domain.lifecycle import WhenInvalid
from stage_functions.domain.people import Actor
from stage_functions.domain.record import (
    Draft,
    Json,
    RecordType,
    actor_document,
    minute,
    timestamp,
)
from stage_functions.domain.state import Step, VersionState
from stage_functions.domain.transition import Request
from stage_functions.domain.violation import standing_at


def until(approval: Approval, now: datetime) -> dict[str, Json]:
    """Return, as records carry it, until when an approval that is given now is valid."""
    valid_for = approval.policy.valid_for
    return {"valid_until": timestamp(now + valid_for)} if valid_for else {}


def approved(state: VersionState, approval: Approval, now: datetime) -> VersionState:
    """Return a version's state with what an approval that is given now says of its validity."""
    policy = approval.policy
    return replace(
        state,
        approved_by=approval.id,
        valid_until=now + policy.valid_for if policy.valid_for else None,
        blocked_when_invalid=policy.when_invalid is WhenInvalid.BLOCK,
    )


def ended(approval: Approval, state: VersionState | None, now: datetime) -> bool:
    """Tell whether an approval by which a version stands has run out, and nobody noted it yet."""
    if approval.valid_until is None or approval.ended is not None or now < approval.valid_until:
        return False
    return state is not None and state.governed and state.approved_by == approval.id


def end(step: Step, version: Version, approval: Approval, then: WhenInvalid, now: datetime) -> Step:
    """Note that what was approved of a version is no longer valid, and what follows."""
    state = step.version(approval.version)
    moment = approval.valid_until or now
    fields: dict[str, Json] = {
        "approval": approval.id,
        "stage": state.stage,
        "valid_until": timestamp(moment),
        "then": str(then),
    }
    draft = Draft(
        RecordType.VALIDITY_ENDED, approval.version, approval.binding.incarnation, ITSELF, fields
    )
    if not state.approval:
        state = replace(state, status=f"{state.stage}, but {ran_out(version, state)}")
    step = step.with_approval(replace(approval, ended=now)).with_version(state)
    return step.record(draft)


def ran_out(version: Version, state: VersionState) -> str:
    """Say that the approval by which a version stands has run out, and what to do."""
    when = f" on {minute(state.valid_until)}" if state.valid_until else ""
    return (
        f"approval {state.approved_by} ran out{when}: ask for its renewal "
        f"(`stageward promote {version} {state.stage}`)"
    )


def renew(
    step: Step,
    approval: Approval,
    request: Request,
    actor: Actor,
    grounds: Grounds,
    now: datetime,
) -> Step:
    """Let a version stand by another approval where it stands."""
    state = step.version(approval.version)
    fields: dict[str, Json] = {
        "approval": approval.id,
        "stage": state.stage,
        "requester": actor_document(request.requester),
        **request.said(),
        **until(approval, now),
        **grounds.document(),
    }
    draft = Draft(RecordType.RENEWED, approval.version, state.incarnation, actor, fields)
    renewed = approved(state, approval, now)
    standing = standing_at(state.violating, grounds.lifecycle, state.stage)
    renewed = replace(renewed, violating=standing)
    valid = f", valid until {minute(renewed.valid_until)}" if renewed.valid_until else ""
    status = f"granted: {state.stage} is renewed{valid}"
    return step.with_version(replace(renewed, status=status)).record(draft)
