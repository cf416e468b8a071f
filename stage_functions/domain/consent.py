"""What approvals make true: opened, voted on, sponsored, closed, each with its record.

An approval is open exactly while its version names it and the asset lists it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from stage_functions.domain.approval import Approval, Status, Vote, ending
from stage_functions.domain.grounds import ITSELF, Grounds
from stage_functions.domain.lifecycle import course
from stage_functions.domain.people import Actor, Directory
from stage_functions.domain.record import (
    Draft,
    Json,
    RecordType,
    actor_document,
    minute,
    timestamp,
)
from stage_functions.domain.state import Step, VersionState
from stage_functions.domain.voting import impossible, unmet, waits_for

_MEANWHILE = "; refused meanwhile: "


def open_approval(
    step: Step,
    approval: Approval,
    grounds: Grounds,
    directory: Directory,
    *,
    because_of: int | None = None,
) -> Step:
    """Put a request before its approvers."""
    state = step.version(approval.version)
    fields: dict[str, Json] = {
        "from": approval.binding.source,
        "to": approval.binding.target,
        "approval": approval.id,
        "requester": actor_document(approval.requester),
        **({"reason": approval.reason} if approval.reason else {}),
        **({"on_behalf_of": approval.on_behalf_of} if approval.on_behalf_of else {}),
        **({"candidates": list(approval.candidates)} if approval.candidates else {}),
        **({"ratifies": approval.ratifies} if approval.ratifies else {}),
        **({"displaces": list(approval.binding.displaces)} if approval.binding.displaces else {}),
        "deadline": timestamp(approval.deadline),
        "needs": list(unmet(approval, directory)),
        **({"impossible": vain} if (vain := impossible(approval, directory)) else {}),
        **grounds.document(),
    }
    draft = Draft(
        RecordType.APPROVAL_REQUESTED,
        approval.version,
        state.incarnation,
        approval.requester,
        fields,
        because_of,
    )
    step = step.with_approval(approval).with_open((*step.state.open_approvals, approval.id))
    state = replace(state, approval=approval.id, status=pending_words(approval, directory))
    return step.with_version(state).record(draft)


def cast(step: Step, approval: Approval, vote: Vote, actor: Actor, directory: Directory) -> Step:
    """Add a vote to an open approval."""
    voted = replace(approval, votes=(*approval.votes, vote))
    fields: dict[str, Json] = {
        "approval": approval.id,
        "decision": str(vote.decision),
        **({"comment": vote.comment} if vote.comment else {}),
        "groups": list(vote.groups),
        "assurance": str(vote.assurance),
        "fingerprint": vote.fingerprint,
        "needs": list(unmet(voted, directory)),
    }
    return _follow(
        step,
        voted,
        Draft(RecordType.VOTED, approval.version, approval.binding.incarnation, actor, fields),
        directory,
    )


def sponsor(step: Step, approval: Approval, actor: Actor, directory: Directory) -> Step:
    """Give a request that nobody is proven to have made a requester who stands for it."""
    sponsored = replace(approval, requester=actor, sponsored=True)
    fields: dict[str, Json] = {
        "approval": approval.id,
        "needs": list(unmet(sponsored, directory)),
    }
    return _follow(
        step,
        sponsored,
        Draft(RecordType.SPONSORED, approval.version, approval.binding.incarnation, actor, fields),
        directory,
    )


def suspect(step: Step, approval: Approval, actor: Actor, directory: Directory) -> Step:
    """Add somebody who is known only now to have written when it was asked, so may have asked."""
    suspected = replace(
        approval,
        candidates=(*approval.candidates, actor.id),
        late=(*approval.late, actor.id),
    )
    needs = ", ".join(unmet(suspected, directory))
    fields: dict[str, Json] = {
        "from": approval.binding.source,
        "outcome": "nothing",
        "detail": f"may have asked as well, which was known only later; it needs {needs}",
        "approval": approval.id,
    }
    draft = Draft(
        RecordType.OBSERVED, approval.version, approval.binding.incarnation, actor, fields
    )
    return _follow(step, suspected, draft, directory)


def remind(step: Step, approval: Approval, directory: Directory, now: datetime) -> Step:
    """Note that whoever may still vote is reminded; of several that are late, once."""
    fields: dict[str, Json] = {
        "approval": approval.id,
        "needs": list(unmet(approval, directory)),
        "deadline": timestamp(approval.deadline),
    }
    draft = Draft(
        RecordType.REMINDED, approval.version, approval.binding.incarnation, ITSELF, fields
    )
    return _follow(
        step, replace(approval, reminded=approval.reminders_passed(now)), draft, directory
    )


def escalate(step: Step, approval: Approval, directory: Directory, now: datetime) -> Step:
    """Let a further group vote, from now on."""
    further = approval.policy.escalate
    if further is None:
        message = f"approval {approval.id} has nobody to escalate to"
        raise ValueError(message)
    escalated = replace(approval, escalated=now)
    fields: dict[str, Json] = {
        "approval": approval.id,
        "to": further.to,
        "needs": list(unmet(escalated, directory)),
        "deadline": timestamp(approval.deadline),
    }
    draft = Draft(
        RecordType.ESCALATED, approval.version, approval.binding.incarnation, ITSELF, fields
    )
    return _follow(step, escalated, draft, directory)


def close(
    step: Step,
    approval_id: str,
    status: Status,
    why: str,
    actor: Actor,
    now: datetime,
    *,
    because_of: int | None = None,
    then: str = "",
) -> Step:
    """Close an open approval for good; `then` says what follows where nobody ratified."""
    approval = step.state.approvals[approval_id]
    state = step.version(approval.version)
    if approval.renews and status is not Status.APPROVED and because_of is None:
        why = f"{why}; {_as_before(state, now)}"
    closed = replace(approval, status=status, why=why, closed=now)
    fields: dict[str, Json] = {
        "approval": approval.id,
        "status": str(status),
        "from": approval.binding.source,
        "to": approval.binding.target,
        "why": why,
        **({"then": then} if then else {}),
    }
    rest = tuple(i for i in step.state.open_approvals if i != approval_id)
    what = course(approval.binding.source, approval.binding.target)
    state = replace(state, approval="", status=f"{what} {ending(status, why)}")
    draft = Draft(
        RecordType.APPROVAL_CLOSED,
        approval.version,
        approval.binding.incarnation,
        actor,
        fields,
        because_of,
    )
    return step.with_approval(closed).with_open(rest).with_version(state).record(draft)


def pending_words(approval: Approval, directory: Directory) -> str:
    """Say what an open approval waits for, as `stage_status` does."""
    what = f"approval {approval.id}"
    if approval.renews:
        what = f"{what} of {course(approval.binding.source, approval.binding.target)}"
    return f"pending {what}, needs {waits_for(approval, directory)}"


def waiting_words(state: VersionState) -> str:
    """Say what a version waits for, as its status does, without what was refused meanwhile.

    The release before wrote over it what it refused: then only the approval is named.
    """
    said = state.status.partition(_MEANWHILE)[0]
    return said if state.approval in said else f"pending approval {state.approval}"


def refused_words(state: VersionState, why: str) -> str:
    """Say in a version's status that a request was refused; what it waits for is said first."""
    return f"{waiting_words(state)}{_MEANWHILE}{why}" if state.approval else f"refused: {why}"


def _as_before(state: VersionState, now: datetime) -> str:
    """Say where a version stands whose approval was not renewed."""
    stays = f"version {state.version} stays at {state.stage}"
    if state.valid_until is None:
        return stays
    ended = state.valid_until <= now
    stays += f", whose approval {'ran out' if ended else 'runs out'} on {minute(state.valid_until)}"
    blocked = ended and state.blocked_when_invalid
    return f"{stays}, and is still not to be deployed" if blocked else stays


def _follow(step: Step, approval: Approval, draft: Draft, directory: Directory) -> Step:
    state = step.version(approval.version)
    state = replace(state, status=pending_words(approval, directory))
    return step.with_approval(approval).with_version(state).record(draft)
