"""Work off what committed decisions owe the outside: tags, catalog rows, events, further duties.

Notices to people are no part of it: nobody waits for those, see `telling`.

Rows fail alone. A fault of the outside never undoes a decision: the row waits, longer each time,
or is parked where the other side refuses for good. Events of an asset go to a sink in order, after
the tags that they speak of are verified or parked; a parked sink holds up only itself.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import catalog, decided, keys, measures, past
from stage_functions.application.codec import UPDATE
from stage_functions.application.context import Context
from stage_functions.application.duties import DUTIES, perform
from stage_functions.application.ledger import (
    CATALOG_DUTY,
    NOTIFY,
    PAGE,
    RECONCILE,
    SINK,
    Committed,
    Loaded,
    Owed,
)
from stage_functions.application.ports.telemetry import Attribute
from stage_functions.application.reconcile import Ended, reconcile
from stage_functions.application.signal import Signal
from stage_functions.domain import effect
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import (
    ConflictError,
    LaterReleaseError,
    OvertakenError,
    RetryableError,
    SinkRefusedError,
    TerminalError,
    UnknownOutcomeError,
)
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.record import UNPUBLISHED, Json, Record
from stage_functions.domain.state import COPY, VersionState
from stage_functions.domain.stored import demand_understood

WORKED_OFF = frozenset({RECONCILE, CATALOG_DUTY, SINK, *DUTIES})
"""What is worked off here. Notices are told elsewhere; any other is left to a later release."""
ROUNDS = 6
AT_ONCE = 30
"""Rows of one round: what they come to, with the versions that were verified, is one batch."""
MAX_WAIT_SECONDS = 3600
OBSERVED_WAIT_SECONDS = 60
log = logging.getLogger("stageward.outbox")


class _Undone(Struct, frozen=True):
    """What of a decision is not carried out, as the history is to say it."""

    version: str
    fields: Mapping[str, Json]


class _Round(Struct):
    """What one pass over the rows has come to; mutable only inside `_round`."""

    now: datetime
    done: list[Owed] = field(default_factory=list)
    later: list[Owed] = field(default_factory=list)
    versions: dict[str, VersionState] = field(default_factory=dict)
    observe: list[Signal] = field(default_factory=list)
    undone: list[_Undone] = field(default_factory=list)
    past: int = 0

    def settled(self, item: Owed) -> bool:
        return (
            item.parked
            or any(item.key == other.key for other in self.done)
            or any(item.key == other.key and other.parked for other in self.later)
        )

    def became(self, row: Owed) -> str:
        """Say what has become of a row."""
        if any(row.key == one.key for one in self.done):
            return "done"
        return became(row, next((one for one in self.later if row.key == one.key), row))


def became(row: Owed, after: Owed | None) -> str:
    """Say what has become of owed work: done, retried (again later), waiting or parked.

    Args:
        row: as it was before it was tried.
        after: as it is to be kept, or None.
    """
    if after is None:
        return "done"
    if after.parked:
        return "parked"
    return "retried" if after.attempts > row.attempts else "waiting"


@contextmanager
def doing(context: Context, asset: Asset, row: Owed) -> Iterator[list[str]]:
    """Try owed work inside a span of the trace that committed it, and count it.

    Yields:
        A list to put in what has become of the work: see `became`.
    """
    about: dict[str, Attribute] = {
        measures.ASSET: str(asset),
        "stageward.duty": row.duty,
        "stageward.attempt": row.attempts + 1,
    }
    if row.duty == SINK:
        about["stageward.sink"] = row.target
    if row.duty == RECONCILE:
        about[measures.VERSION] = row.target
    telemetry, ended = context.telemetry, list[str]()
    with telemetry.span(measures.DUTY, attributes=about, parent=row.traceparent) as span:
        yield ended
        for outcome in ended:
            span.set(measures.OUTCOME, outcome)
            telemetry.count(measures.DUTIES, duty=row.duty, outcome=outcome)


def work_off(context: Context, committed: Committed) -> tuple[Signal, ...]:
    """Carry out what a commit owes, as far as the outside lets it.

    Returns:
        Signals of the versions to observe: somebody has changed them meanwhile, or they were
        copied.
    """
    loaded = committed.loaded
    commit = loaded.head.commit
    rows = committed.owed if loaded.head.owed == (commit,) else None
    return _work(context, loaded, {commit}, rows, committed.records)


def work_off_commits(
    context: Context, asset: Asset, commits: Collection[int]
) -> tuple[Signal, ...]:
    """Carry out what several commits of this process owe for an asset; returns as `work_off`."""
    return _work(context, context.ledger.load(asset), commits, None, ())


def work_off_due(context: Context, loaded: Loaded) -> tuple[Signal, ...]:
    """Carry out what is due of an asset's owed work; returns as `work_off`."""
    return _work(context, loaded, (), None, ())


