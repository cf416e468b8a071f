"""What the records of an asset say of its approvals, to compare with the rows of these.

Who is shown as having approved is read from the row of an approval, and from the spans of `past`
that were made of it; so neither may say what no record says. A field that an older release has not
recorded is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

from msgspec import Struct, field

from stage_functions.domain.approval import Approval, Decision, Status, Vote
from stage_functions.domain.record import Record, RecordType

_BY = ("approved by ", "ratified by ")
"""How the record of an approval's end begins that names whose approvals counted."""


class _Ballot(Struct, frozen=True):
    """A vote, as its record has it: `said` are its other fields, in the order of `_SAID`."""

    number: int
    voter: str
    decision: str
    said: tuple[object, ...]


T = TypeVar("T")
_SAID = ("fingerprint", "groups", "assurance")


class _Known(Struct):
    """What the records say of an approval; mutable only while they are read."""

    number: int
    version: str
    requester: str
    fingerprint: str = ""
    ratifies: int = 0
    sponsor: int = 0
    votes: list[_Ballot] = field(default_factory=list)
    closed: int = 0
    status: str = str(Status.OPEN)
    why: str = ""

    @property
    def approving(self) -> set[str]:
        """Who voted for it."""
        return {one.voter for one in self.votes if one.decision == Decision.APPROVE}


class ReplayedApprovals:
    """The approvals of an asset, as its records leave them."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._shared: dict[object, object] = {}

    def see(self, record: Record) -> None:
        """Follow the next record."""
        content = record.content
        kind, id_ = content.get("type"), content.get("approval")
        if not isinstance(id_, str):
            return
        if kind == RecordType.APPROVAL_REQUESTED:
            self._known[id_] = self._requested(record)
            return
        known = self._known.get(id_)
        if known is None:
            return
        if kind == RecordType.VOTED:
            known.votes.append(self._ballot(record))
        elif kind == RecordType.SPONSORED:
            known.requester, known.sponsor = self._actor(content.get("actor")), record.number
        elif kind == RecordType.APPROVAL_CLOSED:
            known.closed, known.why = record.number, str(content.get("why", ""))
            known.status = self._once(str(content.get("status")))

    def open(self) -> set[str]:
        """Return the ids of those that are open."""
        return {id_ for id_, known in self._known.items() if not known.closed}

    def ids(self) -> set[str]:
        """Return the ids of all that the records tell of."""
        return set(self._known)

    def differences(self, approval: Approval) -> Iterator[str]:
        """Yield in what a row says otherwise of an approval than its records."""
        known, what = self._known.get(approval.id), f"approval {approval.id}"
        if known is None:
            yield f"{what} is known, but no record tells of it"
            return
        asked = f"record {known.number}"
        if approval.version != known.version:
            yield f"{what} is of version {approval.version}, by {asked} of {known.version}"
        if known.fingerprint and approval.fingerprint != known.fingerprint:
            yield f"{what} is bound to something else than {asked} says: its fingerprint differs"
        if approval.ratifies != known.ratifies:
            yield f"{what} ratifies record {approval.ratifies}, by {asked} {known.ratifies}"
        if (approval.requester.id, approval.sponsored) != (known.requester, bool(known.sponsor)):
            by = f"record {known.sponsor}" if known.sponsor else asked
            yield (
                f"{what} has {approval.requester.id or 'nobody'} as its requester, "
                f"by {by} that is {known.requester or 'nobody'}"
            )
        yield from _votes(what, approval.votes, known)
        yield from _end(what, approval, known)

    def of_others(self, id_: str, approvers: tuple[str, ...]) -> str:
        """Say who is said to have approved and has not, by the records; "" where all have."""
        known = self._known.get(id_)
        others = set(approvers) - (known.approving if known is not None else set())
        return " and ".join(sorted(others))

    def _requested(self, record: Record) -> _Known:
        content = record.content
        ratifies = content.get("ratifies", 0)
        return _Known(
            record.number,
            self._once(record.version),
            self._actor(content.get("requester")),
            str(content.get("fingerprint", "")),
            ratifies if isinstance(ratifies, int) else 0,
        )

    def _ballot(self, record: Record) -> _Ballot:
        content = record.content
        said = tuple(_plain(content.get(name)) for name in _SAID)
        voter, decision = self._actor(content.get("actor")), str(content.get("decision"))
        return _Ballot(record.number, voter, self._once(decision), self._once(said))

    def _actor(self, actor: object) -> str:
        return self._once(str(actor.get("id", "")) if isinstance(actor, Mapping) else "")

    def _once(self, value: T) -> T:
        """Return the one that is equal: the same people and groups come in many records."""
        return cast("T", self._shared.setdefault(value, value))


def _plain(value: object) -> object:
    return tuple(str(one) for one in value) if isinstance(value, list) else value


def _votes(what: str, votes: tuple[Vote, ...], known: _Known) -> Iterator[str]:
    for vote, ballot in zip(votes, known.votes, strict=False):
        by = f"by record {ballot.number}"
        if vote.voter != ballot.voter:
            yield f"{what} has a vote of {vote.voter}, {by} it is of {ballot.voter}"
        if vote.decision != ballot.decision:
            yield f"{what}: {vote.voter} decided {vote.decision}, {by} {ballot.decision}"
        mine = (vote.fingerprint, vote.groups, str(vote.assurance))
        for name, here, there in zip(_SAID, mine, ballot.said, strict=True):
            if there is not None and here != there:
                yield f"{what}: the {name} of the vote of {vote.voter} is not as {by[3:]} has it"
    for vote in votes[len(known.votes) :]:
        yield f"{what} has a vote of {vote.voter}, but no record tells of it"
    for ballot in known.votes[len(votes) :]:
        yield f"{what} lacks the vote of {ballot.voter} that record {ballot.number} tells of"


def _end(what: str, approval: Approval, known: _Known) -> Iterator[str]:
    by = f"by record {known.closed}" if known.closed else "by its records"
    if str(approval.status) != known.status:
        yield f"{what} is {approval.status}, {by} {known.status}"
    elif approval.why != known.why:
        yield f"{what} was closed for another reason, {by}"
    if (approval.closed is None) == bool(known.closed):
        yield f"{what} says {'not ' if known.closed else ''}when it was closed, against its records"
    if not approval.approvers:  # the first releases did not keep them
        return
    others = set(approval.approvers) - known.approving
    if others or known.status != Status.APPROVED:
        named = " and ".join(sorted(others or approval.approvers))
        yield f"{what} names {named} as having approved it, {by} that is not so"
    elif (names := " and ".join(approval.approvers)) and known.why.startswith(_BY):
        counted = known.why.partition(" by ")[2]
        if counted != names:
            yield f"{what} names {names} as having approved it, {by} {counted}"
