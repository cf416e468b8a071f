"""Where every version stood at any time, kept beside the catalog: so that nobody replays histories.

A row a version holds its spans: from when on it stood where, on what grounds, each by the record
that says so. They are the same fold as a replay (`history.after`), one step a record. When a row is
full, its older half goes to a row of its own, which nothing changes any more; so what an event
costs does not grow with how often a version has moved.

`Head.past` says up to which record of an asset the rows are kept. It is raised in the batch that
takes the work off the outbox, under the asset's lock, and only from where it was: whatever was
committed in between, by a release that knows nothing of it too, is read and kept first. A row is
replaced under its own lock and only ever goes on: a late writer finds its records there already.
Rows are derived: all of them are written again by the rebuild of the catalog.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.approvers import with_approvers
from stage_functions.application.codec import pack, unpack
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.ports.rows import CATALOG, Change, Insert, Replace, Rows, Upsert
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import ConflictError, UnknownOutcomeError
from stage_functions.domain.history import BEGINS, MOVES, Standing, after
from stage_functions.domain.record import Record
from stage_functions.domain.stored import Stored

SPANS = 8
"""So many spans go to a row of their own, when twice as many are kept."""
AT_ONCE_RECORDS = 1000
"""An asset whose rows lag by more catches up over several events."""
AT_ONCE_VERSIONS = 25
_TRIES = 5
_NEVER = datetime.min.replace(tzinfo=UTC)


class Span(Stored, frozen=True, omit_defaults=True):
    """Where a version stood from a moment on.

    Attributes:
        begun: the moment: of the first record of the commit, which takes place as a whole.
        number: of the record that says so.
        standing: where; None where it was gone from then on.
    """

    begun: datetime
    number: int
    standing: Standing | None = None


class Past(Stored, frozen=True, omit_defaults=True):
    """Where a version stood, as far as one row holds it.

    Attributes:
        spans: in order, the present one last.
        earlier: how many spans before these are in rows of their own.
    """

    spans: tuple[Span, ...] = ()
    earlier: int = 0

    @property
    def number(self) -> int:
        """Of the last record that it has."""
        return self.spans[-1].number if self.spans else 0

    def span_at(self, moment: datetime) -> Span | None:
        """Return the span that a moment lies in; None where it is before all of these."""
        position = bisect_right(self.spans, moment, key=lambda span: span.begun)
        return self.spans[position - 1] if position else None


class Move(Struct, frozen=True):
    """A record that changes where a version stands.

    Attributes:
        begun: when its commit took place.
        record: the record.
    """

    begun: datetime
    record: Record


class Further(Struct):
    """How a row goes on; mutable only inside `_gone_on`.

    Attributes:
        past: what it holds from now on.
        full: what goes to rows of their own, in order.
    """

    past: Past
    full: list[Past] = field(default_factory=list)


def follow(context: Context, loaded: Loaded, records: Sequence[Record]) -> int:
    """Bring the rows of an asset up to its head, or nearer to it where they lag far behind.

    Args:
        context: the context.
        loaded: the asset, as the work is done on.
        records: those that are at hand, in order; others are read.

    Returns:
        What `Head.past` may be raised to.

    Raises:
        ConflictError: somebody else keeps writing them; try again.
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    head = loaded.head
    if head.past >= head.number:
        return head.past
    wanted = [one for one in records if head.past < one.number <= head.number]
    if len(wanted) < head.number - head.past:
        wanted = _read(context, loaded.asset, head.past, head.number)
    if not wanted:
        return head.past
    _write(context, loaded.asset, moves(wanted), loaded.approvals)
    return wanted[-1].number


def _read(context: Context, asset: Asset, behind: int, last: int) -> list[Record]:
    """Return records behind a number, no commit in part."""
    partition = keys.asset_partition(asset)
    found = context.ledger.records(partition, after=behind, last=last, limit=AT_ONCE_RECORDS)
    if found and found[-1].number < last:
        broken = found[-1].content["commit"]
        found = [one for one in found if one.content["commit"] != broken]
    return found