def _work(
    context: Context,
    loaded: Loaded,
    mine: Collection[int],
    rows: Sequence[Owed] | None,
    records: Sequence[Record],
) -> tuple[Signal, ...]:
    """Work off what is ready, each row once, some at a time."""
    tried: set[str] = set()
    observe: list[Signal] = []
    conflicts = 0
    if loaded.head.owed:
        demand_understood(loaded.head)
    while loaded.head.owed and conflicts < ROUNDS:
        owed = list(context.ledger.owed(loaded.asset)) if rows is None else list(rows)
        rows = None
        now = context.clock.now()
        ready = [row for row in owed if row.key not in tried and _ready(row, mine, now)][:AT_ONCE]
        if not ready:
            break
        try:
            loaded = _with_versions(context, loaded, ready)
            outcome = _round(context, loaded, owed, ready, records, now)
            loaded = _complete(context, loaded, owed, outcome)
        except (ConflictError, UnknownOutcomeError):
            loaded = context.ledger.load(loaded.asset)
            conflicts += 1
            continue
        tried |= {row.key for row in ready}
        observe += outcome.observe
        if outcome.undone:
            _record_undone(context, loaded, outcome.undone)
            loaded = context.ledger.load(loaded.asset)
    return tuple(observe)


def _ready(row: Owed, mine: Collection[int], now: datetime) -> bool:
    if row.parked or row.duty not in WORKED_OFF or row.doubt:
        return False
    if row.commit in mine and not row.paused:
        return True
    return row.next_at is None or row.next_at <= now


def _with_versions(context: Context, loaded: Loaded, ready: Sequence[Owed]) -> Loaded:
    wanted = {row.target for row in ready if row.duty == RECONCILE}
    about = (CATALOG_DUTY, *DUTIES)
    wanted |= {number for row in ready if row.duty in about for number in row.versions}
    loaded = context.ledger.more(loaded, sorted(wanted - set(loaded.versions)))
    for id_ in sorted({id_ for row in ready for id_ in row.approvals} - set(loaded.approvals)):
        loaded = context.ledger.more(loaded, approval=id_)
    return loaded


def _round(
    context: Context,
    loaded: Loaded,
    owed: Sequence[Owed],
    ready: Sequence[Owed],
    records: Sequence[Record],
    now: datetime,
) -> _Round:
    outcome = _Round(now)
    for row in ready:
        if row.duty == RECONCILE:
            with doing(context, loaded.asset, row) as ended:
                _reconcile(context, loaded, row, outcome)
                ended.append(outcome.became(row))
    outcome.done += _superseded(owed, outcome)
    for row in ready:
        if row.duty == SINK and not _blocked(row, owed, outcome):
            with doing(context, loaded.asset, row) as ended:
                _publish(context, loaded, row, records, outcome)
                ended.append(outcome.became(row))
    for row in ready:
        if row.duty in DUTIES:
            with doing(context, loaded.asset, row) as ended:
                _perform(context, loaded, row, outcome)
                ended.append(outcome.became(row))
    # Last, since these rows go with the completion, which follows.
    rows = [row for row in ready if row.duty == CATALOG_DUTY]
    if rows:  # done as one, in the trace of the first
        with doing(context, loaded.asset, rows[0]) as ended:
            _catalog(context, loaded, rows, records, outcome)
            ended += [outcome.became(row) for row in rows]
    return outcome


