"""Anchor the ledger: once an hour, say elsewhere where each of its histories ends.

The anchor is made true in the ledger first, in one conditional batch, so that of two instances one
makes it; then each place gets it, in order, as often as is needed. A crash loses nothing. Who has
configured no place pays nothing: not a row is read.

Every head is read: a row that could be listed instead would be one more to write at each decision.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import anchor_rows, keys
from stage_functions.application.adoption import own_histories
from stage_functions.application.anchor_rows import (
    LATEST,
    PARTITION,
    KeptAnchor,
    Published,
    anchor_key,
    anchors,
    place_key,
    with_ends,
)
from stage_functions.application.codec import pack, pack_blob, unpack
from stage_functions.application.context import Context
from stage_functions.application.histories import JOURNAL, History
from stage_functions.application.ledger import Head
from stage_functions.application.ports.anchors import AnchorPlace
from stage_functions.application.ports.rows import BLOBS, LEDGER, Change, Insert, Replace, Upsert
from stage_functions.domain.anchor import End, Inclusion, proof_of, root_of
from stage_functions.domain.error import (
    ConflictError,
    RetryableError,
    SinkRefusedError,
    StagewardError,
)
from stage_functions.domain.stored import demand_understood

EVERY = timedelta(hours=1)
LATE = timedelta(hours=2)
"""So old the latest anchor may be before somebody is told."""
WHOLE_EVERY = 24
"""After so many anchors all ends are kept once more, so that no proof needs more documents."""
AT_ONCE = 8
"""Heads that are read at the same time: each waits for the store, which is far away in Azure."""
MOST_PUBLISHED = 100
"""Anchors that a place gets at one ring of the timer: a new one gets all that there are."""
MAX_WAIT = timedelta(hours=1)
NAMED = 10
log = logging.getLogger("stageward.anchors")


class PlaceStatus(Struct, frozen=True):
    """A place for anchors.

    Attributes:
        where: its address, without a secret.
        behind: how many anchors it does not have yet.
        at: of the last one that it has, or None.
        error: what went wrong last, or "".
        refused: it refuses for good: somebody must look.
    """

    where: str
    behind: int
    at: datetime | None
    error: str
    refused: bool


class AnchorStatus(Struct, frozen=True):
    """How the ledger is anchored.

    Attributes:
        at: of the latest anchor, or None.
        contradicted: histories that had got further at the anchor before that one.
        places: where anchors go.
    """

    at: datetime | None = None
    contradicted: tuple[str, ...] = ()
    places: tuple[PlaceStatus, ...] = ()

    def code(self, now: datetime, started: datetime | None) -> str:
        """Return what is wrong, in a word that tells nothing of the inside; "" where nothing is.

        Args:
            now: aware UTC.
            started: when this process was started, or None.
        """
        if self.contradicted:
            return "contradicted"
        if self.places and now - (self.at or started or now) > LATE:
            return "late"
        return "unpublished" if any(one.error for one in self.places) else ""


def keep_up(context: Context) -> tuple[str, ...]:
    """Anchor the ledger if it is time to, and publish what places lack; tell what failed.

    A restored ledger waits till somebody has said that it is right: a copy that is only tried out
    shall not contradict, in the same places, the ledger that it was made of.

    Raises:
        StoreUnavailableError: try again.
    """
    if not context.places or context.states.waits():
        return ()
    known = anchor_rows.latest(context.ledger.rows)
    if known is None or context.clock.now() - known.at >= EVERY:
        with suppress(ConflictError):  # another instance was first
            known = anchor(context)
    failed = [_publish(context, place, known.number) for place in context.places if known]
    return tuple(one for one in failed if one)


def anchor(context: Context) -> KeptAnchor:
    """Say where each history ends now, and keep that in the ledger.

    Raises:
        ConflictError: another instance was first.
        UnknownOutcomeError, StoreUnavailableError: try again.
    """
    rows, now = context.ledger.rows, context.clock.now()
    row = anchor_rows.latest_row(rows)
    last = unpack(row, KeptAnchor) if row is not None else None
    if last is not None:
        demand_understood(last)
    before = _ends(context, last)
    ends = _now(context, before)
    made = _made(context, last, now, before, ends)
    lock: Change = (
        Replace(LATEST, pack(made), row.etag) if row is not None else Insert(LATEST, pack(made))
    )
    if made.ends:
        whole = made.whole == made.number
        kept = ends.values() if whole else _changed(before, ends)
        rows.prepare(BLOBS, keys.encode(made.ends), pack_blob(anchor_rows.document(kept)))
    rows.commit(LEDGER, PARTITION, [lock, Insert(anchor_key(made.number), pack(made))])
    log.info("anchor %d over %d histories: %s", made.number, made.size, made.root)
    if made.contradicted:
        log.error("at the anchor before there was more: %s", ", ".join(made.contradicted))
    return made


def inclusion(context: Context, name: str) -> Inclusion | None:
    """Return the proof that a history's end is under the latest anchor; None where it is not.

    Args:
        context: the context.
        name: the asset, `lifecycle:<name>` or `ledger`.

    Raises:
        LedgerDamagedError: what is kept of that anchor is gone, or is not what it was.
        StoreUnavailableError: as the store says.
    """
    last = anchor_rows.latest(context.ledger.rows)
    if last is None:
        return None
    return proof_of(last.anchor(context.ledger.id), list(_ends(context, last).values()), name)


def status(context: Context) -> AnchorStatus:
    """Return how the ledger is anchored; nothing is read where no place is configured.

    Raises:
        StoreUnavailableError: as the store says.
    """
    if not context.places:
        return AnchorStatus()
    rows = context.ledger.rows
    known = anchor_rows.latest(rows)
    return AnchorStatus(
        known.at if known else None,
        known.contradicted if known else (),
        tuple(_place(context, one, known.number if known else 0) for one in context.places),
    )


def _place(context: Context, place: AnchorPlace, number: int) -> PlaceStatus:
    rows = context.ledger.rows
    done = anchor_rows.published(rows, place.name)
    row = rows.get(LEDGER, PARTITION, anchor_key(done.number)) if done.number else None
    at = unpack(row, KeptAnchor).at if row is not None else None
    return PlaceStatus(place.where, max(0, number - done.number), at, done.error, done.refused)


def _ends(context: Context, kept: KeptAnchor | None) -> Mapping[str, End]:
    """Return the ends that an anchor is over."""
    if kept is None:
        return {}
    found: Mapping[str, End] = {}
    for one in with_ends(context.ledger.rows, after=kept.whole - 1, last=kept.number):
        found = one.all
    return dict(found)


def _now(context: Context, before: Iterable[str]) -> dict[str, End]:
    """Return where every history ends now."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # no event needs it

    with ThreadPoolExecutor(AT_ONCE, "anchors") as pool:
        found = pool.map(lambda one: _end(context, one), _histories(context, before))
        return {end.name: end for end in found if end is not None}


