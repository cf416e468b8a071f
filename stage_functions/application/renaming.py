"""Let versions follow the names of their stages: each with a record, an asset at a time.

Whatever reads a version meanwhile finds it at the stage as that is called now (`Ledger`), and
whatever commits for it writes that record first. This finds the rest in the catalog, which shows a
version at its former stage until its record is made; so it goes on after a crash where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from stage_functions.application import catalog
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.ledger import Committed
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.renaming import void_renamed

BATCH = 20
"""Versions of an asset in one commit: each takes rows for itself, its record, what is owed."""


def follow_renames(context: Context, end: datetime | None = None, *, carry_out: bool = True) -> int:
    """Write the records of versions whose stages are called otherwise; return of how many.

    Args:
        context: the context.
        end: no further asset is begun after that.
        carry_out: let tags and lists follow at once; else the sweep does.

    Raises:
        ConflictError, UnknownOutcomeError, StoreUnavailableError: try again.
    """
    now = context.clock.now()
    if not context.in_force.renames(now):
        return 0
    count = 0
    for asset, numbers in _behind(context):
        if end is not None and context.clock.now() >= end:
            return count
        with about(asset=str(asset)):
            count += _follow(context, asset, numbers, carry_out=carry_out)
    if not count:
        context.in_force.followed(now)
    return count


def _behind(context: Context) -> Iterator[tuple[Asset, list[str]]]:
    """Yield what the catalog shows at stages by their former names; it only nominates."""
    partitions = [(alias, kind) for alias in context.configuration.registries for kind in Kind]
    found: dict[str, list[str]] = {}
    former = {name for one in context.lifecycles for name in one.renamed}
    for _, entry in catalog.entries(context.ledger.rows, partitions):
        if entry.stage in former and not entry.gone:
            found.setdefault(entry.asset, []).append(entry.version)
    for name, numbers in found.items():
        yield Asset.parse(name), numbers


def _follow(context: Context, asset: Asset, numbers: list[str], *, carry_out: bool) -> int:
    count = 0
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        committed = context.persistently(partial(_move, context, asset, some))
        if committed is not None:
            count += len(some)
            if carry_out:
                settle(context, committed)
    return count


def _move(context: Context, asset: Asset, numbers: list[str]) -> Committed | None:
    loaded = context.ledger.load(asset, numbers)
    if not loaded.renamed:
        return None
    now, step = context.clock.now(), loaded.step()
    for number in loaded.renamed:
        step = void_renamed(step, number, now)
    operation = f"rename-{context.clock.operation_id()}"
    return context.ledger.commit(loaded, step, now=now, operation=operation)
