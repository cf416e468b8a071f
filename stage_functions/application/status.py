"""What an operator must know: from the ledger, and from this process. Bounded, whatever there is.

Every figure that graphs and alarms are made of comes from here too, so that they and the page can
never disagree. What is wrong is said as a `Trouble`, with what to do next: see `troubles`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import anchoring, dead_letters, tokens, whole
from stage_functions.application.adoption import Adopted, adopted
from stage_functions.application.anchoring import AnchorStatus
from stage_functions.application.backlog import Backlog, Count, backlog, open_approvals
from stage_functions.application.clocks import Skew
from stage_functions.application.codec import FORMAT
from stage_functions.application.context import Context
from stage_functions.application.link_keys import LinkKeys, Shown
from stage_functions.application.ports.dead_letters import Counted
from stage_functions.application.ports.telemetry import SILENT
from stage_functions.application.process import Facts, Refused, Unwritten
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import LaterReleaseError, LedgerDamagedError, StagewardError
from stage_functions.domain.figure import Figure
from stage_functions.domain.people import PERSON

NEAR = timedelta(days=14)
"""So long before a key ends it is time to make another."""
ENDED_SHOWN = timedelta(days=30)
"""So long a key that has ended is still shown."""
MOST_KEYS = 20
"""Of those that end: the next ones, and where there is room, those that ended last."""
UNWRITTEN = timedelta(seconds=20)
"""So long nothing can be written before it is told: a single failure is tried again at once."""
UNWRITTEN_SHOWN = timedelta(minutes=6)
"""So long, and a pause of the scan, it is told after the last attempt: a scan writes at its end."""
LATE_NEWS = timedelta(minutes=15)
"""So long an adopted lifecycle may be on its way to those who are told of it."""
LATE_WORK = timedelta(hours=1)
"""As long as what is owed waits at the most from one try to the next."""


class RegistryStatus(Struct, frozen=True):
    """A registry.

    Attributes:
        alias: its alias.
        type: the product behind it.
        mode: as configured.
        governed: Stageward acts on it.
        imported: its stages were taken as granted.
        scanned: when a scan last came to its end, or None.
        scanning: a pass is under way that has not come to its end.
        stopped: why nothing is written to it, or "".
        stopped_at: since when, where that is known.
        halted: why the scan marks nothing as deleted, or "".
        halted_at: since when, where that is known.
        unreadable: why it could not be read at the last scan, or "".
        unreadable_at: since when, where that is known.
    """

    alias: str
    type: str
    mode: Mode
    governed: bool
    imported: bool
    scanned: datetime | None
    scanning: bool
    stopped: str
    stopped_at: datetime | None
    halted: str
    halted_at: datetime | None
    unreadable: str
    unreadable_at: datetime | None

    @property
    def code(self) -> str:
        """What is wrong, in a word that tells nothing of the inside; "" where nothing is."""
        if self.unreadable:
            return "unreadable"
        if self.mode is Mode.OBSERVE:
            return ""
        if self.stopped:
            return "stopped"
        if not self.imported:
            return "not-imported"
        return "halted" if self.halted else ""


class KeyStatus(Struct, frozen=True):
    """A key that ends.

    Attributes:
        name: `token <beginning of its id>`, or the variable that it stands in.
        ends: when.
        whose: whom it signs in, by `person:<key>`, or "".
    """

    name: str
    ends: datetime
    whose: str = ""


class Status(Struct, frozen=True):
    """What an operator must know.

    Attributes:
        at: the moment that it is of.
        facts: how this process was started.
        ledger: the ledger's id.
        format: of the rows that this release writes.
        telemetry: traces and metrics are sent somewhere.
        fault: why the ledger cannot be read, or ""; then most of the rest is empty.
        word: the same in a word that tells nothing of the inside; see `word_for`.
        unwritten: why it cannot be written to, or None.
        registries: in the order of the configuration.
        backlog: what is owed.
        approvals: how many are open.
        letters: dead letters; None where no place for them is configured.
        keys: those that end, the next first.
        link_key: what links and sessions are signed with, or None where nothing was so far.
        skews: how far this clock is from others.
        lifecycles: in force here and adopted by the ledger.
        refused: deliveries of MLflow whose signature did not fit.
        notified: people can be told of something.
        anchors: how the ledger is anchored.
        whole: the catalog has all that the histories say.
    """

    at: datetime
    facts: Facts
    ledger: str
    format: int = FORMAT
    telemetry: bool = False
    fault: str = ""
    word: str = ""
    unwritten: Unwritten | None = None
    registries: tuple[RegistryStatus, ...] = ()
    backlog: Backlog = field(default_factory=Backlog)
    approvals: Count = field(default_factory=lambda: Count(0))
    letters: Counted | None = None
    keys: tuple[KeyStatus, ...] = ()
    link_key: Shown | None = None
    skews: tuple[Skew, ...] = ()
    lifecycles: tuple[Adopted, ...] = ()
    refused: Refused = field(default_factory=Refused)
    notified: bool = False
    anchors: AnchorStatus = field(default_factory=AnchorStatus)
    whole: bool = True

    def age(self, registry: RegistryStatus) -> timedelta | None:
        """Return how long ago a registry was last scanned to the end; None if it never was."""
        return None if registry.scanned is None else self.at - registry.scanned


def status(context: Context, letters: Counted | None = None) -> Status:
    """Return what an operator must know now. A ledger that cannot be read is told, not raised.

    Args:
        context: the context.
        letters: dead letters, where they were counted a moment ago.
    """
    process = context.process
    known = Status(
        at=context.clock.now(),
        facts=process.facts,
        ledger=context.ledger.id,
        telemetry=context.telemetry is not SILENT,
        letters=letters if letters is not None else _letters(context),
        skews=process.clocks.skews(),
        refused=process.refused,
        notified=context.notifier is not None,
        unwritten=unwritten(context),
    )
    try:
        return _of_ledger(context, known)
    except StagewardError as exc:
        return replace(known, fault=str(exc), word=word_for(exc))


def word_for(error: StagewardError) -> str:
    """Return why the ledger cannot be read, in a word: it says nothing of the inside."""
    if isinstance(error, LedgerDamagedError):
        return "damaged"
    return "outdated" if isinstance(error, LaterReleaseError) else "unavailable"


def unwritten(context: Context) -> Unwritten | None:
    """Return what is known of a ledger that cannot be written to now; None where it can be."""
    known, now = context.process.unwritten, context.clock.now()
    if known is None or known.last - known.since < UNWRITTEN:
        return None
    shown = context.process.facts.pace.every + UNWRITTEN_SHOWN
    return known if now - known.last < shown else None


def registries(context: Context) -> tuple[RegistryStatus, ...]:
    """Return every registry with its state.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
    """
    return tuple(_registry(context, alias) for alias in context.configuration.registries)


def figures(known: Status) -> tuple[Figure, ...]:
    """Return the figures of a status. Of a ledger that cannot be read there are none of its own."""
    found = [
        Figure("stageward.clock.skew", abs(one.seconds), "s", {"source": one.source})
        for one in known.skews
    ]
    if known.letters is not None and known.letters.count is not None:
        found.append(Figure("stageward.dead_letters", known.letters.count, "1"))
    if known.fault:
        return tuple(found)
    for one in known.registries:
        of = {"registry": one.alias}
        stopped = one.code in ("stopped", "unreadable", "not-imported", "halted")
        found.append(Figure("stageward.registry.stopped", float(stopped), "1", of))
        found.append(Figure("stageward.registry.scan.age", _scan_age(known, one), "s", of))
    owed = known.backlog
    waits = (known.at - owed.oldest).total_seconds() if owed.oldest else 0.0
    found += [
        Figure("stageward.outbox.parked", owed.parked, "1"),
        Figure("stageward.outbox.waiting", owed.waiting, "1"),
        Figure("stageward.outbox.oldest.age", max(0.0, waits), "s"),
        Figure("stageward.approvals.open", known.approvals.number, "1"),
    ]
    found += [
        Figure(
            "stageward.key.expiry", (one.ends - known.at).total_seconds(), "s", {"key": one.name}
        )
        for one in known.keys
    ]
    return tuple(found)


def _scan_age(known: Status, registry: RegistryStatus) -> float:
    """Return how old the last scan is; of one that never was, how long it has been waited for."""
    since = registry.scanned or known.facts.started or known.at
    return max(0.0, (known.at - since).total_seconds())


def _of_ledger(context: Context, known: Status) -> Status:
    return replace(
        known,
        registries=registries(context),
        backlog=backlog(context),
        approvals=open_approvals(context),
        keys=_keys(context, known),
        link_key=LinkKeys.of(context.ledger.rows, context.clock, context.configuration).shown(),
        lifecycles=adopted(context),
        anchors=anchoring.status(context),
        whole=whole.is_whole(context.ledger.rows, context.ledger.id),
    )


def _letters(context: Context) -> Counted | None:
    letters = context.process.dead_letters
    return dead_letters.counted(letters) if letters is not None else None


def _registry(context: Context, alias: str) -> RegistryStatus:
    configured = context.configuration.registry(alias)
    state = context.states.get(alias)
    return RegistryStatus(
        alias=alias,
        type=str(configured.type),
        mode=configured.mode,
        governed=not context.states.ungoverned(alias),
        imported=state.imported,
        scanned=state.pass_completed,
        scanning=bool(state.cursor),
        stopped=state.stopped,
        stopped_at=state.stopped_at,
        halted=state.halted,
        halted_at=state.halted_at,
        unreadable=state.unreadable,
        unreadable_at=state.unreadable_at,
    )


def _keys(context: Context, known: Status) -> tuple[KeyStatus, ...]:
    """Return the keys that end, the next first, but for those that ended long ago."""
    found = [KeyStatus(one.name, one.ends) for one in known.facts.endings]
    found += [
        KeyStatus(f"token {one.id[: tokens.SHOWN]}", one.expires, f"{PERSON}:{one.person}")
        for one in tokens.tokens(context.ledger.rows)
        if one.expires is not None
    ]
    found.sort(key=lambda one: (one.ends, one.name))
    coming = [one for one in found if one.ends > known.at][:MOST_KEYS]
    ended = [one for one in found if known.at - ENDED_SHOWN < one.ends <= known.at]
    room = MOST_KEYS - len(coming)
    return (*ended[len(ended) - min(room, len(ended)) :], *coming)
