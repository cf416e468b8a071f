"""Whether the histories of a ledger are whole, straight from the rows of its store.

Nothing is written, and nothing is needed but the rows: no configuration, no registry. Each history
is read once, in order, so that it takes the same memory whatever its length; of an asset, what is
known of each of its versions and approvals is kept meanwhile. Beside the records it is looked
whether the head, and what the ledger says of each version and approval now, is what they come to,
and whether the documents that they name by digest are kept. A row that cannot be read is the fault:
never a reason to stop.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import unpack, unpack_blob, unpack_record
from stage_functions.application.histories import JOURNAL, History, of_lifecycle
from stage_functions.application.ledger import Head
from stage_functions.application.ports.rows import BLOBS, CATALOG, LEDGER, Row, Rows, WholeRows
from stage_functions.application.replayed import Replayed
from stage_functions.application.replayed_approvals import ReplayedApprovals
from stage_functions.application.verifying_approvals import (
    UNREADABLE,
    further,
    of_approvals,
    pages,
)
from stage_functions.domain.asset import Asset
from stage_functions.domain.chain import Broken, Fault, Found, verify_found
from stage_functions.domain.error import (
    InvalidInputError,
    LaterReleaseError,
    LedgerDamagedError,
    NotFoundError,
)
from stage_functions.domain.record import Record, Tail, digest_of
from stage_functions.domain.state import VersionState

MAX_BESIDE = 100
"""Contradictions of one history that are named; more are counted."""
KNOWN_DOCUMENTS = 4096
"""So many digests are remembered as looked up, so that memory does not grow with the records."""
_AGAIN = 3
"""So often approvals are looked at again that somebody writes meanwhile."""
_ASSET = "asset:"
_LIFECYCLE = "lifecycle:"
_ESCAPED = re.compile(r"(?:=[0-9A-F]{2})+")
_DOCUMENTS = ("evidence", "from")
"""Fields of a record that are the digest of a document that is kept, where they are a digest."""


class Verified(Struct, frozen=True):
    """What the verification of a history came to.

    Attributes:
        name: the asset, `lifecycle:<name>` or `ledger`.
        records: how many were read, up to the first bad one.
        number: of the last sound record.
        hash: of the last sound record, or "".
        fault: the first bad record, or None.
        beside: what contradicts the records, in sentences.
        more: contradictions beyond those.
    """

    name: str
    records: int = 0
    number: int = 0
    hash: str = ""
    fault: Fault | None = None
    beside: tuple[str, ...] = ()
    more: int = 0

    @property
    def whole(self) -> bool:
        """Nothing is wrong with it."""
        return self.fault is None and not self.beside


def ledger_id(rows: Rows) -> str:
    """Return the id of the ledger of a store.

    Raises:
        NotFoundError: there is none.
        LedgerDamagedError: the row that says it cannot be read.
        StoreUnavailableError: as the store says.
    """
    row = rows.get(LEDGER, keys.LEDGER_PARTITION, "id")
    if row is None:
        message = "there is no ledger here yet; it is made when Stageward starts"
        raise NotFoundError(message)
    found = row.values.get("id")
    if not isinstance(found, str):
        message = f"the row 'id' in '{keys.LEDGER_PARTITION}' does not say which ledger this is"
        raise LedgerDamagedError(message)
    return found


def named(name: str) -> History:
    """Return the history of a name: an asset, `lifecycle:<name>` or `ledger`.

    Raises:
        InvalidInputError: it is none of these.
    """
    if name == JOURNAL.name:
        return JOURNAL
    if name.startswith(_LIFECYCLE):
        return of_lifecycle(name.removeprefix(_LIFECYCLE))
    try:
        return of_asset(Asset.parse(name))
    except InvalidInputError as exc:
        message = f"'{name}' is no history: name an asset, lifecycle:<name> or ledger"
        raise InvalidInputError(message) from exc


def of_asset(asset: Asset) -> History:
    """Return the history of an asset."""
    return History(str(asset), keys.asset_partition(asset))


def check(rows: Rows, ledger: str, history: History, *, documents: bool = True) -> Verified:
    """Verify one history.

    Args:
        rows: the store.
        ledger: the ledger's id.
        history: which.
        documents: look for the documents that its records name, too.

    Raises:
        StoreUnavailableError: as the store says.
    """
    kinds = (keys.HEAD, keys.RECORD, keys.VERSION)
    stream = chain.from_iterable(pages(rows, history.partition, kind) for kind in kinds)
    return _check(rows, ledger, history, stream, _Documents(rows) if documents else None)


def check_all(rows: WholeRows, *, documents: bool = True) -> Iterator[Verified]:
    """Verify every history of a ledger, one after the other, in one pass over its table.

    An asset that is listed, or has a version in the catalog, and has no record was cut off whole.

    Raises:
        NotFoundError: the store has no ledger.
        StoreUnavailableError: as the store says.
    """
    ledger, known = ledger_id(rows), _Documents(rows) if documents else None
    seen: set[str] = set()
    for partition, found in groupby(rows.scan(LEDGER), key=itemgetter(0)):
        history = _history(rows, partition)
        if history is not None:
            seen.add(partition)
            yield _check(rows, ledger, history, (row for _, row in found), known)
    for partition, by in _named_elsewhere(rows):
        if partition not in seen:
            seen.add(partition)
            history = _history(rows, partition)
            if history is not None:
                now = check(rows, ledger, history, documents=documents)  # it may be new
                nothing = now.whole and not now.records
                yield replace(now, fault=_gone(by)) if nothing else now


def _named_elsewhere(rows: WholeRows) -> Iterator[tuple[str, str]]:
    """Yield the partitions of assets that are spoken of elsewhere, and where."""
    for row in pages(rows, keys.ASSETS_PARTITION, ""):
        yield row.key, "the index of assets"
    before = ""
    for place, row in rows.scan(CATALOG):
        if place.count(":") == 1:
            partition = f"{_ASSET}{place}:{row.key.rpartition(':')[0]}"
            if partition != before:
                yield partition, "the catalog"
            before = partition


def _gone(by: str) -> Fault:
    return Fault(1, f"{by} names it, but neither a head nor a record is there", Broken.CUT)


def records_found(rows: Iterable[Row]) -> Iterator[Found]:
    """Yield what stands in the rows of records, readable or not."""
    for row in rows:
        place = _place(row.key)
        if not place:
            why = f"a row {row.key} stands among the records"
            yield Found(None, 0, why, Broken.ADDED)
            continue
        try:
            record = unpack_record(row)
        except LaterReleaseError as exc:
            yield Found(None, place, str(exc), Broken.UNREADABLE)
        except (LedgerDamagedError, RecursionError) as exc:
            yield Found(None, place, f"it cannot be read: {exc}")
        else:
            yield _with_format(row, record, place)


def _with_format(row: Row, record: Record, place: int) -> Found:
    layout = row.values.get("format")
    if type(layout) is int and layout > 0:
        return Found(record, place)
    return Found(None, place, "its row does not say in which format it is")


def _place(key: str) -> int:
    """Return which record a key is of; 0 where it is of none."""
    digits = key.removeprefix(keys.RECORD)
    number = int(digits) if digits.isascii() and digits.isdecimal() else 0
    return number if keys.record_key(number) == key else 0


def _history(rows: Rows, partition: str) -> History | None:
    """Return the history whose rows are in a partition; None where there is none."""
    if partition == JOURNAL.partition:
        return JOURNAL
    if partition.startswith(_LIFECYCLE):
        return History(name_of(partition), partition)
    if not partition.startswith(_ASSET):
        return None
    try:
        row = rows.get(LEDGER, keys.ASSETS_PARTITION, partition)
    except ValueError:  # no key
        row = None
    listed = row.values.get("asset") if row is not None else None
    return History(listed if isinstance(listed, str) else name_of(partition), partition)


def name_of(partition: str) -> str:
    """Return the name of the history in a partition: of a very long one, only how it begins."""
    plain = _ESCAPED.sub(
        lambda found: bytes.fromhex(found[0].replace("=", "")).decode(errors="replace"), partition
    )
    if plain == JOURNAL.partition:
        return JOURNAL.name
    return "/".join(plain.split(":", 3)[1:]) if plain.startswith(_ASSET) else plain


class _InOrder:
    """The rows of a partition, taken off kind by kind, in the order of their keys."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def taken(self, prefix: str) -> Iterator[Row]:
        """Yield the rows whose keys begin so; those before them are passed over."""
        end = keys.after(prefix)
        while self._next is not None and self._next.key < end:
            row, self._next = self._next, next(self._rows, None)
            if row.key.startswith(prefix):
                yield row


