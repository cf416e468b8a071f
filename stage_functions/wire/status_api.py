"""What the API says to operators: how Stageward fares, and what could not be delivered.

As in `api`, of which this is a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that an operator must do something about.

    Attributes:
        code: a stable word, such as `registry-stopped`.
        part: what it is of.
        what: what is wrong, in words.
        do: what to do next.
        section: of docs/operate.md, which says more.
    """

    code: str
    part: str
    what: str
    do: str
    section: str


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """A registry, as an operator sees it.

    Attributes:
        alias: its alias.
        type: the product behind it.
        mode: observe or enforce.
        governed: Stageward acts on it.
        imported: its stages were taken as granted.
        state: what is wrong, in a word; an empty text where nothing is.
        scanned: when a scan last came to its end; null if none ever did.
        scan_age: seconds since then; null if there was none.
        stopped: why nothing is written to it, or an empty text.
        stopped_at: since when, where that is known.
        halted: why a scan marks nothing as deleted, or an empty text.
        unreadable: why it could not be read at the last scan, or an empty text.
        unreadable_at: since when, where that is known.
    """

    alias: str
    type: str
    mode: str
    governed: bool
    imported: bool
    state: str
    scanned: datetime | None
    scan_age: float | None
    stopped: str
    stopped_at: datetime | None
    halted: str
    unreadable: str
    unreadable_at: datetime | None


@dataclass(frozen=True, slots=True)
class ParkedWork:
    """Work that is given up until somebody retries it.

    Attributes:
        id: to retry it by.
        asset: `registry/kind/name`.
        duty: as `Owed` has it.
        target: a version's number, a sink's name, or what else the duty is about.
        since: when the decision was made that owes it, where that is known.
        error: why it was given up.
    """

    id: str
    asset: str
    duty: str
    target: str
    since: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """What is owed.

    Attributes:
        waiting: rows that go on by themselves.
        parked: rows that go on when somebody retries them.
        untold: notices that could not be given so far.
        more: there is more than was counted.
        oldest_age: seconds since the oldest decision whose work waits; null where nothing waits.
        first: what is parked, oldest first, ten at the most.
    """

    waiting: int
    parked: int
    untold: int
    more: bool
    oldest_age: float | None
    first: tuple[ParkedWork, ...]


@dataclass(frozen=True, slots=True)
class DeadLettersStatus:
    """Dead letters.

    Attributes:
        configured: a container for them is configured.
        count: how many; null where they cannot be counted.
        more: there are more.
        oldest: when the oldest was given up.
        fault: why they cannot be counted, or an empty text.
    """

    configured: bool
    count: int | None
    more: bool
    oldest: datetime | None
    fault: str


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key that ends.

    Attributes:
        name: a token by the beginning of its id, or the variable that the key stands in.
        ends: when.
        whose: id of whom it signs in, or an empty text.
    """

    name: str
    ends: datetime
    whose: str


@dataclass(frozen=True, slots=True)
class LinkKeyStatus:
    """What links, sessions and forms are signed with; it is renewed by itself.

    Attributes:
        number: of the newest.
        created: when it was made.
        until: so long it signs.
    """

    number: int
    created: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class SkewStatus:
    """How far the clock of this process is from another.

    Attributes:
        source: `ledger`, or the alias of a registry.
        seconds: by which this one is ahead; negative where it is behind.
        at: when that was heard.
    """

    source: str
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class LifecycleStatus:
    """A lifecycle in force.

    Attributes:
        name: its name.
        digest: of the text in force in this process.
        adopted: of the text that the ledger has adopted last; an empty text for none.
        behind: sinks that do not have its last adoption yet.
        waiting: digest of the change of it that is not in force; an empty text for none.
        needs: whose word that waits for, in words.
    """

    name: str
    digest: str
    adopted: str
    behind: tuple[str, ...]
    waiting: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """A sink.

    Attributes:
        name: its name.
        waiting: rows owed to it that go on by themselves.
        parked: rows owed to it that go on when somebody retries them.
    """

    name: str
    waiting: int
    parked: int


@dataclass(frozen=True, slots=True)
class AnchorPlaceStatus:
    """A place that anchors go to.

    Attributes:
        where: its address, without a secret.
        behind: how many anchors it does not have yet.
        at: of the last one that it has; null if it has none.
        error: what went wrong last, or an empty text.
    """

    where: str
    behind: int
    at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class AnchorsStatus:
    """How the ledger is anchored outside of itself.

    Attributes:
        at: of the latest anchor; null if there is none, or no place is configured.
        places: where anchors go; empty where none is configured.
    """

    at: datetime | None
    places: tuple[AnchorPlaceStatus, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What an operator must know.

    Attributes:
        at: the moment that it is of.
        fine: there is no trouble.
        troubles: what is wrong, with what to do next.
        version: of the program.
        started: when the process that answers was started.
        ledger: the ledger's id.
        place: where the ledger is.
        format: of the rows that this release writes.
        sign_in: how callers sign in.
        telemetry: traces and metrics are sent somewhere.
        registries: in the order of the configuration.
        outbox: what is owed.
        approvals_open: approvals that are open.
        approvals_more: there are more than were counted.
        dead_letters: events that could not be delivered.
        keys: those that end, the next first.
        link_key: what links are signed with; null where none was needed so far.
        clocks: how far this clock is from others.
        lifecycles: in force.
        sinks: in the order of the configuration.
        anchors: how it is said elsewhere where each history ends.
    """

    at: datetime
    fine: bool
    troubles: tuple[Trouble, ...]
    version: str
    started: datetime | None
    ledger: str
    place: str
    format: int
    sign_in: str
    telemetry: bool
    registries: tuple[RegistryStatus, ...]
    outbox: OutboxStatus
    approvals_open: int
    approvals_more: bool
    dead_letters: DeadLettersStatus
    keys: tuple[KeyStatus, ...]
    link_key: LinkKeyStatus | None
    clocks: tuple[SkewStatus, ...]
    lifecycles: tuple[LifecycleStatus, ...]
    sinks: tuple[SinkStatus, ...]
    anchors: AnchorsStatus


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """An event that could not be delivered; what it claims of whoever wrote is left out.

    Attributes:
        type: of the event.
        subject: what it is about, shortened.
        reason: why it was given up.
        outcome: how the last attempt ended.
        attempts: to deliver it.
        published: when it was published.
        attempted: when it was last tried to deliver it.
    """

    type: str
    subject: str
    reason: str
    outcome: str
    attempts: int
    published: datetime | None
    attempted: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter.

    Attributes:
        name: of the blob.
        written: when it was given up.
        events: what it holds.
        fault: why it cannot be read, or an empty text.
    """

    name: str
    written: datetime
    events: tuple[FailedEvent, ...]
    fault: str


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Dead letters, newest first.

    Attributes:
        letters: as many as were asked for.
        count: how many there are.
        more: there are more than were counted.
    """

    letters: tuple[DeadLetter, ...]
    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter that stays.

    Attributes:
        name: of the blob.
        why: it could not be followed.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of dead letters that were followed.

    Attributes:
        followed: hints that were followed up.
        changed: of those, how many changed the ledger.
        deleted: dead letters that are done with.
        kept: those that stay, each with the reason.
        ignored: why others of their events were acknowledged unread.
        cursor: to go on behind; null when these were the last.
        more: there are more than can be listed at once; begin anew behind the last.
    """

    followed: int
    changed: int
    deleted: int
    kept: tuple[KeptLetter, ...]
    ignored: tuple[str, ...]
    cursor: str | None
    more: bool = False