def _histories(context: Context, before: Iterable[str]) -> Iterator[History]:
    """Yield every history that there is; one that was anchored once is never left out again."""
    from stage_functions.application.verifying import (  # noqa: PLC0415  # once an hour
        named,
        of_asset,
    )

    assets = (of_asset(asset) for asset in context.ledger.assets())
    rest = (named(name) for name in before)
    seen: set[str] = set()
    for history in chain((JOURNAL,), own_histories(context), assets, rest):
        if history.name not in seen:
            seen.add(history.name)
            yield history


def _end(context: Context, history: History) -> End | None:
    row = context.ledger.rows.get(LEDGER, history.partition, keys.HEAD)
    if row is None:
        return None
    head = unpack(row, Head)
    return End(history.name, head.number, head.hash) if head.number else None


def _changed(before: Mapping[str, End], ends: Mapping[str, End]) -> list[End]:
    return [one for name, one in ends.items() if before.get(name) != one]


def _made(
    context: Context,
    last: KeptAnchor | None,
    now: datetime,
    before: Mapping[str, End],
    ends: Mapping[str, End],
) -> KeptAnchor:
    number = last.number + 1 if last else 1
    changed = _changed(before, ends)
    lost = set(before) - set(ends)
    whole = last is None or bool(lost) or number - last.whole >= WHOLE_EVERY
    kept = ends.values() if whole else changed
    return KeptAnchor(
        number=number,
        at=now if last is None else max(now, last.at + timedelta(microseconds=1)),
        size=len(ends),
        root=root_of(list(ends.values())),
        before=last.anchor(context.ledger.id).digest if last else "",
        ends=anchor_rows.digest(kept) if whole or changed else "",
        whole=number if whole else (last.whole if last else 0),
        contradicted=tuple(sorted(_contradicted(before, ends)))[:NAMED],
    )


def _contradicted(before: Mapping[str, End], ends: Mapping[str, End]) -> Iterator[str]:
    """Yield the histories that have got shorter, or end otherwise at the same number."""
    for name, was in before.items():
        now = ends.get(name)
        if now is None or now.number < was.number or (now.number == was.number and now != was):
            yield name


def _publish(context: Context, place: AnchorPlace, last: int) -> str:
    """Give a place what it lacks; return what went wrong, or "".

    Raises:
        StoreUnavailableError: try again.
    """
    rows, now = context.ledger.rows, context.clock.now()
    done = anchor_rows.published(rows, place.name)
    if done.number >= last or (done.next_at is not None and now < done.next_at):
        return _said(place, done)
    until = min(last, done.number + MOST_PUBLISHED)
    after = done
    try:
        for kept in anchors(rows, after=done.number, last=until):
            place.publish(kept.anchor(context.ledger.id))
            after = Published(kept.number)
    except StagewardError as exc:
        log.warning("anchors to %s: %s", place.where, exc)
        after = _later(after, exc, now)
    kept_row = Upsert(place_key(place.name), pack(replace(after, beyond=done.beyond)))
    rows.commit(LEDGER, PARTITION, [kept_row], durable=False)
    return _said(place, after)


def _said(place: AnchorPlace, done: Published) -> str:
    return f"anchors to {place.where}: {done.error}" if done.error else ""


def _later(after: Published, exc: StagewardError, now: datetime) -> Published:
    """Return how far a place is, with the next attempt later each time, within an hour."""
    wait = min(MAX_WAIT, timedelta(minutes=2**after.attempts))
    if isinstance(exc, RetryableError) and exc.retry_after_seconds:
        wait = max(wait, timedelta(seconds=exc.retry_after_seconds))
    return replace(
        after,
        attempts=min(after.attempts + 1, 10),
        next_at=now + wait,
        error=str(exc),
        refused=isinstance(exc, SinkRefusedError),
    )
