"""What a decision owes the outside is carried out, in order, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, upkeep
from stage_functions.application.ports.rows import WORK, Upsert, Value
from stage_functions.application.registries import SUSPECTS_THAT_STOP
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import FENCE_SECONDS, sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import (
    ConflictError,
    NotAllowedNowError,
    SinkRefusedError,
    SinkUnavailableError,
)
from tests.builders import IRIS, World, world
from tests.fakes.sink import MemorySink


@pytest.fixture
def sinks() -> tuple[MemorySink, MemorySink]:
    """Two sinks."""
    return MemorySink("first"), MemorySink("second")


@pytest.fixture
def it(sinks: tuple[MemorySink, MemorySink]) -> Iterator[World]:
    """A world that publishes to both."""
    made = world(sinks=sinks)
    yield made
    made.rows.close()


def numbers(sink: MemorySink) -> list[int]:
    """Return the numbers of the records that a sink has taken."""
    return [record.number for record in sink.taken if record.content["asset"] == str(IRIS)]


def test_every_record_is_published_once_and_in_order(
    it: World, sinks: tuple[MemorySink, MemorySink]
) -> None:
    """Each sink gets the history as it grows."""
    version = it.register("1")
    it.tag(version, "stage_request", "Staging")
    it.tag(version, "stage_request", "Nowhere")

    assert [numbers(sink) for sink in sinks] == [[1, 2, 3], [1, 2, 3]]
    assert upkeep.outbox(it.context) == []


def test_a_sink_that_is_away_gets_everything_later_and_in_order(
    it: World, sinks: tuple[MemorySink, MemorySink]
) -> None:
    """A decision does not wait for a sink, and a sink misses nothing."""
    sinks[0].fault = SinkUnavailableError("away")
    version = it.register("1")
    it.tag(version, "stage_request", "Staging")
    late = [numbers(sink) for sink in sinks]
    sinks[0].fault = None
    it.clock.sleep(40)
    sweep(it.context)
    sweep(it.context)

    assert late == [[], [1, 2]]
    assert numbers(sinks[0]) == [1, 2]


def test_what_waits_for_a_sink_that_is_set_no_more_is_dropped_and_told(
    it: World, sinks: tuple[MemorySink, MemorySink], caplog: pytest.LogCaptureFixture
) -> None:
    """The log names what nobody will get: also where the rest of a list only changed places."""
    sinks[1].fault = SinkUnavailableError("away")
    it.register("1")
    it.clock.sleep(40)
    sweep(replace(it.context, sinks={"first": sinks[0]}))

    assert "not sent: records 1 to 1 of demo/models/iris, owed to second, which is set no more" in (
        caplog.messages
    )
    assert upkeep.outbox(it.context) == []


def test_a_sink_that_refuses_is_parked_and_holds_up_only_itself(
    it: World, sinks: tuple[MemorySink, MemorySink]
) -> None:
    """Parked work is named on health, is retried by hand, and takes nobody out of service."""
    sinks[0].fault = SinkRefusedError("403")
    it.register("1")
    sick = upkeep.health(it.context)
    parked = upkeep.outbox(it.context)
    sinks[0].fault = None
    upkeep.retry(it.context, parked[0].id)

    assert (True, "parked") == (sick.ready, sick.parts["outbox"])
    assert [view.owed.parked for view in parked] == [True]
    assert numbers(sinks[0]) == numbers(sinks[1]) == [1]
    assert "" == upkeep.health(it.context).parts["outbox"]


def test_events_wait_until_the_tags_are_verified(
    it: World, sinks: tuple[MemorySink, MemorySink]
) -> None:
    """Nobody hears of a stage that the registry does not show yet."""
    version = it.register("1")
    it.registry.fail_after(2)
    request_transition(it.context, it.command(version, "Staging"))
    before = numbers(sinks[0])
    it.registry.away = False
    it.clock.sleep(60)
    sweep(it.context)

    assert before == [1]
    assert it.registry.tags(version)["stage"] == "Staging"
    assert numbers(sinks[0]) == [1, 2]


def test_the_sweep_leaves_no_marker_behind(it: World) -> None:
    """What is done leaves nothing to sweep."""
    it.register("1")

    assert sweep(it.context).waiting == 0
    assert all(not it.rows.query(WORK, f"outbox-{n:02d}") for n in range(keys.SHARDS))


def test_a_marker_of_a_commit_never_made_is_fenced_off(it: World) -> None:
    """A commit that comes later than its fence must conflict."""
    version = it.register("1")
    loaded = it.context.ledger.load(IRIS, [version.number])
    partition = keys.asset_partition(IRIS)
    marker: dict[str, Value] = {
        "asset": str(IRIS),
        "commit": loaded.head.commit + 1,
        "at": it.clock.now().isoformat(),
    }
    key = keys.marker_key(partition, loaded.head.commit + 1)
    it.rows.commit(WORK, keys.outbox_shard(partition), [Upsert(key, marker)])
    follow(it.context, Signal(version))
    young = sweep(it.context)
    it.clock.sleep(FENCE_SECONDS + 1)
    old = sweep(it.context)

    assert (young.finished, young.waiting) == (0, 1)
    assert (old.finished, old.waiting) == (1, 0)
    with pytest.raises(ConflictError):
        it.context.ledger.complete(loaded, {}, [], [], ())


def test_a_version_governed_by_another_ledger_is_left_alone(it: World) -> None:
    """Two ledgers never fight over a tag."""
    version = it.register("1", {"stage": "Production", "stage_governor": "another0/7"})

    assert it.registry.tags(version) == {"stage": "Production", "stage_governor": "another0/7"}
    with pytest.raises(NotAllowedNowError, match="another ledger"):
        request_transition(it.context, it.command(version, "Staging"))


def test_several_such_assets_stop_the_registry(it: World) -> None:
    """A ledger that was restored or emptied writes nothing."""
    for number in range(SUSPECTS_THAT_STOP):
        version = Version(Asset("demo", Kind.MODELS, f"m{number}"), "1")
        tags = {"stage_governor": f"{it.context.ledger.id}/99"}
        it.registry.register(version, it.clock.now(), tags=tags)
        follow(it.context, Signal(version))

    assert "stopped" in it.context.states.ungoverned("demo")


def test_tags_that_keep_changing_are_left_alone_for_an_hour(it: World) -> None:
    """A tool that insists is not fought with."""
    version = it.register("1")
    for value in ("Production", "Archivd", "X", "Y", "Z"):
        it.tag(version, "stage", value)
        it.clock.sleep(1)
    stopped = it.registry.tags(version)["stage"]
    it.clock.sleep(3700)
    for _ in range(3):
        sweep(it.context)
        it.clock.sleep(40)

    assert stopped == "Z"
    assert it.registry.tags(version)["stage"] == "None"


def test_the_adoption_of_a_lifecycle_is_published_once_it_can_be() -> None:
    """By the sweep, in order, and not again."""
    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,))
    sink.fault = SinkUnavailableError("HTTP 503")
    away = sweep(it.context)
    sink.fault = None
    for _ in range(2):
        sweep(it.context)

    assert "HTTP 503" in away.failed[0]
    assert [str(record.type) for record in sink.taken] == ["LifecycleAdopted"]
    it.rows.close()
