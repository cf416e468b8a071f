"""Tell people what committed decisions owe them: by the sweep alone, so that nobody waits for it.

A row is taken before anything is sent, so that two instances do not tell twice, and what was sent
is noted whatever happens to the asset meanwhile. So a channel that took a message gets it again
only where a process died in between. Channels fail alone: one that cannot be reached is tried
again, later each time; one that refuses for good is not, until somebody retries the row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import drift_notices, keys, review_notices
from stage_functions.application.alarms import alarm
from stage_functions.application.context import Context
from stage_functions.application.ledger import NOTIFY, Owed
from stage_functions.application.notices import Notice, notice
from stage_functions.application.outbox import became, doing, pause
from stage_functions.application.ports.notifier import Message, Notifier
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import LaterReleaseError, RetryableError, TerminalError
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.people import PERSON
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.stored import demand_understood

TAKEN_SECONDS = 120
"""How long a row belongs to the process that took it."""
BUDGET_SECONDS = 45
"""How long one row may take; the rest of it is told by the next sweep."""
SHOWN_CHARACTERS = 1000
"""Of what went wrong."""
YOURS_ALONE = "This link is yours alone: whoever has it votes as you. Do not pass it on."
log = logging.getLogger("stageward.telling")


class _Round(Struct):
    """What telling one row has come to; mutable only inside `_tell`."""

    until: datetime
    sent: list[str]
    refused: dict[str, str]
    late: dict[str, RetryableError] = field(default_factory=dict)
    over: bool = False
    foreign: list[str] = field(default_factory=list)

    def settled(self, entry: str, channel: str) -> bool:
        return entry in self.sent or channel in self.refused or channel in self.late


def tell_due(context: Context, asset: Asset) -> None:
    """Tell what is due of the notices that an asset owes.

    They wait where the ledger was restored, till somebody has said that it is right.

    Raises:
        ConflictError, UnknownOutcomeError, StoreUnavailableError: the rest is told later.
    """
    if context.states.get(asset.registry).restored is not None:
        return
    for row in context.ledger.owed(asset):
        now = context.clock.now()
        due = row.next_at is None or row.next_at <= now
        if row.duty == NOTIFY and due and not row.parked and not row.doubt:
            _take(context, asset, row, now)


def _take(context: Context, asset: Asset, row: Owed, now: datetime) -> None:
    """Tell one row, unless another instance has taken it."""
    mine = replace(row, next_at=now + timedelta(seconds=TAKEN_SECONDS))
    if not _change(context, asset, row.key, lambda found: mine if found in (row, mine) else found):
        return
    with doing(context, asset, mine) as ended:
        rest = _tell(context, asset, mine, now + timedelta(seconds=BUDGET_SECONDS))
        ended.append(became(mine, rest))

    def told(found: Owed) -> Owed | None:
        if rest is None:
            return None
        sent = tuple(dict.fromkeys((*found.sent, *rest.sent)))
        return replace(rest, sent=sent, beyond=found.beyond)

    _change(context, asset, row.key, told)


def _change(
    context: Context, asset: Asset, key: str, change: Callable[[Owed], Owed | None]
) -> bool:
    """Change a row, or remove it, however its asset moves meanwhile; tell whether it did change."""

    def attempt() -> bool:
        loaded = context.ledger.load(asset)
        rows = {row.key: row for row in context.ledger.owed(asset) if row.duty == NOTIFY}
        found = rows.get(key)
        if found is None:
            return False
        after = change(found)
        if after is found:
            return False
        done, later = ([found], []) if after is None else ([], [after])
        left = {row.commit for row in rows.values() if after is not None or row is not found}
        context.ledger.complete(loaded, {}, done, later, loaded.head.owed, left)
        return True

    return context.persistently(attempt)


def _tell(context: Context, asset: Asset, row: Owed, until: datetime) -> Owed | None:
    """Tell one row; return what is left of it, or None."""
    notifier = context.notifier
    if notifier is None:
        return None
    outcome = _Round(until, list(row.sent), dict(row.refused))
    partition = keys.asset_partition(asset)
    for record in context.ledger.records(partition, after=row.first - 1, last=row.last):
        number = str(record.number)
        if not record.known:
            outcome.foreign.append(f"record {number} is of a later release ({record.type})")
        if not record.told or number in outcome.sent:
            continue
        try:
            told = _tell_record(context, notifier, asset, record, outcome)
        except LaterReleaseError as exc:
            outcome.foreign.append(str(exc))
            continue
        if told:
            others = (one for one in outcome.sent if not one.startswith(f"{number}@"))
            outcome.sent = [*others, number]
        elif outcome.over:
            break
    return _rest(context, row, outcome)


def _tell_record(
    context: Context, notifier: Notifier, asset: Asset, record: Record, outcome: _Round
) -> bool:
    """Tell one record; tell whether everybody is told."""
    approval, what = _notice(context, asset, record)
    if what is None:
        return True
    wanted: list[str] = []
    for recipient, channel in _channels(notifier, what):
        entry = f"{record.number}@{channel}"
        wanted.append(entry)
        if outcome.settled(entry, channel):
            continue
        if context.clock.now() >= outcome.until:
            outcome.over = True
            return False
        try:
            personal = notifier.personal(channel)
            about = approval or Version(asset, record.version)
            notifier.send(channel, _linked(context, about, what, recipient, personal=personal))
        except RetryableError as exc:
            log.warning("not told yet: %s of %s: %s", channel, asset, exc)
            outcome.late[channel] = exc
        except TerminalError as exc:
            log.warning("not told: %s of %s: %s", channel, asset, exc)
            outcome.refused[channel] = str(exc)
        else:
            outcome.sent.append(entry)
    return all(entry in outcome.sent for entry in wanted)


def _notice(
    context: Context, asset: Asset, record: Record
) -> tuple[Approval | None, Notice | None]:
    """Return what is told of a record, if anything is, and the approval that it is about."""
    directory = context.configuration.directory
    if record.type is RecordType.VIOLATED:
        return None, alarm(record, context.governing(asset), directory)
    if record.blocks or record.type in review_notices.TOLD:
        state = context.ledger.state(Version(asset, record.version))
        lifecycle = context.governing(asset)
        if record.blocks:
            return None, drift_notices.drift_notice(record, state, lifecycle, directory)
        return None, review_notices.review_notice(record, state, lifecycle, directory)
    approval, valid_until = _approval(context, asset, record)
    if approval is None:
        return None, None
    return approval, notice(record, approval, directory, valid_until)


def _approval(
    context: Context, asset: Asset, record: Record
) -> tuple[Approval | None, datetime | None]:
    """Return the approval that a record is about, as it stands now.

    And the end, if it is still to come, of the one by which its version stands where it does.
    """
    id_, now = str(record.content["approval"]), context.clock.now()
    loaded = context.ledger.more(context.ledger.load(asset), [record.version], approval=id_)
    found, state = loaded.approvals.get(id_), loaded.versions.get(record.version)
    demand_understood(*((found,) if found is not None else ()))
    end = state.valid_until if state is not None else None
    until = end if end is not None and end > now else None
    return (found.at(now) if found is not None else None), until


def _channels(notifier: Notifier, what: Notice) -> Iterator[tuple[str, str]]:
    """Yield each channel once, with whom it reaches."""
    seen: set[str] = set()
    for recipient in what.recipients:
        for channel in notifier.channels(recipient):
            if channel not in seen:
                seen.add(channel)
                yield recipient, channel


def _linked(
    context: Context, about: Approval | Version, what: Notice, recipient: str, *, personal: bool
) -> Message:
    """Return a message with its link; one to vote by goes to one person's mail alone."""
    if context.links is None:
        return what.message
    if isinstance(about, Version):
        return replace(what.message, link=context.links.version(about))
    if personal and what.asks and about.policy.assurance is Assurance.LINK:
        link = context.links.personal(about, recipient.removeprefix(f"{PERSON}:"))
        return replace(what.message, link=link, note=YOURS_ALONE)
    return replace(what.message, link=context.links.approval(about.id))


def _rest(context: Context, row: Owed, outcome: _Round) -> Owed | None:
    """Return a row as it is to be kept, or None where everybody is told."""
    if not (outcome.late or outcome.over or outcome.refused or outcome.foreign):
        return None
    said = {channel: str(exc) for channel, exc in outcome.late.items()}
    failed = [f"{name}: {why}" for name, why in {**outcome.refused, **said}.items()]
    error = "; ".join([*failed, *outcome.foreign])
    now = context.clock.now()
    kept = replace(
        row,
        next_at=now,
        parked=not (outcome.late or outcome.over or outcome.foreign),
        error=error[:SHOWN_CHARACTERS],
        sent=tuple(outcome.sent),
        refused=outcome.refused,
    )
    if not (outcome.late or outcome.foreign):
        return replace(kept, attempts=row.attempts + 1) if kept.parked else kept
    asked = max((exc.retry_after_seconds or 0 for exc in outcome.late.values()), default=0)
    later = now + pause(context, row.attempts, asked)
    return replace(kept, attempts=row.attempts + 1, next_at=later)
