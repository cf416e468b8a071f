"""Finish whatever a crash left: owed work, and deadlines. Round-robin and time-boxed.

A marker says that an asset's commit may owe something. It is deleted once the head's commit is at
or past it and that commit owes nothing. A marker ahead of the head belongs to a commit that was
never made, or is being made: after ten minutes the head is rewritten, so that a late commit must
conflict, and only then is the marker deleted.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys, measures
from stage_functions.application.adoption import announce, refresh
from stage_functions.application.codec import foreign, pack
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.deadlines import ring_due
from stage_functions.application.ledger import Head, Loaded
from stage_functions.application.markers import Marker, marker_of
from stage_functions.application.ports.rows import (
    LEDGER,
    WORK,
    Change,
    Delete,
    Insert,
    Replace,
    Row,
)
from stage_functions.application.renaming import follow_renames
from stage_functions.application.signals import settle_due
from stage_functions.application.telling import tell_due
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import ConflictError, LedgerDamagedError, StagewardError
from stage_functions.domain.record import RecordType
from stage_functions.domain.stored import demand_understood

FENCE_SECONDS = 600
PAGE = 200
log = logging.getLogger("stageward.sweep")


class Swept(Struct, frozen=True):
    """What a sweep came to.

    Attributes:
        finished: markers deleted.
        waiting: markers whose commits still owe something.
        expired: approvals closed by their deadline.
        failed: assets that could not be worked on now, each with the reason.
        complete: every shard was visited within the time.
        next_shard: where the next sweep begins.
        rung: types of the records that say what the clock did.
    """

    finished: int = 0
    waiting: int = 0
    expired: int = 0
    failed: tuple[str, ...] = ()
    complete: bool = True
    next_shard: int = 0
    rung: tuple[RecordType, ...] = ()


def sweep(
    context: Context, *, seconds: float = 45, first_shard: int = 0, parent: str = ""
) -> Swept:
    """Visit deadlines, then markers, shard by shard, for at most so many seconds.

    Args:
        context: the context.
        seconds: after which no further shard is begun.
        first_shard: where to begin.
        parent: `traceparent` of what rang, where that is known.

    Raises:
        LaterReleaseError: the ledger was migrated to what this release is too old for.
        StoreUnavailableError: try again.
    """
    with context.telemetry.span(measures.SWEEP, parent=parent) as span:
        context.ledger.demand_current()
        swept = _sweep(context, seconds, first_shard)
        span.set("stageward.finished", swept.finished)
        span.set("stageward.waiting", swept.waiting)
        return swept


def _sweep(context: Context, seconds: float, first_shard: int) -> Swept:
    started = context.clock.now()
    end = started + timedelta(seconds=seconds)
    finished = waiting = 0
    rung: list[RecordType] = []
    failed = [*_governed(context, end), *announce(context)]
    complete, next_shard = True, first_shard
    for offset in range(keys.SHARDS):
        shard = (first_shard + offset) % keys.SHARDS
        if offset and context.clock.now() >= end:
            complete, next_shard = False, shard
            break
        rung += ring_due(context, shard, end, failed)
        done, rest = _markers(context, shard, end, failed)
        finished, waiting = finished + done, waiting + rest
    expired = rung.count(RecordType.APPROVAL_CLOSED)
    return Swept(finished, waiting, expired, tuple(failed), complete, next_shard, tuple(rung))


def _governed(context: Context, end: datetime) -> list[str]:
    """Read which lifecycles are in force, and let versions follow stages called otherwise."""
    try:
        refresh(context)
        follow_renames(context, end)
    except StagewardError as exc:
        log.warning("lifecycles: %s", exc)
        return [f"lifecycles: {exc}"]
    return []


def _markers(context: Context, shard: int, end: datetime, failed: list[str]) -> tuple[int, int]:
    """Work off what markers point to, one asset at the least; return how many are done, or wait."""
    partition = f"outbox-{shard:02d}"
    finished: list[Change] = []
    waiting, start = 0, ""
    while True:
        page = context.ledger.rows.query(WORK, partition, start=start, limit=PAGE)
        for position, (asset, markers) in enumerate(_by_asset(page, failed).items()):
            if (position or start) and context.clock.now() >= end:
                return _delete(context, partition, finished), waiting
            try:
                with about(asset=str(asset)):
                    done = _finish(context, asset, markers)
            except StagewardError as exc:
                log.warning("owed work of %s: %s", asset, exc)
                failed.append(f"{asset}: {exc}")
                done = []
            finished += done
            waiting += len(markers) - len(done)
        if len(page) < PAGE:
            break
        start = keys.behind(page[-1].key)
    return _delete(context, partition, finished), waiting


def _by_asset(page: list[Row], failed: list[str]) -> dict[Asset, list[tuple[Row, Marker]]]:
    """Group markers; a row that is none is passed over: it must not stop all that lies behind."""
    grouped: dict[Asset, list[tuple[Row, Marker]]] = {}
    for row in page:
        if foreign(row, "asset", "commit", "at"):
            continue  # a later release finishes it
        try:
            marker = marker_of(row)
        except LedgerDamagedError as exc:
            log.error("%s", exc)  # noqa: TRY400  # the message explains it
            failed.append(str(exc))
        else:
            grouped.setdefault(marker.asset, []).append((row, marker))
    return grouped


def _finish(context: Context, asset: Asset, markers: list[tuple[Row, Marker]]) -> list[Change]:
    """Work off what an asset owes; return the deletions of the markers that are done with."""
    loaded = context.ledger.load(asset)
    demand_understood(loaded.head)
    if loaded.head.owed:
        settle_due(context, loaded)
        loaded = context.ledger.load(asset)
    if loaded.head.notices:
        tell_due(context, asset)
        loaded = context.ledger.load(asset)
    deletions: list[Change] = []
    for row, marker in markers:
        if marker.commit <= loaded.head.commit:
            if marker.commit not in loaded.head.owing:
                deletions.append(Delete(row.key, row.etag))
        elif context.clock.now() - marker.at > timedelta(seconds=FENCE_SECONDS):
            loaded = _fence(context, loaded)
            deletions.append(Delete(row.key, row.etag))
    return deletions


def _fence(context: Context, loaded: Loaded) -> Loaded:
    """Rewrite the head unchanged: whoever still holds its old ETag must conflict and load again."""
    partition = keys.asset_partition(loaded.asset)
    head: Head = replace(loaded.head, holders=loaded.held)
    change: Change = (
        Replace(keys.HEAD, pack(head), loaded.etag)
        if loaded.etag
        else Insert(keys.HEAD, pack(head))
    )
    context.ledger.rows.commit(LEDGER, partition, [change])
    return context.ledger.load(loaded.asset)


def _delete(context: Context, partition: str, deletions: list[Change]) -> int:
    """Delete markers, together where nobody rewrote one meanwhile, else one by one."""
    deleted = 0
    for start in range(0, len(deletions), 100):
        batch = deletions[start : start + 100]
        try:
            context.ledger.rows.commit(WORK, partition, batch)
            deleted += len(batch)
        except ConflictError:
            deleted += sum(_delete_one(context, partition, change) for change in batch)
    return deleted


def _delete_one(context: Context, partition: str, change: Change) -> bool:
    try:
        context.ledger.rows.commit(WORK, partition, [change])
    except ConflictError:
        return False
    return True
