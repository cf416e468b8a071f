"""Who is told of a record, and in which words. Reaches nobody: that is for `telling`.

Told is who can do something about it, as of now and not as of the record: approvers of what waits
for them, whoever asked and the author of every outcome, voters where their votes came to nothing. A
notice that is moot by now is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from stage_functions.application.ports.notifier import Message
from stage_functions.domain.approval import Approval, Decision, Status
from stage_functions.domain.people import PERSON, Directory
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.voting import objection, voters_left, waits_for

GROUP = "group"
SHOWN_CHARACTERS = 600
"""Of what somebody wrote; all of it is behind the link."""
SHOWN_NAME_CHARACTERS = 120
"""Of an asset's or person's name."""
_PERSON = re.compile(rf"\b{PERSON}:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control, direction, private use, halves, and breaks of lines."""
_JOINERS = "\u200c\u200d"
"""Invisible, and part of words and emoji."""
_NEXT = {
    Status.APPROVED: "There is nothing to do: the tags of its registry follow.",
    Status.REJECTED: "Answer what stood in the way, then ask again with a new reason.",
    Status.WITHDRAWN: "There is nothing to do; it can be asked again at any time.",
    Status.EXPIRED: "Nobody decided in time. Ask again, and let the approvers know.",
    Status.VOIDED: "Votes on it count no longer. Look at what changed, and ask again if it is "
    "still wanted.",
}
_THEN = {
    "notify": "It stays where it is: have it approved anew, or move it.",
    "block": "It stays where it is, and checks refuse to deploy it until it is approved anew.",
    "renew": "It stays where it is, and its approvers are asked to renew the approval.",
}


_UNRATIFIED = {
    "revert": "What the emergency did was put back: the version is where it was before, and what "
    "it had displaced holds the stage again.",
    "escalate": "It stays where it is, and checks refuse to deploy it: ratify it after all, or "
    "roll it back.",
    "": "It had left that stage by then: there is nothing to do.",
}


class Notice(Struct, frozen=True):
    """What some are told of one record.

    Attributes:
        recipients: `person:<key>` and `group:<key>`, in order, each once.
        message: without its link.
        asks: it asks for a vote, so that personal mail may carry a personal link.
    """

    recipients: tuple[str, ...]
    message: Message
    asks: bool = False


def notice(
    record: Record, approval: Approval, directory: Directory, valid_until: datetime | None = None
) -> Notice | None:
    """Return what is told of a record; None where there is nothing to tell any more.

    Args:
        record: of a type that people are told of.
        approval: the one that it is about, as it is now.
        directory: who is who now.
        valid_until: the end, still to come, of the approval that a renewal is to follow.
    """
    if record.type is RecordType.APPROVAL_CLOSED:
        return _outcome(record, approval, directory)
    if record.type is RecordType.VALIDITY_ENDED:
        return _ended(record, approval, directory)
    if approval.status is not Status.OPEN or _told_already(record, approval):
        return None
    return _question(record, approval, directory, valid_until)


def _told_already(record: Record, approval: Approval) -> bool:
    """Tell whether the record of the emergency tells of it: that one says more."""
    first = record.content.get("ratifies") == record.content.get("because_of", -1)
    return record.type is RecordType.APPROVAL_REQUESTED and bool(approval.ratifies) and first


def _question(
    record: Record, approval: Approval, directory: Directory, valid_until: datetime | None
) -> Notice:
    """Ask those who may vote now."""
    version, binding = _version(record), approval.binding
    verb = "Ratify" if approval.ratifies else "Keep" if approval.renews else "Approve"
    way = f"at {binding.target}" if approval.renews else f"→ {binding.target}"
    begin = {
        RecordType.REMINDED: "Reminder: ",
        RecordType.ESCALATED: "Escalated: ",
        RecordType.EMERGENCY_USED: "Emergency: ",
    }
    title = f"{begin.get(record.type, '')}{verb} {version} {way}? ({approval.id})"
    incident = plain(str(record.content.get("incident", "")))
    facts = (
        *((("Incident", incident),) if incident else ()),
        *_request(record, approval, directory),
        ("Waits for", plain(waits_for(approval, directory))),
        ("Decide before", _moment(approval.deadline)),
        *_displaced(approval),
    )
    recipients = (
        *voters_left(approval, directory),
        *(f"{GROUP}:{group}" for group in approval.voting_groups),
    )
    message = Message(title, _why_now(record, approval, directory, valid_until), facts)
    return Notice(once(recipients), message, asks=True)


def _why_now(
    record: Record, approval: Approval, directory: Directory, valid_until: datetime | None
) -> str:
    asker, target = _requester(approval, directory), approval.binding.target
    if record.type is RecordType.EMERGENCY_USED:
        return (
            f"{asker} has moved it to {target} already, without waiting for your vote. Ratify "
            "that, or reject it: without a decision in time it is not ratified."
        )
    if approval.ratifies and record.type is RecordType.APPROVAL_REQUESTED:
        return (
            f"Nobody has ratified the emergency by which it is at {target}: it is not to be "
            "deployed until somebody does, or it is rolled back."
        )
    if record.type is RecordType.REMINDED:
        return f"It waits for you since {_moment(approval.opened)}; without a decision it lapses."
    if record.type is RecordType.ESCALATED:
        further = plain(str(record.content["to"]), SHOWN_NAME_CHARACTERS)
        return f"It waits since {_moment(approval.opened)}; from now on {further} may vote too."
    if approval.renews:
        end = f"is valid until {_moment(valid_until)}" if valid_until else "is no longer valid"
        return f"The approval for {target} {end}; it stays there while you decide."
    return f"A request for {target} waits for your vote. Asked by: {asker}."


