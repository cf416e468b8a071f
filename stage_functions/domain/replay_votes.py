"""What the votes that were cast would have come to under another policy. Pure.

Groups of a voter are those of the vote. A vote that could not have been cast does not count: from
nobody of a group that may vote, from somebody excluded, or behind the deadline.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.approval import Approval, Decision, Status, Vote
from stage_functions.domain.lifecycle import ApprovalPolicy
from stage_functions.domain.people import Directory
from stage_functions.domain.record import minute
from stage_functions.domain.voting import parties, unmet

WAITS = "waits"


class Came(Struct, frozen=True):
    """What votes came to.

    Attributes:
        to: approved, rejected, expired or waits.
        why: in words.
        at: when the quorum was reached, where it was; else None.
    """

    to: str
    why: str
    at: datetime | None = None


def came(approval: Approval, policy: ApprovalPolicy, directory: Directory, now: datetime) -> Came:
    """Return what the votes on an approval would have come to under another policy.

    Args:
        approval: as it is kept, with all votes that were cast.
        policy: the other one.
        directory: who is who, in the other configuration.
        now: when it is asked.
    """
    deadline = approval.opened + policy.expires
    case = replace(
        approval,
        policy=policy,
        votes=(),
        status=Status.OPEN,
        closed=None,
        deadline=deadline,
        escalated=None,
    )
    aside: list[str] = []
    for vote in approval.votes:
        if vote.at >= deadline:
            break
        case = case.at(vote.at)
        why = _objection(case, vote, directory)
        if why:
            aside.append(f"{vote.voter} {why}")
            continue
        if vote.decision is Decision.REJECT:
            return Came(Status.REJECTED, f"{vote.voter} rejected it")
        case = replace(case, votes=(*case.votes, vote))
        if not unmet(case, directory):
            voters = ", ".join(one.voter for one in case.votes)
            return Came(Status.APPROVED, f"the votes of {voters} would have sufficed", vote.at)
    needs = ", ".join(unmet(case, directory))
    said = "; ".join([f"it would still have needed {needs}", *aside])
    if (approval.closed or now) >= deadline:
        return Came(Status.EXPIRED, f"no decision before {minute(deadline)}: {said}")
    return Came(WAITS, said)


def _objection(approval: Approval, vote: Vote, directory: Directory) -> str:
    if not set(vote.groups) & set(approval.voting_groups):
        return f"was in none of {' or '.join(approval.voting_groups)} at the vote"
    for party, what in parties(approval).items():
        if not directory.certainly_differ(vote.voter, party):
            same = directory.resolve(vote.voter) == directory.resolve(party)
            return f"would have been excluded: {what if same else f'perhaps {what}'}"
    return ""
