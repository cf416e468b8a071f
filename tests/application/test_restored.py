"""A restored ledger, or an emptied one, writes nothing until somebody has resolved it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import histories, query
from stage_functions.application.adoption import adopt
from stage_functions.application.anchoring import keep_up
from stage_functions.application.as_of import of_estate
from stage_functions.application.catalog import entries
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.context import Context
from stage_functions.application.keys import asset_partition
from stage_functions.application.ports.rows import CATALOG
from stage_functions.application.registries import RegistryState
from stage_functions.application.resolving import resolve
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.upkeep import rebuild_lost_catalog
from stage_functions.domain.approval import Status
from stage_functions.domain.asset import Version
from stage_functions.domain.chain import verify
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import NotAllowedNowError
from stage_functions.domain.record import RecordType
from stage_functions.domain.transition import Request
from stage_functions.wire.cloudevent import cloud_event
from tests.application.aged import Store
from tests.backup_world import Moving, backed_up, restored
from tests.builders import IRIS, World, actor, cast, context_over, timed, unguarded, world
from tests.copy_world import copy_world, there
from tests.fakes.anchors import MemoryAnchors
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink

EVE = actor("eve")
DAY = 24 * 3600
Make = Callable[..., "Twice"]


class Twice(Struct, frozen=True):
    """A ledger that went on after it was backed up, and what was restored of it since.

    Attributes:
        before: the world as it went on.
        after: Stageward over what was restored.
        sink: what is published by the second.
        notifier: whom the second tells.
        approval: id of the approval that was open when the backup was made.
    """

    before: World
    after: Context
    sink: MemorySink
    notifier: MemoryNotifier
    approval: str

    @property
    def shown(self) -> list[dict[str, str]]:
        """All tags in the registry."""
        return [dict(self.before.registry.tags(Version(IRIS, number))) for number in ("1", "2")]

    def later(self, seconds: float) -> None:
        """Let time pass, with sweeps, scans and signals."""
        for _ in range(3):
            self.before.clock.sleep(seconds / 3)
            sweep(self.after)
            Scanner(self.after).scan("demo")
            for number in ("1", "2"):
                follow(self.after, Signal(Version(IRIS, number)))

    @property
    def records(self) -> list[RecordType]:
        """The types of the records that the second has of the asset."""
        return [one.type for one in self.after.ledger.records(asset_partition(IRIS))]


@pytest.fixture
def twice() -> Iterator[Make]:
    """Makes a ledger with an approval that is open in the backup, and given since."""
    with ExitStack() as stack:

        def made(on: Callable[[World], object] = lambda _: None) -> Twice:
            notifier = MemoryNotifier({"person:bob": ("mail:bob",)})
            it = world(sinks=(MemorySink("events"),), governed_by=timed(), notifier=notifier)
            stack.callback(it.rows.close)
            for number in ("1", "2"):
                version = it.register(number)
                request_transition(it.context, it.command(version, "Staging"))
            asked = request_transition(it.context, it.command(Version(IRIS, "1"), "Production"))
            content, _ = backed_up(it.rows._rows, it.clock)  # type: ignore[arg-type]  # noqa: SLF001
            cast(it.context, asked.approval, "bob")
            cast(it.context, asked.approval, "eve")
            sweep(it.context)
            on(it)
            rows = SQLiteRows(":memory:")
            stack.callback(rows.close)
            restored(rows, content, it.clock)
            sink, told = MemorySink("events"), MemoryNotifier({"person:bob": ("mail:bob",)})
            context = context_over(
                rows, it.registry, it.clock, Mode.ENFORCE, (sink,), "", timed(), told
            )
            adopt(context)
            found_empty(context, "demo")
            return Twice(it, context, sink, told, asked.approval)

        yield made


def test_nothing_is_written_and_nobody_is_told_until_it_is_resolved(twice: Make) -> None:
    """Not by any number of sweeps, scans and signals; nor does what was open then lapse."""
    it = twice()
    shown, edits = it.shown, it.before.registry.calls.count("edit")
    it.later(30 * DAY)
    with pytest.raises(NotAllowedNowError, match="was restored from a backup of 2026-01-01"):
        cast(it.after, it.approval, "bob")
    with pytest.raises(NotAllowedNowError, match="registry demo is stopped"):
        request_transition(
            it.after, TransitionRequest(Version(IRIS, "2"), "Archived", "", EVE, "x")
        )
    found = query.approval(it.after, it.approval).approval

    assert ("Production", shown) == (shown[0]["stage"], it.shown)
    assert edits == it.before.registry.calls.count("edit")
    assert [] == it.notifier.told
    assert [] == it.sink.taken
    assert RecordType.APPROVAL_CLOSED not in it.records
    assert () == found.votes
    assert ["stopped:"] == [one.why.split()[3] for one in query.registries(it.after)]


def test_after_it_was_resolved_the_story_goes_on(twice: Make) -> None:
    """By what the ledger knows: what was granted since the backup is asked for again."""
    it = twice()
    plan = resolve(it.after, "demo", EVE, dry_run=True)
    resolve(it.after, "demo", EVE)
    it.later(120)
    stage = it.shown[0]["stage"]
    cast(it.after, it.approval, "bob")
    cast(it.after, it.approval, "eve")
    it.later(120)

    assert [("demo/models/iris:1", "Production", "Staging")] == [
        (one.version, one.shows, one.granted) for one in plan.losses
    ]
    assert ("Staging", "Production") == (stage, it.shown[0]["stage"])
    assert query.check_history(it.after, IRIS) is None
    assert {"mail:bob"} == {channel for channel, _ in it.notifier.told}


@pytest.mark.parametrize("action", [Action.DEPLOY, Action.DELETE])
def test_a_gate_is_not_passed_on_what_was_restored(twice: Make, action: Action) -> None:
    """Until it is resolved: what was decided since the backup is not known."""
    it = twice()
    request = Request("", "", EVE)
    question = Question(Version(IRIS, "2"), action, request, "demo/anything")
    before = check(it.after, question)
    resolve(it.after, "demo", EVE)
    after = check(it.after, question)

    assert not before.allowed
    assert before.detail.startswith("registry demo is stopped: ")
    assert "see `stageward resolve demo`" in before.detail
    assert ("Staging", False) == (after.stage, "is stopped" in after.detail)


def test_what_was_open_lapses_once_it_is_resolved(twice: Make) -> None:
    """The clock catches up."""
    it = twice()
    it.later(30 * DAY)
    resolve(it.after, "demo", EVE)
    it.later(3600)

    assert Status.EXPIRED is query.approval(it.after, it.approval).approval.status


def test_the_ledger_records_what_it_was_restored_from(twice: Make) -> None:
    """In its own history, which is published."""
    it = twice()
    resolve(it.after, "demo", EVE)
    sweep(it.after)
    (record,) = it.after.ledger.records(histories.JOURNAL.partition)
    end = histories.tail(it.after.ledger, histories.JOURNAL)
    event = cloud_event(record)

    assert verify(it.after.ledger.id, "ledger", [record], head=end) is None
    assert (RecordType.RESTORED, "cli") == (record.type, record.content["actor"]["via"])  # type: ignore[index, call-overload]
    assert "2026-01-01" == str(record.content["made_at"])[:10]
    assert 64 == len(str(record.content["backup"]))
    assert ("Stageward.Restored", "ledger") == (event["type"], event["subject"])
    assert record in it.sink.taken


def test_a_restored_ledger_is_not_anchored_before_it_is_resolved(twice: Make) -> None:
    """A copy that is only tried out must not contradict the ledger that it was made of."""
    place = MemoryAnchors("elsewhere")
    it = twice()
    context = replace(it.after, places=(place,))
    assert () == keep_up(context)
    before = list(place.kept())
    resolve(context, "demo", EVE)
    keep_up(context)

    assert [] == before
    assert [it.after.ledger.id] == [one.ledger for one in place.kept()]


def test_events_that_were_owed_keep_their_ids(twice: Make) -> None:
    """Whoever has them already knows them by these; what is decided anew has others."""
    it = twice()
    resolve(it.after, "demo", EVE)
    it.later(120)
    first = {
        cloud_event(one)["id"]: one.hash
        for one in it.before.context.ledger.records(asset_partition(IRIS))
    }
    again = {
        cloud_event(one)["id"]: one.hash
        for one in it.sink.taken
        if one.content["asset"] == str(IRIS)
    }

    lost = {hash_ for id_, hash_ in first.items() if id_ not in again}
    assert lost
    assert all(first.get(id_, hash_) == hash_ for id_, hash_ in again.items())
    assert not lost & set(again.values())


def test_lists_that_were_older_than_their_histories_are_not_believed() -> None:
    """A backup reads the catalog first: a version may move before its history is read."""
    it = world(governed_by=unguarded())
    version = it.register("1")
    whole = it.rows._rows  # noqa: SLF001
    assert isinstance(whole, SQLiteRows)
    moving = Moving(
        Store(whole),
        (CATALOG, "iris:1"),
        lambda: request_transition(it.context, it.command(version, "Staging")),
    )
    content, _ = backed_up(moving, it.clock)
    rows = SQLiteRows(":memory:")
    restored(rows, content, it.clock)
    after = context_over(rows, it.registry, it.clock, Mode.ENFORCE, governed_by=unguarded())
    listed = [one.stage for _, one in entries(rows, [("demo", IRIS.kind)])]
    now = it.clock.now()

    def stood() -> list[str]:
        return [standing.stage for _, standing in of_estate(after, now).found]

    at_once = stood()
    rebuild_lost_catalog(after)

    assert (["None"], ["Staging"], ["Staging"]) == (listed, at_once, stood())
    assert ["Staging"] == [one.stage for _, one in entries(rows, [("demo", IRIS.kind)])]
    rows.close()
    it.rows.close()


@pytest.mark.parametrize("mode", list(Mode))
def test_an_emptied_ledger_writes_nothing(mode: Mode) -> None:
    """Where tags name a governor that it does not know, whatever is sent to it."""
    it = world(governed_by=unguarded())
    for number in ("1", "2"):
        it.register(number)
        for target in ("Staging", "Production"):
            request_transition(it.context, it.command(Version(IRIS, number), target))
    versions = [Version(IRIS, number) for number in ("1", "2")]
    shown = [dict(it.registry.tags(version)) for version in versions]
    rows = SQLiteRows(":memory:")
    empty = context_over(rows, it.registry, it.clock, mode, governed_by=unguarded())
    adopt(empty)
    found_empty(empty, "demo")
    edits = it.registry.calls.count("edit")
    for _ in range(3):
        for version in versions:
            follow(empty, Signal(version))
        Scanner(empty).scan("demo")
        it.clock.sleep(600)
        sweep(empty)
    it.registry.set_tags(versions[0], {"stage_request": "Archived: now"})
    follow(empty, Signal(versions[0]))
    now = [dict(it.registry.tags(version)) for version in versions]
    now[0].pop("stage_request")

    assert (shown, edits) == (now, it.registry.calls.count("edit"))
    assert empty.states.ungoverned("demo")
    rows.close()
    it.rows.close()


def test_what_was_granted_then_is_not_copied_before_its_own_registry_is_resolved() -> None:
    """It may have been taken back since; the registry that it would go to may be resolved."""
    it = copy_world()
    version = it.register()
    it.registries["test"].away = True
    it.ask(version, "Staging")
    it.registries["test"].away = False

    def stop(state: RegistryState) -> RegistryState:
        return replace(state, stopped="restored", restored=it.clock.now())

    it.context.states.update("dev", stop)
    it.clock.sleep(60)
    sweep(it.context)
    before = it.registries["test"].read(there(version, "test"))
    resolve(it.context, "dev", EVE)
    it.clock.sleep(3600)
    sweep(it.context)

    assert before is None
    assert "Staging" == it.stage(there(version, "test"))
    it.rows.close()
