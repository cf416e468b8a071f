"""An approval: a pending request as approvers meet it.

What must hold here, besides what `voting` says of votes:

- Any reject closes. A deadline that has passed closes, whatever else is true.
- An approval is bound to what was shown: see `Binding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec.structs import replace

from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, course
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Json, digest, minute
from stage_functions.domain.rule import Verdict
from stage_functions.domain.stored import Stored, Whole

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


class Vote(Whole, frozen=True):
    """One person's decision.

    Attributes:
        voter: `person:<key>`.
        decision: approve or reject.
        comment: in the voter's words.
        at: when it was cast.
        fingerprint: of the brief it was cast on.
        groups: the voter's groups, as of the vote.
        assurance: how surely the voter was known.
    """

    voter: str
    decision: Decision
    comment: str
    at: datetime
    fingerprint: str
    groups: tuple[str, ...]
    assurance: Assurance = Assurance.SIGNED_IN


class Span(Stored, frozen=True):
    """Within which a version was written to by whoever asked by its tag, and perhaps by others.

    Attributes:
        since: when it was last written to as it was last seen at base.
        until: when it was last written to as the wish was read.
    """

    since: datetime
    until: datetime


class Binding(Whole, frozen=True):
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


class Approval(Stored, frozen=True):
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
        author: id of who registered the version, or "".
        opened: when.
        deadline: when it lapses.
        verdicts: of the rules, when it opened.
        lifecycle: the lifecycle's name.
        votes: in the order they were cast.
        status: open, or what became of it.
        closed: when it was closed, or None.
        why: why it was closed, in words.
        sponsored: someone has taken it on.
        holder: the version that held the target stage when it opened, or "".
        holder_evidence: digest of what was known of that one then, or "".
        beside: digest of what was shown beside what it is bound to: the version's other tags, and
            the tags, properties and description of `holder`; or "".
        reminded: how many of the policy's reminders are behind it.
        escalated: since when the further group may vote, or None.
        ended: when what was approved was found to be no longer valid, or None.
        trainers: ids of whose job it was: as it was known first, and when this opened.
        asked: within which it was asked by tag; None where it was asked otherwise.
        late: those of the candidates of whom it was known only later that they had written.
        traceparent: W3C trace context of the step that opened it, or "".
        ratifies: number of the record of the emergency that it is to ratify, or 0: the stage has
            changed already then.
        approvers: ids of those whose approval counted when it was approved.
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
    holder: str = ""
    holder_evidence: str = ""
    beside: str = ""
    reminded: int = 0
    escalated: datetime | None = None
    ended: datetime | None = None
    trainers: tuple[str, ...] = ()
    asked: Span | None = None
    late: tuple[str, ...] = ()
    traceparent: str = ""
    ratifies: int = 0
    approvers: tuple[str, ...] = ()

    highest: ClassVar[int] = 2

    @property
    def bars(self) -> bool:
        """To a release without emergencies it would be one that grants a stage."""
        return bool(self.ratifies)

    @property
    def renews(self) -> bool:
        """It asks that an approval which was given stays valid; no stage changes by it."""
        return self.binding.source == self.binding.target

    @property
    def course(self) -> str:
        """What it is about, in words: a transition, a renewal, or what it ratifies."""
        said = course(self.binding.source, self.binding.target)
        return f"the emergency {said}" if self.ratifies else said

    @property
    def voting_groups(self) -> tuple[str, ...]:
        """The groups whose members may vote now."""
        further = self.policy.escalate
        return (
            (*self.policy.groups, further.to)
            if further is not None and self.escalated and further.to not in self.policy.groups
            else tuple(self.policy.groups)
        )

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When the clock has something to do for it: to remind, to escalate, to let it lapse."""
        further = self.policy.escalate
        after = (*self.policy.remind, *((further.after,) if further is not None else ()))
        return tuple(sorted({*(self.opened + one for one in after), self.deadline}))

    def escalates(self, now: datetime) -> bool:
        """Tell whether a further group may vote from now on, and was not let yet."""
        further = self.policy.escalate
        due = further is not None and now >= self.opened + further.after
        return due and self.escalated is None

    def reminds(self, now: datetime) -> bool:
        """Tell whether a reminder is late, however many are."""
        return self.reminders_passed(now) > self.reminded

    def reminders_passed(self, now: datetime) -> int:
        """Return how many of its reminders were due by then."""
        return sum(self.opened + after <= now for after in self.policy.remind)

    @property
    def valid_until(self) -> datetime | None:
        """Until when what was approved stays valid; None for ever, or where nothing was."""
        if self.status is not Status.APPROVED or self.closed is None:
            return None
        return self.closed + self.policy.valid_for if self.policy.valid_for else None

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
        return f"no decision before {minute(self.deadline)}"

    def at(self, now: datetime) -> Approval:
        """Return it as it stands at a moment, whatever of it was recorded.

        Past its deadline it has lapsed; and a further group may vote from its moment on.
        """
        if self.status is not Status.OPEN:
            return self
        if self.lapsed(now):
            return replace(self, status=Status.EXPIRED, closed=self.deadline, why=self.lapse)
        further = self.policy.escalate
        if further is not None and self.escalates(now):
            return replace(self, escalated=self.opened + further.after)
        return self


def ending(status: str, why: str) -> str:
    """Say what became of an approval: in a word and why, without the word where `why` has it."""
    if why == status or why.startswith(f"{status} "):
        return why
    return f"{status}: {why}" if why else status


def _short(value: Json) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
