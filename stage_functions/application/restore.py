"""Make a ledger of a backup, in an empty store, and stop it until somebody has resolved it.

The file is read twice: once to see that it is whole and that its histories verify, before anything
is written; and once to write it. While that lasts the ledger's own row says so, and nobody
works on the store; it becomes the backup's only when all else is there, and was compared. So a
restore that was broken off is recognised, and begun anew on a store that is emptied first.

What was decided since the backup is not in it. So every registry that the ledger knows is stopped:
nothing is written to it, approvals do not lapse, and nobody is told anything, until an operator has
said by `stageward resolve` that this ledger is right.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import histories, keys, whole
from stage_functions.application.backup_check import check, found_in
from stage_functions.application.backup_lines import Broken, Reader, Sums, line
from stage_functions.application.codec import pack, plain, unpack
from stage_functions.application.ledger import Ledger, restores
from stage_functions.application.ledger_format import (
    KEY,
    RESTORING,
    barring,
    demand_known,
    restoring,
)
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import (
    LEDGER,
    TABLES,
    Change,
    Insert,
    Replace,
    Row,
    Upsert,
    WholeRows,
)
from stage_functions.application.registries import STATE, RegistryState
from stage_functions.application.restore_writing import empty, persistently, write_all
from stage_functions.domain.error import (
    InvalidInputError,
    LedgerDamagedError,
    NotAllowedNowError,
)
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, RecordType, minute, timestamp

Lines = Callable[[], Generator[bytes]]
"""Opens the file and yields its lines, each with its end; may be called again."""
Progress = Callable[[str, int], None]
_OPERATOR = Actor("", Attribution.NONE, "cli")
"""Who restores a ledger has its store, and is signed in to nothing."""
_OWN_ROW = (LEDGER, keys.LEDGER_PARTITION, KEY)


class Contents(Struct, frozen=True):
    """What a backup has in it.

    Attributes:
        ledger: the ledger's id.
        release: of Stageward that made the backup.
        made_at: when it was begun.
        rows: how many there are, by table.
        histories: how many were verified.
        records: how many these have.
        broken: histories that do not verify.
        registries: aliases of the registries that the ledger knows.
        sha256: of the content but for the last line, 64 hex digits.
    """

    ledger: str
    release: str
    made_at: datetime
    rows: Mapping[str, int]
    histories: int
    records: int
    broken: tuple[Broken, ...]
    registries: tuple[str, ...]
    sha256: str


class Restored(Struct, frozen=True):
    """What a restore came to.

    Attributes:
        contents: of the backup.
        at: when it was restored, as the record of it says.
        removed: rows that an earlier restore had left behind when it was broken off.
    """

    contents: Contents
    at: datetime
    removed: int


def examine(lines: Lines, name: str, progress: Progress = lambda *_: None) -> Contents:
    """Read a backup from one end to the other, and verify every history in it.

    Args:
        lines: of the file.
        name: what the file is called in messages.
        progress: is told how many rows were read.

    Raises:
        InvalidInputError: it is no backup, or not whole; the message says where.
        LaterReleaseError: only a later release can work on this ledger.
    """
    seen = _Seen()
    broken: list[Broken] = []
    count = records = 0
    with closing(lines()) as opened:
        reader = Reader(opened, name)

        def look(table: str, partition: str, row: Row) -> None:
            seen.look(table, partition, row)
            progress(f"{table} of the backup", reader.count)

        for found in found_in(reader, look):
            one = check(reader.header.ledger, found.partition, found.records, found.head)
            count, records = count + bool(one.records), records + one.records
            broken += [one.broken] if one.broken is not None else []
        end, header = reader.end, reader.header
    if seen.id != header.ledger:
        message = f"{name} says that it is of ledger {header.ledger}, and holds that of {seen.id}"
        raise InvalidInputError(message)
    if seen.own is not None:
        demand_known(seen.own)
    return Contents(
        header.ledger,
        header.release,
        header.made_at,
        end.rows,
        count,
        records,
        tuple(broken),
        tuple(sorted(seen.aliases)),
        end.sha256,
    )


def demand_empty(rows: WholeRows) -> bool:
    """Demand that a store has nothing in it but what a broken-off restore has left.

    Returns:
        Whether it has that.

    Raises:
        NotAllowedNowError: it has something else; the message says what.
    """
    own = rows.get(*_OWN_ROW)
    if own is not None and RESTORING in own.values:
        return True
    for table in TABLES:
        for partition, row in rows.scan(table):
            id_ = rows.get(LEDGER, keys.LEDGER_PARTITION, "id")
            what = f"the ledger {id_.values.get('id')!s}" if id_ is not None else "something"
            message = (
                f"there is {what} already: row {row.key} of {partition} in table {table}; a backup "
                "is restored where there is nothing"
            )
            raise NotAllowedNowError(message)
    return False


def restore(
    rows: WholeRows,
    lines: Lines,
    clock: Clock,
    contents: Contents,
    name: str,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Write a backup to an empty store, compare, and stop what the ledger governs.

    Args:
        rows: the store.
        lines: of the file.
        clock: the time.
        contents: what `examine` found in the file.
        name: what the file is called in messages.
        progress: is told how many rows were written.

    Raises:
        NotAllowedNowError: the store is not empty.
        ConflictError: somebody else restores there.
        InvalidInputError: the file is not what it was when it was examined.
        LedgerDamagedError: the store does not hold what was written to it.
        UnknownOutcomeError, StoreUnavailableError: as the store says; restore once more.
    """
    left = demand_empty(rows)
    own = rows.get(*_OWN_ROW) if left else None
    now = clock.now()
    begun = restoring(contents.sha256, now)
    first: Change = Insert(KEY, begun) if own is None else Replace(KEY, begun, own.etag)
    (etag,) = rows.commit(LEDGER, keys.LEDGER_PARTITION, [first])
    removed = empty(rows, _OWN_ROW) if left else 0
    written = _Written()
    with closing(lines()) as opened:
        reader = Reader(opened, name)
        write_all(rows, clock, written.but_own(reader, progress))
        if reader.end.sha256 != contents.sha256:
            message = f"{name} has changed since it was examined; restore it once more"
            raise InvalidInputError(message)
    _compare(rows, reader.sums, written.own)
    # Its lists may be older than its histories: they are not believed until they are rebuilt.
    persistently(clock, partial(whole.unsay, rows))
    at = _stop(rows, clock, contents, now)
    rows.commit(LEDGER, keys.LEDGER_PARTITION, [Replace(KEY, barring(written.own), etag)])
    return Restored(contents, at, removed)


