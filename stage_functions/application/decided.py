"""The approvals that are closed, newest first: what the list of decided ones reads a page of.

A row per closed approval in the catalog, derived from the ledger as the catalog is: written with
the work that the closing commit owes, and again by the rebuild. Its key begins with the time of
closing, turned round, so that the newest comes first however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.codec import pack, unpack
from stage_functions.application.ports.rows import (
    CATALOG,
    LEDGER,
    MAX_BATCH_ROWS,
    Rows,
    Upsert,
)
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Asset
from stage_functions.domain.stored import Stored


class Decided(Stored, frozen=True):
    """A closed approval, as lists show it.

    Attributes:
        id: its id.
        asset: `registry/kind/name`.
        version: its number.
        source: the stage it was to leave.
        target: the stage it was to reach.
        status: what became of it.
        why: in words.
        requester: id of who asked, or "".
        voters: ids of those who voted.
        opened: when.
        closed: when.
    """

    id: str
    asset: str
    version: str
    source: str
    target: str
    status: Status
    why: str
    requester: str
    voters: tuple[str, ...]
    opened: datetime
    closed: datetime


class DecidedPage(Struct, frozen=True):
    """Some closed approvals.

    Attributes:
        found: newest first.
        cursor: to go on behind; "" when these were the last.
    """

    found: tuple[Decided, ...]
    cursor: str


def prepare(rows: Rows, asset: Asset, approvals: Iterable[Approval]) -> None:
    """List closed approvals of an asset no later than the commit that follows.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    changes = _changes(asset, approvals)
    if changes:
        rows.prepare(CATALOG, keys.DECIDED_PARTITION, changes)


def rebuild(rows: Rows, asset: Asset) -> None:
    """List every closed approval of an asset, from the ledger.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    partition, start = keys.asset_partition(asset), keys.APPROVAL
    while True:
        found = rows.query(
            LEDGER, partition, start=start, end=keys.after(keys.APPROVAL), limit=MAX_BATCH_ROWS
        )
        changes = _changes(asset, [unpack(row, Approval) for row in found])
        if changes:
            rows.commit(CATALOG, keys.DECIDED_PARTITION, changes)
        if len(found) < MAX_BATCH_ROWS:
            return
        start = keys.behind(found[-1].key)


def page(rows: Rows, cursor: str = "", limit: int = 50) -> DecidedPage:
    """Return closed approvals, newest first, behind a cursor."""
    start = keys.behind(cursor) if cursor else ""
    found = rows.query(CATALOG, keys.DECIDED_PARTITION, start=start, limit=limit + 1)
    shown = found[:limit]
    return DecidedPage(
        tuple(unpack(row, Decided) for row in shown),
        shown[-1].key if len(found) > limit else "",
    )


def _changes(asset: Asset, approvals: Iterable[Approval]) -> list[Upsert]:
    return [
        Upsert(keys.decided_key(one.closed, one.id), pack(_decided(asset, one, one.closed)))
        for one in approvals
        if one.closed is not None
    ]


def _decided(asset: Asset, approval: Approval, closed: datetime) -> Decided:
    return Decided(
        approval.id,
        str(asset),
        approval.version,
        approval.binding.source,
        approval.binding.target,
        approval.status,
        approval.why,
        approval.requester.id,
        tuple(vote.voter for vote in approval.votes),
        approval.opened,
        closed,
    )