def _outcome(record: Record, approval: Approval, directory: Directory) -> Notice:
    """Tell whoever asked and the authors what became of it, and voters where votes are void."""
    status = approval.status
    version, binding = _version(record), approval.binding
    way = f"at {binding.target}" if approval.renews else f"→ {binding.target}"
    comments = tuple(
        (f"Said by {who(vote.voter, directory)}", plain(vote.comment))
        for vote in approval.votes
        if vote.comment and vote.decision is Decision.APPROVE
    )
    facts = (
        ("Why", plain(_named(approval.why, directory))),
        *_request(record, approval, directory),
        *comments,
        *(_displaced(approval) if status is Status.APPROVED else ()),
    )
    voters = (vote.voter for vote in approval.votes) if status is Status.VOIDED else ()
    authors = (approval.author, *approval.trainers)
    recipients = _persons((*_askers(approval), *authors, *voters), directory)
    title = f"{status.capitalize()}: {version} {way} ({approval.id})"
    if approval.ratifies:
        return _ratified(record, approval, recipients, facts, directory)
    return Notice(recipients, Message(title, _NEXT[status], facts, action="Open"))


def _ratified(
    record: Record,
    approval: Approval,
    recipients: tuple[str, ...],
    facts: tuple[tuple[str, str], ...],
    directory: Directory,
) -> Notice:
    """Tell what became of an emergency: where it was not ratified, all who could have."""
    version, target = _version(record), approval.binding.target
    if approval.status is Status.APPROVED:
        title = f"Ratified: {version} at {target} ({approval.id})"
        return Notice(recipients, Message(title, _NEXT[Status.APPROVED], facts, action="Open"))
    able = (
        one.id for one in directory.people.values() if not objection(approval, one.id, directory)
    )
    groups = (f"{GROUP}:{group}" for group in approval.voting_groups)
    title = f"Not ratified: {version} at {target} ({approval.id})"
    text = _UNRATIFIED.get(str(record.content.get("then", "")), _UNRATIFIED[""])
    everybody = once((*recipients, *_persons(able, directory), *groups))
    return Notice(everybody, Message(title, text, facts, action="Open"))


def _ended(record: Record, approval: Approval, directory: Directory) -> Notice:
    """Tell whoever asked, who approved, and who could approve it anew."""
    version, stage = _version(record), str(record.content["stage"])
    facts = (
        ("Valid until", _moment(datetime.fromisoformat(str(record.content["valid_until"])))),
        *_request(record, approval, directory),
        ("Approved", plain(_named(approval.why, directory))),
    )
    able = (
        one.id for one in directory.people.values() if not objection(approval, one.id, directory)
    )
    voters = (vote.voter for vote in approval.votes)
    recipients = (
        *_persons((*_askers(approval), *voters, *able), directory),
        *(f"{GROUP}:{group}" for group in approval.voting_groups),
    )
    title = f"No longer valid: {version} at {stage} ({approval.id})"
    text = _THEN.get(str(record.content["then"]), _THEN["notify"])
    return Notice(recipients, Message(title, text, facts, action="Open"))


def _request(
    record: Record, approval: Approval, directory: Directory
) -> tuple[tuple[str, str], ...]:
    """Say what was asked, by whom, and why."""
    binding = approval.binding
    stages = binding.target if approval.renews else f"{binding.source} → {binding.target}"
    facts = [
        ("Version", _version(record)),
        ("Stage", stages),
        ("Requested by", _requester(approval, directory)),
        ("On behalf of", who(approval.on_behalf_of, directory) if approval.on_behalf_of else ""),
        ("Reason", plain(approval.reason)),
    ]
    return tuple((label, value) for label, value in facts if value)


def _displaced(approval: Approval) -> tuple[tuple[str, str], ...]:
    displaces = ", ".join(approval.binding.displaces)
    return (("Displaces", plain(f"version {displaces}")),) if displaces else ()


def _requester(approval: Approval, directory: Directory) -> str:
    if not approval.requester.id:
        return "nobody is known for certain"
    asker = who(approval.requester.id, directory)
    if approval.needs_sponsor:
        return f"perhaps {asker}; nobody is known for certain"
    return f"{asker}, who sponsors it" if approval.sponsored else asker


def _askers(approval: Approval) -> tuple[str, ...]:
    """Return the ids of whoever asked: where a sponsor took their place, of those who may have."""
    before = approval.candidates if approval.sponsored else ()
    return (approval.requester.id, approval.on_behalf_of, *before)


def _persons(ids: Iterable[str], directory: Directory) -> tuple[str, ...]:
    found = (directory.person(id_) for id_ in ids if id_)
    return once(person.id for person in found if person is not None)


def once(recipients: Iterable[str]) -> tuple[str, ...]:
    """Return each once, in order."""
    return tuple(dict.fromkeys(recipients))


def who(id_: str, directory: Directory) -> str:
    """Return how people call whoever an id means."""
    person = directory.person(id_)
    return plain(person.name if person is not None else id_, SHOWN_NAME_CHARACTERS)


def _named(text: str, directory: Directory) -> str:
    """Return a text in which people of the file are called by their names."""
    return _PERSON.sub(lambda found: who(found[0], directory), text)


def _version(record: Record) -> str:
    asset = plain(str(record.content["asset"]), SHOWN_NAME_CHARACTERS)
    return f"{asset}:{plain(record.version, SHOWN_NAME_CHARACTERS)}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plain(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return a text in one line, without what cannot be seen, cut to so many characters."""
    seen = (
        " " if unicodedata.category(one) in _INVISIBLE and one not in _JOINERS else one
        for one in text[: 4 * limit]
    )
    line = " ".join("".join(seen).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
