"""What an operator must know: registries, owed work, keys, clocks, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import islice

import pytest
from msgspec.structs import replace

from stage_functions.application import backlog as owed
from stage_functions.application import keys, tokens, upkeep
from stage_functions.application.adoption import adopt
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.pace import Pace
from stage_functions.application.ports.rows import WORK, Upsert, Value
from stage_functions.application.ports.telemetry import SILENT, Span
from stage_functions.application.process import Ending, Facts, Process
from stage_functions.application.registries import RegistryState, RegistryStates
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.status import Status, figures, status
from stage_functions.application.sweep import sweep
from stage_functions.application.tokens import Token
from stage_functions.application.transition import request_transition
from stage_functions.application.troubles import Section, troubles
from stage_functions.application.watching import show_figures
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.demands import apart
from stage_functions.domain.error import (
    LaterReleaseError,
    LedgerDamagedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    RetryableError,
    SinkRefusedError,
    SinkUnavailableError,
    StagewardError,
    StoreUnavailableError,
)
from stage_functions.domain.figure import Figure
from tests.builders import IRIS, World, actor, context_over, lifecycle, world
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.sink import MemorySink

DAY = 86_400


@pytest.fixture
def it(sink: MemorySink) -> Iterator[World]:
    """A world that publishes, and was scanned a moment ago."""
    made = world(sinks=(sink,))
    Scanner(made.context).scan("demo")
    sweep(made.context)
    yield made
    made.rows.close()


def knowing(
    it: World, facts: Facts | None = None, letters: MemoryDeadLetters | None = None
) -> World:
    """Return the world with what its process knows of itself."""
    process = Process(facts or Facts(started=it.clock.time), dead_letters=letters)
    return replace(it, context=replace(it.context, process=process))


def wrong(it: World) -> dict[str, str]:
    """Return what is wrong: where, by code."""
    return {one.code: one.part for one in troubles(status(it.context))}


def figure(it: World, name: str, known: Status | None = None) -> list[float]:
    """Return the values of a figure."""
    return [one.value for one in figures(known or status(it.context)) if one.name == name]


def park(it: World, sink: MemorySink, name: str) -> None:
    """Register a version of which a sink refuses to hear."""
    version = Version(Asset("demo", Kind.MODELS, name), "1")
    it.registry.register(version, it.clock.now())
    sink.fault = SinkRefusedError("403")
    follow(it.context, Signal(version))


def mark(it: World, name: str, partition: str, at: datetime) -> None:
    """Say of an asset that a commit of it may owe something."""
    asset = str(Asset("demo", Kind.MODELS, name))
    marker: dict[str, Value] = {"asset": asset, "commit": 7, "at": at.isoformat()}
    row = Upsert(keys.marker_key(partition, 7), marker)
    it.rows.commit(WORK, keys.outbox_shard(partition), [row])


def follow_to_tags(it: World, name: str) -> None:
    """Register a version whose tags may not be written."""
    version = Version(Asset("demo", Kind.MODELS, name), "1")
    it.registry.register(version, it.clock.now())

    def refuse(call: str) -> None:
        if call == "write_tag":
            message = "403"
            raise RegistryRefusedError(message)

    it.registry.before = refuse
    follow(it.context, Signal(version))


def refuse_writing(call: str) -> None:
    """Let a registry be away whenever a tag is written."""
    if call == "write_tag":
        message = "the registry is away"
        raise RegistryUnavailableError(message)


def test_nothing_is_wrong_where_all_is_well(it: World) -> None:
    """And every figure is there all the same, so that none is missed when it rises."""
    known = status(it.context)

    assert () == troubles(known)
    assert {
        "stageward.registry.stopped": 0,
        "stageward.outbox.parked": 0,
        "stageward.outbox.waiting": 0,
        "stageward.outbox.oldest.age": 0,
        "stageward.approvals.open": 0,
    }.items() <= {one.name: one.value for one in figures(known)}.items()
    assert [lifecycle().digest] == [one.digest for one in known.lifecycles]
    assert it.context.ledger.id == known.ledger


def test_a_registry_that_cannot_be_read_says_why_and_since_when(it: World) -> None:
    """Since the first time, not the last."""
    it.registry.away = True
    began = it.clock.now()
    for _ in range(3):
        with pytest.raises(RegistryUnavailableError):
            Scanner(it.context).scan("demo")
        it.clock.sleep(60)
    (known,) = status(it.context).registries
    said = wrong(it)
    it.registry.away = False
    Scanner(it.context).scan("demo")

    assert ("unreadable", "the registry is away") == (known.code, known.unreadable)
    assert known.unreadable_at is not None
    assert known.unreadable_at - began < timedelta(seconds=5)
    assert {"registry-unreadable": "registry demo"} == said
    assert {} == wrong(it)


def test_a_registry_that_is_stopped_says_how_it_goes_on(it: World) -> None:
    """But only after a thought: another ledger may be right."""
    it.context.states.suspect("demo", "demo/models/iris", "another ledger", at_once=True)
    (found,) = troubles(status(it.context))

    assert ("registry-stopped", Section.STOPPED) == (found.code, found.section)
    assert "another ledger" in found.what
    assert "`stageward resolve demo`" in found.do
    assert [1] == figure(it, "stageward.registry.stopped")


def test_a_registry_that_was_never_imported_is_to_be_imported() -> None:
    """One that is only observed is as it should be."""
    found = world(Mode.OBSERVE)
    found.registry.register(Version(IRIS, "1"), found.clock.now())
    Scanner(found.context).scan("demo")
    observed = wrong(found)
    enforcing = context_over(found.rows, found.registry, found.clock, Mode.ENFORCE)
    adopt(enforcing)

    assert {} == observed
    assert {"registry-not-imported": "registry demo"} == wrong(replace(found, context=enforcing))
    found.rows.close()


def test_for_whom_work_is_given_up_is_told(it: World, sink: MemorySink) -> None:
    """All of it, or some."""
    park(it, sink, "rose")
    (all_of_it,) = troubles(status(it.context))
    sink.fault = None
    follow_to_tags(it, "aster")
    (some,) = troubles(status(it.context))

    assert "1 piece of owed work given up, events to events" == all_of_it.what
    assert "2 pieces of owed work given up, events to events among them" == some.what


@pytest.mark.parametrize(
    ("seconds", "said"), [(-0.3, "less than a second"), (2.6, "+3 s"), (-40, "-40 s")]
)
def test_clocks_that_agree_differ_by_no_number(seconds: float, said: str) -> None:
    """Nor by less than nothing."""
    assert said == apart(seconds)


@pytest.mark.parametrize(("minutes", "late"), [(59, False), (61, True)])
def test_a_scan_that_is_an_hour_old_is_late(it: World, minutes: int, *, late: bool) -> None:
    """It finds what no event tells of."""
    it.clock.sleep(minutes * 60)

    assert late == ("scan-late" in wrong(it))
    assert minutes * 60 == pytest.approx(figure(it, "stageward.registry.scan.age")[0], abs=5)


def test_a_scan_is_late_from_the_age_that_is_set(it: World) -> None:
    """A large registry takes longer than an hour, and that is no trouble."""
    it.context.process.facts = replace(it.context.process.facts, pace=Pace.of(0, 7200))
    it.clock.sleep(7000)
    before = wrong(it)
    it.clock.sleep(300)

    assert {} == before
    assert {"scan-late": "registry demo"} == wrong(it)


def test_a_registry_that_was_never_scanned_is_late_some_time_after_the_start() -> None:
    """At the start it is no fault."""
    fresh = world()
    it = knowing(fresh)
    at_first, never = wrong(it), status(it.context).registries[0].scanned
    fresh.clock.sleep(4000)

    assert ({}, None) == (at_first, never)
    assert {"scan-late": "registry demo"} == wrong(it)
    assert 4000 == pytest.approx(figure(it, "stageward.registry.scan.age")[0], abs=5)
    fresh.rows.close()


def test_parked_work_is_told_with_why_and_what_waits_is_not(it: World, sink: MemorySink) -> None:
    """The first ones by name, oldest first, each with what retries it."""
    park(it, sink, "rose")
    it.clock.sleep(60)
    park(it, sink, "aster")
    sink.fault = SinkUnavailableError("away")
    it.register("1")
    known = status(it.context)
    first = known.backlog.first

    assert ["2 pieces of owed work given up, events to events"] == [
        one.what for one in troubles(known)
    ]
    assert ["demo/models/rose", "demo/models/aster"] == [one.view.asset for one in first]
    assert ["403", "403"] == [one.view.owed.error for one in first]
    assert all(one.since is not None for one in first)
    assert (2, 1) == (known.backlog.parked, known.backlog.waiting)
    assert (2, 1) == (known.backlog.sinks["events"].parked, known.backlog.sinks["events"].waiting)
    assert ([2], [1]) == (
        figure(it, "stageward.outbox.parked"),
        figure(it, "stageward.outbox.waiting"),
    )


@pytest.mark.parametrize(("minutes", "late"), [(59, False), (61, True)])
def test_work_that_waits_for_an_hour_is_late(
    it: World, sink: MemorySink, minutes: int, *, late: bool
) -> None:
    """What is parked is not: it waits for a person, and is told apart."""
    park(it, sink, "rose")
    it.clock.sleep(DAY)
    sink.fault = SinkUnavailableError("away")
    it.register("1")
    it.clock.sleep(minutes * 60)

    assert late == ("outbox-late" in wrong(it))
    assert minutes * 60 == pytest.approx(figure(it, "stageward.outbox.oldest.age")[0], abs=5)


def test_what_waits_for_a_registry_to_be_governed_is_not_late() -> None:
    """Imported while it is observed, its tags wait on purpose, until it is."""
    it = world(Mode.OBSERVE)
    for number in range(owed.ASSETS + 1):
        version = Version(Asset("demo", Kind.MODELS, f"m{number}"), "1")
        it.registry.register(version, it.clock.now(), tags={"stage": "Staging"})
    import_registry(it.context, ImportCommand("demo", {}, (), "", actor("eve")))
    it.clock.sleep(2 * 3600)
    Scanner(it.context).scan("demo")
    observed = status(it.context)
    governed = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE)
    late = status(governed)
    it.clock.sleep(61)
    sweep(governed)
    tags = it.registry.tags(Version(Asset("demo", Kind.MODELS, "m0"), "1"))

    assert (owed.ASSETS, None) == (observed.backlog.waiting, observed.backlog.oldest)
    assert () == troubles(observed)
    assert "outbox-late" in {one.code for one in troubles(late)}
    assert ("Staging", f"{it.context.ledger.id}/1") == (tags["stage"], tags["stage_governor"])
    it.rows.close()


def test_events_behind_such_tags_are_not_late_and_others_are(it: World, sink: MemorySink) -> None:
    """A registry was put back to observe while tags were owed to it."""
    it.registry.before = refuse_writing
    it.register("1")
    it.registry.before = lambda _: None
    it.clock.sleep(2 * 3600)
    late = wrong(it)
    observed = context_over(it.rows, it.registry, it.clock, Mode.OBSERVE, (sink,))
    Scanner(observed).scan("demo")
    behind = status(observed)
    sink.fault = SinkUnavailableError("away")
    other = Version(Asset("demo", Kind.MODELS, "rose"), "1")
    it.registry.register(other, it.clock.now())
    follow(it.context, Signal(other))
    it.clock.sleep(2 * 3600)
    Scanner(observed).scan("demo")

    assert "outbox-late" in late
    assert () == troubles(behind)
    assert ["outbox-late"] == [one.code for one in troubles(status(observed))]


def test_however_much_is_owed_a_look_costs_the_same(it: World, sink: MemorySink) -> None:
    """At 10 owing assets as at 1,000; that there is more is said, and what is oldest is seen."""
    sink.fault = SinkUnavailableError("away")
    costs = []
    park(it, sink, "oldest")
    it.clock.sleep(60)
    for made in (owed.ASSETS, owed.ASSETS * 2):
        for number in range(made):
            park(it, sink, f"a-{made}-{number}")
        it.clock.sleep(10)  # so that nothing is known from just now
        it.rows.trips = 0
        known = status(it.context)
        costs.append(it.rows.trips)

    assert costs[0] == costs[1] <= 2 * keys.SHARDS + owed.ASSETS + 10
    assert known.backlog.more
    assert "demo/models/oldest" == known.backlog.first[0].view.asset
    assert owed.SHOWN == len(known.backlog.first)
    assert "more than" in troubles(known)[0].what


def test_what_waits_longest_is_seen_behind_hundreds_of_others(it: World) -> None:
    """Markers lie in the order of their names, not of their age; and more are not more requests."""
    old, moment = "zinnia-and-last", it.clock.time - timedelta(hours=5)
    shard = keys.outbox_shard(keys.asset_partition(Asset("demo", Kind.MODELS, old)))
    names = (f"a-{number}" for number in range(100_000))
    partitions = ((name, keys.asset_partition(Asset("demo", Kind.MODELS, name))) for name in names)
    near = (one for one in partitions if keys.outbox_shard(one[1]) == shard)
    for name, partition in islice(near, 300):
        mark(it, name, partition, it.clock.time)
    version = Version(Asset("demo", Kind.MODELS, old), "1")
    it.registry.register(version, moment)
    it.registry.before = refuse_writing
    it.clock.time = moment
    follow(it.context, Signal(version))
    it.clock.time = moment + timedelta(hours=5)
    it.rows.trips = 0
    known = status(it.context)

    assert 5 * 3600 == pytest.approx(figure(it, "stageward.outbox.oldest.age", known)[0], abs=60)
    assert it.rows.trips <= 2 * keys.SHARDS + owed.ASSETS + 10


def test_a_marker_of_a_commit_that_was_never_made_is_no_owed_work(it: World) -> None:
    """A process died before it: the sweep clears it up."""
    mark(it, IRIS.name, keys.asset_partition(IRIS), it.clock.now())
    it.clock.sleep(2 * 3600)
    it.context.states.update("demo", lambda one: replace(one, pass_completed=it.clock.time))

    assert {} == wrong(it)


def test_open_approvals_are_counted_and_decided_ones_are_not(it: World) -> None:
    """Though their rows of the clock stay till their moments."""
    for number in ("1", "2"):
        version = it.register(number)
        request_transition(it.context, it.command(version, "Staging"))
        request_transition(it.context, it.command(version, "Production"))
    before = figure(it, "stageward.approvals.open")
    it.registry.remove(Version(IRIS, "2"))
    for _ in range(3):
        it.clock.sleep(400)
        Scanner(it.context).scan("demo")

    assert ([2], [1]) == (before, figure(it, "stageward.approvals.open"))


def test_tokens_and_keys_are_told_before_they_end_and_for_a_while_after(it: World) -> None:
    """By the beginning of a hash, or a variable's name; never the key."""
    now = it.clock.time
    for name, days in (("soon", 10), ("later", 20), ("over", -5), ("forgotten", -50)):
        id_ = tokens.token_id(name)
        tokens.create(it.rows, Token(id_, "bob", now, now + timedelta(days=days)))
    tokens.create(it.rows, Token(tokens.token_id("endless"), "bob", now))
    ending = Ending("STAGEWARD_TABLES", now + timedelta(days=3))
    it = knowing(it, Facts(started=now, endings=(ending,)))
    known = status(it.context)
    names = {name: f"token {tokens.token_id(name)[:8]}" for name in ("soon", "later", "over")}

    assert [names["over"], "STAGEWARD_TABLES", names["soon"], names["later"]] == [
        one.name for one in known.keys
    ]
    assert ["key-ended", "key-ends-soon", "key-ends-soon"] == [one.code for one in troubles(known)]
    shown = {one.attributes["key"]: one.value for one in figures(known) if "key" in one.attributes}
    assert 10 * DAY == pytest.approx(shown[names["soon"]], abs=5)
    assert -5 * DAY == pytest.approx(shown[names["over"]], abs=5)


