"""Whether the histories of a ledger still are what was anchored: rewritten and cut ones are found.

Anchors are taken from a place that the ledger's writers cannot change. Each must follow the one
before it; what the ledger keeps of it must come to its root; and the end of each history that it is
over must be a record of that history still. Every end is looked up once, when it changes.

Whether the records themselves are linked is for `verifying`: together they say that all records up
to an anchored end are those that were there when it was anchored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.anchor_rows import Ends, with_ends
from stage_functions.application.codec import unpack_record
from stage_functions.application.histories import JOURNAL
from stage_functions.application.ports.rows import LEDGER, Rows
from stage_functions.application.verifying import named
from stage_functions.domain.anchor import Anchor, End
from stage_functions.domain.chain import Broken, Fault
from stage_functions.domain.error import InvalidInputError, StagewardError
from stage_functions.domain.merkle import leaf_hash, root_over
from stage_functions.domain.record import RecordType, minute

MAX_FAULTS = 100
_LOST = (
    ": it was made before the restore that record {} of the ledger's own history tells of, {}; "
    "what was recorded since the backup is lost. Who does not know of that restore should ask"
)


class UpTo(Struct, frozen=True):
    """Up to where a history is as it was anchored.

    Attributes:
        number: of the last record that was anchored, and is there.
        at: when it was anchored last as the end, aware UTC.
    """

    number: int
    at: datetime


class Anchored(Struct, frozen=True):
    """What the comparison with anchors came to.

    Attributes:
        anchors: how many were compared.
        latest: of the latest one, or None.
        faults: what is wrong with the anchors themselves, or what the ledger keeps of them.
        rewritten: by history, its first bad record.
        up_to: by history, up to where it is as it was anchored.
    """

    anchors: int = 0
    latest: datetime | None = None
    faults: tuple[str, ...] = ()
    rewritten: Mapping[str, Fault] = {}
    up_to: Mapping[str, UpTo] = {}

    @property
    def whole(self) -> bool:
        """Everything is as it was anchored."""
        return not self.faults and not self.rewritten


def compare(
    rows: Rows, ledger: str, anchors: Iterable[Anchor], only: Collection[str] = ()
) -> Anchored:
    """Compare a ledger with anchors that were published of it.

    Args:
        rows: the store.
        ledger: the ledger's id.
        anchors: as they were kept elsewhere, in any order; those of other ledgers are passed over.
        only: names of the histories to look up; all if empty.

    Raises:
        StoreUnavailableError: as the store says.
    """
    given = {one.digest: one for one in anchors if one.ledger == ledger}
    published = sorted(given.values(), key=lambda one: (one.at, one.digest))
    comparing = _Comparing(rows, ledger, only)
    if not published:
        comparing.tell("no anchor of this ledger is there")
    for why in _gaps(published):
        comparing.tell(why)
    left = comparing.through(given)
    restores = list(_restores(rows)) if left else []
    for one in left:
        since = next((why for begun, ended, why in restores if begun <= one.at <= ended), "")
        comparing.tell(f"the ledger does not know the anchor of {minute(one.at)}{since}")
    latest = published[-1].at if published else None
    return Anchored(
        len(published),
        latest,
        tuple(comparing.faults),
        comparing.rewritten,
        comparing.up_to,
    )


def _restores(rows: Rows) -> Iterator[tuple[datetime, datetime, str]]:
    """Yield from when to when anchors may be lost by a restore, as the ledger says, and why."""
    start, end = keys.RECORD, keys.after(keys.RECORD)
    while found := rows.query(LEDGER, JOURNAL.partition, start=start, end=end):
        for row in found:
            with suppress(StagewardError, KeyError, ValueError):  # a bad record explains nothing
                record = unpack_record(row)
                if record.type == RecordType.RESTORED:
                    begun = datetime.fromisoformat(str(record.content["made_at"]))
                    yield begun, record.at, _LOST.format(record.number, minute(record.at))
        start = keys.behind(found[-1].key)


def _gaps(published: list[Anchor]) -> Iterator[str]:
    """Yield where an anchor does not follow the one before it."""
    before: Anchor | None = None
    for one in published:
        if before is None and one.before:
            yield f"anchors from before {minute(one.at)} are not there"
        elif before is not None and one.before != before.digest:
            yield (
                f"between the anchors of {minute(before.at)} and {minute(one.at)} one is missing, "
                "or one of them was changed"
            )
        before = one


class _Tree:
    """The hashes of the ends that anchors are over: each is made once, when its end changes."""

    def __init__(self) -> None:
        self._leaves: dict[str, bytes] = {}
        self._names: list[str] = []

    def change(self, ends: Iterable[End]) -> None:
        """Take over the ends that have changed."""
        self._leaves.update({end.name: leaf_hash(end.entry) for end in ends})

    def root(self, ends: Ends) -> str:
        """Return the root over all ends of an anchor, 64 hex digits; all have been taken over."""
        if len(self._names) != len(ends.all) or len(self._leaves) != len(ends.all):
            self._leaves = {name: self._leaves[name] for name in ends.all}
            self._names = sorted(self._leaves)
        return root_over([self._leaves[name] for name in self._names]).hex()


class _Comparing:
    """What is found while the ledger's anchors are followed."""

    def __init__(self, rows: Rows, ledger: str, only: Collection[str]) -> None:
        self._rows = rows
        self._ledger = ledger
        self._only = only
        self._missed: dict[str, End] = {}
        self._tree = _Tree()
        self.faults: list[str] = []
        self.rewritten: dict[str, Fault] = {}
        self.up_to: dict[str, UpTo] = {}

    def tell(self, why: str) -> None:
        """Remember what is wrong with anchors."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(why)

    def through(self, published: Mapping[str, Anchor]) -> list[Anchor]:
        """Follow the ledger's own anchors; return the published ones that are not among them."""
        left = dict(published)
        try:
            for one in with_ends(self._rows):
                self._follow(one, left.pop(one.kept.anchor(self._ledger).digest, None))
        except StagewardError as exc:
            self.tell(f"{exc}; later anchors are not compared")
        return list(left.values())

    def _follow(self, one: Ends, anchor: Anchor | None) -> None:
        # An anchor that is only in the ledger proves nothing; what has changed counts from the next
        # one that is published.
        self._missed.update({end.name: end for end in one.changed})
        self._tree.change(one.changed)
        if anchor is None:
            return
        if (self._tree.root(one), len(one.all)) != (anchor.root, anchor.size):
            self.tell(f"what the ledger keeps of the anchor of {minute(anchor.at)} was changed")
            return
        gone = [name for name in self.up_to if name not in one.all]
        for end in self._missed.values():
            if one.all.get(end.name) == end and (not self._only or end.name in self._only):
                self._look_up(end, anchor.at)
        self._missed.clear()
        for name in gone:
            del self.up_to[name]
        for name, known in self.up_to.items():
            if name not in self.rewritten and one.all[name].number == known.number:
                self.up_to[name] = UpTo(known.number, anchor.at)

    def _look_up(self, end: End, at: datetime) -> None:
        if end.name in self.rewritten:
            return
        kept = self._hash(end)
        if kept == end.hash:
            self.up_to[end.name] = UpTo(end.number, at)
            return
        known = self.up_to.get(end.name)
        begins = known.number + 1 if known is not None else 1
        since = f"record {end.number}, anchored {minute(at)}"
        if kept is None:
            last = self._last(end, begins - 1)
            left = f"behind record {last}" if last else "with all that there was"
            why = f"{since}, is not there: the tail was cut {left}"
            if last >= begins:
                one = f"record {begins} is" if begins == last else f"records {begins} to {last} are"
                why = f"{why}; whether {one} as anchored, no anchor tells"
            self.rewritten[end.name] = Fault(last + 1, why, Broken.CUT)
        else:
            rest = f"from record {begins} or a later one on" if begins < end.number else "there"
            why = f"{since}, is another one now: the history was rewritten {rest}"
            self.rewritten[end.name] = Fault(begins, why, Broken.ALTERED)

    def _last(self, end: End, there: int) -> int:
        """Return the last record of a history before an end that is gone, by halves.

        Args:
            end: of which there is no record.
            there: number of one that is there, or 0.
        """
        gone = end.number
        while gone - there > 1:
            between = (gone + there) // 2
            if self._hash(End(end.name, between, "")) is None:
                gone = between
            else:
                there = between
        return there

    def _hash(self, end: End) -> str | None:
        """Return the hash of the record that a history has now at an end; None for no record."""
        try:
            history = named(end.name)
        except InvalidInputError:
            return None
        row = self._rows.get(LEDGER, history.partition, keys.record_key(end.number))
        return str(row.values.get("hash", "")) if row is not None else None
