"""Bring the rows of older releases to the present format, while instances run.

Each row is replaced only as it was read: one that an instance has written meanwhile is looked at
again. What a migration has done stays done wherever it ends; begun again, it goes on with the rest.
A row that cannot be read, and one of a later release, is named and left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from stage_functions.application import keys
from stage_functions.application.codec import format_of
from stage_functions.application.formats import RowKind, kind_of
from stage_functions.application.ledger_format import LEDGER_FORMAT, ledger_format, say_format
from stage_functions.application.ports.rows import (
    LEDGER,
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    TABLES,
    Replace,
    Row,
    WholeRows,
)
from stage_functions.domain.error import (
    ConflictError,
    NotFoundError,
    RowTooLargeError,
    UnknownOutcomeError,
)

MAX_NAMED = 100
"""Rows that a report names; beyond, they are only counted."""
TRIES = 3
_FULL_BYTES = MAX_BATCH_BYTES // 2
"""Of a batch: what a store counts is what it sends, which may be half as much again."""
_OF_NO_KIND = "unknown"


class Counted(Struct, frozen=True):
    """How many rows of a kind have a format.

    Attributes:
        table: where they lie.
        kind: what they are; `unknown` for those that this release has no name for.
        format: of the rows, as they were found; 0 where they have none.
        rows: how many.
        older: they are brought to the present format.
    """

    table: str
    kind: str
    format: int
    rows: int
    older: bool


class Left(Struct, frozen=True):
    """A row that is left as it is.

    Attributes:
        table: where it lies.
        partition: of it.
        key: of it.
        why: it is left.
    """

    table: str
    partition: str
    key: str
    why: str


class Migration(Struct, frozen=True):
    """What a migration came to.

    Attributes:
        dry_run: nothing was written.
        found: what there was.
        rewritten: rows that were brought to the present format, or would be.
        left: rows that are left as they are, `MAX_NAMED` of them at the most.
        left_in_all: how many those are.
        ledger: the format that the ledger has now, or would have.
        complete: no row is left behind.
    """

    dry_run: bool
    found: tuple[Counted, ...]
    rewritten: int
    left: tuple[Left, ...]
    left_in_all: int
    ledger: int
    complete: bool


class _Pending(Struct, frozen=True):
    """A row that is to be rewritten."""

    kind: RowKind
    row: Row
    change: Replace

    @property
    def size(self) -> int:
        values = self.change.values.values()
        return sum(len(one) if isinstance(one, str | bytes) else 8 for one in values)


class _Tally(Struct):
    """What a migration has come to; mutable only inside `migrate`."""

    counts: Counter[tuple[str, str, int, bool]] = field(default_factory=Counter)
    rewritten: int = 0
    left: list[Left] = field(default_factory=list)
    left_in_all: int = 0
    seen: int = 0

    def leave(self, table: str, partition: str, key: str, why: str) -> None:
        self.left_in_all += 1
        if len(self.left) < MAX_NAMED:
            self.left.append(Left(table, partition, key, why))


def migrate(
    rows: WholeRows, *, dry_run: bool = False, progress: Callable[[str, int], None] | None = None
) -> Migration:
    """Bring all rows to the present format, and then the ledger's own row.

    Args:
        rows: the store.
        dry_run: count, and write nothing.
        progress: told after each partition which table it is, and how many rows were looked at.

    Raises:
        NotFoundError: the store has no ledger.
        LaterReleaseError: the ledger was migrated by a later release.
        StoreUnavailableError: the store cannot be reached; begin again.
    """
    known = ledger_format(rows)
    if rows.get(LEDGER, keys.LEDGER_PARTITION, "id") is None:
        message = "there is no ledger here yet; it is made when Stageward starts"
        raise NotFoundError(message)
    tally = _Tally()
    for table in TABLES:
        _table(rows, table, tally, dry_run=dry_run, progress=progress)
    complete = tally.left_in_all == 0
    ledger = max(known.ledger, LEDGER_FORMAT) if complete else known.ledger
    if complete and not dry_run:
        ledger = say_format(rows).ledger
    return Migration(
        dry_run,
        tuple(
            Counted(table, kind, format_, count, older)
            for (table, kind, format_, older), count in sorted(tally.counts.items())
        ),
        tally.rewritten,
        tuple(tally.left),
        tally.left_in_all,
        ledger,
        complete,
    )


def _table(
    rows: WholeRows,
    table: str,
    tally: _Tally,
    *,
    dry_run: bool,
    progress: Callable[[str, int], None] | None,
) -> None:
    batch: list[_Pending] = []
    at, size = "", 0
    for partition, row in rows.scan(table):
        if partition != at:
            _write(rows, table, at, batch, tally)
            batch, at, size = [], partition, 0
            if progress is not None:
                progress(table, tally.seen)
        tally.seen += 1
        pending = _looked_at(table, partition, row, tally)
        if pending is None:
            continue
        if dry_run:
            tally.rewritten += 1
            continue
        if len(batch) == MAX_BATCH_ROWS or size + pending.size > _FULL_BYTES:
            _write(rows, table, partition, batch, tally)
            batch, size = [], 0
        batch.append(pending)
        size += pending.size
    _write(rows, table, at, batch, tally)


def _looked_at(table: str, partition: str, row: Row, tally: _Tally) -> _Pending | None:
    """Count a row; return it as it is to be, or None where it stays as it is."""
    kind = kind_of(table, partition, row.key)
    at = format_of(row)
    if kind is None:
        tally.counts[table, _OF_NO_KIND, at, False] += 1
        tally.leave(table, partition, row.key, "this release has no such rows")
        return None
    fault = kind.fault(row)
    values = None if fault else kind.migrated(row)
    tally.counts[table, kind.name, at, values is not None] += 1
    if fault:
        tally.leave(table, partition, row.key, fault)
    return _Pending(kind, row, Replace(row.key, values, row.etag)) if values is not None else None


def _write(
    rows: WholeRows, table: str, partition: str, batch: Sequence[_Pending], tally: _Tally
) -> None:
    """Rewrite rows at once where nobody has touched them meanwhile, else one by one."""
    if not batch:
        return
    try:
        rows.commit(table, partition, [one.change for one in batch])
    except (ConflictError, UnknownOutcomeError, RowTooLargeError):
        for one in batch:
            _write_one(rows, table, partition, one, tally)
    else:
        tally.rewritten += len(batch)


def _write_one(rows: WholeRows, table: str, partition: str, one: _Pending, tally: _Tally) -> None:
    for _ in range(TRIES):
        row = rows.get(table, partition, one.row.key)
        values = one.kind.migrated(row) if row is not None else None
        if row is None or values is None:  # an instance has removed or rewritten it, or we have
            tally.rewritten += row is not None
            return
        try:
            rows.commit(table, partition, [Replace(row.key, values, row.etag)])
        except (ConflictError, UnknownOutcomeError):
            continue
        except RowTooLargeError as exc:
            tally.leave(table, partition, one.row.key, str(exc))
            return
        tally.rewritten += 1
        return
    why = "instances keep changing it; run `stageward migrate` again"
    tally.leave(table, partition, one.row.key, why)