def test_however_many_keys_have_ended_the_one_that_ends_next_is_told(it: World) -> None:
    """Tokens of a pipeline that last for a day must not hide what the ledger is opened with."""
    now = it.clock.time
    for number in range(25):
        ends = now - timedelta(days=1 + number)
        tokens.create(it.rows, Token(tokens.token_id(f"t-{number}"), "bob", now, ends))
    ending = Ending("STAGEWARD_TABLES", now + timedelta(days=1))
    shown = status(knowing(it, Facts(started=now, endings=(ending,))).context).keys

    assert (20, "STAGEWARD_TABLES") == (len(shown), shown[-1].name)
    assert now - timedelta(days=19) == shown[0].ends
    assert sorted(one.ends for one in shown) == [one.ends for one in shown]


def test_a_clock_that_is_wrong_is_told(it: World) -> None:
    """Deadlines are judged by it."""
    it = knowing(it)
    there = it.clock.time - timedelta(minutes=5)
    hear = it.context.process.clocks.listener("ledger", it.clock)
    hear({"Date": format_datetime(there, usegmt=True)})
    (found,) = troubles(status(it.context))

    assert ("clock-skewed", Section.CLOCK) == (found.code, found.section)
    assert "300 s ahead of that of the ledger's store" in found.what.replace("299", "300")
    assert [300] == pytest.approx(figure(it, "stageward.clock.skew"), abs=2)


