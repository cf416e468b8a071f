"""An emergency: a transition that demands approval is made at once, and approved afterwards.

What must hold:

- The rules are asked as always, and one that errored never grants; those that the lifecycle waives
  need not pass, and the record says which did not.
- Whoever could have approved it is named in the record, and told.
- A ratification opens in the same commit. Neither who used it nor an author of the version votes on
  it, whatever the lifecycle excludes otherwise.
- While it is open the version goes nowhere but out of use, and nothing ratifies it but the quorum:
  what lapses, is rejected, withdrawn or voided is not ratified. Then the version goes back to where
  it was, and what it displaced comes back; or, as the lifecycle says, or where that cannot be, it
  stays, is not to be deployed, and a further group may ratify.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain import effect, validity
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.consent import close, open_approval
from stage_functions.domain.grounds import Grounds, lifecycle_document
from stage_functions.domain.lifecycle import (
    EXCLUDED_BY_DEFAULT,
    ApprovalPolicy,
    Emergency,
    Escalation,
    Lifecycle,
)
from stage_functions.domain.people import Actor, Attribution, Directory
from stage_functions.domain.record import (
    Draft,
    Json,
    RecordType,
    actor_document,
    minute,
    timestamp,
)
from stage_functions.domain.rollback import EMERGENCY, REVERTED, Stood, come_back
from stage_functions.domain.rule import Result, Verdict
from stage_functions.domain.state import Step, Unratified, VersionState
from stage_functions.domain.transition import Request
from stage_functions.domain.voting import voters_left

REVERT, ESCALATE = "revert", "escalate"
"""What follows when it was not ratified, as records say it."""


class Return(Struct, frozen=True):
    """What comes back, or goes back, when an emergency is reverted.

    Attributes:
        version: its number.
        stood: by what it stands again.
    """

    version: str
    stood: Stood


def may_use(emergency: Emergency, actor: Actor, directory: Directory) -> str:
    """Say why somebody may not use an emergency; an empty text if they may."""
    groups = " or ".join(emergency.groups)
    if actor.attribution is not Attribution.PROVEN:
        return f"only {groups} may use an emergency, and it must be certain who does: sign in"
    if not set(directory.groups_of(actor.id)) & set(emergency.groups):
        return f"only {groups} may use an emergency; you are in none of these"
    return ""


def unusable(configuration: Configuration) -> str:
    """Say in which lifecycles nobody can use an emergency; an empty text where somebody can.

    Of a group whose members Entra names nobody knows here who is in it.
    """
    directory = configuration.directory
    terms = {one.name: one.emergency for one in configuration.lifecycles if one.emergency}
    empty = [
        f"an emergency of the lifecycle {name}, since nobody is in {' or '.join(one.groups)}"
        for name, one in terms.items()
        if not any(directory.groups.get(group) or group in directory.entra for group in one.groups)
    ]
    return f"nobody can use {', nor '.join(empty)}" if empty else ""


def unpassed(verdicts: tuple[Verdict, ...]) -> tuple[str, ...]:
    """Return the names of the rules that did not pass."""
    return tuple(one.rule for one in verdicts if one.result is not Result.PASSED)


def ratification(policy: ApprovalPolicy, within: timedelta) -> ApprovalPolicy:
    """Return whose consent ratifies what a transition with this policy demanded consent for."""
    further = policy.escalate
    return replace(
        policy,
        exclude=EXCLUDED_BY_DEFAULT,
        expires=within,
        remind=tuple(one for one in policy.remind if one < within),
        escalate=further if further is not None and further.after < within else None,
    )


def use(
    step: Step,
    approval: Approval,
    incident: str,
    displaces: tuple[str, ...],
    request: Request,
    grounds: Grounds,
    directory: Directory,
    now: datetime,
) -> Step:
    """Make the transition now, and open its ratification.

    Args:
        step: the decision so far.
        approval: the ratification.
        incident: as whoever uses it names it.
        displaces: versions that leave an exclusive stage for it.
        request: what is asked, by whom and why.
        grounds: on what it was judged; what of it did not pass is waived.
        directory: who is who now.
        now: aware UTC.
    """
    version, lifecycle = approval.version, grounds.lifecycle
    before = step.version(version)
    skipped, waived = voters_left(approval, directory), unpassed(grounds.verdicts)
    way: dict[str, Json] = {"from": before.stage, "to": request.target}
    fields: dict[str, Json] = {
        **way,
        "incident": incident,
        "reason": request.reason,
        **({"skipped": list(skipped)} if skipped else {}),
        "groups": list(approval.voting_groups),
        **({"waived": list(waived)} if waived else {}),
        "approval": approval.id,
        "deadline": timestamp(approval.deadline),
    }
    actor, used = request.requester, len(step.drafts)
    step = step.record(Draft(RecordType.EMERGENCY_USED, version, before.incarnation, actor, fields))
    moved: dict[str, Json] = {
        **way,
        "why": EMERGENCY,
        "incident": incident,
        "requester": actor_document(actor),
        **request.said(),
        **({"displaces": list(displaces)} if displaces else {}),
        **grounds.document(),
    }
    cause = len(step.drafts)
    step = step.record(
        Draft(RecordType.STAGE_CHANGED, version, before.incarnation, actor, moved, used)
    )
    step = effect.move(step, version, request.target, lifecycle, now)
    step = effect.follow(step, before, request.target, displaces, lifecycle, now, cause)
    step = open_approval(step, approval, grounds, directory, because_of=used)
    by = Unratified(approval.ratifies, actor.id, incident, source=before.stage)
    return _standing(step, version, by, approval)


def _standing(step: Step, version: str, by: Unratified, approval: Approval) -> Step:
    """Let a version say that it stands by an emergency, and what that waits for."""
    state = step.version(version)
    barred = "; not to be deployed until then" if by.escalated else ""
    status = (
        f"{state.stage} by an emergency ({by.incident}): to be ratified before "
        f"{minute(approval.deadline)}, approval {approval.id}{barred}"
    )
    return step.with_version(replace(state, unratified=by, status=status))


def ratify(step: Step, approval: Approval, why: str, actor: Actor, now: datetime) -> Step:
    """Let a version stand by the approval that its emergency was given afterwards."""
    step = close(step, approval.id, Status.APPROVED, why, actor, now)
    state = step.version(approval.version)
    fields: dict[str, Json] = {
        "approval": approval.id,
        "ratifies": approval.ratifies,
        "stage": state.stage,
        **validity.until(approval, now),
    }
    draft = Draft(RecordType.RATIFIED, approval.version, state.incarnation, actor, fields)
    ratified = replace(
        validity.approved(state, approval, now),
        unratified=None,
        status=f"ratified: {approval.binding.source} → {state.stage}",
    )
    return step.with_version(ratified).record(draft)


def revert(
    step: Step,
    approval: Approval,
    goes: Return,
    comes: Return | None,
    source: str,
    ended: tuple[Status, str, Actor],
    lifecycle: Lifecycle,
    now: datetime,
) -> Step:
    """Put back what an emergency did: the version goes back, and what it displaced comes back.

    Args:
        step: the decision so far.
        approval: the ratification.
        goes: the version, and by what it stood before.
        comes: what it displaced, or None.
        source: the stage that it goes back to; stages may be called otherwise since the use.
        ended: how the ratification ended, why, and by whom.
        lifecycle: the one that governs them.
        now: aware UTC.
    """
    status, why, actor = ended
    target, cause = step.version(goes.version).stage, len(step.drafts)
    step = close(step, approval.id, status, why, actor, now, then=REVERT)
    said: dict[str, Json] = {"why": REVERTED, "reverts": approval.ratifies}
    law: dict[str, Json] = {"lifecycle": lifecycle_document(lifecycle)}
    if comes is not None:  # first, so that its tags are written before those of who leaves
        state = step.version(comes.version)
        way: dict[str, Json] = {"from": state.stage, "to": target}
        fields = {**way, **said, **_by(comes.stood), "displaces": [goes.version], **law}
        step = _moved(step, comes, target, fields, actor, lifecycle, now, cause)
        step = effect.void_stranded(
            step, comes.version, f"{comes.version} came back to {target}", now, cause
        )
    fields = {"from": target, "to": source, **said, **_by(goes.stood), **law}
    return _moved(step, goes, source, fields, actor, lifecycle, now, cause)


def _by(stood: Stood) -> dict[str, Json]:
    """Return, as records carry it, by what a version stands again: by what it stood before."""
    approval: dict[str, Json] = {"approval": stood.approval} if stood.approval else {}
    until: dict[str, Json] = (
        {"valid_until": timestamp(stood.valid_until)} if stood.valid_until else {}
    )
    return {**approval, **until}


def _moved(
    step: Step,
    one: Return,
    target: str,
    fields: dict[str, Json],
    actor: Actor,
    lifecycle: Lifecycle,
    now: datetime,
    cause: int,
) -> Step:
    state = step.version(one.version)
    draft = Draft(RecordType.STAGE_CHANGED, one.version, state.incarnation, actor, fields, cause)
    step = come_back(step.record(draft), one.version, target, one.stood, lifecycle, now)
    status = f"reverted, since the emergency was not ratified: {state.stage} → {target}"
    return step.with_version(replace(step.version(one.version), status=status))


def escalate(
    step: Step,
    approval: Approval,
    following: Approval,
    ended: tuple[Status, str, Actor],
    grounds: Grounds,
    directory: Directory,
    now: datetime,
) -> Step:
    """Leave the version where it is, not to be deployed; and open the next ratification."""
    status, why, actor = ended
    by = step.version(approval.version).unratified or Unratified(
        approval.ratifies, approval.requester.id, ""
    )
    cause = len(step.drafts)
    step = close(step, approval.id, status, why, actor, now, then=ESCALATE)
    step = open_approval(step, following, grounds, directory, because_of=cause)
    return _standing(step, approval.version, replace(by, escalated=True), following)


def following(
    approval: Approval, emergency: Emergency | None, id_: str, now: datetime, traceparent: str
) -> Approval:
    """Return the ratification that follows one which ended otherwise than approved.

    It lasts as long again. Where the lifecycle names a further group each of its members may vote
    from the start, for whichever group is asked.
    """
    to = emergency.escalate_to if emergency is not None else ""
    within = emergency.ratify_within if emergency is not None else approval.policy.expires
    kept = approval.policy.escalate if approval.escalated else None
    further = Escalation(timedelta(0), to) if to else kept
    policy = replace(ratification(approval.policy, within), escalate=further)
    return replace(
        approval,
        id=id_,
        policy=policy,
        opened=now,
        deadline=now + within,
        votes=(),
        status=Status.OPEN,
        closed=None,
        why="",
        reminded=0,
        escalated=now if further is not None else None,
        traceparent=traceparent,
    )


def undeployable(version: str, state: VersionState) -> str:
    """Say why a version is not to be deployed for an emergency's sake; "" if that is no reason."""
    used = state.unratified
    if used is None or not used.escalated:
        return ""
    return (
        f"{version} stands at {state.stage} by an emergency (record {used.number}) that was "
        f"not ratified: decide on approval {state.approval}, or roll it back"
    )
