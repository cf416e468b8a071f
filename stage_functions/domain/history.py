"""What a history says: who stood where at a moment. Whether it is whole is told in `chain`.

Pure functions over stored records, in order, read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from stage_functions.domain.record import (
    Json,
    Record,
    RecordType,
)
from stage_functions.domain.stored import Stored

_COPIED, _RENAMED, _ROLLED_BACK = "copied", "renamed", "rolled_back"
BEGINS = (RecordType.REGISTERED, RecordType.IMPORTED)
"""They say where what is known of a version begins."""
_PLACED = (*BEGINS, RecordType.STAGE_CHANGED)
"""They say where a version stands from then on."""
_CONFIRMED = {RecordType.RENEWED: "renewed", RecordType.RATIFIED: "ratified"}
"""They say by which approval it stands there from then on."""
MOVES = frozenset({*_PLACED, *_CONFIRMED, RecordType.REVIEWED, RecordType.DELETED})
"""All that changes where a version stands, or on what grounds."""


class Original(Stored, frozen=True, omit_defaults=True):
    """What a copy was copied from, as the record says that it begins with.

    Attributes:
        version: `registry/kind/name:version`.
        number: of the record there that granted the stage, or 0.
        record: hash of that.
    """

    version: str
    number: int
    record: str


class Standing(Stored, frozen=True, omit_defaults=True):
    """Where a version stood, and on what grounds, as it was known then.

    Attributes:
        stage: the granted stage.
        since: when it was granted.
        number: of the record that put it there.
        why: `registered`, `imported`, or what the record says: `copied`, `approved`, `allowed`,
            `displaced`, `rolled_back`, `emergency`, `reverted`.
        approval: id of the version's own approval, or of the one that renewed or ratified it last,
            or "". Of one that came back, by a rollback too, that by which it had stood there.
        lifecycle: digest of the lifecycle in force, or "".
        valid_until: until when that approval is valid; None for ever.
        retires_from: the stage that it was displaced from, if it might be served as before for a
            while, or "".
        retires_at: until when.
        origin: what it was copied from, where that put it there, or None.
        confirmed: `renewed` or `ratified`, where it stood there before `approval` came; or "".
        displaced_by: number of the version that took its stage, where that put it there, or "".
        author: id of who registered the version, or the original of a copy, or "".
        trainer: id of whose job made it, where that is another, or "".
        review_due: when its next review was due; None for never.
        approved_by: ids of those whose approval counted, where somebody has looked them up: records
            say them only as votes.
        under: id of the approval that let it come back by a rollback: that of the version which
            had displaced it, whose approvers saw that; or "".
        incident: what an emergency was used for, where that put it there, or "".
        called: what its stage was called when it was granted, where that is another name, or "".
        taken_out: number of the record of the rollback that took it out, where that put it there;
            or 0.
    """

    stage: str
    since: datetime
    number: int
    why: str
    approval: str = ""
    lifecycle: str = ""
    valid_until: datetime | None = None
    retires_from: str = ""
    retires_at: datetime | None = None
    origin: Original | None = None
    confirmed: str = ""
    displaced_by: str = ""
    author: str = ""
    trainer: str = ""
    review_due: datetime | None = None
    approved_by: tuple[str, ...] = ()
    under: str = ""
    incident: str = ""
    called: str = ""
    taken_out: int = 0

    def served_as(self, moment: datetime) -> tuple[str, ...]:
        """Return the stages as at which it may be served at a moment: its own one first."""
        retiring = self.retires_at is not None and moment < self.retires_at
        return (self.stage, self.retires_from) if retiring else (self.stage,)


def after(before: Standing | None, record: Record) -> Standing | None:
    """Return where a version stands after a record about it: the one step of every replay.

    Args:
        before: where it stood; None where it stood nowhere.
        record: the next one about it.

    Returns:
        None where it is gone, or was never granted a stage; `before` itself where the record
        changes nothing of that.
    """
    type_ = record.type
    if type_ in _PLACED:
        return _standing(record, before)
    if before is None or type_ is RecordType.DELETED:
        return None
    if type_ in _CONFIRMED:
        return replace(
            before,
            approval=str(record.content["approval"]),
            valid_until=_moment(record, "valid_until"),
            confirmed=_CONFIRMED[type_],
            approved_by=(),
        )
    if type_ is RecordType.REVIEWED:
        return replace(before, review_due=_moment(record, "review_due"))
    return before


def as_of(records: Iterable[Record], moment: datetime | None = None) -> dict[str, Standing]:
    """Replay a history up to a moment: where each version stood then.

    Args:
        records: of one asset, in order.
        moment: up to and with this moment; None for all. A commit takes place as a whole, at the
            moment of its first record: a displaced version is never beside the one that took over.
    """
    standings: dict[str, Standing] = {}
    begun: Json = 0
    for record in records:
        commit = record.content["commit"]
        if moment is not None and record.at > moment and commit != begun:
            break
        begun = commit
        if record.type not in MOVES:
            continue
        standing = after(standings.get(record.version), record)
        if standing is None:
            standings.pop(record.version, None)
        else:
            standings[record.version] = standing
    return standings


def stood(records: Iterable[Record], version: str, moment: datetime) -> Standing | None:
    """Return where a version stood at a moment.

    Args:
        records: of its asset, in order.
        version: its number.
        moment: when. A registry knows a version before its history begins: then it stood where
            that begins.

    Returns:
        None where it was gone by then, or was never granted a stage.
    """
    own = [record for record in records if record.version == version]
    found = as_of(own, moment).get(version)
    placed = [record for record in own if record.type in _PLACED]
    if found is not None or not placed or placed[0].at <= moment:
        return found
    return _standing(placed[0], None)


def own_approval(content: Mapping[str, Json]) -> str:
    """Return by which approval a version stands since a record, or "".

    A rollback has two: the one under which it was done, which was given to another version, and the
    one by which the version had stood there, which is its own.
    """
    back = content.get("why") == _ROLLED_BACK
    return str(content.get("restores" if back else "approval", ""))


def _standing(record: Record, before: Standing | None) -> Standing:
    if before is not None and record.content.get("why") == _RENAMED:
        return _renamed(record, before)
    lifecycle = record.content.get("lifecycle")
    own = own_approval(record.content)
    granting = str(record.content.get("approval", ""))
    placed = Standing(
        stage=str(record.content["to"]),
        since=record.at,
        number=record.number,
        why=str(record.content.get("why", record.type.lower())),
        approval=own,
        lifecycle=str(lifecycle["digest"]) if isinstance(lifecycle, Mapping) else "",
        valid_until=_moment(record, "valid_until"),
        retires_from=str(record.content["from"]) if "retires_at" in record.content else "",
        retires_at=_moment(record, "retires_at"),
        origin=_original(record),
        displaced_by=str(record.content.get("displaced_by", "")),
        author=str(record.content.get("author", "")),
        trainer=str(record.content.get("trainer", "")),
        review_due=_moment(record, "review_due"),
        under=granting if granting != own else "",
        incident=str(record.content.get("incident", "")),
        taken_out=_taken_out(record),
    )
    if before is None or record.type is not RecordType.STAGE_CHANGED:
        return placed
    # Who made a version is said once, by the record that it begins with.
    return replace(placed, author=before.author, trainer=before.trainer)


def _taken_out(record: Record) -> int:
    cause = record.content.get("because_of", 0)
    by_rollback = "displaced_by" in record.content and "rolls_back" in record.content
    return cause if by_rollback and isinstance(cause, int) else 0


def _renamed(record: Record, before: Standing) -> Standing:
    """Return where a version stands whose stage has another name: on the grounds that it had."""
    return replace(before, stage=str(record.content["to"]), called=before.called or before.stage)


def _original(record: Record) -> Original | None:
    known = record.content.get("origin")
    if not isinstance(known, Mapping) or record.content.get("why") != _COPIED:
        return None
    number = known.get("number", 0)
    return Original(
        str(known["version"]), number if isinstance(number, int) else 0, str(known["record"])
    )


def _moment(record: Record, key: str) -> datetime | None:
    moment = record.content.get(key)
    return datetime.fromisoformat(str(moment)) if moment else None
