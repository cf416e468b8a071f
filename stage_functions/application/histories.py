"""Histories that are no asset's: of each lifecycle, and of the ledger itself.

They are numbered and hash-linked as those of assets are. They have no outbox beside them: each sink
has a row that says how far it got, so that their records are published in order, at least once,
when the sweep comes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, pack_record, plain, unpack
from stage_functions.application.ledger import Head, Ledger
from stage_functions.application.ports.rows import LEDGER, Change, Insert, Replace, Row, Upsert
from stage_functions.application.ports.sink import Sink
from stage_functions.domain.record import Draft, Record, Tail, empty_tail, seal
from stage_functions.domain.stored import demand_understood

_SINK = "sink:"


class History(Struct, frozen=True):
    """A history that is no asset's.

    Attributes:
        name: what its records have as their `asset`.
        partition: of the ledger, where its rows are.
    """

    name: str
    partition: str


JOURNAL = History("ledger", keys.JOURNAL_PARTITION)
"""Of the ledger itself: who was forgotten, what it was restored from."""


def of_lifecycle(name: str) -> History:
    """Return the history of a lifecycle."""
    return History(f"lifecycle:{name}", keys.lifecycle_partition(name))


def tail(ledger: Ledger, history: History) -> Tail:
    """Return where a history ends.

    Raises:
        StoreUnavailableError: as the store says.
    """
    return _tail(ledger, history, ledger.rows.get(LEDGER, history.partition, keys.HEAD))


def append(
    ledger: Ledger,
    history: History,
    draft: Draft,
    *,
    now: datetime,
    operation: str,
    changes: Sequence[Change] = (),
) -> Record:
    """Add a record, and change other rows of its partition in the same batch.

    Raises:
        ConflictError: it has grown meanwhile, or a further change met another row; start over.
        UnknownOutcomeError, StoreUnavailableError: as the store says.
        LaterReleaseError: only a later release may add to it.
    """
    row = ledger.rows.get(LEDGER, history.partition, keys.HEAD)
    end = _tail(ledger, history, row)
    before = unpack(row, Head) if row is not None else Head(end.number, end.hash)
    demand_understood(before)
    retain = ledger.keeping.retain(history.name)
    (record,) = seal(
        end, [draft], commit=end.number + 1, now=now, operation=operation, retain=retain
    )
    ledger.names.keep([record.body], now, ledger.keeping.called)
    head = replace(
        before, number=record.number, hash=record.hash, at=record.at, commit=record.number
    )
    lock: Change = (
        Replace(keys.HEAD, pack(head), row.etag)
        if row is not None
        else Insert(keys.HEAD, pack(head))
    )
    kept = Insert(keys.record_key(record.number), pack_record(record))
    ledger.rows.commit(LEDGER, history.partition, [lock, kept, *changes])
    return record


def announce(ledger: Ledger, history: History, sink: Sink) -> None:
    """Publish the records that a sink does not have yet.

    Raises:
        SinkRefusedError, SinkUnavailableError: as the sink says; those before are told already.
        StoreUnavailableError: try again.
    """
    key, row, done = _announced(ledger, history, sink.name)
    records = list(takewhile(_known, ledger.records(history.partition, after=done)))
    if not records:
        return
    sink.publish(records)
    told = Upsert(key, plain({"number": records[-1].number}, row))
    ledger.rows.commit(LEDGER, history.partition, [told], durable=False)


def announced(ledger: Ledger, history: History, sink: str) -> int:
    """Return the number of the last record that a sink has."""
    return _announced(ledger, history, sink)[2]


def _known(record: Record) -> bool:
    """Tell whether a record can be published: behind one of a later release all wait for that."""
    return record.known


def _announced(ledger: Ledger, history: History, sink: str) -> tuple[str, Row | None, int]:
    """Return key and row that say how far a sink got, and how far that is."""
    key = f"{_SINK}{keys.encode(sink)}"
    row = ledger.rows.get(LEDGER, history.partition, key)
    return key, row, int(row.values["number"]) if row is not None else 0


def _tail(ledger: Ledger, history: History, row: Row | None) -> Tail:
    if row is None:
        return replace(empty_tail(ledger.id, history.name), restored=ledger.restored)
    head = unpack(row, Head)
    return Tail(ledger.id, history.name, head.number, head.hash, head.at, ledger.restored)
