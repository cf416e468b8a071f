"""Who held each exclusive stage, and when: read off the records of an asset, by pure functions.

A version enters a stage by a record that names it as `to`, and leaves it by the next one of its
own that moves it elsewhere, or deletes it. A commit takes place as a whole, at the moment of its
first record: a displaced version is never beside the one that took over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.record import Json, Record, RecordType


class Holding(Struct, frozen=True):
    """A version's time at a stage.

    Attributes:
        stage: which.
        version: its number.
        since: from when; None where that was before the records that were read.
        until: to when; None for now.
        why: how it came there, in a word: approved, rolled back, imported; "" if not read.
        approval: id of the approval, or "".
        valid_until: until when the approval was valid by which it stood last; None for ever.
        ended: how it left: `displaced by 3`, `taken out by a rollback`, `moved to Archived`,
            `deleted`; "" while it is there.
    """

    stage: str
    version: str
    since: datetime | None
    until: datetime | None = None
    why: str = ""
    approval: str = ""
    valid_until: datetime | None = None
    ended: str = ""

    def ran_out(self, now: datetime) -> bool:
        """Tell whether its approval had ended before it left, or has by now."""
        return self.valid_until is not None and self.valid_until <= (self.until or now)


_NEVER = datetime.max.replace(tzinfo=UTC)
_ENTERS = (RecordType.REGISTERED, RecordType.IMPORTED, RecordType.STAGE_CHANGED)


def holdings(
    records: Iterable[Record],
    stages: Collection[str],
    present: Mapping[str, tuple[str, ...]] | None = None,
) -> list[Holding]:
    """Return who held these stages, in the order of entering.

    Args:
        records: of one asset, in order, without gaps; the oldest may be left out.
        stages: which stages.
        present: who holds them after the last record, where the oldest were left out: who has held
            a stage all the time appears in none of the records.
    """
    open_: dict[str, Holding] = {}
    ended: list[Holding] = []
    begun: tuple[Json, datetime] | None = None
    for record in records:
        if begun is None or record.content["commit"] != begun[0]:
            begun = (record.content["commit"], record.at)
        _follow(record, begun[1], stages, open_, ended)
    for stage, versions in (present or {}).items():
        for version in versions:
            if stage in stages and version not in open_:
                open_[version] = Holding(stage, version, None)
    found = [*ended, *open_.values()]
    return sorted(found, key=_entered)


def _follow(
    record: Record,
    at: datetime,
    stages: Collection[str],
    open_: dict[str, Holding],
    ended: list[Holding],
) -> None:
    version, source = record.version, str(record.content.get("from", ""))
    if record.type is RecordType.RENEWED:
        stage = str(record.content.get("stage", ""))
        if stage in stages:
            renewed = open_.get(version) or Holding(stage, version, None)
            open_[version] = replace(renewed, valid_until=_valid_until(record))
        return
    if record.type not in (*_ENTERS, RecordType.DELETED):
        return
    held = open_.pop(version, None)
    if held is None and source in stages:
        held = Holding(source, version, None)
    if held is not None:
        ended.append(replace(held, until=at, ended=_how(record)))
    target = str(record.content.get("to", ""))
    if record.type in _ENTERS and target in stages:
        why = str(record.content.get("why", record.type.lower())).replace("_", " ")
        approval = str(record.content.get("approval", ""))
        open_[version] = Holding(
            target, version, at, why=why, approval=approval, valid_until=_valid_until(record)
        )


def _valid_until(record: Record) -> datetime | None:
    until = record.content.get("valid_until")
    return datetime.fromisoformat(str(until)) if until else None


def _entered(one: Holding) -> tuple[bool, datetime]:
    return one.since is not None, one.since or one.until or _NEVER


def _how(record: Record) -> str:
    by = record.content.get("displaced_by")
    if by:
        out = "rolls_back" in record.content
        return "taken out by a rollback" if out else f"displaced by {by}"
    if record.type is RecordType.DELETED:
        return "deleted"
    return f"moved to {record.content.get('to', '')}"
