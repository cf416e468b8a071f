"""How a version came to where it stands, as the report of an evidence pack tells it, in words.

Of an emergency it says that the stage changed before anybody had approved that, for which incident,
and what became of it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from stage_functions.application.pack import Pack
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.lifecycle import NotRatified
from stage_functions.domain.record import Json, Record, RecordType
from stage_functions.domain.rollback import EMERGENCY, REVERTED, ROLLED_BACK

Named = Callable[[str], str]
"""Names somebody by id."""
_STANDS = ("Registered", "Imported", "StageChanged")
_HOW: Mapping[str, str] = {
    "registered": "as every version begins, when it was registered; nobody approved anything",
    "copied": "as a copy of a version that was granted it in another registry",
    "imported": "by an import: what its registry showed was taken as granted, nobody approved it",
    "approved": "as it was approved",
    "allowed": "at once: the lifecycle demands no approval for it",
    "displaced": "since another version took its exclusive stage",
    "rolled_back": "by a rollback, in place of what had displaced it",
    "renamed": "since its stage is called so now",
}
_EXPIRED = "no decision "
"""How the reason of one begins that nobody decided: `no decision before …`."""


class Stood(Struct, frozen=True):
    """How a version came to where it stands.

    Attributes:
        record: number of the record that says so.
        at: when.
        stage: where.
        how: in words.
        hash: of that record.
    """

    record: int
    at: datetime
    stage: str
    how: str
    hash: str


class Used(Struct, frozen=True):
    """An emergency, as the report tells it.

    Attributes:
        number: of its record.
        at: when; None where that record is not shown in the report.
        incident: as whoever used it named it.
        became: what became of it, in words.
    """

    number: int
    at: datetime | None
    incident: str
    became: str


def stamp(at: datetime | None) -> str:
    """Return a moment to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at is not None else "not recorded"


def stood(pack: Pack, named: Named) -> tuple[Stood, ...]:
    """Return how the version of a pack came to each stage that it had."""
    return tuple(
        Stood(one.number, one.at, str(one.content.get("to", "")), _how(pack, one, named), one.hash)
        for one in _records(pack)
        if one.type in _STANDS
    )


def used(pack: Pack, approval: Approval, named: Named) -> Used | None:
    """Return the emergency that an approval ratifies, with what came of this one; or None."""
    if not approval.ratifies:
        return None
    found = _numbered(_records(pack), approval.ratifies)
    incident = str(found.content.get("incident", "")) if found is not None else ""
    at = found.at if found is not None else None
    return Used(approval.ratifies, at, incident, _became(pack, approval, named))


def _records(pack: Pack) -> tuple[Record, ...]:
    return (*pack.first, *pack.last)


def _numbered(records: Iterable[Record], number: int) -> Record | None:
    return next((one for one in records if one.number == number), None)


def _how(pack: Pack, record: Record, named: Named) -> str:
    content = record.content
    why = str(content.get("why", record.type.lower()))
    if why == EMERGENCY:
        return _in_an_emergency(pack, _number(content.get("because_of")), named)
    if why == REVERTED:
        said = _put_back(pack, content, named)
        approval = content.get("approval")
        return f"{said}; it stands by its own again, {approval}" if approval else said
    said = _HOW.get(why, why)
    if "rolls_back" in content and content.get("displaced_by"):
        return f"since a rollback to version {content['displaced_by']} took it out"
    if why == ROLLED_BACK and content.get("approval"):
        said = f"{said}, under the approval by which that was let in"
    if content.get("approval"):
        said = f"{said}: approval {content['approval']}"
    if content.get("restores"):
        said = f"{said}; it stands by its own again, {content['restores']}"
    if content.get("displaced_by"):
        said = f"{said}: version {content['displaced_by']}"
    return said


def _in_an_emergency(pack: Pack, number: int, named: Named) -> str:
    found = _numbered(_records(pack), number)
    incident = f"{found.content.get('incident', '')}, " if found is not None else ""
    said = f"in an emergency ({incident}record {number}), at once, before anybody had approved it"
    ratifying = [one for one in pack.approvals if one.ratifies == number]
    return f"{said}; {_became(pack, ratifying[-1], named)}" if ratifying else said


def _put_back(pack: Pack, content: Mapping[str, Json], named: Named) -> str:
    """Say of a version that was put back which emergency was not ratified, and why not."""
    displaced = content.get("displaces")
    whose = f"of version {displaced[0]} " if isinstance(displaced, list) and displaced else ""
    ended = pack.ended.get(_number(content.get("because_of")))
    why = f": {_ended(ended, named)}" if ended is not None else ""
    back = "it came back" if whose else "it went back"
    return (
        f"{back}, since the emergency {whose}in record {content['reverts']} was not ratified{why}"
    )


def _became(pack: Pack, approval: Approval, named: Named) -> str:
    """Say what became of an emergency by one of its ratifications."""
    if approval.status is Status.OPEN:
        return (
            f"nobody has ratified it yet: without that before {stamp(approval.deadline)} it counts "
            f"as not ratified, approval {approval.id} is open"
        )
    if approval.status is Status.APPROVED:
        return f"ratified on {stamp(approval.closed)} by approval {approval.id}"
    closed = _closing(pack, approval)
    why = _ended(closed, named) if closed is not None else approval.why
    then = closed.content.get("then") if closed is not None else ""
    return f"not ratified: {why}, on {stamp(approval.closed)}{_THEN.get(str(then), '')}"


_THEN: Mapping[str, str] = {
    NotRatified.REVERT: "; in the same step it was put back",
    NotRatified.ESCALATE: "; it stays, is not to be deployed, and a ratification opened again",
}


def _closing(pack: Pack, approval: Approval) -> Record | None:
    closings = (one for one in _records(pack) if one.type is RecordType.APPROVAL_CLOSED)
    return next((one for one in closings if one.content.get("approval") == approval.id), None)


def _ended(closed: Record, named: Named) -> str:
    """Say how a ratification ended that was not given."""
    content, actor = closed.content, closed.content.get("actor")
    who = named(str(actor.get("id", "")) if isinstance(actor, Mapping) else "")
    why, status = str(content.get("why", "")), content.get("status")
    if status == Status.REJECTED:
        return f"rejected by {who}"
    if status == Status.WITHDRAWN:
        return f"taken back by {who}"
    if status == Status.EXPIRED:
        return f"nobody ratified it {why.removeprefix(_EXPIRED)}"
    return f"closed as {status}: {why}"


def _number(found: object) -> int:
    return found if isinstance(found, int) else 0