def test_a_lifecycle_that_another_process_replaced_is_told(it: World) -> None:
    """Two files are deployed."""
    other = replace(lifecycle(), text={"name": "default", "shape": "another"})
    adopt(context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=other))

    assert "lifecycle-differs" in wrong(it)


def test_an_adoption_that_a_sink_does_not_have_is_told(it: World, sink: MemorySink) -> None:
    """Once it has had time, and until the sweep has published it."""
    other = replace(lifecycle(), text={"name": "default", "shape": "another"})
    sink.fault = SinkUnavailableError("away")
    context = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, (sink,), governed_by=other)
    adopt(context)
    moved = replace(it, context=context)
    sweep(context)
    at_once = wrong(moved)
    it.clock.sleep(1000)
    Scanner(context).scan("demo")
    before = wrong(moved)
    sink.fault = None
    sweep(context)

    assert {} == at_once
    assert {"lifecycle-unpublished": "lifecycle default"} == before
    assert {} == wrong(moved)


def test_deliveries_with_a_wrong_signature_are_told_for_an_hour(it: World) -> None:
    """The secret may be another; later nobody need look any more."""
    it = knowing(it)
    it.context.process.refuse(it.clock.now())
    at_once = wrong(it)
    it.clock.sleep(3700)
    Scanner(it.context).scan("demo")

    assert {"webhook-refused": "webhooks"} == at_once
    assert {} == wrong(it)


