"""What lists and pages read: one row per version, derived from the ledger and rebuilt from it.

A row is written before the work that owes it is completed under the asset's lock. So a late writer
that puts an older row finds the lock moved, and writes it again as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, unpack
from stage_functions.application.ports.rows import (
    CATALOG,
    MAX_BATCH_ROWS,
    Change,
    Delete,
    Rows,
    Upsert,
)
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.state import VersionState
from stage_functions.domain.stored import Stored
from stage_functions.domain.violation import Violation

PAGE = 1000


class CatalogEntry(Stored, frozen=True):
    """A version, as lists show it.

    Attributes:
        asset: `registry/kind/name`.
        version: its number.
        stage: the granted stage; "" where its registry is only observed.
        since: when it was granted, or first observed.
        number: of its last record.
        approval: id of its open approval, or "".
        status: the last answer, in words.
        author: id of who registered it, or "".
        gone: deleted in its registry.
        stopped: why nothing is written to it, or "".
        approved_by: id of the approval that gave it its stage or renewed it, or "".
        valid_until: until when that approval is valid; None for ever.
        job: id of the job that made it, or "".
        trainer: id of whose job that was, or "".
        violation: the newest violation that stands, or None.
        followed: up to which record of the asset `past` was kept when this was written; 0 where a
            release wrote it that keeps no past.
        drifted: number of the record of an edit that nobody has acknowledged; 0 for none.
        review_due: when its next review is due, or None.
        review_lapsed: that review was not made in time.
    """

    asset: str
    version: str
    stage: str
    since: datetime
    number: int
    approval: str = ""
    status: str = ""
    author: str = ""
    gone: bool = False
    stopped: str = ""
    approved_by: str = ""
    valid_until: datetime | None = None
    job: str = ""
    trainer: str = ""
    violation: Violation | None = None
    followed: int = 0
    drifted: int = 0
    review_due: datetime | None = None
    review_lapsed: bool = False


def entry(asset: Asset, state: VersionState, followed: int = 0) -> CatalogEntry:
    """Return a version's entry."""
    return CatalogEntry(
        asset=str(asset),
        version=state.version,
        stage=state.stage,
        since=state.since,
        number=state.number,
        approval=state.approval,
        status=state.status,
        author=state.author,
        gone=state.gone,
        stopped=state.stopped,
        approved_by=state.approved_by,
        valid_until=state.valid_until,
        job=state.job,
        trainer=state.trainer,
        violation=state.violation,
        followed=followed,
        drifted=state.drifted,
        review_due=state.review_due,
        review_lapsed=state.review_lapsed,
    )


def prepare(
    rows: Rows, asset: Asset, states: Mapping[str, VersionState], followed: int = 0
) -> None:
    """Write the entries of some versions of an asset no later than the commit that follows.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for partition, batch in _batches(asset, states, followed):
        rows.prepare(CATALOG, partition, batch)


def write(rows: Rows, asset: Asset, states: Mapping[str, VersionState], followed: int = 0) -> None:
    """Write the entries of some versions of an asset now.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for partition, batch in _batches(asset, states, followed):
        rows.commit(CATALOG, partition, batch)


def _batches(
    asset: Asset, states: Mapping[str, VersionState], followed: int
) -> Iterator[tuple[str, list[Upsert]]]:
    partition = keys.catalog_partition(asset.registry, asset.kind)
    changes = [
        Upsert(keys.catalog_key(Version(asset, number)), pack(entry(asset, state, followed)))
        for number, state in states.items()
    ]
    for start in range(0, len(changes), MAX_BATCH_ROWS):
        yield partition, changes[start : start + MAX_BATCH_ROWS]


def entries(
    rows: Rows, partitions: Iterable[tuple[str, Kind]], cursor: str = ""
) -> Iterator[tuple[str, CatalogEntry]]:
    """Yield entries behind a cursor, each with the cursor to go on behind it.

    A cursor is `<partition> <key>`; partitions are read in the order given.
    """
    at, _, behind = cursor.partition(" ")
    waiting = bool(at)
    for registry, kind in partitions:
        partition = keys.catalog_partition(registry, kind)
        if waiting and partition != at:
            continue
        start, waiting = (keys.behind(behind) if waiting else ""), False
        while True:
            page = rows.query(CATALOG, partition, start=start, limit=PAGE)
            for row in page:
                yield f"{partition} {row.key}", unpack(row, CatalogEntry)
            if len(page) < PAGE:
                break
            start = keys.behind(page[-1].key)


def called(entry: CatalogEntry, lifecycle: Lifecycle | None) -> CatalogEntry:
    """Return an entry at the stage as that is called now; its row says so a little later."""
    stage = lifecycle.renamed.get(entry.stage) if lifecycle is not None else None
    return entry if stage is None or entry.gone else replace(entry, stage=stage)


def of_asset(rows: Rows, asset: Asset) -> list[CatalogEntry]:
    """Return the entries of one asset."""
    partition = keys.catalog_partition(asset.registry, asset.kind)
    prefix = f"{keys.encode(asset.name)}:"
    found: list[CatalogEntry] = []
    start = prefix
    while True:
        page = rows.query(CATALOG, partition, start=start, end=keys.after(prefix), limit=PAGE)
        found += [unpack(row, CatalogEntry) for row in page]
        if len(page) < PAGE:
            return found
        start = keys.behind(page[-1].key)


def clear(rows: Rows, registry: str, kind: Kind) -> None:
    """Remove all entries of one kind in a registry, before they are rebuilt."""
    partition = keys.catalog_partition(registry, kind)
    while page := rows.query(CATALOG, partition, limit=MAX_BATCH_ROWS):
        deletions: list[Change] = [Delete(row.key, row.etag) for row in page]
        rows.commit(CATALOG, partition, deletions)
