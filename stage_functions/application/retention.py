"""How long records are to be kept, and what is past that: a list. Nothing is removed here.

Each record says in its own hashed bytes until when it is to be kept, by the lifecycle that was in
force when it was made: a lifecycle that says less later takes nothing back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from msgspec import Struct

from stage_functions.application import catalog, holds, keys
from stage_functions.application.context import Context
from stage_functions.application.keeping import retain_for
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.record import retained

PAGE = 1000


class Kept(Struct, frozen=True):
    """An asset of which nothing is left but its history.

    Attributes:
        asset: which.
        versions: how many it had.
        records: how many it has.
        last: when the last one was made.
        until: when the last of them is past its retention; None where nothing says.
        past: that is over.
        holds: cases that it is held for.
    """

    asset: Asset
    versions: int
    records: int
    last: datetime
    until: datetime | None
    past: bool
    holds: tuple[str, ...]

    @property
    def removable(self) -> bool:
        """It is past its retention, and not held."""
        return self.past and not self.holds


def gone(context: Context) -> Iterator[Kept]:
    """Yield every asset of the configuration's registries of which no version is left.

    Raises:
        StoreUnavailableError: as the store says.
    """
    partitions = [(alias, kind) for alias in context.configuration.registries for kind in Kind]
    entries = catalog.entries(context.ledger.rows, partitions)
    for name, group in groupby((entry for _, entry in entries), key=lambda entry: entry.asset):
        versions = list(group)
        if all(entry.gone for entry in versions):
            yield _kept(context, Asset.parse(name), len(versions))


def _kept(context: Context, asset: Asset, versions: int) -> Kept:
    """Return what is kept of an asset: by its records, each of which says for itself."""
    head = context.ledger.load(asset).head
    untils = list(_untils(context, asset))
    said = [one for one in untils if one is not None]
    now_said = retain_for(context, str(asset))
    at = head.at or context.clock.now()
    if len(said) < len(untils) and now_said is not None:  # made when the lifecycle said nothing
        said.append(retained(at, now_said))
    until = max(said, default=None)
    cases = tuple(one.case for one in holds.of_asset(context.ledger, asset))
    past = until is not None and until < context.clock.now()
    return Kept(asset, versions, head.number, at, until, past, cases)


def _untils(context: Context, asset: Asset) -> Iterator[datetime | None]:
    partition, after = keys.asset_partition(asset), 0
    while records := context.ledger.records(partition, after=after, limit=PAGE):
        yield from (record.retain_until for record in records)
        after = records[-1].number
