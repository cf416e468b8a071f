"""An approval: a pending request as approvers meet it.

What must hold here:

- A vote counts once per person, only from a member of a group that may vote (judged when it is
  cast), never from the requester, the author where excluded, whoever the request was made for, or
  anyone who may have been the requester.
- A vote of someone who might be an excluded, unmapped id does not count: see
  `Directory.certainly_differ`.
- Votes without a proven requester or a sponsor are kept and do not count.
- Any reject closes. A deadline that has passed closes, whatever else is true.
- An approval is bound to what was shown: see `Binding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.lifecycle import ApprovalPolicy, Excluded, shortfall
from stage_functions.domain.people import Actor, Attribution, Directory
from stage_functions.domain.record import Json, digest
from stage_functions.domain.rule import Verdict

SHOWN_CHARACTERS = 80
"""Of a bound value, where a difference is told."""


class Decision(StrEnum):
    """What a voter decided."""

    APPROVE = "approve"
    REJECT = "reject"


class Status(StrEnum):
    """What became of an approval."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOIDED = "voided"


class Vote(Struct, frozen=True):
    """One person's decision.

    Attributes:
        voter: `person:<key>`.
        decision: approve or reject.
        comment: in the voter's words.
        at: when it was cast.
        fingerprint: of the brief it was cast on.
        groups: the voter's groups, as of the vote.
    """

    voter: str
    decision: Decision
    comment: str
    at: datetime
    fingerprint: str
    groups: tuple[str, ...]


class Binding(Struct, frozen=True):
    """What an approval is bound to; a difference voids it.

    Attributes:
        incarnation: which thing the version number means.
        source: the stage it leaves.
        target: the stage it reaches.
        displaces: versions that the grant would displace, sorted.
        lifecycle: the lifecycle's digest.
        evidence: the evidence document's digest.
        tags: the tags under the lifecycle's `bind`.
        properties: the version's properties.
        description: the version's description.
    """

    incarnation: str
    source: str
    target: str
    displaces: tuple[str, ...]
    lifecycle: str
    evidence: str
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    description: str

    def document(self) -> dict[str, Json]:
        """Return the binding as it is hashed and kept."""
        return {
            "incarnation": self.incarnation,
            "from": self.source,
            "to": self.target,
            "displaces": list(self.displaces),
            "lifecycle": self.lifecycle,
            "evidence": self.evidence,
            "tags": dict(self.tags),
            "properties": dict(self.properties),
            "description": self.description,
        }

    @property
    def fingerprint(self) -> str:
        """`sha256:<hex>` over the binding."""
        return digest(self.document())

    def differences(self, other: Binding) -> tuple[str, ...]:
        """Name the bound things that differ, old → new."""
        mine, theirs = self.document(), other.document()
        return tuple(
            f"{name} {_short(mine[name])} → {_short(theirs[name])}"
            for name in mine
            if mine[name] != theirs[name]
        )


