"""Write the whole ledger to one file, while instances run.

A store need not show all of its rows as of one moment, so what belongs together is made to fit:

- An asset's rows belong to its head, which every commit replaces: where that moved while they were
  read, they are read again. Records never change; only those that came since are added.
- What decisions lean on is written before they are committed, so documents and the index of
  approvals are read behind the histories: all that a history refers to is there.
- Work may be done, and its marker be gone, between the reading of an asset and that of `work`: see
  `backup_owed`.
- The catalog is read first: it is never ahead of the histories.

Every history is verified on the way. A broken one is kept as it is, and told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import IO

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.backup_check import check, has_history
from stage_functions.application.backup_lines import (
    FORMAT,
    Broken,
    End,
    Header,
    Write,
    Writer,
    line,
)
from stage_functions.application.backup_owed import Owing
from stage_functions.application.codec import unpack
from stage_functions.application.ledger import Head
from stage_functions.application.ledger_format import ledger_format
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import (
    BLOBS,
    CATALOG,
    LEDGER,
    WORK,
    Row,
    WholeRows,
)
from stage_functions.domain.error import ConflictError, NotFoundError, StagewardError

PAGE = 1000
TRIES = 20
"""How often the rows of an asset that keeps moving are read."""
PAUSE_SECONDS = 0.05
MAX_NAMED = 100
"""Assets that a report names; beyond, they are only counted."""
Spool = Callable[[], IO[bytes]]
"""Makes a place for the rows of one asset, until it is known that they belong together."""
Progress = Callable[[str, int], None]
"""Told now and then in which table it is, and how many rows are done."""


class Backup(Struct, frozen=True):
    """What a backup came to.

    Attributes:
        ledger: the ledger's id.
        made_at: when it was begun.
        rows: how many there are, by table.
        histories: how many were verified.
        records: how many these have.
        broken: histories that do not verify; they are in the backup as they are.
        reread: assets that moved and were read again, `MAX_NAMED` of them at the most.
        reread_in_all: how many those are.
        sha256: of the content but for the last line, 64 hex digits.
    """

    ledger: str
    made_at: datetime
    rows: dict[str, int]
    histories: int
    records: int
    broken: tuple[Broken, ...]
    reread: tuple[str, ...]
    reread_in_all: int
    sha256: str


def backup(
    rows: WholeRows,
    write: Write,
    clock: Clock,
    *,
    release: str,
    spool: Spool,
    progress: Progress = lambda *_: None,
) -> Backup:
    """Write every row of a ledger.

    Args:
        rows: the store.
        write: takes the bytes of the backup.
        clock: the time.
        release: of Stageward.
        spool: makes a place for the rows of an asset.
        progress: is told how far it is.

    Raises:
        NotFoundError: there is no ledger in the store.
        ConflictError: an asset kept moving while it was read.
        LaterReleaseError: this release is too old for the ledger.
        StoreUnavailableError: as the store says; or the ledger is being restored.
    """
    ledger_format(rows)
    own = rows.get(LEDGER, keys.LEDGER_PARTITION, "id")
    if own is None:
        message = "there is no ledger here yet; it is made when Stageward starts"
        raise NotFoundError(message)
    header = Header(FORMAT, release, str(own.values.get("id")), clock.now())
    made = _Made(rows, Writer(write), clock, header, spool, progress)
    made.out.header(header)
    made.table(CATALOG)
    made.ledger()
    made.work()
    made.table(BLOBS)
    return made.ended()


class _Made:
    """A backup in the making."""

    def __init__(
        self,
        rows: WholeRows,
        out: Writer,
        clock: Clock,
        header: Header,
        spool: Spool,
        progress: Progress,
    ) -> None:
        self.out = out
        self._rows = rows
        self._clock = clock
        self._header = header
        self._spool = spool
        self._progress = progress
        self._owing = Owing(rows, header.made_at)
        self._reread: list[str] = []
        self._broken: list[Broken] = []
        self._histories = self._records = 0

    def table(self, table: str) -> None:
        """Write a table whose rows stand for themselves."""
        for partition, row in self._rows.scan(table):
            self._put(table, line(table, partition, row))

    def ledger(self) -> None:
        """Write the ledger itself, partition by partition; what finds approvals comes last."""
        scan = self._rows.scan(LEDGER)
        for partition, group in groupby(scan, key=itemgetter(0)):
            found = (row for _, row in group)
            if partition == keys.APPROVALS_PARTITION:
                continue
            if has_history(partition):
                self._history(partition, found)
                continue
            for row in found:
                self._put(LEDGER, line(LEDGER, partition, row))
        for row in _pages(self._rows, keys.APPROVALS_PARTITION):
            self._put(LEDGER, line(LEDGER, keys.APPROVALS_PARTITION, row))

    def work(self) -> None:
        """Write what finds owed work and due moments, and what of it is gone meanwhile."""
        for partition, row in self._rows.scan(WORK):
            self._owing.found(partition, row.key)
            self._put(WORK, line(WORK, partition, row))
        for partition, row in self._owing.missing():
            self._put(WORK, line(WORK, partition, row))

    def ended(self) -> Backup:
        """Write the last line, and return what it all came to."""
        broken = tuple(self._broken)
        end: End = self.out.end(self._clock.now(), self._histories, self._records, broken)
        return Backup(
            self._header.ledger,
            self._header.made_at,
            dict(end.rows),
            end.histories,
            end.records,
            broken,
            tuple(self._reread[:MAX_NAMED]),
            len(self._reread),
            end.sha256,
        )

    def _history(self, partition: str, found: Iterator[Row]) -> None:
        with self._spool() as kept:
            reading = _Reading(self._rows, self._clock, partition, kept, self._put)
            checked = check(
                self._header.ledger, partition, reading.records(found), lambda: reading.head
            )
            reading.write()
            self._owing.note(checked.name, reading.head)
        if reading.again:
            self._reread.append(checked.name)
        self._histories += bool(checked.records)
        self._records += checked.records
        if checked.broken is not None:
            self._broken.append(checked.broken)

    def _put(self, table: str, written: bytes) -> None:
        self.out.row(table, written)
        self._progress(table, sum(self.out.sums.rows.values()))


class _Reading:
    """The rows of one history's partition, until they belong together.

    Attributes:
        head: the row that they belong to, or None.
        again: they moved, and were read again.
    """

    def __init__(
        self,
        rows: WholeRows,
        clock: Clock,
        partition: str,
        kept: IO[bytes],
        put: Callable[[str, bytes], None],
    ) -> None:
        self.head: Row | None = None
        self.again = False
        self._rows = rows
        self._clock = clock
        self._partition = partition
        self._kept = kept
        self._put = put
        self._last = ""

    def records(self, found: Iterator[Row]) -> Iterator[Row]:
        """Write records and yield them, in order; keep what else there is.

        All that is kept belongs to `head` where that did not change from when it was read till now,
        and what stands before it in the order of keys, and so was read before it, did not either.
        """
        before = hashlib.sha256()
        for row in found:
            if row.key.startswith(keys.RECORD):
                yield self._record(row)
                continue
            self._keep(row)
            if row.key <= keys.HEAD:
                before.update(_identified(row))
        if self._up_to_head() != before.digest():
            yield from self._settled()

    def write(self) -> None:
        """Write what was kept."""
        self._kept.seek(0)
        for written in self._kept:
            self._put(LEDGER, written)

    def _record(self, row: Row) -> Row:
        self._last = row.key
        self._put(LEDGER, line(LEDGER, self._partition, row))
        return row

    def _keep(self, row: Row) -> None:
        self._kept.write(line(LEDGER, self._partition, row))
        if row.key == keys.HEAD:
            self.head = row

    def _up_to_head(self) -> bytes:
        found = hashlib.sha256()
        for row in _pages(self._rows, self._partition, end=keys.behind(keys.HEAD)):
            found.update(_identified(row))
        return found.digest()

    def _settled(self) -> Iterator[Row]:
        """Read all but records again, until they belong together; yield the records since."""
        self.again = True
        for attempt in range(TRIES):
            self._kept.seek(0)
            self._kept.truncate()
            before = self._rows.get(LEDGER, self._partition, keys.HEAD)
            for row in _pages(self._rows, self._partition, end=keys.RECORD):
                self._keep(row)
            for row in _pages(self._rows, self._partition, start=keys.after(keys.RECORD)):
                self._keep(row)
            after = self._rows.get(LEDGER, self._partition, keys.HEAD)
            if before is not None and after is not None and before.etag == after.etag:
                break
            self._clock.sleep(PAUSE_SECONDS * (attempt + self._clock.fraction()))
        else:
            message = f"{self._partition} keeps changing while it is read; make the backup again"
            raise ConflictError(message)
        start = keys.behind(self._last) if self._last else keys.RECORD
        for row in _pages(self._rows, self._partition, start=start, end=_behind_last(after)):
            yield self._record(row)


def _behind_last(head: Row) -> str:
    """Return where the records of a head end."""
    try:
        return keys.behind(keys.record_key(unpack(head, Head).number))
    except StagewardError:  # it will be told that the head cannot be read
        return keys.after(keys.RECORD)


def _identified(row: Row) -> bytes:
    return f"{row.key} {row.etag}\n".encode()


def _pages(
    rows: WholeRows, partition: str, *, start: str = "", end: str | None = None
) -> Iterator[Row]:
    """Yield the rows of a range of the ledger, page by page."""
    while True:
        page = rows.query(LEDGER, partition, start=start, end=end, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        start = keys.behind(page[-1].key)