def test_dead_letters_are_counted_and_a_fault_of_theirs_is_told(it: World) -> None:
    """Where no container is configured, nothing is wrong, and there is no figure."""
    letters = MemoryDeadLetters()
    configured = knowing(it, letters=letters)
    none = status(configured.context)
    letters.put("a", b"[]", it.clock.time - timedelta(days=1))
    one = wrong(configured)
    count = figure(configured, "stageward.dead_letters")
    letters.fault = RetryableError("away")

    assert status(it.context).letters is None
    assert [] == figure(it, "stageward.dead_letters")
    assert () == troubles(none)
    assert ({"dead-letters": "dead letters"}, [1]) == (one, count)
    assert {"dead-letters-unreadable": "dead letters"} == wrong(configured)
    assert [] == figure(configured, "stageward.dead_letters")


@pytest.mark.parametrize(
    ("error", "word", "helps"),
    [
        (StoreUnavailableError, "unavailable", "can be reached"),
        (LedgerDamagedError, "damaged", "restore it from a backup"),
        (LaterReleaseError, "outdated", "update this instance"),
    ],
)
def test_why_the_ledger_cannot_be_read_decides_what_helps(
    it: World, error: type[StagewardError], word: str, helps: str
) -> None:
    """Health says the same in a word."""

    class Broken(RegistryStates):
        """Cannot be read."""

        def get(self, alias: str, *, fresh: bool = False) -> RegistryState:
            """Fail."""
            message = f"{alias} {fresh}"
            raise error(message)

    states = Broken(it.rows, it.clock, it.context.configuration)
    context = replace(it.context, states=states)
    (found,) = troubles(status(context))

    assert (f"ledger-{word}", word) == (found.code, upkeep.health(context).parts["ledger"])
    assert helps in found.do


