"""What stood in Production at a moment, of the whole estate: how long it takes, and a replay.

Four assets live through real decisions, with histories of 20 to 100 records. Their rows are copied
under other names until there are as many assets as are wanted: nothing here reads a hash. The
moment lies in the middle of each history. Both ways answer the same, which is checked, and are
asked in turn, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.rows import Rounds, Row
from benchmarks.world import MLFLOW, UnexpectedError, World, version, world
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import as_of, keys
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import CATALOG, LEDGER, MAX_BATCH_ROWS, Upsert, Value
from stage_functions.domain.asset import Asset, Kind, Version

SIZES, QUICKLY = (1_000, 10_000), (200, 2_000)
ROUNDS = 3
STAGE = "Production"
REFUSALS = (2, 10, 20, 30)
"""How often something was asked in vain of each version, by story: what makes a history long."""
_VERSIONS = 3
_PAGE = 1000
_FIRST = 10_000
"""Of the numbers in names, of five digits all."""
Rows = Mapping[tuple[str, str], Sequence[Upsert]]


@dataclass(frozen=True, slots=True)
class Story:
    """What an asset has lived through.

    Attributes:
        name: of the asset; all others are of this length.
        rows: by table and partition.
        records: how many its history has.
    """

    name: str
    rows: Rows
    records: int

    def told_of(self, name: str) -> Rows:
        """Return the rows as those of an asset with another name."""
        return {
            (table, partition.replace(self.name, name)): [
                Upsert(row.key.replace(self.name, name), self._renamed(row.values, name))
                for row in rows
            ]
            for (table, partition), rows in self.rows.items()
        }

    def _renamed(self, values: Mapping[str, Value], name: str) -> dict[str, Value]:
        return {
            key: value.replace(self.name.encode(), name.encode())
            if isinstance(value, bytes)
            else value.replace(self.name, name)
            if isinstance(value, str)
            else value
            for key, value in values.items()
        }


def measure(folder: Path, sizes: Sequence[int] = SIZES) -> list[Row]:
    """Measure an estate of each size, smaller first; the smaller one is replayed too."""
    small, large = sizes
    with closing(SQLiteRows(str(folder / "as-of.db"))) as rows:
        it = world(rows, SystemClock())
        stories, moment = _stories(it)
        _populate(rows, stories, range(small))
        _check(it.context, moment)
        kept, replayed = [], []
        for _ in range(ROUNDS):
            kept.append(_seconds(lambda: _estate(it.context, moment)))
            replayed.append(_seconds(lambda: _replayed(it.context, moment)))
        few, whole = Rounds(kept), Rounds(replayed)
        _populate(rows, stories, range(small, large))
        many = Rounds([_seconds(lambda: _estate(it.context, moment)) for _ in range(ROUNDS)])
        records = sum(story.records for story in stories) * large // len(stories)
    faster = whole.over(few)
    slope = many.median / few.median / (large / small)
    return [
        Row(
            f"estate as of a moment, {large:,} assets",
            many.median,
            "s",
            "≤ 5" if large == SIZES[1] else None,
            f"{many.spread}; {large * _VERSIONS:,} versions, {records:,} records",
        ),
        Row(f"estate as of a moment, {small:,} assets", few.median, "s", None, few.spread),
        Row(
            f"the same by a replay of {small:,} histories",
            whole.median,
            "s",
            None,
            f"{whole.spread}; a round of each in turn",
        ),
        Row("rows kept over replays", faster.median, "times as fast", "≥ 3", faster.spread),
        Row(
            f"an asset among {large:,} over one among {small:,}",
            slope,
            "times",
            "≤ 2",
            "1 is linear",
        ),
    ]


def _stories(it: World) -> tuple[list[Story], datetime]:
    """Let four assets live; return their rows, and a moment in the middle."""
    names = [f"approved-{number:05d}" for number in range(len(REFUSALS))]
    for number in range(1, _VERSIONS + 1):
        if number == _VERSIONS:
            moment = it.context.clock.now()
        for name, refusals in zip(names, REFUSALS, strict=True):
            one = version(MLFLOW, name, number)
            it.register(one)
            for _ in range(refusals):
                it.ask(one, "Archived at once")
            it.approve(it.ask(one, STAGE))
    return [_story(it.context, version(MLFLOW, name).asset) for name in names], moment


def _story(context: Context, asset: Asset) -> Story:
    rows = context.ledger.rows
    partition = keys.asset_partition(asset)
    prefix = f"{keys.encode(asset.name)}:"
    places = [
        (LEDGER, partition, ""),
        (LEDGER, keys.ASSETS_PARTITION, partition),
        *(
            (CATALOG, place(asset.registry, asset.kind), prefix)
            for place in (keys.catalog_partition, keys.past_partition, keys.earlier_partition)
        ),
    ]
    found = {
        (table, place): [
            Upsert(row.key, row.values)
            for row in rows.query(table, place, start=begins, limit=10 * _PAGE)
            if row.key.startswith(begins)
        ]
        for table, place, begins in places
    }
    return Story(asset.name, found, context.ledger.load(asset).head.number)


def _populate(rows: SQLiteRows, stories: Sequence[Story], numbers: range) -> None:
    for number in numbers:
        story = stories[number % len(stories)]
        for (table, partition), changes in story.told_of(f"approved-{_FIRST + number}").items():
            for start in range(0, len(changes), MAX_BATCH_ROWS):
                some = changes[start : start + MAX_BATCH_ROWS]
                rows.commit(table, partition, some, durable=False)


def _estate(context: Context, moment: datetime) -> dict[Version, str]:
    """Ask as the command line does, page by page."""
    found: dict[Version, str] = {}
    cursor = ""
    while True:
        wanted = as_of.Wanted(stage=STAGE)
        page = as_of.of_estate(context, moment, wanted, cursor=cursor, limit=_PAGE)
        found |= {one: standing.approval for one, standing in page.found}
        cursor = page.cursor
        if not cursor:
            return found


def _replayed(context: Context, moment: datetime) -> dict[Version, str]:
    return {
        Version(asset, number): standing.approval
        for asset in _models(context)
        for number, standing in as_of.of_asset(context, asset, moment).items()
        if standing.stage == STAGE
    }


def _models(context: Context) -> Iterator[Asset]:
    return (one for one in context.ledger.assets() if one.kind is Kind.MODELS)


def _check(context: Context, moment: datetime) -> None:
    kept = _estate(context, moment)
    if not kept or kept != _replayed(context, moment):
        message = "what is kept of the past is not what a replay says"
        raise UnexpectedError(message)


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
