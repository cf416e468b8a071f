"""The rows of anchors: what is kept in the ledger of each, so that proofs can be made of it later.

An anchor's ends are documents, by digest: all of them now and then, else only those that have
changed since the anchor before. Where nothing has, there is none. So a year of anchors takes what
has happened in it, and not what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.codec import unpack, unpack_blob
from stage_functions.application.ports.rows import BLOBS, LEDGER, Row, Rows
from stage_functions.domain.anchor import Anchor, End
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.record import canonical, digest_of
from stage_functions.domain.stored import Stored

PARTITION = "anchors"
LATEST = "latest"
ANCHOR = "anchor:"
PLACE = "place:"
PAGE = 1000


class KeptAnchor(Stored, frozen=True):
    """An anchor, as the ledger keeps it.

    Attributes:
        number: its place among this ledger's anchors, from 1.
        at: as `Anchor` has it.
        size: as `Anchor` has it.
        root: as `Anchor` has it.
        before: as `Anchor` has it.
        ends: digest of the ends that are kept with it: those that have changed since the anchor
            before, or all; "" where none has.
        whole: number of the last anchor, up to this one, with which all were kept.
        contradicted: histories that had got further, or said otherwise, at the anchor before; ten
            at the most.
    """

    number: int
    at: datetime
    size: int
    root: str
    before: str = ""
    ends: str = ""
    whole: int = 0
    contradicted: tuple[str, ...] = ()

    def anchor(self, ledger: str) -> Anchor:
        """Return the anchor as it is published."""
        return Anchor(ledger, self.at, self.size, self.root, self.before)


class Published(Stored, frozen=True):
    """How far a place is.

    Attributes:
        number: of the last anchor that it has; 0 for none.
        attempts: made for the next one.
        next_at: not before this moment; None for at once.
        error: what went wrong last, or "".
        refused: it refuses for good: somebody must look.
    """

    number: int = 0
    attempts: int = 0
    next_at: datetime | None = None
    error: str = ""
    refused: bool = False


class Ends(Struct, frozen=True):
    """An anchor with the ends that it is over.

    Attributes:
        kept: the anchor.
        all: the ends by name.
        changed: those that were not so at the anchor before.
    """

    kept: KeptAnchor
    all: Mapping[str, End]
    changed: tuple[End, ...]


def anchor_key(number: int) -> str:
    """Return the key of an anchor's row."""
    return f"{ANCHOR}{number:010d}"


def place_key(name: str) -> str:
    """Return the key of the row that says how far a place is."""
    return f"{PLACE}{keys.encode(name)}"


def latest_row(rows: Rows) -> Row | None:
    """Return the row of the latest anchor, which is the lock of all; None where there is none."""
    return rows.get(LEDGER, PARTITION, LATEST)


def latest(rows: Rows) -> KeptAnchor | None:
    """Return the latest anchor, or None.

    Raises:
        LedgerDamagedError, LaterReleaseError: it cannot be read.
    """
    row = latest_row(rows)
    return unpack(row, KeptAnchor) if row is not None else None


def published(rows: Rows, name: str) -> Published:
    """Return how far a place is."""
    row = rows.get(LEDGER, PARTITION, place_key(name))
    return unpack(row, Published) if row is not None else Published()


def anchors(rows: Rows, *, after: int = 0, last: int | None = None) -> Iterator[KeptAnchor]:
    """Yield the anchors that the ledger keeps, behind a number, in order."""
    start = anchor_key(after + 1)
    end = keys.after(ANCHOR) if last is None else anchor_key(last + 1)
    while True:
        page = rows.query(LEDGER, PARTITION, start=start, end=end, limit=PAGE)
        for row in page:
            yield unpack(row, KeptAnchor)
        if len(page) < PAGE:
            return
        start = keys.behind(page[-1].key)


def with_ends(rows: Rows, *, after: int = 0, last: int | None = None) -> Iterator[Ends]:
    """Yield anchors with the ends that they are over, in order; the next one changes them.

    Args:
        rows: the store.
        after: behind an anchor that is followed by one with which all ends were kept.
        last: up to and with this one; None for all.

    Raises:
        LedgerDamagedError: what is kept of one is gone, or is not what it was.
    """
    known: dict[str, End] = {}
    for kept in anchors(rows, after=after, last=last):
        changed: tuple[End, ...] = ()
        if kept.ends:
            read = _read(rows, kept)
            if kept.whole == kept.number:
                changed = tuple(one for one in read.values() if known.get(one.name) != one)
                known = read
            else:
                changed = tuple(read.values())
                known.update(read)
        yield Ends(kept, known, changed)


def document(ends: Iterable[End]) -> bytes:
    """Return ends as the document that is kept of them."""
    return canonical([[one.name, one.number, one.hash] for one in sorted(ends)])


def digest(ends: Iterable[End]) -> str:
    """Return the digest of that document."""
    return digest_of(document(ends))


def _read(rows: Rows, kept: KeptAnchor) -> dict[str, End]:
    found = rows.query(BLOBS, keys.encode(kept.ends))
    try:
        body = unpack_blob(found) if found else b""
        listed = msgspec.json.decode(body, type=list[tuple[str, int, str]]) if body else []
    except Exception as exc:  # zlib and JSON, whatever stands there
        message = f"the ends of anchor {kept.number} cannot be read"
        raise LedgerDamagedError(message) from exc
    if not body or digest_of(body) != kept.ends:
        what = "are not what they were" if body else "are not kept"
        message = f"the ends of anchor {kept.number} {what}"
        raise LedgerDamagedError(message)
    return {name: End(name, number, hash_) for name, number, hash_ in listed}
