"""Whose vote counts, and what an approval still waits for.

- A vote counts once per person, only from a member of a group that may vote (judged when it is
  cast), never from the requester, the author where excluded, whoever the request was made for, or
  anyone who may have been the requester. The author is whoever registered the version, and whoever
  trained it.
- A vote of someone who might be an excluded, unmapped id does not count: see
  `Directory.certainly_differ`.
- Votes without a proven requester or a sponsor are kept and do not count.
"""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.domain.approval import Approval, Decision, Status
from stage_functions.domain.authors import AuthorPart, authors
from stage_functions.domain.lifecycle import Excluded, shortfall
from stage_functions.domain.people import Actor, Attribution, Directory

_PARTS = {
    AuthorPart.BOTH: "the author of the version",
    AuthorPart.REGISTERED: "the person who registered the version",
    AuthorPart.TRAINED: "the person who trained the version",
}
_PERHAPS = "one who may have made the request"
_AS_WELL = "one who wrote to it too before it was asked"


def parties(approval: Approval) -> dict[str, str]:
    """Return the ids that may not vote, each with the reason."""
    excluded = makers(approval)
    if Excluded.REQUESTER in approval.policy.exclude:
        for candidate in approval.candidates:
            excluded[candidate] = _AS_WELL if candidate in approval.late else _PERHAPS
        if approval.requester.id:
            excluded[approval.requester.id] = (
                "the sponsor of the request" if approval.sponsored else "the requester"
            )
        if approval.on_behalf_of:
            excluded[approval.on_behalf_of] = "the person the request was made for"
    return excluded


def makers(approval: Approval) -> dict[str, str]:
    """Return the ids that may not vote for what they did to the version itself, each with that."""
    if Excluded.AUTHOR not in approval.policy.exclude:
        return {}
    found = authors(approval.author, approval.trainers)
    return {id_: _PARTS[part] for part, id_ in found}


def objection(approval: Approval, voter: str, directory: Directory) -> str:
    """Say why this vote would not count; an empty text if it would."""
    groups = directory.groups_of(voter)
    if not any(group in approval.voting_groups for group in groups):
        return f"only {' or '.join(approval.voting_groups)} may vote on it"
    for id_, why in parties(approval).items():
        if directory.resolve(id_) == directory.resolve(voter):
            return f"nobody approves their own work: you are {why}"
        if not directory.certainly_differ(voter, id_):
            return _unproven(id_, why, voter, directory)
    return ""


def withdrawal_objection(approval: Approval, actor: str, directory: Directory) -> str:
    """Say why this person may not take the request back; an empty text if they may.

    It is the request of whoever made it, may have made it, or stands for it as its sponsor, and of
    whom it was made for; not of the version's author, unless they asked.
    """
    owners = {approval.requester.id, approval.on_behalf_of, *approval.candidates}
    if approval.ratifies:  # who takes it back, takes the version back
        owners = {approval.requester.id}
    mine = {directory.resolve(id_) for id_ in owners - {""}}
    nobodys = approval.needs_sponsor and directory.knows(actor)
    if directory.resolve(actor) in mine or nobodys:
        return ""
    whose = " or ".join(sorted(mine)) or "a person who is known"
    return f"only {whose} may withdraw approval {approval.id}"


def _unproven(id_: str, why: str, voter: str, directory: Directory) -> str:
    if directory.person(voter) is None:
        provider = voter.partition(":")[0]
        return (
            f"{why} is {id_}, of whom no {provider} id is known, so who may be you: "
            f"add theirs to `people` to prove otherwise"
        )
    return (
        f"{why} is known only as {id_}, who may be you: "
        f"add your own {id_.partition(':')[0]} id to `people` to prove otherwise"
    )


def counted(approval: Approval, directory: Directory) -> dict[str, tuple[str, ...]]:
    """Return the persons whose approval counts, with their groups as of their votes."""
    if approval.needs_sponsor:
        return {}
    return {
        vote.voter: _standing_for(approval, vote.groups)
        for vote in approval.votes
        if vote.decision is Decision.APPROVE and not _excluded(approval, vote.voter, directory)
    }


def _standing_for(approval: Approval, groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the groups that a voter counts for: all of them, once it was escalated to theirs."""
    further = approval.policy.escalate
    if approval.escalated and further is not None and further.to in groups:
        return (*groups, *approval.policy.groups)
    return groups


def _excluded(approval: Approval, voter: str, directory: Directory) -> bool:
    return any(not directory.certainly_differ(voter, party) for party in parties(approval))


def unmet(approval: Approval, directory: Directory) -> tuple[str, ...]:
    """Say, in words, what an open approval still waits for; empty when the quorum is reached.

    One that a later release has bound to what is not known here waits for that release.
    """
    if approval.status is not Status.OPEN:
        return ()
    waits: list[str] = [approval.doubt] if approval.doubt else []
    if approval.needs_sponsor:
        waits.append("a sponsor: nobody is known for certain to have asked")
    voters = counted(approval, directory)
    missing = shortfall(approval.policy, voters)
    waits.extend(f"{count} of {group}" for group, count in missing.items())
    rest = approval.policy.quorum - len(voters) - sum(missing.values())
    if rest > 0:
        groups = " or ".join(approval.voting_groups)
        waits.append(f"{rest} {'more ' if voters or missing else ''}of {groups}")
    return tuple(waits)


def waits_for(approval: Approval, directory: Directory) -> str:
    """Say in one sentence what an open approval waits for, who may not vote, and if in vain."""
    parts = [", ".join(unmet(approval, directory))]
    if approval.policy.exclude:
        parts.append(f"excluded: {' and '.join(f'the {one}' for one in approval.policy.exclude)}")
    parts.append(impossible(approval, directory))
    return "; ".join(part for part in parts if part)


def voters_left(approval: Approval, directory: Directory) -> tuple[str, ...]:
    """Return the ids of the people of the file who may still vote; others may by their claims."""
    return tuple(
        person.id
        for person in directory.people.values()
        if not objection(approval, person.id, directory)
        and not has_voted(approval, person.id, directory)
    )


def impossible(approval: Approval, directory: Directory) -> str:
    """Say why the quorum cannot be reached by anyone who is left; an empty text if it can be.

    Whoever may vote after an escalation that is still to come counts as left. Of a group whose
    members Entra names nobody knows how many there are: it can be reached.
    """
    if approval.status is not Status.OPEN:
        return ""
    further = approval.policy.escalate
    later = approval if further is None else replace(approval, escalated=approval.opened)
    if any(group in directory.entra for group in later.voting_groups):
        return ""
    left = {
        voter: _standing_for(later, directory.groups_of(voter))
        for voter in voters_left(later, directory)
    }
    voters = {**counted(replace(later, requester=_somebody(later)), directory), **left}
    if len(voters) >= approval.policy.quorum and not shortfall(approval.policy, voters):
        return ""
    who = " and ".join(left) if left else "nobody"
    return (
        f"it cannot be reached: {who} of {' or '.join(later.voting_groups)} can still vote; "
        "add people to these groups, or withdraw it"
    )


def _somebody(approval: Approval) -> Actor:
    """Return the requester as if proven, so that votes which wait for a sponsor are counted."""
    return replace(approval.requester, attribution=Attribution.PROVEN)


def has_voted(approval: Approval, voter: str, directory: Directory) -> bool:
    """Tell whether this person has voted already."""
    return any(directory.resolve(v.voter) == directory.resolve(voter) for v in approval.votes)
