"""What is owed at this moment, counted as far as that is cheap: one look at the markers' shards.

Markers say which assets may owe something. Of few assets the rows are read, those first whose
markers are oldest, and those last whose registry is not governed: what is parked or late is among
them. Where there is more, it is said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field

from stage_functions.application import keys
from stage_functions.application.codec import foreign
from stage_functions.application.context import Context
from stage_functions.application.ledger import NOTIFY, RECONCILE, SINK, VALIDITY, VERSION, Owed
from stage_functions.application.markers import marker_of
from stage_functions.application.ports.rows import WORK, Row
from stage_functions.domain.asset import Asset

MARKERS = 1000
"""Of each shard: a page of the store, so a request. More are not looked at, in the order of their
keys, which is not that of their age."""
DEADLINES = 100
"""Of each shard: more are not looked at."""
ASSETS = 50
ROWS = 100
"""Of each asset."""
SHOWN = 10


class OwedView(Struct, frozen=True):
    """Owed work, as operators see it.

    Attributes:
        id: to retry it by.
        asset: whose.
        owed: what.
    """

    id: str
    asset: str
    owed: Owed


class Late(Struct, frozen=True):
    """Owed work with its age.

    Attributes:
        view: what is owed.
        since: when the decision was made that owes it, or None where that is not known.
        held: it waits until its registry is governed, which is told of the registry itself.
    """

    view: OwedView
    since: datetime | None
    held: bool = False


class SinkBacklog(Struct, frozen=True):
    """What is owed to one sink.

    Attributes:
        waiting: rows that go on by themselves.
        parked: rows that go on when somebody retries them.
    """

    waiting: int = 0
    parked: int = 0


class Backlog(Struct, frozen=True):
    """What is owed.

    Attributes:
        waiting: rows that go on by themselves, notices too.
        parked: rows that go on when somebody retries them; notices are not counted.
        untold: notices that could not be given so far.
        more: there is more than was counted.
        oldest: when the oldest decision was made whose work waits; None where nothing waits. Left
            out is what is parked, was put off on purpose, or waits until its registry is governed.
            Where there is more, one may be older.
        first: what is parked, oldest first, `SHOWN` at the most.
        sinks: by name, where something is owed to one.
    """

    waiting: int = 0
    parked: int = 0
    untold: int = 0
    more: bool = False
    oldest: datetime | None = None
    first: tuple[Late, ...] = ()
    sinks: Mapping[str, SinkBacklog] = field(default_factory=dict)


class Count(Struct, frozen=True):
    """A number that may be larger.

    Attributes:
        number: counted.
        more: there are more.
    """

    number: int
    more: bool = False


def backlog(context: Context) -> Backlog:
    """Count what is owed: at most 16 queries, and one for each of at most `ASSETS` assets.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
        LedgerDamagedError: what is in it cannot be.
    """
    marked: dict[str, dict[int, datetime]] = {}
    more = False
    for shard in range(keys.SHARDS):
        rows = context.ledger.rows.query(WORK, f"outbox-{shard:02d}", limit=MARKERS)
        more = more or len(rows) == MARKERS
        for row in rows:
            if foreign(row, "asset", "commit", "at"):
                continue  # a later release finishes it
            marker = marker_of(row)
            marked.setdefault(str(marker.asset), {})[marker.commit] = marker.at
    ungoverned = {one for one in context.configuration.registries if context.states.ungoverned(one)}

    def urgency(name: str) -> tuple[bool, datetime]:
        return Asset.parse(name).registry in ungoverned, min(marked[name].values())

    oldest_first = sorted(marked, key=urgency)
    found: list[Late] = []
    for name in oldest_first[:ASSETS]:
        owed = context.ledger.owed(Asset.parse(name), ROWS)
        more = more or len(owed) == ROWS
        held = _held(owed) if Asset.parse(name).registry in ungoverned else set()
        found += [
            Late(view(name, one), marked[name].get(one.commit), one.key in held) for one in owed
        ]
    return _summed(found, more=more or len(marked) > ASSETS)


def _held(owed: Iterable[Owed]) -> set[str]:
    """Return what waits until a registry is governed: tags, and events that come after them."""
    tags = [one for one in owed if one.duty == RECONCILE and not one.parked]
    first = min((one.commit for one in tags), default=None)
    behind = [one for one in owed if one.duty == SINK and first is not None and one.commit >= first]
    return {one.key for one in (*tags, *behind)}


def view(asset: str, owed: Owed) -> OwedView:
    """Return owed work, as operators see it."""
    partition = keys.asset_partition(Asset.parse(asset))
    return OwedView(f"{partition}@{owed.key}", asset, owed)


def open_approvals(context: Context) -> Count:
    """Count open approvals: at most 16 queries, and a reading for each of at most `ASSETS` assets.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
    """
    names: dict[str, None] = {}
    more = False
    for shard in range(keys.SHARDS):
        rows = context.ledger.rows.query(WORK, f"deadlines-{shard:02d}", limit=DEADLINES)
        more = more or len(rows) == DEADLINES
        names |= dict.fromkeys(_waiting(rows))
    looked_at = list(names)[:ASSETS]
    heads = (context.ledger.load(Asset.parse(name)).head for name in looked_at)
    number = sum(len(head.approvals) for head in heads)
    return Count(number, more or len(names) > ASSETS)


def _waiting(rows: Iterable[Row]) -> Iterable[str]:
    """Yield the assets of rows of the clock that are about an approval that may be open."""
    for row in rows:
        known = not foreign(row, "asset")
        if known and not row.values.get(VALIDITY) and VERSION not in row.values:
            yield str(row.values["asset"])


def _summed(found: list[Late], *, more: bool) -> Backlog:
    told = [one for one in found if one.view.owed.duty != NOTIFY]
    notices = [one for one in found if one.view.owed.duty == NOTIFY]
    parked = [one for one in told if one.view.owed.parked]
    waiting = [one for one in found if not one.view.owed.parked]
    late = [one.since for one in waiting if one.since and not one.view.owed.paused and not one.held]
    sinks: dict[str, SinkBacklog] = {}
    for one in (one.view.owed for one in found if one.view.owed.duty == SINK):
        before = sinks.get(one.target, SinkBacklog())
        sinks[one.target] = SinkBacklog(
            before.waiting + (not one.parked), before.parked + one.parked
        )
    return Backlog(
        waiting=len(waiting),
        parked=len(parked),
        untold=sum(bool(one.view.owed.error) for one in notices),
        more=more,
        oldest=min(late, default=None),
        first=tuple(sorted(parked, key=_age)[:SHOWN]),
        sinks=sinks,
    )


def _age(one: Late) -> tuple[bool, str, str]:
    return (one.since is None, one.since.isoformat() if one.since else "", one.view.id)
