"""Write rows by the hundred, several batches at once, each again where its reply was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    TABLES,
    Change,
    Delete,
    Row,
    Upsert,
    WholeRows,
)
from stage_functions.domain.error import (
    RowTooLargeError,
    StoreUnavailableError,
    UnknownOutcomeError,
)

AT_ONCE = 8
"""Batches: a store far away answers each after a while."""
TRIES = 5
PAUSE_SECONDS = 0.5
_FULL_BYTES = MAX_BATCH_BYTES // 4
"""Of a batch: what a store counts is what it sends, which may be several times as much."""

T = TypeVar("T")


def persistently(clock: Clock, attempt: Callable[[], T]) -> T:
    """Do what may be done twice, again where the store did not answer.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: it kept not answering.
    """
    for count in range(1, TRIES):
        try:
            return attempt()
        except (UnknownOutcomeError, StoreUnavailableError):
            clock.sleep(PAUSE_SECONDS * count * (0.5 + clock.fraction()))
    return attempt()


def write_all(rows: WholeRows, clock: Clock, found: Iterable[tuple[str, str, Row]]) -> None:
    """Write rows, whatever is there; those that lie together come together.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: the store kept not answering.
        RowTooLargeError, ValueError: a row cannot be stored.
    """
    pending: deque[Future[None]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for table, partition, batch in _batches(found):
            pending.append(pool.submit(_write, rows, clock, table, partition, batch))
            if len(pending) > 2 * AT_ONCE:
                pending.popleft().result()
        for one in pending:
            one.result()


def empty(rows: WholeRows, spared: tuple[str, str, str]) -> int:
    """Delete every row but one; return how many there were.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    gone = 0
    for table in TABLES:
        at, changes = "", list[Change]()
        for partition, row in rows.scan(table):
            if (table, partition, row.key) == spared:
                continue
            if changes and (partition != at or len(changes) == MAX_BATCH_ROWS):
                rows.commit(table, at, changes, durable=False)
                changes = []
            at = partition
            changes.append(Delete(row.key, ANY_ETAG))
            gone += 1
        if changes:
            rows.commit(table, at, changes, durable=False)
    return gone


def _batches(
    found: Iterable[tuple[str, str, Row]],
) -> Iterable[tuple[str, str, list[Change]]]:
    place, changes, size = ("", ""), list[Change](), 0
    for table, partition, row in found:
        bytes_ = sum(len(one) if isinstance(one, str | bytes) else 8 for one in row.values.values())
        full = len(changes) == MAX_BATCH_ROWS or size + bytes_ > _FULL_BYTES
        if changes and (place != (table, partition) or full):
            yield *place, changes
            changes, size = [], 0
        place = (table, partition)
        changes.append(Upsert(row.key, row.values))
        size += bytes_
    if changes:
        yield *place, changes


def _write(
    rows: WholeRows, clock: Clock, table: str, partition: str, changes: list[Change]
) -> None:
    try:
        persistently(clock, lambda: rows.commit(table, partition, changes, durable=False))
    except RowTooLargeError:
        if len(changes) == 1:
            raise
        for change in changes:
            _write(rows, clock, table, partition, [change])
