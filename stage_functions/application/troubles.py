"""What is wrong, in the words of operators: what it is, since when, and what to do next.

Each names the section of `docs/operate.md` that says more. What a registry or a store has answered
is repeated, so this is for operators alone: anybody else gets a word, see `upkeep.health`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from stage_functions.application.anchoring import LATE
from stage_functions.application.in_force import Waiting
from stage_functions.application.process import Refused
from stage_functions.application.status import (
    LATE_NEWS,
    LATE_WORK,
    NEAR,
    RegistryStatus,
    Status,
)
from stage_functions.domain.configuration import Mode
from stage_functions.domain.demands import span
from stage_functions.domain.record import minute


class Section:
    """The sections of `docs/operate.md`, as its headings are."""

    LEDGER = "The ledger"
    READING = "A registry cannot be read"
    STOPPED = "A registry is stopped"
    IMPORTED = "A registry was never imported"
    MISSING = "Too much is missing"
    SCAN = "A scan is late"
    PARKED = "Parked work"
    LATE = "Work is late"
    LETTERS = "Dead letters"
    KEYS = "Keys"
    CLOCK = "Clocks disagree"
    LIFECYCLES = "Lifecycles"
    SECRET = "The webhook's secret"  # noqa: S105  # a heading
    TOLD = "People are not told"
    ANCHORS = "Anchors"
    REBUILD = "Rebuild"


_MENDED = {
    "unavailable": (
        "see that its store can be reached, and that Stageward's identity may read and write"
    ),
    "outdated": "update this instance: another of a later release works on the same ledger",
    "damaged": "keep a copy of it as it is before anything else; then restore it from a backup",
}
"""What helps where the ledger cannot be read, by `status.word_for`."""


class Trouble(Struct, frozen=True):
    """Something that an operator must do something about.

    Attributes:
        code: a stable word for programs.
        part: what it is of: `ledger`, `outbox`, `registry <alias>`, …
        what: what is wrong.
        do: what to do next.
        section: of `docs/operate.md`.
    """

    code: str
    part: str
    what: str
    do: str
    section: str


def troubles(known: Status) -> tuple[Trouble, ...]:
    """Return everything that is wrong, what is worst first."""
    return tuple(_all(known))


def _all(known: Status) -> Iterator[Trouble]:
    if known.fault:
        code = f"ledger-{known.word}"
        yield Trouble(code, "ledger", known.fault, _MENDED[known.word], Section.LEDGER)
    elif known.unwritten is not None:
        yield Trouble(
            "ledger-unwritable",
            "ledger",
            f"nothing can be written to it{_since(known.unwritten.since)}: {known.unwritten.why}",
            "see that its disk has room and nobody locks it, or that the identity may write to it",
            Section.LEDGER,
        )
    for registry in known.registries:
        yield from _registry(known, registry)
    yield from _catalog(known)
    yield from _owed(known)
    yield from _letters(known)
    yield from _clocks(known)
    yield from _keys(known)
    yield from _lifecycles(known)
    yield from _anchors(known)
    yield from _refused(known.refused, known.at)


def _registry(known: Status, one: RegistryStatus) -> Iterator[Trouble]:
    part = f"registry {one.alias}"
    if one.unreadable:
        since = _since(one.unreadable_at)
        do = f"mend what it says; `stageward scan {one.alias}` tries again at once"
        what = f"it could not be read{since}: {one.unreadable}"
        yield Trouble("registry-unreadable", part, what, do, Section.READING)
    if one.mode is not Mode.OBSERVE:
        yield from _ungoverned(part, one)
    age, late = known.age(one), known.facts.pace.late
    if age is not None and age > late:
        way = "one is under way" if one.scanning else "none is under way"
        what = f"the last scan that came to its end is {span(age.total_seconds())} old; {way}"
        yield _late_scan(part, what)
    if age is None and (known.facts.started or known.at) + late < known.at:
        yield _late_scan(part, "no scan has come to its end yet")


def _late_scan(part: str, what: str) -> Trouble:
    do = (
        "see in the log whether the timer runs and what the scan says; where a pass takes so long, "
        "set STAGEWARD_SCAN_AGE_SECONDS"
    )
    return Trouble("scan-late", part, what, do, Section.SCAN)


def _ungoverned(part: str, one: RegistryStatus) -> Iterator[Trouble]:
    if one.stopped:
        what = f"nothing is written to it{_since(one.stopped_at)}: {one.stopped}"
        do = (
            "find out which ledger is right before anything else; if it is this one: "
            f"`stageward resolve {one.alias}`, and with --dry-run what that would write over"
        )
        yield Trouble("registry-stopped", part, what, do, Section.STOPPED)
    if not one.imported:
        what = "it is in mode enforce and was never imported, so it is only observed"
        do = f"`stageward import {one.alias} --dry-run` says what would be taken as granted"
        yield Trouble("registry-not-imported", part, what, do, Section.IMPORTED)
    if one.halted:
        what = f"{one.halted}{_since(one.halted_at)}"
        do = "see whether so much was deleted on purpose, and whether its address is right"
        yield Trouble("registry-halted", part, what, do, Section.MISSING)


def _owed(known: Status) -> Iterator[Trouble]:
    owed = known.backlog
    more = "more than " if owed.more else ""
    if owed.parked:
        held = {name: sink.parked for name, sink in sorted(owed.sinks.items()) if sink.parked}
        among = " among them" if sum(held.values()) < owed.parked else ""
        whom = f", events to {', '.join(held)}{among}" if held else ""
        what = f"{_number(owed.parked, 'piece', more)} of owed work given up{whom}"
        do = "`stageward outbox` says why; mend that, then `stageward outbox --retry ID`"
        yield Trouble("outbox-parked", "outbox", what, do, Section.PARKED)
    if owed.oldest and known.at - owed.oldest > LATE_WORK:
        least = "at least " if owed.more else ""
        waits = span((known.at - owed.oldest).total_seconds())
        what = f"what waits longest waits for {least}{waits}"
        do = "`stageward outbox` says for what; it goes on by itself once that answers"
        yield Trouble("outbox-late", "outbox", what, do, Section.LATE)
    if known.notified and owed.untold:
        what = f"{_number(owed.untold, 'notice', more)} could not be given"
        do = "`stageward outbox` says by which channel, and why"
        yield Trouble("not-told", "notifications", what, do, Section.TOLD)


def _catalog(known: Status) -> Iterator[Trouble]:
    if not known.whole:
        what = (
            "it was lost, or came back with a backup: lists may lack versions, or show them as "
            "they were; what stood where at a moment is replayed, which is right and slow"
        )
        do = "it is rebuilt when `stageward serve` starts, and once a day; or have it done now"
        yield Trouble("catalog-lost", "catalog", what, do, Section.REBUILD)


def _letters(known: Status) -> Iterator[Trouble]:
    letters = known.letters
    if letters is None:
        return
    if letters.fault:
        what = f"they cannot be counted: {letters.fault}"
        do = "see that the container is there, and that Stageward's identity may read it"
        yield Trouble("dead-letters-unreadable", "dead letters", what, do, Section.LETTERS)
    elif letters.count:
        more = "more than " if letters.more else ""
        number = _number(letters.count, "event", more)
        what = f"{number} could not be delivered{_since(letters.oldest)}"
        do = "`stageward dead-letters` shows why; `stageward dead-letters --replay` follows them"
        yield Trouble("dead-letters", "dead letters", what, do, Section.LETTERS)


def _clocks(known: Status) -> Iterator[Trouble]:
    for one in known.skews:
        if one.too_far:
            side = "ahead of" if one.seconds > 0 else "behind"
            whose = "the ledger's store" if one.source == "ledger" else f"registry {one.source}"
            what = f"this clock is {abs(one.seconds):.0f} s {side} that of {whose}"
            do = "set the clock of this machine by the network; deadlines are judged by it"
            yield Trouble("clock-skewed", "clock", what, do, Section.CLOCK)


def _keys(known: Status) -> Iterator[Trouble]:
    for one in known.keys:
        left = one.ends - known.at
        if left <= timedelta(0):
            what = f"{_of_whom(one.name, one.whose)} ended on {minute(one.ends)}"
            do = "make another where it is still needed; revoke or remove this one"
            yield Trouble("key-ended", "keys", what, do, Section.KEYS)
        elif left < NEAR:
            what = f"{_of_whom(one.name, one.whose)} ends in {span(left.total_seconds())}"
            do = "make another before, and remove this one then"
            yield Trouble("key-ends-soon", "keys", what, do, Section.KEYS)


def _lifecycles(known: Status) -> Iterator[Trouble]:
    for one in known.lifecycles:
        part = f"lifecycle {one.name}"
        if one.adopted != one.digest:
            what = f"in force here is {one.digest[:19]}, adopted last was {one.adopted[:19]}"
            do = "another process runs on another file: deploy one file everywhere, then restart"
            yield Trouble("lifecycle-differs", part, what, do, Section.LIFECYCLES)
        if one.waiting is not None:
            yield _waits(part, one.waiting)
        if one.behind and one.at is not None and known.at - one.at > LATE_NEWS:
            what = f"its last adoption is not published to {', '.join(one.behind)} yet"
            do = "it is tried at every sweep; the log says what the sink answers"
            yield Trouble("lifecycle-unpublished", part, what, do, Section.LIFECYCLES)


def _anchors(known: Status) -> Iterator[Trouble]:
    anchors = known.anchors
    if anchors.contradicted:
        what = f"less was there than at the anchor before: {', '.join(anchors.contradicted)}"
        do = "`stageward verify --all --anchors configured` says what was rewritten or cut"
        yield Trouble("anchors-contradicted", "anchors", what, do, Section.ANCHORS)
    since = anchors.at or known.facts.started
    if anchors.places and since is not None and known.at - since > LATE:
        what = f"the latest anchor is {span((known.at - since).total_seconds())} old"
        if anchors.at is None:
            what = "the ledger was never anchored"
        do = "see in the log whether the timer of the sweep runs, and what it says of anchors"
        yield Trouble("anchors-late", "anchors", what, do, Section.ANCHORS)
    for one in anchors.places:
        if one.error:
            what = f"{_number(one.behind, 'anchor')} not published to {one.where}: {one.error}"
            do = "mend what it says; it is tried again by itself within an hour"
            yield Trouble("anchors-unpublished", "anchors", what, do, Section.ANCHORS)


def _waits(part: str, waiting: Waiting) -> Trouble:
    command = f"`stageward lifecycle adopt {waiting.name}`"
    if waiting.groups:
        what = f"a change waits for the consent of {' or '.join(waiting.groups)}: {command}"
        do = "let one of them look at it, and consent; or take the change out of the file"
        return Trouble("lifecycle-waits", part, what, do, Section.LIFECYCLES)
    what = "the file of this process has another text than the ledger has adopted last"
    do = (
        "another process runs on another file: deploy one file everywhere; where this one is "
        f"meant, restart it an hour later, or let an operator say so: {command}"
    )
    return Trouble("lifecycle-superseded", part, what, do, Section.LIFECYCLES)


def _refused(refused: Refused, now: datetime) -> Iterator[Trouble]:
    if refused.last is not None and now - refused.last < LATE_WORK:
        what = (
            f"refused by its signature: {_number(refused.count, 'delivery')} since this process "
            f"was started, the last at {minute(refused.last)}"
        )
        do = (
            "see that STAGEWARD_WEBHOOK_SECRET is what MLflow signs with; where nobody else runs "
            "there, somebody else sends them"
        )
        yield Trouble("webhook-refused", "webhooks", what, do, Section.SECRET)


def _number(count: int, what: str, more: str = "") -> str:
    """Return a number of things, in words."""
    several = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{more}{count} {what if count == 1 else several}"


def _of_whom(name: str, whose: str) -> str:
    return f"{name} of {whose}" if whose else name


def _since(moment: datetime | None) -> str:
    return f" since {minute(moment)}" if moment is not None else ""
