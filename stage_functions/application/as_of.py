"""What stood where at a moment: of one asset, and of the whole estate. Changes nothing.

The estate is read from the rows of `past`, a range at a time, beside the entries of the catalog.
No row is believed that may lag behind its asset: then the history of that asset is replayed.

- What a commit still owes is marked before it is made. Markers are read first: an asset that has
  one is asked whether its rows are kept up to its head, and whether the catalog has followed.
- An entry that a release wrote which keeps no past says so (`CatalogEntry.followed`): asked too.
- While the catalog does not say that it has all (`whole`), every history is replayed.
- A version whose row is missing, or cannot be read, is replayed; so is an asset that the ledger
  knows and the catalog does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter

import msgspec
from msgspec import Struct, field

from stage_functions.application import keys, query, whole
from stage_functions.application.approvers import with_approvers
from stage_functions.application.codec import unpack, unpack_bytes
from stage_functions.application.context import Context
from stage_functions.application.ledger import CATALOG_DUTY
from stage_functions.application.past import Past, standing_at
from stage_functions.application.ports.rows import CATALOG, LEDGER, WORK, Row
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import (
    InvalidInputError,
    LaterReleaseError,
    LedgerDamagedError,
)
from stage_functions.domain.history import Standing, as_of

PAGE = 1000
_MISSING = "~"
"""Begins the cursor of what the catalog does not know: behind all keys of the catalog."""
_EARLIER = b'"earlier":'
Place = tuple[str, Kind]
"""A registry's alias, and a kind."""
Found = tuple[str, Version, Standing]
"""A key to go on behind, a version, and where it stood."""


class Wanted(Struct, frozen=True):
    """Which versions to show.

    Attributes:
        registry: only this one; "" for all.
        kind: only this one; None for all.
        stage: only versions that stood there, whether it was called so then or is now; "" for all.
        hidden: those at stages that the lifecycle hides too; one that is asked for is shown.
    """

    registry: str = ""
    kind: Kind | None = None
    stage: str = ""
    hidden: bool = False


class StandingPage(Struct, frozen=True):
    """Some versions, and where they stood.

    Attributes:
        found: in the order of registry, kind and name.
        cursor: to go on behind; "" when these were the last.
    """

    found: tuple[tuple[Version, Standing], ...]
    cursor: str


class _Entry(Struct, frozen=True):
    """What is to be known of an entry of the catalog."""

    asset: str
    version: str
    number: int
    stage: str = ""
    followed: int = 0


def of_asset(context: Context, wanted: Asset, moment: datetime | None) -> dict[str, Standing]:
    """Return where each version of an asset stood at a moment, and whose approval counted.

    Raises:
        NotFoundError: the ledger does not know the asset.
    """
    found = query.standings(context, wanted, moment)
    return {number: with_approvers(context, wanted, one) for number, one in found.items()}


def of_estate(
    context: Context,
    moment: datetime,
    wanted: Wanted | None = None,
    *,
    cursor: str = "",
    limit: int = 100,
) -> StandingPage:
    """Return where the versions of all assets stood at a moment, page by page.

    Args:
        context: the context.
        moment: aware. Of one that is still to come nothing is known: it is as now.
        wanted: which; all but those at hidden stages if None.
        cursor: from an earlier page of the same question.
        limit: at most so many, 1,000 at the most.

    Raises:
        NotFoundError: no such registry, neither configured nor in the ledger.
        InvalidInputError: the cursor is of no such page.
    """
    wanted = wanted or Wanted()
    places = [one for one in _places(context) if _within(one, wanted)]
    if wanted.registry and not any(alias == wanted.registry for alias, _ in places):
        context.configuration.registry(wanted.registry)
    at, _, behind = cursor.partition(" ")
    names = [keys.catalog_partition(alias, kind) for alias, kind in places]
    if cursor and at not in names:
        message = "the cursor is of another list: take it from the page before"
        raise InvalidInputError(message)
    left = places[names.index(at) :] if cursor else places
    reading = _Reading(context, moment, wanted)
    limit = min(limit, query.MAX_LIMIT)
    page = list(islice(reading.through(left, behind), limit + 1))
    shown = page[:limit]
    return StandingPage(
        tuple((version, standing) for _, version, standing in shown),
        shown[-1][0] if len(page) > limit else "",
    )


def _places(context: Context) -> Iterator[Place]:
    """Yield the registries and kinds of which the ledger knows assets, configured or not."""
    start = ""
    while rows := context.ledger.rows.query(LEDGER, keys.ASSETS_PARTITION, start=start, limit=1):
        known = Asset.parse(str(rows[0].values["asset"]))
        yield known.registry, known.kind
        start = keys.after(_prefix(known.registry, known.kind))


def _prefix(alias: str, kind: Kind) -> str:
    """Return how the partitions of assets of a kind in a registry begin."""
    return keys.asset_partition(Asset(alias, kind, ""))


