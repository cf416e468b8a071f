"""Whether a history is whole, and if not, which record is the first bad one and why.

A pure function over stored records, in order, read once. It looks ahead only behind a fault, to
tell reasons apart, so it takes the same memory whatever the length.

What each reason stands on:

- altered: a record's bytes are not what its hash is over, or say otherwise than they are read, or
  are not canonical. One that was hashed anew does not fit its neighbours: where the next record
  vouches for this one, it is the one before that was altered.
- dropped: a number is missing, and no later record has it.
- reordered: a number is missing, and a later record has it.
- repeated: a number stands there again.
- moved: a record that is sound by itself is of another history, or of another ledger.
- cut: the head is at a later record than the last one.
- added: there are records behind the head.

Linked anew up to the head, a history that somebody rewrote is whole by itself: only an anchor that
is kept elsewhere finds that, see `anchor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from stage_functions.domain.record import Record, Tail, canonical, empty_tail, link

Head = Tail | Callable[[], Tail | None] | None
"""Where a history should end, if known; or returns it, asked once its records were read."""


class Broken(StrEnum):
    """What became of a record."""

    ALTERED = "altered"
    DROPPED = "dropped"
    REORDERED = "reordered"
    REPEATED = "repeated"
    MOVED = "moved"
    CUT = "cut"
    ADDED = "added"
    UNREADABLE = "unreadable"
    """Nothing is said of it: a later release wrote it."""


class Fault(Struct, frozen=True):
    """The first bad record of a history.

    Attributes:
        number: which record, by its place in the history.
        why: what is wrong, in words.
        broken: the same in one word.
    """

    number: int
    why: str
    broken: Broken = Broken.ALTERED


class Found(Struct, frozen=True):
    """What stands at a place of a history.

    Attributes:
        record: the record; None where what stands there cannot be read as one.
        place: the number that its place says; 0 where a place says none, as in a file.
        why: it cannot be read, or "".
        broken: what that means.
    """

    record: Record | None
    place: int = 0
    why: str = ""
    broken: Broken = Broken.ALTERED


def verify(
    ledger: str, name: str, records: Iterable[Record], *, head: Tail | None = None
) -> Fault | None:
    """Find the first record that is not what was written; None if all is well.

    Args:
        ledger: the ledger's id.
        name: the history that this claims to be: an asset, `lifecycle:<name>` or `ledger`.
        records: all of them, in order; read once, so a stream will do.
        head: where the history should end; without it a cut tail is not found.
    """
    return verify_found(ledger, name, (Found(one) for one in records), head=head)


def verify_found(
    ledger: str, name: str, found: Iterable[Found], *, head: Head = None
) -> Fault | None:
    """Find the first bad record among what stands at the places of a history; as `verify`."""
    tail, stream = empty_tail(ledger, name), iter(found)
    for one in stream:
        record = one.record
        if record is None:
            return _unread(tail, one, stream)
        fault = _of_itself(tail, record, one.place) or _of_its_place(tail, record, one.place)
        if fault is not None:
            return _looked_for(fault, record.number, one.place, stream)
        if record.prev != tail.hash:
            return _unlinked(tail, record, stream, head)
        if tail.at is not None and record.at <= tail.at:
            return Fault(tail.number + 1, "it is not later than the record before; hashed anew")
        tail = Tail(ledger, name, record.number, record.hash, record.at)
    end = _known(head)
    return _ended(tail, end) if end is not None else None


def _known(head: Head) -> Tail | None:
    return head() if callable(head) else head


def _unread(tail: Tail, found: Found, rest: Iterator[Found]) -> Fault:
    """Tell of a place where no record can be read, unless one is missing before it."""
    wanted = tail.number + 1
    if found.place <= wanted:
        return Fault(found.place or wanted, found.why, found.broken)
    why = f"{_missing(wanted, found.place - 1)} not there"
    return _looked_for(Fault(wanted, why, Broken.DROPPED), 0, found.place, rest)


def _missing(first: int, last: int) -> str:
    return f"records {first} to {last} are" if last > first else f"record {first} is"


def _of_itself(tail: Tail, record: Record, place: int) -> Fault | None:
    """Find what is wrong with a record, whatever stands around it."""
    at = place or tail.number + 1
    if not _is_canonical(record):
        return Fault(at, "its bytes are not the canonical ones of what they say")
    try:
        sound = link(record.prev, record.body) == record.hash
    except ValueError:
        return Fault(at, "what it links to is no hash")
    if not sound:
        return Fault(at, "its hash is not that of its bytes")
    content = record.content
    if (content.get("ledger"), content.get("asset")) == (tail.ledger, tail.asset):
        return None
    whose = f"{content.get('asset')} in ledger {content.get('ledger')}"
    if record.prev == tail.hash:
        return Fault(at, f"it links here, but says that it is of {whose}; hashed anew")
    return Fault(at, f"it belongs to {whose}, as record {record.number} there", Broken.MOVED)


def _of_its_place(tail: Tail, record: Record, place: int) -> Fault | None:
    """Find whether a record that is sound by itself stands where it belongs."""
    wanted, number = tail.number + 1, record.number
    if number == wanted and place in (0, wanted):
        return None
    if record.prev == tail.hash:
        there = f"stands at place {place}" if number == wanted else f"has the number {number}"
        broken = Broken.REORDERED if number == wanted else Broken.ALTERED
        return Fault(wanted, f"it links to record {tail.number}, but {there}", broken)
    if number < wanted:
        where = f"at the place of record {place}" if place else f"behind record {tail.number}"
        return Fault(wanted, f"record {number} stands again {where}", Broken.REPEATED)
    missing = _missing(wanted, max(wanted, min(number, place or number) - 1))
    why = f"{missing} not there; record {number} follows record {tail.number}"
    return Fault(wanted, why, Broken.DROPPED)


def _looked_for(fault: Fault, number: int, place: int, rest: Iterator[Found]) -> Fault:
    """Look for a missing record further on: then it was not dropped, but stands elsewhere."""
    if fault.broken is not Broken.DROPPED:
        return fault
    if any(one.record is not None and one.record.number == fault.number for one in rest):
        what = f"record {number}" if number else "another"
        where = "stands at its place" if place == fault.number else "stands before it"
        return Fault(fault.number, f"{what} {where}, and it stands behind", Broken.REORDERED)
    return fault


def _unlinked(tail: Tail, record: Record, rest: Iterator[Found], head: Head) -> Fault:
    """Tell of two sound records that do not fit which one is to blame: the next one vouches."""
    if bytes.fromhex(record.prev).hex() == tail.hash:
        return Fault(record.number, "what it links to is not written as hashes are")
    after = next(rest, None)
    if after is None:
        end = _known(head)
        vouched = end is not None and end.hash == record.hash
    else:
        vouched = after.record is not None and after.record.prev == record.hash
    if vouched and tail.number:
        why = f"record {record.number} links to another one; this one was hashed anew"
        return Fault(tail.number, why)
    before = f"record {tail.number}" if tail.number else "the beginning of this history"
    return Fault(record.number, f"it does not link to {before}; one of the two was hashed anew")


def _ended(tail: Tail, head: Tail) -> Fault | None:
    if (tail.number, tail.hash) == (head.number, head.hash):
        return None
    if tail.number < head.number:
        why = f"the head is at record {head.number}, the records end at {tail.number}"
        return Fault(tail.number + 1, why, Broken.CUT)
    if tail.number > head.number:
        why = f"the head is at record {head.number}, but there are {tail.number} records"
        return Fault(head.number + 1, why, Broken.ADDED)
    why = "the head has another hash for it: one of the two was changed"
    return Fault(tail.number, why)


def _is_canonical(record: Record) -> bool:
    try:
        return canonical(record.content) == record.body
    except (ValueError, TypeError, RecursionError):
        return False