class _Seen:
    """What of the rows of a backup is to be known before it is restored."""

    def __init__(self) -> None:
        self.aliases: set[str] = set()
        self.id: object = None
        self.own: Row | None = None

    def look(self, table: str, partition: str, row: Row) -> None:
        if table != LEDGER:
            return
        if partition.startswith(("registry:", "asset:")):
            self.aliases.add(partition.split(":")[1])
        elif (partition, row.key) == (keys.LEDGER_PARTITION, "id"):
            self.id = row.values.get("id")
        elif (partition, row.key) == (keys.LEDGER_PARTITION, KEY):
            self.own = row


class _Written:
    """The rows of a backup on their way; the ledger's own one is held back to the end."""

    def __init__(self) -> None:
        self.own: Row | None = None

    def but_own(self, reader: Reader, progress: Progress) -> Iterator[tuple[str, str, Row]]:
        for table, partition, row in reader.rows():
            progress(table, reader.count)
            if (table, partition, row.key) == _OWN_ROW:
                self.own = row
            else:
                yield table, partition, row


def _compare(rows: WholeRows, wanted: Sums, own: Row | None) -> None:
    """Demand that the store holds exactly the rows of the backup, but for the ledger's own one.

    Raises:
        LedgerDamagedError: it does not.
    """
    found = Sums()
    for table in TABLES:
        for partition, row in rows.scan(table):
            if (table, partition, row.key) != _OWN_ROW:
                found.add(table, line(table, partition, row))
    if own is not None:
        found.add(LEDGER, line(LEDGER, keys.LEDGER_PARTITION, own))
    for table in TABLES:
        if (found.rows[table], found.sums[table]) != (wanted.rows[table], wanted.sums[table]):
            message = (
                f"table {table} holds {found.rows[table]} rows, which are not the "
                f"{wanted.rows[table]} of the backup; does somebody else write there? Nothing "
                "works on it: restore once more"
            )
            raise LedgerDamagedError(message)


def _stop(rows: WholeRows, clock: Clock, contents: Contents, now: datetime) -> datetime:
    """Stop every registry that the ledger knows, and record what it was restored from."""
    made_at = minute(contents.made_at)
    why = (
        f"this ledger was restored from a backup of {made_at}, and what was decided since is not "
        "in it"
    )
    for alias in contents.registries:
        partition = keys.registry_partition(alias)
        row = rows.get(LEDGER, partition, STATE)
        state = RegistryState() if row is None else unpack(row, RegistryState)
        stopped = replace(state, stopped=why, stopped_at=now, restored=now)
        put = partial(rows.commit, LEDGER, partition, [Upsert(STATE, pack(stopped))])
        persistently(clock, put)
    count = restores(rows) + 1
    counted = Upsert(keys.RESTORED, plain({"count": count}))
    persistently(clock, partial(rows.commit, LEDGER, keys.LEDGER_PARTITION, [counted]))
    fields = {"made_at": timestamp(contents.made_at), "backup": contents.sha256}
    record = histories.append(
        Ledger(rows, clock, contents.ledger, restored=count),
        histories.JOURNAL,
        Draft(RecordType.RESTORED, "", "", _OPERATOR, fields),
        now=now,
        operation=clock.operation_id(),
    )
    return record.at
