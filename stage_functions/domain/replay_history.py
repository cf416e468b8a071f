"""The requests of a history, each with what is known of the moment at which it was decided.

Only what records say is taken: a version's stage, since when it has it, and who held which stage,
follow from the records before. What moves by itself (displaced, imported, copied) is no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.state import Mark, Unratified, VersionState

_GRANTED, _REFUSED, _PENDING = "granted", "refused", "pending"
_ALLOWED, _APPROVED = "allowed", "approved"
_COMES = (RecordType.REGISTERED, RecordType.IMPORTED)


class Past(Struct, frozen=True):
    """A request that was decided.

    Attributes:
        record: that says what came of it: refused, granted, or an approval that was opened.
        state: of the version then, as far as records say.
        created_at: when its registry made the version; None where that is not said.
        others: the other versions of the asset, by the stage that each had then.
        outcome: granted, refused or pending.
        approval: id of the approval that it waited for, or "".
        late: an approval that was asked for before, by which the version moved now.
    """

    record: Record
    state: VersionState
    created_at: datetime | None
    others: Mapping[str, tuple[str, ...]]
    outcome: str
    approval: str = ""
    late: bool = False

    @property
    def source(self) -> str:
        """The stage that the version had."""
        return str(self.record.content["from"])

    @property
    def target(self) -> str:
        """What was asked for."""
        return str(self.record.content["to"])

    @property
    def requester(self) -> Actor:
        """Who asked; a sponsor takes this place only in the approval."""
        found = self.record.content["requester"]
        said = found if isinstance(found, Mapping) else {}
        attribution = Attribution(str(said.get("attribution", Attribution.NONE)))
        return Actor(str(said.get("id", "")), attribution, str(said.get("via", "")))

    def text(self, name: str) -> str:
        """Return a field of the record that is a text; "" where it has none."""
        return str(self.record.content.get(name, ""))

    @property
    def lifecycle(self) -> str:
        """Digest of the lifecycle that it was decided by."""
        found = self.record.content.get("lifecycle")
        return str(found["digest"]) if isinstance(found, Mapping) else ""


class _Known(Struct, frozen=True):
    """What records have said of a version so far."""

    state: VersionState
    created_at: datetime | None


class _Reading(Struct):
    """What records have said of an asset so far; mutable only while its history is read."""

    versions: dict[str, _Known] = field(default_factory=dict)
    open: dict[str, Past] = field(default_factory=dict)
    edited: dict[str, Record] = field(default_factory=dict)

    def past(self, record: Record, outcome: str) -> Past:
        known = self.versions.get(record.version)
        state = known.state if known is not None else _state(record, str(record.content["from"]))
        others: dict[str, tuple[str, ...]] = {}
        for number, one in self.versions.items():
            if number != record.version:
                others[one.state.stage] = (*others.get(one.state.stage, ()), number)
        approval = str(record.content.get("approval", ""))
        made = known.created_at if known is not None else None
        return Past(record, state, made, others, outcome, approval)

    def follow(self, record: Record) -> None:
        """Take note of what a record changes."""
        known = self.versions.get(record.version)
        if record.type in _COMES:
            state = _state(record, str(record.content["to"]))
            edited = self.edited.pop(record.version, None)
            if edited is not None and edited.content["commit"] == record.content["commit"]:
                state = replace(state, drifted=edited.number)  # its content was edited in place
            self.versions[record.version] = _Known(state, _moment(record, "created_at"))
        elif record.type is RecordType.STAGE_CHANGED:
            before = known.state if known is not None else _state(record, "")
            stage = str(record.content["to"])
            moved = replace(
                before,
                stage=stage,
                since=record.at,
                held=(*(one for one in before.held if one != stage), stage),
                valid_until=_moment(record, "valid_until"),
                **_barred(before, record),
            )
            made = known.created_at if known is not None else None
            self.versions[record.version] = _Known(moved, made)
        elif record.type is RecordType.DELETED:
            self.versions.pop(record.version, None)
        elif known is not None:
            if record.blocks:
                self.edited[record.version] = record
            state = _noted(known.state, record)
            self.versions[record.version] = replace(known, state=state)


def requests(records: Iterable[Record], since: datetime) -> Iterator[Past]:
    """Yield the requests that were decided since a moment, in order.

    One that waited for approval before that moment, and was approved since, is among them.

    Args:
        records: of one asset, all of them, in order.
        since: aware UTC.
    """
    reading = _Reading()
    for record in records:
        recent = record.at >= since
        if record.type is RecordType.TRANSITION_REFUSED and recent:
            yield reading.past(record, _REFUSED)
        elif record.type is RecordType.APPROVAL_REQUESTED and not record.content.get("ratifies"):
            past = reading.past(record, _PENDING)
            if recent:
                yield past
            else:
                reading.open[past.approval] = past
        elif record.type is RecordType.APPROVAL_CLOSED:
            waited = reading.open.pop(str(record.content["approval"]), None)
            if waited is not None and recent and record.content.get("status") == _APPROVED:
                yield replace(waited, late=True)
        elif record.content.get("why") == _ALLOWED and recent:
            yield reading.past(record, _GRANTED)
        reading.follow(record)


def _noted(state: VersionState, record: Record) -> VersionState:
    """Return a version's state after a record that does not move it."""
    if record.type is RecordType.RENEWED:
        return replace(state, valid_until=_moment(record, "valid_until"))
    if record.type is RecordType.RATIFIED:
        return replace(state, unratified=None, valid_until=_moment(record, "valid_until"))
    if record.blocks:
        return replace(state, drifted=state.drifted or record.number)
    if record.type is RecordType.ACKNOWLEDGED:
        return replace(state, drifted=0)
    if record.type is RecordType.REVIEWED and "clears" in record.content:
        return replace(state, marked=None)
    return state


def _barred(before: VersionState, record: Record) -> dict[str, Mark | Unratified | None]:
    """Return what keeps a version from moving on, after a record that moved it."""
    why, number = str(record.content.get("why", "")), record.content.get("because_of", 0)
    marked, unratified = before.marked, before.unratified
    if record.content.get("marked"):
        marked = Mark(record.number, why, "")
    if why == "emergency" and isinstance(number, int):
        unratified = Unratified(number, "", "")
    elif why != "renamed":
        unratified = None
    return {"marked": marked, "unratified": unratified}


def _state(record: Record, stage: str) -> VersionState:
    return VersionState(
        version=record.version,
        incarnation=str(record.content.get("incarnation", "")),
        stage=stage,
        since=record.at,
        author=str(record.content.get("author", "")),
        trainer=str(record.content.get("trainer", "")),
        held=(stage,) if stage else (),
        valid_until=_moment(record, "valid_until"),
    )


def _moment(record: Record, key: str) -> datetime | None:
    found = record.content.get(key)
    return datetime.fromisoformat(str(found)) if found else None