class Approval(Struct, frozen=True):
    """A pending request as approvers meet it.

    Attributes:
        id: 8 Crockford base-32 characters.
        version: the version's number.
        binding: what it is bound to.
        policy: whose consent is demanded, as of the lifecycle it is bound to.
        reason: in the requester's words.
        requester: who asked; a sponsor takes this place.
        on_behalf_of: for whom it was asked, or "".
        candidates: ids that may have been the requester.
        author: id of the version's author, or "".
        opened: when.
        deadline: when it lapses.
        verdicts: of the rules, when it opened.
        lifecycle: the lifecycle's name.
        votes: in the order they were cast.
        status: open, or what became of it.
        closed: when it was closed, or None.
        why: why it was closed, in words.
        sponsored: someone has taken it on.
    """

    id: str
    version: str
    binding: Binding
    policy: ApprovalPolicy
    reason: str
    requester: Actor
    on_behalf_of: str
    candidates: tuple[str, ...]
    author: str
    opened: datetime
    deadline: datetime
    verdicts: tuple[Verdict, ...]
    lifecycle: str
    votes: tuple[Vote, ...] = ()
    status: Status = Status.OPEN
    closed: datetime | None = None
    why: str = ""
    sponsored: bool = False

    @property
    def fingerprint(self) -> str:
        """What votes must carry."""
        return self.binding.fingerprint

    @property
    def needs_sponsor(self) -> bool:
        """Nobody is known for certain to have asked: votes do not count yet."""
        return self.requester.attribution is not Attribution.PROVEN

    def lapsed(self, now: datetime) -> bool:
        """Tell whether the deadline has passed."""
        return now >= self.deadline

    @property
    def lapse(self) -> str:
        """Why it is closed when the deadline has passed."""
        return f"no decision before {self.deadline:%Y-%m-%d %H:%M} UTC"

    def at(self, now: datetime) -> Approval:
        """Return it as it stands at a moment: past its deadline it has lapsed, recorded or not."""
        if self.status is not Status.OPEN or not self.lapsed(now):
            return self
        return replace(self, status=Status.EXPIRED, closed=self.deadline, why=self.lapse)


def parties(approval: Approval) -> dict[str, str]:
    """Return the ids that may not vote, each with the reason."""
    excluded: dict[str, str] = {}
    if Excluded.AUTHOR in approval.policy.exclude and approval.author:
        excluded[approval.author] = "the author of the version"
    if Excluded.REQUESTER in approval.policy.exclude:
        for candidate in approval.candidates:
            excluded[candidate] = "may have made the request"
        if approval.requester.id:
            excluded[approval.requester.id] = (
                "the sponsor of the request" if approval.sponsored else "the requester"
            )
        if approval.on_behalf_of:
            excluded[approval.on_behalf_of] = "the person the request was made for"
    return excluded


def objection(approval: Approval, voter: str, directory: Directory) -> str:
    """Say why this vote would not count; an empty text if it would."""
    groups = directory.groups_of(voter)
    if not any(group in approval.policy.groups for group in groups):
        return f"only {' or '.join(approval.policy.groups)} may vote on it"
    for id_, why in parties(approval).items():
        if directory.resolve(id_) == directory.resolve(voter):
            return f"nobody approves their own work: you are {why}"
        if not directory.certainly_differ(voter, id_):
            provider = id_.partition(":")[0]
            return (
                f"{why} is known only as {id_}, who may be you: "
                f"add your own {provider} id to `people` to prove otherwise"
            )
    return ""


def counted(approval: Approval, directory: Directory) -> dict[str, tuple[str, ...]]:
    """Return the persons whose approval counts, with their groups as of their votes."""
    if approval.needs_sponsor:
        return {}
    return {
        vote.voter: vote.groups
        for vote in approval.votes
        if vote.decision is Decision.APPROVE and not _excluded(approval, vote.voter, directory)
    }


def _excluded(approval: Approval, voter: str, directory: Directory) -> bool:
    return any(not directory.certainly_differ(voter, party) for party in parties(approval))


def unmet(approval: Approval, directory: Directory) -> tuple[str, ...]:
    """Say, in words, what an open approval still waits for; empty when the quorum is reached."""
    if approval.status is not Status.OPEN:
        return ()
    waits: list[str] = []
    if approval.needs_sponsor:
        waits.append("a sponsor: nobody is known for certain to have asked")
    voters = counted(approval, directory)
    missing = shortfall(approval.policy, voters)
    waits.extend(f"{count} of {group}" for group, count in missing.items())
    rest = approval.policy.quorum - len(voters) - sum(missing.values())
    if rest > 0:
        groups = " or ".join(approval.policy.groups)
        waits.append(f"{rest} {'more ' if voters or missing else ''}of {groups}")
    return tuple(waits)


def has_voted(approval: Approval, voter: str, directory: Directory) -> bool:
    """Tell whether this person has voted already."""
    return any(directory.resolve(v.voter) == directory.resolve(voter) for v in approval.votes)


def _short(value: Json) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