def _reconcile(context: Context, loaded: Loaded, row: Owed, outcome: _Round) -> None:
    if context.states.ungoverned(loaded.asset.registry):
        later = outcome.now + timedelta(seconds=OBSERVED_WAIT_SECONDS)
        outcome.later.append(replace(row, next_at=later, error="the registry is only observed"))
        return
    known = replace(loaded, versions={**loaded.versions, **outcome.versions})
    try:
        reconciled = reconcile(context, known, row.target)
    except RetryableError as exc:
        outcome.later.append(_retried(context, row, exc, outcome.now))
    except TerminalError as exc:
        log.warning("parked: tags of %s:%s: %s", loaded.asset, row.target, exc)
        outcome.later.append(replace(row, parked=True, error=str(exc), attempts=row.attempts + 1))
        why = f"the registry refuses its tags: {exc}"
        outcome.undone.append(_Undone(row.target, {"why": why}))
    else:
        outcome.versions.update(reconciled.versions)
        if reconciled.ended is Ended.OBSERVE:
            outcome.later.append(replace(row, next_at=outcome.now, paused=False))
            seen = Version(loaded.asset, row.target)
            outcome.observe.append(Signal(seen, traceparent=row.traceparent))
        else:
            outcome.done.append(row)


def _superseded(owed: Sequence[Owed], outcome: _Round) -> list[Owed]:
    """Return the parked rows of versions that show the ledger now: they are no more to be done."""
    settled = {row.target for row in outcome.done if row.duty == RECONCILE}
    return [
        row
        for row in owed
        if row.parked and row.duty == RECONCILE and row.target in settled and not row.doubt
    ]


def _perform(context: Context, loaded: Loaded, row: Owed, outcome: _Round) -> None:
    try:
        demand_understood(*(loaded.versions[one] for one in row.versions if one in loaded.versions))
        seen = perform(context, loaded, row)
    except RetryableError as exc:
        outcome.later.append(_retried(context, row, exc, outcome.now))
    except OvertakenError as exc:
        log.warning("overtaken: %s of %s to %s: %s", row.duty, loaded.asset, row.target, exc)
        outcome.done.append(row)
        _note(row, str(exc), outcome)
    except TerminalError as exc:
        log.warning("parked: %s of %s to %s: %s", row.duty, loaded.asset, row.target, exc)
        outcome.later.append(replace(row, parked=True, error=str(exc), attempts=row.attempts + 1))
        _note(row, str(exc), outcome)
    else:
        outcome.observe += [Signal(one, traceparent=row.traceparent) for one in seen]
        if seen:
            outcome.later.append(_until_seen(context, row, seen, outcome.now))
        else:
            outcome.done.append(row)


def _note(row: Owed, why: str, outcome: _Round) -> None:
    if row.duty == COPY:
        (number,) = row.versions
        outcome.undone.append(_Undone(number, {"why": why, "copy_to": row.target}))


def _until_seen(context: Context, row: Owed, seen: Sequence[Version], now: datetime) -> Owed:
    """Return work that is done only when the ledger has seen what it led to.

    It is looked at again at once, and then less and less often.
    """
    why = f"{seen[0]} has not been registered yet"
    wait = pause(context, row.attempts, None) if row.error == why else timedelta(0)
    return replace(row, attempts=row.attempts + 1, next_at=now + wait, error=why, paused=False)


def _catalog(
    context: Context,
    loaded: Loaded,
    rows: Sequence[Owed],
    records: Sequence[Record],
    outcome: _Round,
) -> None:
    rows = [row for row in rows if not _put_off(context, loaded, row, outcome)]
    numbers = {number for row in rows for number in row.versions}
    # By what is kept: who follows a stage called otherwise is found by that, till it is recorded.
    kept = {**loaded.versions, **loaded.renamed}
    states = {n: kept[n] for n in sorted(numbers) if n in kept}
    ids = {id_ for row in rows for id_ in row.approvals}
    closed = [loaded.approvals[id_] for id_ in sorted(ids) if id_ in loaded.approvals]
    if rows:
        try:
            outcome.past = past.follow(context, loaded, records)
            if states:
                catalog.prepare(context.ledger.rows, loaded.asset, states, outcome.past)
            decided.prepare(context.ledger.rows, loaded.asset, closed)
        except RetryableError as exc:
            outcome.later.extend(_retried(context, row, exc, outcome.now) for row in rows)
            return
    outcome.done.extend(rows)


def _put_off(context: Context, loaded: Loaded, row: Owed, outcome: _Round) -> bool:
    """Leave a row of the catalog to a later release, where only that knows all that it says."""
    versions = (loaded.versions[one] for one in row.versions if one in loaded.versions)
    approvals = (loaded.approvals[one] for one in row.approvals if one in loaded.approvals)
    try:
        demand_understood(*versions, *approvals)
    except LaterReleaseError as exc:
        outcome.later.append(_retried(context, row, exc, outcome.now))
        return True
    return False