def _within(place: Place, wanted: Wanted) -> bool:
    alias, kind = place
    return wanted.registry in ("", alias) and wanted.kind in (None, kind)


class _Reading(Struct):
    """One reading of the estate; it remembers what it has asked, and lives as long as a page.

    Attributes:
        whole: the catalog has all that the histories say; else these are replayed, all of them.
        marked: names of the assets that had a marker when it began.
        lags: whether the rows of an asset lag behind it, by its name, where that was asked.
        replayed: the asset that was replayed last, and where its versions stood.
    """

    context: Context
    moment: datetime
    wanted: Wanted
    whole: bool = True
    marked: frozenset[str] = frozenset()
    lags: dict[str, bool] = field(default_factory=dict)
    replayed: tuple[Asset, dict[str, Standing]] | None = None

    def through(self, places: Sequence[Place], behind: str) -> Iterator[Found]:
        """Yield what fits in some places, of the first one what is behind a key."""
        ledger = self.context.ledger
        self.whole = whole.is_whole(ledger.rows, ledger.id)
        self.marked = _marked(self.context)
        for alias, kind in places:
            partition = keys.catalog_partition(alias, kind)
            for key, version, standing in self._of((alias, kind), behind):
                if self._fits(version, standing):
                    yield f"{partition} {key}", version, standing
            behind = ""

    def _of(self, place: Place, behind: str) -> Iterator[Found]:
        if not self.whole:
            yield from self._replayed(place, behind)
            return
        seen = set[str]()
        # The catalog comes first: what it shows of a marked asset is asked for before it is read.
        yield from merge(
            self._listed(place, behind, seen), self._unsure(place, behind), key=itemgetter(0)
        )
        for asset in self._missing(place, behind, seen):
            for key, version, standing in self._replayed_whole(asset):
                if (cursor := f"{_MISSING}{key}") > behind:
                    yield cursor, version, standing

    def _replayed(self, place: Place, behind: str) -> Iterator[Found]:
        """Yield where all versions of all assets stood, by nothing but their histories."""
        for asset in sorted(self._known(place), key=_prefix_of):
            if keys.after(_prefix_of(asset)) > behind:
                yield from (one for one in self._replayed_whole(asset) if one[0] > behind)

    def _known(self, place: Place) -> Iterator[Asset]:
        """Yield the assets of a place that the ledger knows."""
        rows, prefix = self.context.ledger.rows, _prefix(*place)
        start, end = prefix, keys.after(prefix)
        while page := rows.query(LEDGER, keys.ASSETS_PARTITION, start=start, end=end, limit=PAGE):
            yield from (Asset.parse(str(row.values["asset"])) for row in page)
            start = keys.behind(page[-1].key)

    def _unsure(self, place: Place, behind: str) -> Iterator[Found]:
        """Yield where versions of the marked assets stood whose rows are not to be believed."""
        assets = [Asset.parse(name) for name in self.marked]
        there = [one for one in assets if (one.registry, one.kind) == place]
        for asset in sorted(there, key=_prefix_of):
            # One that no entry has shown so far is not asked, but replayed: it may be new.
            if keys.after(_prefix_of(asset)) > behind and self.lags.setdefault(str(asset), True):
                yield from (one for one in self._replayed_whole(asset) if one[0] > behind)

    def _listed(self, place: Place, behind: str, seen: set[str]) -> Iterator[Found]:
        """Yield what the catalog knows, but of assets that are not sure; note their names."""
        start = keys.behind(behind) if behind else ""
        while entries := self._entries(place, start):
            first, start = entries[0][0], keys.behind(entries[-1][0])
            pasts = self._rows(keys.past_partition(*place), first, start)
            for key, entry in entries:
                seen.add(key.rpartition(":")[0])
                if not (entry.asset in self.marked and self.lags[entry.asset]):
                    standing = self._standing(entry, pasts.get(key))
                    if standing is not None:
                        version = Version(Asset.parse(entry.asset), entry.version)
                        yield key, version, standing

    def _entries(self, place: Place, start: str) -> list[tuple[str, _Entry]]:
        """Return entries, read after it was asked of their assets whether their rows lag."""
        while True:
            found = [
                (row.key, msgspec.json.decode(unpack_bytes(row), type=_Entry))
                for row in self.context.ledger.rows.query(
                    CATALOG, keys.catalog_partition(*place), start=start, limit=PAGE
                )
            ]
            new = ({entry.asset for _, entry in found} & self.marked) - set(self.lags)
            if not new:
                return found
            for name in new:
                self._lagging(name)

    def _rows(self, partition: str, start: str, end: str) -> dict[str, Row]:
        """Return the rows of a range, however many."""
        found: dict[str, Row] = {}
        rows = self.context.ledger.rows
        while page := rows.query(CATALOG, partition, start=start, end=end, limit=PAGE):
            found.update({row.key: row for row in page})
            if len(page) < PAGE:
                break
            start = keys.behind(page[-1].key)
        return found

    def _standing(self, entry: _Entry, row: Row | None) -> Standing | None:
        """Return where the version of an entry stood; None where it stood nowhere that fits."""
        if entry.followed < entry.number:  # of a release that keeps no past
            version = Version(Asset.parse(entry.asset), entry.version)
            if self._lagging(entry.asset):
                return self._replay(version.asset).get(version.number)
            place = keys.past_partition(version.asset.registry, version.asset.kind)
            row = self.context.ledger.rows.get(CATALOG, place, keys.catalog_key(version))
        if row is not None:
            return None if self._never_there(row) else self._kept(entry, row)
        if not entry.stage:  # only observed
            return None
        return self._replay(Asset.parse(entry.asset)).get(entry.version)

    def _never_there(self, past: Row) -> bool:
        """Tell, without reading it whole, that a row does not say that it stood at the stage."""
        if not self.wanted.stage:
            return False
        data = unpack_bytes(past)
        named = any(msgspec.json.encode(name) in data for name in self._names())
        return not named and _EARLIER not in data

    def _names(self) -> frozenset[str]:
        """Return what the stage that is asked for was called, and is, under any lifecycle."""
        wanted = self.wanted.stage
        renamed = [one.renamed for one in self.context.lifecycles if one.renamed]
        now = {wanted, *(names[wanted] for names in renamed if wanted in names)}
        before = {old for names in renamed for old, new in names.items() if new in now}
        return frozenset(now | before)

    def _kept(self, entry: _Entry, row: Row) -> Standing | None:
        version = Version(Asset.parse(entry.asset), entry.version)
        try:
            past = unpack(row, Past)
            if not past.doubt:
                return standing_at(self.context.ledger.rows, version, past, self.moment)
        except (LedgerDamagedError, LaterReleaseError):
            pass
        return self._replay(version.asset).get(version.number)

    def _missing(self, place: Place, behind: str, seen: set[str]) -> Iterator[Asset]:
        """Yield the assets that the ledger knows and the catalog does not, in order."""
        if behind:  # what earlier pages have seen
            before = self._rows(keys.catalog_partition(*place), "", keys.behind(behind))
            seen |= {key.rpartition(":")[0] for key in before}
        absent = [one for one in self._known(place) if keys.encode(one.name) not in seen]
        yield from sorted((one for one in absent if str(one) not in self.marked), key=_prefix_of)

    def _lagging(self, name: str) -> bool:
        """Ask the asset whether its rows are kept up to its head, and the catalog knows them."""
        if name not in self.lags:
            ledger, asset = self.context.ledger, Asset.parse(name)
            head = ledger.load(asset).head
            self.lags[name] = head.past < head.number or (
                bool(head.owed) and any(one.duty == CATALOG_DUTY for one in ledger.owed(asset))
            )
        return self.lags[name]

    def _replayed_whole(self, asset: Asset) -> list[Found]:
        """Return where all versions of an asset stood, in the order of the catalog."""
        found = [
            (Version(asset, number), standing) for number, standing in self._replay(asset).items()
        ]
        return sorted(
            ((keys.catalog_key(version), version, one) for version, one in found), key=itemgetter(0)
        )

    def _replay(self, asset: Asset) -> dict[str, Standing]:
        if self.replayed is None or self.replayed[0] != asset:
            found = as_of(query.all_records(self.context, asset), self.moment)
            standings = {n: with_approvers(self.context, asset, one) for n, one in found.items()}
            self.replayed = asset, standings
        return self.replayed[1]

    def _fits(self, version: Version, standing: Standing) -> bool:
        wanted = self.wanted.stage
        if wanted == standing.stage or (self.wanted.hidden and not wanted):
            return True
        lifecycle = self.context.governing(version.asset)
        if lifecycle is None:
            return not wanted
        called = lifecycle.renamed.get(standing.stage, standing.stage)
        if wanted:
            return called == lifecycle.renamed.get(wanted, wanted)
        stage = lifecycle.stages.get(called)
        return stage is None or not stage.hidden


def _prefix_of(asset: Asset) -> str:
    """Return how the keys of an asset's versions begin in the catalog."""
    return f"{keys.encode(asset.name)}:"


def _marked(context: Context) -> frozenset[str]:
    """Return the assets of which a commit may still owe something."""
    found = set[str]()
    for shard in range(keys.SHARDS):
        partition, start = f"outbox-{shard:02d}", ""
        while page := context.ledger.rows.query(WORK, partition, start=start, limit=PAGE):
            found |= {str(row.values.get("asset", "")) for row in page}
            if len(page) < PAGE:
                break
            start = keys.behind(page[-1].key)
    return frozenset(found - {""})