def rebuild(context: Context, asset: Asset) -> int:
    """Write all rows of an asset again from its history.

    Returns:
        What `Head.past` may be raised to.

    Raises:
        ConflictError: somebody else keeps writing them; try again.
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    # Locks first: whatever a row has by then comes from records that are read after this.
    etags = _etags(context.ledger.rows, asset)
    reached = context.ledger.load(asset).head.number
    moved = moves(_all(context, asset))
    numbers = list(moved)
    for start in range(0, len(numbers), AT_ONCE_VERSIONS):
        changes: list[Change] = []
        for number in numbers[start : start + AT_ONCE_VERSIONS]:
            etag = etags.get(keys.encode(number), "")
            changes += _changes(context, Version(asset, number), Past(), etag, moved[number])
        context.ledger.rows.commit(CATALOG, _partition(asset), changes)
    return reached


def _all(context: Context, asset: Asset) -> Iterator[Record]:
    partition, behind = keys.asset_partition(asset), 0
    while page := context.ledger.records(partition, after=behind, limit=AT_ONCE_RECORDS):
        yield from page
        behind = page[-1].number


def _etags(rows: Rows, asset: Asset) -> dict[str, str]:
    """Return the locks of the rows of an asset, by version as keys have it."""
    prefix = f"{keys.encode(asset.name)}:"
    start, found = prefix, dict[str, str]()
    while page := rows.query(CATALOG, _partition(asset), start=start, end=keys.after(prefix)):
        found.update({row.key.removeprefix(prefix): row.etag for row in page})
        start = keys.behind(page[-1].key)
    return found


def moves(records: Iterable[Record]) -> dict[str, list[Move]]:
    """Return the records that change where versions stand, by version; no commit in part."""
    found: dict[str, list[Move]] = {}
    commit: object = None
    begun = _NEVER
    for record in records:
        if record.content["commit"] != commit:
            commit, begun = record.content["commit"], record.at
        if record.type in MOVES:
            found.setdefault(record.version, []).append(Move(begun, record))
    return found


def standing_at(rows: Rows, version: Version, past: Past, moment: datetime) -> Standing | None:
    """Return where a version stood at a moment; None where it stood nowhere.

    Raises:
        LedgerDamagedError, LaterReleaseError: an earlier row of it cannot be read.
    """
    span = past.span_at(moment)
    if span is None and past.earlier:
        span = _earlier(rows, version, moment)
    return span.standing if span is not None else None


def _earlier(rows: Rows, version: Version, moment: datetime) -> Span | None:
    place = keys.earlier_partition(version.asset.registry, version.asset.kind)
    start, end = keys.earlier_key(version, moment), keys.after(f"{keys.catalog_key(version)}:")
    found = rows.query(CATALOG, place, start=start, end=end, limit=1)
    return unpack(found[0], Past).span_at(moment) if found else None


def _partition(asset: Asset) -> str:
    return keys.past_partition(asset.registry, asset.kind)


def _write(
    context: Context,
    asset: Asset,
    moved: Mapping[str, Sequence[Move]],
    approvals: Mapping[str, Approval],
) -> None:
    """Let the rows of versions go on, each under its own lock."""
    numbers = list(moved)
    for start in range(0, len(numbers), AT_ONCE_VERSIONS):
        some = {number: moved[number] for number in numbers[start : start + AT_ONCE_VERSIONS]}
        for tried in range(_TRIES):
            try:
                _write_some(context, asset, some, approvals, again=tried > 0)
                break
            except (ConflictError, UnknownOutcomeError):  # what was written is found so
                if tried == _TRIES - 1:
                    raise


def _write_some(
    context: Context,
    asset: Asset,
    moved: Mapping[str, Sequence[Move]],
    approvals: Mapping[str, Approval],
    *,
    again: bool,
) -> None:
    rows, partition, changes = context.ledger.rows, _partition(asset), list[Change]()
    for number, found in moved.items():
        version = Version(asset, number)
        # Of what begins here there is no row, as a rule: if there is, this conflicts, and asks.
        new = not again and found[0].record.type in BEGINS
        row = None if new else rows.get(CATALOG, partition, keys.catalog_key(version))
        past = unpack(row, Past) if row is not None else Past()
        fresh = [one for one in found if one.record.number > past.number]
        if fresh:
            etag = row.etag if row is not None else ""
            changes += _changes(context, version, past, etag, fresh, approvals)
    if changes:
        # Lost with the machine's power, it goes with what raises `Head.past`: that comes later.
        rows.commit(CATALOG, partition, changes, durable=False)


def _changes(
    context: Context,
    version: Version,
    past: Past,
    etag: str,
    found: Sequence[Move],
    approvals: Mapping[str, Approval] | None = None,
) -> list[Change]:
    """Return how a row goes on; what it has no more room for is written before that."""
    further = _gone_on(context, version.asset, past, found, approvals)
    if further.full:
        place = keys.earlier_partition(version.asset.registry, version.asset.kind)
        for full in further.full:  # written again, it is the same
            key = keys.earlier_key(version, full.spans[0].begun)
            context.ledger.rows.prepare(CATALOG, place, [Upsert(key, pack(full))])
    key, values = keys.catalog_key(version), pack(further.past)
    return [Replace(key, values, etag) if etag else Insert(key, values)]


def _gone_on(
    context: Context,
    asset: Asset,
    past: Past,
    found: Sequence[Move],
    approvals: Mapping[str, Approval] | None,
) -> Further:
    """Return how a past goes on with further records; the same whatever comes in one go."""
    further = Further(past)
    for move in found:
        spans = further.past.spans
        before = spans[-1].standing if spans else None
        standing = after(before, move.record)
        if standing is not None and standing is not before and not standing.approved_by:
            standing = with_approvers(context, asset, standing, approvals)
        spans = (*spans, Span(move.begun, move.record.number, standing))
        earlier = further.past.earlier
        if len(spans) == 2 * SPANS:
            further.full.append(Past(spans[:SPANS], earlier))
            spans, earlier = spans[SPANS:], earlier + SPANS
        further.past = replace(further.past, spans=spans, earlier=earlier)
    return further
