"""The clock: reminders, escalation and expiry of approvals, the end of what was approved.

And what it has to do for versions, see `revisit`.

What is due is derived from an approval's state and the time alone, never from the row that rang: a
row only says when to look. So it does not matter how often, how late, by how many instances at once
or under which clock an approval is looked at. A row is forgotten only when its moment has passed by
the very reading of the clock that the approval was looked at with.

- Expiry wins over everything: what has lapsed is closed, and nobody is reminded of it any more.
  Of the ratification of an emergency more follows, in the same commit: see `ratifying`.
- However many reminders are late, one is given.
- Where a registry is only observed, reminders, escalation and the end of validity wait, and what
  follows an emergency; expiry of anything else does not, unless the ledger was restored: till
  somebody has resolved the registry, what is open in it may have been decided since.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct, field

from stage_functions.application import keys
from stage_functions.application.codec import foreign
from stage_functions.application.context import Context
from stage_functions.application.ledger import VALIDITY, VERSION, Loaded
from stage_functions.application.ports.rows import ANY_ETAG, WORK, Change, Delete, Row, Upsert
from stage_functions.application.renewal import end_and_renew
from stage_functions.application.revisit import revisit
from stage_functions.application.signals import settle
from stage_functions.domain import validity
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.consent import close, escalate, remind
from stage_functions.domain.error import ConflictError, StagewardError
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.lifecycle import WhenInvalid
from stage_functions.domain.record import RecordType
from stage_functions.domain.state import Step
from stage_functions.domain.stored import demand_understood

PAGE = 200
PAUSE_SECONDS = 600
"""How long what is due waits before it is looked at again where a registry is only observed."""
_KNOWN = frozenset({"format", "asset", "approval", VALIDITY, VERSION})
"""Properties of a row of the clock."""
log = logging.getLogger("stageward.deadlines")


class Rung(Struct, frozen=True):
    """What the clock came to on an approval.

    Attributes:
        at: the reading of the clock that it was looked at with.
        did: types of the records that were committed.
        paused: something is due, but waits until the registry is governed again.
    """

    at: datetime
    did: tuple[RecordType, ...] = ()
    paused: bool = False


class _Due(Struct, frozen=True):
    """What is due on an approval, before it is committed."""

    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    operation: str = ""
    paused: bool = False
    loaded: Loaded | None = None


def ring(context: Context, asset: Asset, approval_id: str) -> Rung:
    """Do whatever is due on an approval now, in one commit.

    Raises:
        RegistryUnavailableError: what a renewal is bound to cannot be read; nothing was done.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ring again.
        LaterReleaseError: only a later release knows what is due.
    """
    return context.persistently(lambda: _attempt(context, asset, approval_id))


def ring_due(context: Context, shard: int, end: datetime, failed: list[str]) -> list[RecordType]:
    """Ring whatever is due in a shard, until a moment; what cannot be done now stays.

    Args:
        context: the context.
        shard: of `work`.
        end: when to stop.
        failed: what could not be done is added, with the reason.

    Returns:
        The types of the records that were committed.
    """
    partition, start = f"deadlines-{shard:02d}", ""
    due = context.clock.now().isoformat()
    did: list[RecordType] = []
    while True:
        page = context.ledger.rows.query(WORK, partition, start=start, end=due, limit=PAGE)
        for rows in _by_subject([row for row in page if not _foreign(row)]):
            if context.clock.now() >= end:
                return did
            did += _ring_rows(context, partition, rows, failed)
        if len(page) < PAGE:
            return did
        start = keys.behind(page[-1].key)


def _foreign(row: Row) -> bool:
    """Tell whether only a later release knows what a row rings for."""
    about = VERSION in row.values or "approval" in row.values
    return not about or bool(foreign(row, "asset"))


def _further(row: Row) -> bool:
    """Tell whether a later release says more in a row than this one reads: that one forgets it."""
    return not row.values.keys() <= _KNOWN


def _by_subject(page: Sequence[Row]) -> list[list[Row]]:
    """Group rows about the same approval, or the same version."""
    grouped: dict[object, list[Row]] = {}
    for row in page:
        one = row.values
        subject = one.get("approval") or (one["asset"], one[VERSION])
        grouped.setdefault(subject, []).append(row)
    return list(grouped.values())


def _ring_rows(
    context: Context, partition: str, rows: Sequence[Row], failed: list[str]
) -> tuple[RecordType, ...]:
    asset = Asset.parse(str(rows[0].values["asset"]))
    number, approval = rows[0].values.get(VERSION), str(rows[0].values.get("approval", ""))
    try:
        rung = (
            ring(context, asset, approval)
            if number is None
            else Rung(revisit(context, Version(asset, str(number))))
        )
        passed = [row for row in rows if row.key < rung.at.isoformat() and not _further(row)]
        _forget(context, partition, passed, rung)
    except StagewardError as exc:
        log.warning("%s of %s: %s", approval or number, asset, exc)
        failed.append(f"{asset}: {exc}")
        return ()
    return rung.did


def _forget(context: Context, partition: str, rows: Sequence[Row], rung: Rung) -> None:
    """Delete rows whose moment has passed; where something is paused, look again later."""
    if not rows:
        return
    changes: list[Change] = [Delete(row.key, ANY_ETAG) for row in rows]
    later: list[Change] = []
    if rung.paused:
        again = rung.at + timedelta(seconds=PAUSE_SECONDS)
        owner = keys.asset_partition(Asset.parse(str(rows[-1].values["asset"])))
        key = keys.deadline_key(again, owner, str(rows[-1].values["approval"]))
        later = [Upsert(key, rows[-1].values)]
    try:
        context.ledger.rows.commit(WORK, partition, [*changes, *later])
    except ConflictError:  # another instance was first with some
        for change in (*later, *changes):
            with suppress(ConflictError):
                context.ledger.rows.commit(WORK, partition, [change])


def _attempt(context: Context, asset: Asset, approval_id: str) -> Rung:
    loaded = context.ledger.more(context.ledger.load(asset), approval=approval_id)
    found = loaded.approvals.get(approval_id)
    now = context.clock.now()
    if found is not None:
        demand_understood(found)
    if found is None or found.status not in (Status.OPEN, Status.APPROVED):
        return Rung(now)
    loaded = context.ledger.more(loaded, [found.version])
    due = (
        _waiting(context, loaded, found, now)
        if found.status is Status.OPEN
        else _given(context, loaded, found, now)
    )
    if not due.step.drafts:
        return Rung(now, paused=due.paused)
    committed = context.ledger.commit(
        due.loaded or loaded, due.step, now=now, operation=due.operation, blobs=due.blobs
    )
    settle(context, committed)
    return Rung(now, tuple(draft.type for draft in due.step.drafts))


def _waiting(context: Context, loaded: Loaded, approval: Approval, now: datetime) -> _Due:
    """Return what is due on an approval that is open."""
    step, directory = loaded.step(), context.configuration.directory
    if approval.lapsed(now) and approval.ratifies:
        if context.states.ungoverned(loaded.asset.registry):
            return _Due(step, paused=True)
        from stage_functions.application.ratifying import lapse  # noqa: PLC0415  # rarely needed

        ruling = lapse(context, loaded, approval, now)
        operation = f"expiry-{approval.id}"
        return _Due(ruling.step, ruling.blobs, operation, loaded=ruling.loaded)
    if approval.lapsed(now):
        if context.states.get(loaded.asset.registry).restored is not None:
            return _Due(step, paused=True)
        step = close(step, approval.id, Status.EXPIRED, approval.lapse, ITSELF, now)
        return _Due(step, operation=f"expiry-{approval.id}")
    if not (approval.escalates(now) or approval.reminds(now)):
        return _Due(step)
    if context.states.ungoverned(loaded.asset.registry):
        return _Due(step, paused=True)
    if approval.escalates(now):
        step = escalate(step, approval, directory, now)
    if approval.reminds(now):
        step = remind(step, step.state.approvals[approval.id], directory, now)
    return _Due(step, operation=f"clock-{approval.id}-{loaded.head.number}")


def _given(context: Context, loaded: Loaded, approval: Approval, now: datetime) -> _Due:
    """Return what is due on an approval that was given."""
    step = loaded.step()
    if not validity.ended(approval, loaded.versions.get(approval.version), now):
        return _Due(step)
    if context.states.ungoverned(loaded.asset.registry):
        return _Due(step, paused=True)
    operation = f"validity-{approval.id}"
    version = Version(loaded.asset, approval.version)
    if approval.policy.when_invalid is not WhenInvalid.RENEW:
        step = validity.end(step, version, approval, approval.policy.when_invalid, now)
        return _Due(step, operation=operation)
    followed = end_and_renew(context, step, version, approval, now)
    if followed.why_not:
        log.warning(
            "%s: approval %s has run out, and no renewal opens: %s",
            version,
            approval.id,
            followed.why_not,
        )
    return _Due(followed.step, followed.blobs, operation)