def test_a_ledger_that_cannot_be_read_is_told_with_what_is_known_without_it(it: World) -> None:
    """There is a status at any time."""
    it = knowing(it, Facts(version="1.2.3"))
    it.rows.close()

    class Gone:
        """A store that does not answer."""

        def get(self, *_: object) -> None:
            """Fail."""
            message = "read stagewardledger: no answer"
            raise StoreUnavailableError(message)

        query = get

    states = type(it.context.states)(Gone(), it.clock, it.context.configuration)  # type: ignore[arg-type]
    known = status(replace(it.context, states=states))

    assert ("1.2.3", "read stagewardledger: no answer") == (known.facts.version, known.fault)
    assert ["ledger-unavailable"] == [one.code for one in troubles(known)]
    assert () == figures(known)


class Watcher:
    """Telemetry that keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[dict[str, float]] = []

    def gauges(self, found: Iterable[Figure]) -> None:
        """Keep them."""
        self.shown.append({one.name: one.value for one in found})

    def span(
        self, name: str, *, attributes: object = None, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """Open none."""
        del attributes, parent
        return SILENT.span(name)

    def count(self, name: str, amount: int = 1, **attributes: str) -> None:
        """Count nothing."""

    def measure(self, name: str, value: float, **attributes: str) -> None:
        """Measure nothing."""

    def traceparent(self) -> str:
        """Return none."""
        return ""

    def flush(self) -> None:
        """Hold nothing back."""

    def close(self) -> None:
        """Hold nothing open."""


def test_figures_are_shown_where_somebody_watches(it: World) -> None:
    """Dead letters are looked at every few minutes only; without a watcher, never."""
    letters, watcher = MemoryDeadLetters(), Watcher()
    it = knowing(it, letters=letters)
    show_figures(it.context)
    unwatched = letters.looks
    watched = replace(it.context, telemetry=watcher)
    for _ in range(3):
        it.clock.sleep(60)
        show_figures(watched)
    within, last = letters.looks, watcher.shown[-1]
    it.clock.sleep(300)
    show_figures(watched)

    assert (0, 1, 2) == (unwatched, within, letters.looks)
    assert 4 == len(watcher.shown)
    assert {"stageward.outbox.parked", "stageward.dead_letters"} <= set(last)


def test_every_trouble_leads_to_a_section(it: World) -> None:
    """Its headings are those of the page for operators."""
    sections = {value for name, value in vars(Section).items() if name.isupper()}

    assert 16 == len(sections)
    it.context.states.suspect("demo", "demo/models/iris", "another ledger", at_once=True)
    assert {one.section for one in troubles(status(it.context))} <= sections
