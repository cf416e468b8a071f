"""What a history proves: that it is whole, and who stood where at a moment.

Both are pure functions over stored records, in order, read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.record import (
    Json,
    Record,
    RecordType,
    Tail,
    canonical,
    empty_tail,
    link,
)

_COPIED = "copied"
_PLACED = (RecordType.REGISTERED, RecordType.IMPORTED, RecordType.STAGE_CHANGED)
"""They say where a version stands from then on."""


class Fault(Struct, frozen=True):
    """The first bad record of a history.

    Attributes:
        number: where it was found.
        why: what is wrong, in words.
    """

    number: int
    why: str


def verify(
    ledger: str, asset: str, records: Iterable[Record], *, head: Tail | None = None
) -> Fault | None:
    """Find the first record that was altered, dropped, moved or reordered; None if all is well.

    Args:
        ledger: the ledger's id.
        asset: the asset whose history this claims to be.
        records: all of them, in order; read once, so a stream will do.
        head: where the history should end; without it a cut tail is not found.
    """
    tail = empty_tail(ledger, asset)
    for record in records:
        why = _fault(tail, record)
        if why:
            return Fault(tail.number + 1, why)
        tail = Tail(ledger, asset, record.number, record.hash, record.at)
    if head is not None and (tail.number, tail.hash) != (head.number, head.hash):
        return Fault(
            tail.number + 1, f"the head is at {head.number}, the records end at {tail.number}"
        )
    return None


def _fault(tail: Tail, record: Record) -> str:
    if not _is_canonical(record):
        return "its content is not what its bytes say"
    if (record.content.get("ledger"), record.content.get("asset")) != (tail.ledger, tail.asset):
        return (
            f"it belongs to {record.content.get('asset')} in ledger {record.content.get('ledger')}"
        )
    if record.number != tail.number + 1:
        return f"it has the number {record.number}"
    if record.prev != tail.hash:
        return "it does not link to the record before"
    if link(record.prev, record.body) != record.hash:
        return "its hash is not that of its bytes"
    if tail.at is not None and record.at <= tail.at:
        return "it is not later than the record before"
    return ""


def _is_canonical(record: Record) -> bool:
    try:
        return canonical(dict(record.content)) == record.body
    except ValueError:
        return False


class Original(Struct, frozen=True):
    """What a copy was copied from, as the record says that it begins with.

    Attributes:
        version: `registry/kind/name:version`.
        number: of the record there that granted the stage, or 0.
        record: hash of that.
    """

    version: str
    number: int
    record: str


class Standing(Struct, frozen=True):
    """Where a version stood, and on what grounds.

    Attributes:
        stage: the granted stage.
        since: when it was granted.
        number: of the record that put it there.
        why: `registered`, `copied`, `imported`, `approved`, `allowed` or `displaced`.
        approval: id of the approval, or of the one that renewed it last, or "".
        lifecycle: digest of the lifecycle in force, or "".
        valid_until: until when that approval is valid; None for ever.
        retires_from: the stage that it was displaced from, if it might be served as before for a
            while, or "".
        retires_at: until when.
        origin: what it was copied from, where that put it there, or None.
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

    def served_as(self, moment: datetime) -> tuple[str, ...]:
        """Return the stages as at which it may be served at a moment: its own one first."""
        retiring = self.retires_at is not None and moment < self.retires_at
        return (self.stage, self.retires_from) if retiring else (self.stage,)


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
        match record.type:
            case type_ if type_ in _PLACED:
                standings[record.version] = _standing(record)
            case RecordType.RENEWED | RecordType.RATIFIED:
                standings[record.version] = replace(
                    standings[record.version],
                    approval=str(record.content["approval"]),
                    valid_until=_valid_until(record),
                )
            case RecordType.DELETED:
                standings.pop(record.version, None)
            case _:
                pass
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
    return _standing(placed[0])


def _standing(record: Record) -> Standing:
    lifecycle = record.content.get("lifecycle")
    return Standing(
        stage=str(record.content["to"]),
        since=record.at,
        number=record.number,
        why=str(record.content.get("why", record.type.lower())),
        approval=str(record.content.get("approval", "")),
        lifecycle=str(lifecycle["digest"]) if isinstance(lifecycle, Mapping) else "",
        valid_until=_valid_until(record),
        retires_from=str(record.content["from"]) if "retires_at" in record.content else "",
        retires_at=_moment(record, "retires_at"),
        origin=_original(record),
    )


def _original(record: Record) -> Original | None:
    known = record.content.get("origin")
    if not isinstance(known, Mapping) or record.content.get("why") != _COPIED:
        return None
    number = known.get("number", 0)
    return Original(
        str(known["version"]), number if isinstance(number, int) else 0, str(known["record"])
    )


def _valid_until(record: Record) -> datetime | None:
    return _moment(record, "valid_until")


def _moment(record: Record, key: str) -> datetime | None:
    moment = record.content.get(key)
    return datetime.fromisoformat(str(moment)) if moment else None
