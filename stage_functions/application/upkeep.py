"""What operators look after: owed work that is late or parked, old answers, the catalog, health."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import (
    anchoring,
    catalog,
    contents,
    decided,
    keys,
    past,
    users,
    violators,
    whole,
)
from stage_functions.application.backlog import OwedView, backlog, view
from stage_functions.application.codec import UPDATE
from stage_functions.application.context import Context
from stage_functions.application.ledger import NOTIFY
from stage_functions.application.outbox import WORKED_OFF
from stage_functions.application.ports.rows import LEDGER, WORK, Change, Delete
from stage_functions.application.signals import settle_due
from stage_functions.application.status import registries, unwritten, word_for
from stage_functions.application.telling import tell_due
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import LaterReleaseError, NotFoundError, StagewardError

ANSWERS_DAYS = 7
"""How long an operation id gets the same answer."""
PAGE = 1000
BATCH = 99
READY = "ledger"
"""The only part of health that decides on readiness: without it this process can answer nobody.

The other parts are the same for every process, so whoever takes those out of service that are not
ready would take all of them: with a registry that cannot be read, or work that is parked, pages,
votes, webhooks and the other registries go on.
"""


class Health(Struct, frozen=True):
    """Ready or not, and which part is not.

    Attributes:
        ready: this process can decide, since its ledger can be read and written to.
        parts: what is wrong by part, in a word that tells nothing of the inside: `unwritable`
            and what `status.word_for` says of the ledger, `parked`, `not-told`, `waiting`, and
            what `RegistryStatus.code` says; an empty text where nothing is.
    """

    ready: bool
    parts: dict[str, str]


log = logging.getLogger("stageward.upkeep")
UNAVAILABLE = Health(ready=False, parts={READY: "unavailable"})
"""Of a ledger that does not answer in time, too."""


def outbox(context: Context) -> list[OwedView]:
    """Return all owed work, parked work first."""
    views = [
        view(str(asset), owed) for asset in _owing(context) for owed in context.ledger.owed(asset)
    ]
    return sorted(views, key=lambda one: (not one.owed.parked, one.asset, one.owed.key))


def retry(context: Context, wanted: str) -> OwedView:
    """Try owed work again now, parked or not.

    Raises:
        NotFoundError: nothing is owed under that id.
        ConflictError, UnknownOutcomeError: try again.
        LaterReleaseError: only a later release knows how it is done.
    """
    found = next((one for one in outbox(context) if one.id == wanted), None)
    if found is None:
        message = f"nothing is owed under '{wanted}'; `stageward outbox` lists what is"
        raise NotFoundError(message)
    if found.owed.duty not in (*WORKED_OFF, NOTIFY):
        message = f"only a later release knows how '{found.owed.duty}' is done; {UPDATE}"
        raise LaterReleaseError(message)
    owed = Asset.parse(found.asset)

    def attempt() -> None:
        loaded = context.ledger.load(owed)
        now = context.clock.now()
        rows = context.ledger.owed(owed)
        again = [
            replace(row, parked=False, paused=False, next_at=now, refused={})
            for row in rows
            if row.key == found.owed.key
        ]
        if again:
            context.ledger.complete(loaded, {}, [], again, loaded.head.owed)

    context.persistently(attempt)
    settle_due(context, context.ledger.load(owed))
    if found.owed.duty == NOTIFY:
        tell_due(context, owed)
    return found


def rebuild_catalog(context: Context) -> int:
    """Write the catalog again from the ledger; return of how many versions."""
    count = 0
    for asset in context.ledger.assets():
        # Entries come last: they say up to where the past is kept, and are as new as that.
        followed = context.persistently(partial(past.rebuild, context, asset))
        states = context.ledger.versions(asset, as_kept=True)
        catalog.write(context.ledger.rows, asset, states, followed)
        context.persistently(partial(_followed, context, asset, followed))
        decided.rebuild(context.ledger.rows, asset)
        users.rebuild(context.ledger.rows, asset, states)
        contents.rebuild(context.ledger.rows, asset, states)
        violators.rebuild(context.ledger.rows, asset, states)
        count += len(states)
    whole.say(context.ledger.rows, context.ledger.id)
    return count


def rebuild_lost_catalog(context: Context) -> int:
    """Write the catalog again where it was lost, or came back older than the ledger; count."""
    if whole.is_whole(context.ledger.rows, context.ledger.id):
        return 0
    count = rebuild_catalog(context)
    log.info("the catalog is rebuilt: %d versions", count)
    return count


def _followed(context: Context, asset: Asset, number: int) -> None:
    loaded = context.ledger.load(asset)
    if loaded.head.past < number:
        context.ledger.complete(loaded, {}, [], [], loaded.head.owed, past=number)


def forget_answers(context: Context) -> int:
    """Remove answers to operation ids that are older than a week; return how many."""
    limit = context.clock.now() - timedelta(days=ANSWERS_DAYS)
    return sum(_forget(context, asset, limit) for asset in context.ledger.assets())


def health(context: Context) -> Health:
    """Tell whether Stageward is well, in words that anybody may read; see `status` for the rest."""
    parts = {READY: "" if unwritten(context) is None else "unwritable"}
    try:
        owed = backlog(context)
        parts["outbox"] = "parked" if owed.parked else ""
        if context.notifier is not None:
            parts["notifications"] = "not-told" if owed.untold else ""
        if context.places:
            known, started = anchoring.status(context), context.process.facts.started
            parts["anchors"] = known.code(context.clock.now(), started)
        waits = context.in_force.waiting(context.configuration.lifecycles)
        parts |= {f"lifecycle {one.name}": "waiting" for one in waits if one.groups}
        parts |= {f"registry {one.alias}": one.code for one in registries(context)}
    except StagewardError as exc:
        parts[READY] = word_for(exc)
    return Health(not parts[READY], parts)


def _owing(context: Context) -> Iterator[Asset]:
    for shard in range(keys.SHARDS):
        partition, start, seen = f"outbox-{shard:02d}", "", set[str]()
        while True:
            rows = context.ledger.rows.query(WORK, partition, start=start, limit=PAGE)
            for row in rows:
                name = str(row.values.get("asset", ""))
                if name and name not in seen:
                    seen.add(name)
                    yield Asset.parse(name)
            if len(rows) < PAGE:
                break
            start = keys.behind(rows[-1].key)


def _forget(context: Context, asset: Asset, limit: datetime) -> int:
    partition, start, forgotten = keys.asset_partition(asset), keys.OPERATION, 0
    while True:
        rows = context.ledger.rows.query(
            LEDGER, partition, start=start, end=keys.after(keys.OPERATION), limit=BATCH
        )
        old: list[Change] = [
            Delete(row.key, row.etag)
            for row in rows
            if datetime.fromisoformat(str(row.values["at"])) < limit
        ]
        if old:
            context.ledger.rows.commit(LEDGER, partition, old)
            forgotten += len(old)
        if len(rows) < BATCH:
            return forgotten
        start = keys.behind(rows[-1].key)
