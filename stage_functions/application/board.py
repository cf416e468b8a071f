"""The board: assets by stage. One pass over the catalog, as far as a page needs it.

The catalog has a row per version, the versions of an asset side by side; so an asset is summed up
as its rows go by, and the next page begins behind the last asset of this one. A filter that fits
little reads more: at most `MAX_ROWS`, then the page ends and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.catalog import CatalogEntry, called
from stage_functions.application.codec import unpack, unpack_bytes
from stage_functions.application.context import Context
from stage_functions.application.numbering import newest_first
from stage_functions.application.ports.rows import CATALOG, Row, Rows
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.violation import Violation

ASSETS = 50
"""On a page."""
MAX_ROWS = 20_000
"""Read for a page, but for those that the last asset still has."""
NAMED = 3
"""Versions named at a stage; the others are counted."""
_NO_APPROVAL, _VIOLATION = b'"approval":""', b'"violation":{'
_DUE = b'"review_due":"'
_FIRST_ROWS, _MORE_ROWS = 250, 1000


class Wanted(Struct, frozen=True):
    """Which assets are wanted.

    Attributes:
        registry: only of this one; "" for all.
        kind: only of this one; None for all.
        name: only those whose name has this in it, in whatever case.
        stage: only those with a version there.
        waiting: only those with an open approval.
        violating: only those with a violation that stands, wherever it is.
        due: only those with a version whose review is due.
        hidden: versions at stages that the lifecycle hides, and deleted ones, count too.
    """

    registry: str = ""
    kind: Kind | None = None
    name: str = ""
    stage: str = ""
    waiting: bool = False
    hidden: bool = False
    violating: bool = False
    due: bool = False

    @property
    def narrow(self) -> bool:
        """Something is left out by choice."""
        found = self.registry or self.kind or self.name or self.stage
        return bool(found or self.waiting or self.violating or self.due)


class Share(Struct, frozen=True):
    """What stands at a stage.

    Attributes:
        stage: its name.
        exclusive: at most one version holds it.
        hidden: the lifecycle leaves it out of lists.
        count: how many versions stand there.
        versions: the newest of them.
    """

    stage: str
    exclusive: bool
    hidden: bool
    count: int
    versions: tuple[str, ...]


class Waiting(Struct, frozen=True):
    """A version with an open approval.

    Attributes:
        version: its number.
        approval: the id.
        status: the version's status in words.
    """

    version: str
    approval: str
    status: str


class Card(Struct, frozen=True):
    """An asset on the board.

    Attributes:
        asset: which.
        lifecycle: name of the one that governs it, or "".
        shares: the stages of the lifecycle in its order, hidden ones only if wanted.
        waiting: versions with an open approval.
        stopped: why nothing is written to a version, by its number.
        ended: when the approval of a version ended by which it stands, by its number.
        violations: the newest violation of a version that stands, by its number.
        edited: record of an edit that nobody has acknowledged, by the number of the version.
        reviews: when a review was due that is to be made, by the version's number.
        lapsed: versions whose review was not made in time.
        observed: how many versions are only observed.
        gone: how many were deleted.
        left_out: how many versions stand at each stage that is not shown.
    """

    asset: Asset
    lifecycle: str
    shares: tuple[Share, ...]
    waiting: tuple[Waiting, ...]
    stopped: Mapping[str, str]
    ended: Mapping[str, datetime]
    violations: Mapping[str, Violation]
    edited: Mapping[str, int]
    reviews: Mapping[str, datetime]
    lapsed: tuple[str, ...]
    observed: int
    gone: int
    left_out: Mapping[str, int]

    @property
    def plain(self) -> bool:
        """There is something to show that is neither hidden nor deleted."""
        told = self.observed or self.waiting or self.violations or self.edited or self.reviews
        return bool(told or any(share.count for share in self.shares))


class Board(Struct, frozen=True):
    """A page of the board.

    Attributes:
        cards: in the order of registry, kind and name.
        cursor: to go on behind; "" when these were the last.
        cut: the page ended since much was read, not since it was full.
        left_out: how many assets have nothing but deleted versions and such at hidden stages.
        known: the catalog has an asset at all, whatever was wanted.
    """

    cards: tuple[Card, ...]
    cursor: str
    cut: bool
    left_out: int
    known: bool


def board(context: Context, wanted: Wanted, cursor: str = "") -> Board:
    """Return a page of the board.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: the cursor is of no such page.
    """
    partitions = _partitions(context, wanted, cursor)
    cards: list[Card] = []
    read, left_out, last = 0, 0, ""
    renamed = context.in_force.renames(context.clock.now())  # some may still follow
    for place, rows in _assets(context.ledger.rows, partitions, cursor):
        if len(cards) == ASSETS or read >= MAX_ROWS:
            return Board(tuple(cards), last, read >= MAX_ROWS, left_out, known=True)
        read, last = read + len(rows), place
        if not _named(rows[0], wanted.name) or not (renamed or _may_fit(rows, wanted)):
            continue
        kept = [unpack(row, CatalogEntry) for row in rows]
        lifecycle = context.governing(Asset.parse(kept[0].asset)) if renamed else None
        entries = [called(one, lifecycle) for one in kept]
        if not _fits(context, entries, wanted):
            continue
        card = summed_up(context, entries, wanted)
        if card.plain or wanted.hidden or wanted.stage:
            cards.append(card)
        else:
            left_out += 1
    known = bool(cards or left_out) or _any(context)
    return Board(tuple(cards), "", cut=False, left_out=left_out, known=known)


def summed_up(context: Context, entries: Sequence[CatalogEntry], wanted: Wanted) -> Card:
    """Sum up the versions of one asset."""
    asset = Asset.parse(entries[0].asset)
    lifecycle = context.governing(asset)
    here = [entry for entry in entries if not entry.gone]
    by_stage: dict[str, list[str]] = {}
    for entry in here:
        if entry.stage:
            by_stage.setdefault(entry.stage, []).append(entry.version)
    shares = _shares(lifecycle, by_stage)
    now = context.clock.now()
    shown = [s for s in shares if wanted.hidden or not s.hidden or s.stage == wanted.stage]
    return Card(
        asset,
        lifecycle.name if lifecycle is not None else "",
        tuple(shown),
        tuple(Waiting(e.version, e.approval, e.status) for e in here if e.approval),
        {entry.version: entry.stopped for entry in here if entry.stopped},
        _ended(here, {share.stage for share in shown}, now),
        {entry.version: entry.violation for entry in here if entry.violation is not None},
        {entry.version: entry.drifted for entry in here if entry.drifted},
        _due(here, lifecycle, now),
        tuple(entry.version for entry in here if entry.review_lapsed),
        sum(not entry.stage for entry in here),
        len(entries) - len(here),
        {s.stage: s.count for s in shares if s not in shown and s.count},
    )


def _ended(
    here: Sequence[CatalogEntry], shown: Collection[str], now: datetime
) -> dict[str, datetime]:
    there = {e.version: e.valid_until for e in here if e.valid_until and e.stage in shown}
    return {number: until for number, until in there.items() if until <= now}


def _due(
    here: Sequence[CatalogEntry], lifecycle: Lifecycle | None, now: datetime
) -> dict[str, datetime]:
    """Return when the reviews were due that are to be made, by the number of the version."""
    known = lifecycle.stages.values() if lifecycle is not None else ()
    asked = {stage.name for stage in known if stage.review is not None}
    there = {e.version: e.review_due for e in here if e.review_due and e.stage in asked}
    return {number: due for number, due in there.items() if due <= now}


def stages(context: Context) -> list[str]:
    """Return the names of all stages of the configuration, in file order."""
    every = (name for lifecycle in context.lifecycles for name in lifecycle.stages)
    return list(dict.fromkeys(every))


def _shares(lifecycle: Lifecycle | None, by_stage: Mapping[str, list[str]]) -> list[Share]:
    known = lifecycle.stages if lifecycle is not None else {}
    found: list[Share] = []
    for name in [*known, *(stage for stage in by_stage if stage not in known)]:
        versions = newest_first(by_stage.get(name, ()))
        stage = known.get(name)
        found.append(
            Share(
                name,
                stage is not None and stage.exclusive,
                stage is not None and stage.hidden,
                len(versions),
                tuple(versions[:NAMED]),
            )
        )
    return found


def _fits(context: Context, entries: Sequence[CatalogEntry], wanted: Wanted) -> bool:
    here = [entry for entry in entries if not entry.gone]
    there = not wanted.stage or any(entry.stage == wanted.stage for entry in here)
    violates = not wanted.violating or any(entry.violation is not None for entry in here)
    lifecycle = context.governing(Asset.parse(entries[0].asset))
    due = not wanted.due or bool(_due(here, lifecycle, context.clock.now()))
    return (
        there and violates and due and (not wanted.waiting or any(entry.approval for entry in here))
    )


def _may_fit(rows: Sequence[Row], wanted: Wanted) -> bool:
    """Tell by the bytes whether rows are worth decoding: of many thousands that is what costs.

    What stands between quotes in them is written by the same encoder, and a quote inside a text is
    escaped: a text cannot look like a field.
    """
    if not (wanted.stage or wanted.waiting or wanted.violating or wanted.due):
        return True
    bodies = [unpack_bytes(row) for row in rows]
    needle = b'"stage":' + msgspec.json.encode(wanted.stage)
    return (
        (not wanted.stage or any(needle in body for body in bodies))
        and (not wanted.waiting or any(_NO_APPROVAL not in body for body in bodies))
        and (not wanted.violating or any(_VIOLATION in body for body in bodies))
        and (not wanted.due or any(_DUE in body for body in bodies))
    )


def _named(row: Row, part: str) -> bool:
    """Tell whether an asset's name has this in it; most keys tell without the row's text."""
    if not part:
        return True
    key = row.key.rpartition(":")[0]
    if "~" in key:  # the key was cut
        name = Asset.parse(unpack(row, CatalogEntry).asset).name
    else:
        name = unquote(key.replace("=", "%"))
    return part.casefold() in name.casefold()


def _partitions(context: Context, wanted: Wanted, cursor: str) -> list[str]:
    configuration = context.configuration
    if wanted.registry:
        configuration.registry(wanted.registry)
    aliases = [wanted.registry] if wanted.registry else list(configuration.registries)
    kinds = [wanted.kind] if wanted.kind else list(Kind)
    found = [keys.catalog_partition(alias, kind) for alias in aliases for kind in kinds]
    if not cursor:
        return found
    at, _, name = cursor.partition(" ")
    if at not in found or not name:
        message = "the cursor is of another list: begin at the first page"
        raise InvalidInputError(message)
    return found[found.index(at) :]


def _assets(rows: Rows, partitions: Sequence[str], cursor: str) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of each asset behind a cursor, with the cursor to go on behind it."""
    behind = cursor.partition(" ")[2]
    limit = _FIRST_ROWS
    for partition in partitions:
        start, behind = (keys.after(f"{behind}:") if behind else ""), ""
        name, held = "", list[Row]()
        while True:
            page = rows.query(CATALOG, partition, start=start, limit=limit)
            for row in page:
                key = row.key.rpartition(":")[0]
                if key != name and held:
                    yield f"{partition} {name}", held
                    held = []
                name = key
                held.append(row)
            if len(page) < limit:
                break
            start, limit = keys.behind(page[-1].key), _MORE_ROWS
        if held:
            yield f"{partition} {name}", held


def _any(context: Context) -> bool:
    partitions = (
        keys.catalog_partition(alias, kind)
        for alias in context.configuration.registries
        for kind in Kind
    )
    return any(context.ledger.rows.query(CATALOG, one, limit=1) for one in partitions)