def _blocked(row: Owed, owed: Sequence[Owed], outcome: _Round) -> bool:
    """An event waits for its tags, and for the events before it."""
    for other in owed:
        if other.duty == RECONCILE and other.commit <= row.commit:
            if not other.paused and not outcome.settled(other):
                return True
        elif _before(other, row) and other not in outcome.done:
            return True
    return False


def _before(other: Owed, row: Owed) -> bool:
    """Tell whether another row publishes earlier events of the asset to the same sink."""
    return other.duty == SINK and other.target == row.target and other.commit < row.commit


def _publish(
    context: Context, loaded: Loaded, row: Owed, records: Sequence[Record], outcome: _Round
) -> None:
    sink = context.sinks.get(row.target)
    if sink is None:
        span = f"{row.first} to {row.last} of {loaded.asset}"
        log.warning("not sent: records %s, owed to %s, which is set no more", span, row.target)
        outcome.done.append(row)
        return
    if context.states.get(loaded.asset.registry).restored is not None:
        # What they say may be long undone by what was decided since the backup.
        later = outcome.now + timedelta(seconds=OBSERVED_WAIT_SECONDS)
        outcome.later.append(replace(row, next_at=later, error="the ledger was restored"))
        return
    wanted = range(row.first, row.last + 1)
    at_hand = [record for record in records if record.number in wanted]
    if len(at_hand) < len(wanted):
        partition = keys.asset_partition(loaded.asset)
        at_hand = context.ledger.records(partition, after=row.first - 1, last=row.last)
    try:
        _demand_known(loaded, at_hand)
        published = [record for record in at_hand if record.type not in UNPUBLISHED]
        sink.publish(published, row.traceparent)
    except SinkRefusedError as exc:
        log.warning("parked: events of %s to %s: %s", loaded.asset, row.target, exc)
        outcome.later.append(replace(row, parked=True, error=str(exc), attempts=row.attempts + 1))
    except RetryableError as exc:
        outcome.later.append(_retried(context, row, exc, outcome.now))
    else:
        outcome.done.append(row)


def _demand_known(loaded: Loaded, records: Sequence[Record]) -> None:
    """Demand that it is known of all these records whether they are published.

    Raises:
        LaterReleaseError: it is not.
    """
    for record in records:
        if not record.known:
            which = f"record {record.number} of {loaded.asset}"
            message = f"{which} is of a later release ({record.type}); {UPDATE}"
            raise LaterReleaseError(message)


def _retried(context: Context, row: Owed, exc: RetryableError, now: datetime) -> Owed:
    later = now + pause(context, row.attempts, exc.retry_after_seconds)
    return replace(row, attempts=row.attempts + 1, next_at=later, error=str(exc), paused=False)


def pause(context: Context, attempts: int, asked_seconds: int | None) -> timedelta:
    """Return how long owed work waits after so many attempts: longer each time, with jitter.

    Args:
        context: whose dice are thrown.
        attempts: made before.
        asked_seconds: how long the other side asked to wait, if it did.
    """
    wait = min(MAX_WAIT_SECONDS, 2 ** min(attempts, 12)) * (0.5 + context.clock.fraction())
    return timedelta(seconds=min(max(wait, asked_seconds or 0), MAX_WAIT_SECONDS))


def _complete(context: Context, loaded: Loaded, owed: Sequence[Owed], outcome: _Round) -> Loaded:
    gone = {row.key for row in outcome.done}
    left = {row.commit for row in owed if row.duty != NOTIFY and row.key not in gone}
    if len(owed) >= PAGE:  # there are more, which were not read
        left |= {commit for commit in loaded.head.owed if commit >= owed[-1].commit}
    return context.ledger.complete(
        loaded, outcome.versions, outcome.done, outcome.later, left, past=outcome.past
    )


def _record_undone(context: Context, loaded: Loaded, undone: Sequence[_Undone]) -> None:
    """Say in the history what was granted and is not carried out."""
    step = loaded.step()
    for one in undone:
        step = effect.drift(step, one.version, ITSELF, one.fields)
    if not step.drafts:
        return
    quiet = replace(step, touched=())
    try:
        committed = context.ledger.commit(
            loaded, quiet, now=context.clock.now(), operation=context.clock.operation_id()
        )
    except (ConflictError, UnknownOutcomeError):
        log.warning("the asset moved while parked work was recorded: %s", loaded.asset)
        return
    work_off(context, committed)