class _Documents:
    """Looks up documents by digest; remembers the last ones."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: dict[str, str] = {}

    def fault(self, digest: str) -> str:
        """Say what is wrong with a document; "" where it is kept as it was."""
        if digest not in self._known:
            if len(self._known) >= KNOWN_DOCUMENTS:
                del self._known[next(iter(self._known))]
            self._known[digest] = self._looked_up(digest)
        return self._known[digest]

    def _looked_up(self, digest: str) -> str:
        found = self._rows.query(BLOBS, keys.encode(digest))
        if not found:
            return "which is not kept"
        try:
            document = unpack_blob(found)
        except zlib.error:
            return "which cannot be read"
        return "" if digest_of(document) == digest else "but what is kept hashes to something else"


class _Reading:
    """What is seen of a history while it is read."""

    def __init__(self, head: Head | None, documents: _Documents | None) -> None:
        self._head = head
        self._documents = documents
        self.replayed = Replayed()
        self.approvals = ReplayedApprovals()
        self.last: Record | None = None
        self.records = 0
        self.behind = 0
        self.beside: list[str] = []
        self.more = 0

    def watched(self, found: Iterable[Found]) -> Iterator[Found]:
        """Yield what is found up to the head, and look at each record on its way."""
        for one in found:
            if self._head is not None and one.place > self._head.number:
                self.behind = self.behind or one.place
                continue
            yield one
            if one.record is not None:  # only when the next one is asked for: it was sound
                self._look(one.record)

    def contradict(self, why: str) -> None:
        """Remember something beside the records that contradicts them."""
        if len(self.beside) < MAX_BESIDE:
            self.beside.append(why)
        else:
            self.more += 1

    def _look(self, record: Record) -> None:
        self.records += 1
        self.last = record
        self.replayed.see(record)
        self.approvals.see(record)
        if self._documents is None:
            return
        for what, digest in _digests(record):
            why = self._documents.fault(digest)
            if why:
                self.contradict(f"record {record.number} names the {what} {digest}, {why}")


def _digests(record: Record) -> Iterator[tuple[str, str]]:
    """Yield the documents that a record names: what each is, and its digest."""
    content = record.content
    lifecycle, origin = content.get("lifecycle"), content.get("origin")
    if isinstance(lifecycle, dict):
        yield "lifecycle", str(lifecycle.get("digest"))
    if isinstance(origin, dict) and origin.get("evidence"):
        yield "evidence", str(origin["evidence"])
    for name in _DOCUMENTS:
        found = content.get(name)
        if isinstance(found, str) and found.startswith("sha256:"):
            yield "lifecycle" if name == "from" else name, found


def _check(
    rows: Rows,
    ledger: str,
    history: History,
    stream: Iterable[Row],
    documents: _Documents | None,
) -> Verified:
    try:
        return _checked(rows, ledger, history, stream, documents)
    except ValueError as exc:  # the store takes no such name, so Stageward has not written it
        return Verified(history.name, beside=(f"it cannot be verified to its end: {exc}",))


def _checked(
    rows: Rows,
    ledger: str,
    history: History,
    stream: Iterable[Row],
    documents: _Documents | None,
) -> Verified:
    in_order = _InOrder(stream)
    row = next(in_order.taken(keys.HEAD), None)
    head, why = _head(row)
    reading = _Reading(head, documents)
    if why:
        reading.contradict(why)
    end = Tail(ledger, history.name, head.number, head.hash) if head is not None else None
    found = reading.watched(records_found(in_order.taken(keys.RECORD)))
    fault = verify_found(ledger, history.name, found, head=end)
    if fault is None:
        fault = _behind(rows, history, head, reading)
    if fault is None and head is None and not why and not reading.records:
        by = _speaks_of(rows, history)
        fault = _gone(by) if by else None
    if fault is None:
        there = head is not None or reading.records
        if there and history.partition.startswith(_ASSET) and not _listed(rows, history):
            reading.contradict("the index of assets does not name it")
        if head is None and reading.records and not why:
            reading.contradict("its head is gone, so nothing says where it should end")
        states = in_order.taken(keys.VERSION)
        _compare(rows, history, head, reading, states)
        _compare_approvals(rows, history, head, reading)
    last = reading.last
    return Verified(
        history.name,
        reading.records,
        last.number if last else 0,
        last.hash if last else "",
        fault,
        tuple(reading.beside),
        reading.more,
    )


def _speaks_of(rows: Rows, history: History) -> str:
    """Say what names a history of which nothing is there; "" where nothing does."""
    if rows.query(LEDGER, history.partition, limit=1):
        return "what else is kept of it"
    listed = rows.get(LEDGER, keys.ASSETS_PARTITION, history.partition)
    return "the index of assets" if listed is not None else ""


def _listed(rows: Rows, history: History) -> bool:
    row = rows.get(LEDGER, keys.ASSETS_PARTITION, history.partition)
    return row is not None and row.values.get("asset") == history.name


def _head(row: Row | None) -> tuple[Head | None, str]:
    """Return the head of a row, or why it cannot be read."""
    if row is None:
        return None, ""
    try:
        return unpack(row, Head), ""
    except UNREADABLE as exc:
        return None, f"its head cannot be read: {exc}"


def _behind(rows: Rows, history: History, head: Head | None, reading: _Reading) -> Fault | None:
    """Find records behind the head that no later head covers: somebody may write meanwhile."""
    if head is None or not reading.behind or _grown(rows, history, reading.behind):
        return None
    why = f"the head is at record {head.number}, but record {reading.behind} is there"
    return Fault(head.number + 1, why, Broken.ADDED)


def _grown(rows: Rows, history: History, number: int) -> bool:
    """Tell whether the head has come to a number meanwhile."""
    head, _ = _head(rows.get(LEDGER, history.partition, keys.HEAD))
    return head is not None and head.number >= number


def _compare(
    rows: Rows,
    history: History,
    head: Head | None,
    reading: _Reading,
    states: Iterable[Row],
) -> None:
    """Compare what the ledger says of versions now with what the records come to."""
    for row in states:
        try:
            state = unpack(row, VersionState)
        except UNREADABLE as exc:
            reading.contradict(str(exc))
            continue
        later = head is not None and state.number > head.number
        if later and _grown(rows, history, state.number):
            reading.replayed.forget(state.version)
            continue
        for why in reading.replayed.differences(state):
            reading.contradict(why)
    for why in reading.replayed.left():
        reading.contradict(why)
    if head is not None:
        for why in reading.replayed.held_otherwise(head.holders):
            reading.contradict(why)


def _compare_approvals(rows: Rows, history: History, head: Head | None, reading: _Reading) -> None:
    """Compare the approvals, as they are kept, with what the records say of them.

    Those of which somebody writes meanwhile are looked at again, with what was recorded since.
    """
    said = of_approvals(rows, history, reading.approvals)
    last = reading.last.number if reading.last is not None else 0
    for _ in range(_AGAIN):
        if not said or not _grown(rows, history, last + 1):
            break
        last = further(rows, history, reading.approvals, last)
        again = set(of_approvals(rows, history, reading.approvals))
        said = [one for one in said if one in again]
    for why in said:
        reading.contradict(why)
    if head is not None and last == head.number and set(head.approvals) != reading.approvals.open():
        listed, by_records = sorted(head.approvals), sorted(reading.approvals.open())
        reading.contradict(
            f"the head has {', '.join(listed) or 'no approval'} as open, "
            f"by the records {', '.join(by_records) or 'none'} is"
        )
