"""What the history says of the holder of a stage: how it came there, and whom it displaced.

The records alone say it: the one that let the holder in, the one by which the displaced version
left, and the one by which that had stood there. Which they are each version notes (`footings`), so
that these few are read. Where an earlier release moved one, or noted nothing, the history is read
backwards from the end, as far as need be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.footings import CONFIRMS, placed
from stage_functions.application.ledger import Loaded
from stage_functions.application.ports.rows import MAX_BATCH_ROWS
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.history import own_approval
from stage_functions.domain.lifecycle import WhenInvalid
from stage_functions.domain.record import Record
from stage_functions.domain.rollback import (
    EMERGENCY,
    Past,
    Stood,
    displaced_in,
)
from stage_functions.domain.state import UNNUMBERED

PAGE = 200


def past_of(context: Context, loaded: Loaded, holder: str) -> Past:
    """Return what the history says of a holder, and of what it displaced.

    Raises:
        LedgerDamagedError: no record says how it came there.
        ConflictError: what it displaced has changed since the head was loaded.
        StoreUnavailableError: the ledger cannot be read now.
    """
    return _noted(context, loaded, holder) or _searched(context, loaded, holder)


def _noted(context: Context, loaded: Loaded, holder: str) -> Past | None:
    """Return what the records say that the versions have noted; None where these do not do."""
    promotion = _placing(context, loaded, holder)
    if promotion is None:
        return None
    displaced = displaced_in(promotion)
    if not displaced:
        return Past(promotion)
    loaded = context.ledger.more(loaded, displaced[:1])
    last = _placing(context, loaded, displaced[0])
    if last is None:
        return None
    if last.content["commit"] == promotion.content["commit"]:
        before = _before(context, loaded, displaced[0])
        return Past(promotion, last, None, before) if before is not None else None
    left = _left(context, loaded.asset, promotion, displaced[0])
    return Past(promotion, left, last) if left is not None else Past(promotion)


def _placing(context: Context, loaded: Loaded, version: str) -> Record | None:
    """Return the record that moved a version where it stands, where it has noted that."""
    state = loaded.versions.get(version)
    footing = state.stands if state is not None else None
    return _record(context, loaded.asset, version, footing.placed) if footing else None


def _before(context: Context, loaded: Loaded, version: str) -> Stood | None:
    """Return by what a version stood before it was moved where it is; None if not noted."""
    state = loaded.versions.get(version)
    footing = state.stands if state is not None else None
    if footing is None or footing.before == UNNUMBERED:
        return None
    if not footing.before:
        return Stood()
    record = _record(context, loaded.asset, version, footing.before)
    return _by(context, loaded, record) if record is not None else None


def _left(context: Context, asset: Asset, promotion: Record, version: str) -> Record | None:
    """Return the record by which a version left for another one: it is of the same commit."""
    partition, number = keys.asset_partition(asset), promotion.number
    found = context.ledger.records(
        partition, after=number, last=number + MAX_BATCH_ROWS, limit=MAX_BATCH_ROWS
    )
    commit = promotion.content["commit"]
    same = (one for one in found if one.content["commit"] == commit and one.version == version)
    return next((one for one in same if placed(one)), None)


def _record(context: Context, asset: Asset, version: str, number: int) -> Record | None:
    found = context.ledger.records(keys.asset_partition(asset), after=number - 1, last=number)
    return found[0] if found and found[0].version == version else None


def _searched(context: Context, loaded: Loaded, holder: str) -> Past:
    """Return what the history says, read backwards.

    Raises:
        LedgerDamagedError, StoreUnavailableError: as `past_of`.
    """
    records = _backwards(context, loaded.asset, loaded.head.number)
    moved: dict[str, list[Record]] = {}
    for record in records:
        if not placed(record):
            continue
        if record.version == holder:
            past = _displaced(record, moved)
            return replace(past, before=_stood(context, loaded, past, records))
        moved.setdefault(record.version, []).append(record)
    message = f"no record says how version {holder} of {loaded.asset} came where it stands"
    raise LedgerDamagedError(message)


def stood_before(context: Context, loaded: Loaded, version: str, number: int) -> Stood:
    """Return by what a version stood before the record that moved it where it stands.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    noted = _before(context, loaded, version)
    if noted is not None:
        return noted
    for record in _backwards(context, loaded.asset, number - 1):
        if record.version == version and _stands_by(record):
            return _by(context, loaded, record)
    return Stood()


def _displaced(promotion: Record, moved: Mapping[str, list[Record]]) -> Past:
    """Find, among what moved since a promotion, what it displaced, and whether that moved on."""
    numbers = displaced_in(promotion)
    since = moved.get(numbers[0], []) if numbers else []
    if not since or since[-1].content["commit"] != promotion.content["commit"]:
        return Past(promotion)
    return Past(promotion, since[-1], since[0] if len(since) > 1 else None)


def _stood(context: Context, loaded: Loaded, past: Past, records: Iterator[Record]) -> Stood:
    """Return by what the displaced version had stood; `records` goes on before the promotion."""
    if past.displacement is None:
        return Stood()
    version = past.displacement.version
    for record in records:
        if record.version == version and _stands_by(record):
            return _by(context, loaded, record)
    return Stood()


def _stands_by(record: Record) -> bool:
    return placed(record) or record.type in CONFIRMS


def _by(context: Context, loaded: Loaded, record: Record) -> Stood:
    """Return by what a version stands since a record."""
    content = record.content
    id_ = own_approval(content)
    if content.get("why") == EMERGENCY or not id_:
        return Stood(unratified=content.get("why") == EMERGENCY)
    approval = context.ledger.more(loaded, approval=id_).approvals.get(id_)
    until = content.get("valid_until")
    blocks = approval is None or approval.policy.when_invalid is WhenInvalid.BLOCK
    return Stood(id_, datetime.fromisoformat(str(until)) if until else None, blocks)


def _backwards(context: Context, asset: Asset, last: int) -> Iterator[Record]:
    partition = keys.asset_partition(asset)
    while last > 0:
        after = max(0, last - PAGE)
        yield from reversed(context.ledger.records(partition, after=after, last=last, limit=PAGE))
        last = after
