"""The records of an approval, found in an asset's history without reading all of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.brief_people import Someone, someone
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.domain.approval import Approval
from stage_functions.domain.record import Record

_FEW = 64
"""So many records are read rather than searched."""
_PAGE = 200
_SLACK = timedelta(minutes=1)
"""Within it the records of the commit that closed it are."""
_MOST = 2000
"""Looked at behind the first."""


class Deed(Struct, frozen=True):
    """A record of an approval.

    Attributes:
        number: in the asset's history.
        type: what it is about.
        at: when it was committed.
        actor: who did it.
        hash: 64 hex digits.
    """

    number: int
    type: str
    at: datetime
    actor: Someone
    hash: str


def deeds(context: Context, loaded: Loaded, approval: Approval) -> tuple[Deed, ...]:
    """Return the records that name an approval, in order."""
    partition = keys.asset_partition(loaded.asset)
    after = first_since(context, partition, loaded.head.number, approval.opened) - 1
    end = approval.closed + _SLACK if approval.closed is not None else None
    found: list[Record] = []
    for _ in range(_MOST // _PAGE):
        page = context.ledger.records(partition, after=after, limit=_PAGE)
        found += [one for one in page if one.content.get("approval") == approval.id]
        over = end is not None and bool(page) and page[-1].at > end
        if len(page) < _PAGE or over:
            break
        after = page[-1].number
    return tuple(_deed(context, one) for one in found)


def first_since(context: Context, partition: str, last: int, moment: datetime) -> int:
    """Return the number of the first record at a moment or behind it: times only grow."""
    low, high = 1, last
    while high - low > _FEW:
        middle = (low + high) // 2
        (record,) = context.ledger.records(partition, after=middle - 1, limit=1)
        low, high = (middle + 1, high) if record.at < moment else (low, middle)
    return low


def _deed(context: Context, record: Record) -> Deed:
    actor = record.content.get("actor")
    id_ = str(actor.get("id", "")) if isinstance(actor, dict) else ""
    return Deed(
        record.number, str(record.type), record.at, someone(context, id_, record.at), record.hash
    )
