"""What the history says of the holder of a stage: how it came there, and whom it displaced.

Read backwards from the end, as far as need be: to the record that let the holder in, and on to the
one by which the displaced version had stood there. So the records alone say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.history import own_approval
from stage_functions.domain.lifecycle import WhenInvalid
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.rollback import (
    EMERGENCY,
    PLACED,
    RENAMED,
    Past,
    Stood,
    displaced_in,
)

PAGE = 200
_STANDS_BY = (*PLACED, RecordType.RENEWED, RecordType.RATIFIED)
"""Types of the records that say by what a version stands from then on."""


def past_of(context: Context, loaded: Loaded, holder: str) -> Past:
    """Return what the history says of a holder, and of what it displaced.

    Raises:
        LedgerDamagedError: no record says how it came there.
        StoreUnavailableError: the ledger cannot be read now.
    """
    records = _backwards(context, loaded.asset, loaded.head.number)
    moved: dict[str, list[Record]] = {}
    for record in records:
        if not _placed(record):
            continue
        if record.version == holder:
            past = _displaced(record, moved)
            return replace(past, before=_stood(context, loaded, past, records))
        moved.setdefault(record.version, []).append(record)
    message = f"no record says how version {holder} of {loaded.asset} came where it stands"
    raise LedgerDamagedError(message)


def stood_before(context: Context, loaded: Loaded, version: str, number: int) -> Stood:
    """Return by what a version stood before a record.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    for record in _backwards(context, loaded.asset, number - 1):
        if record.version == version and record.type in _STANDS_BY:
            return _by(context, loaded, record)
    return Stood()


def _placed(record: Record) -> bool:
    """Tell whether a record moved a version; that its stage is called otherwise moved nothing."""
    return record.type in PLACED and record.content.get("why") != RENAMED


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
        if record.version == version and record.type in _STANDS_BY:
            return _by(context, loaded, record)
    return Stood()


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
