"""What a decision owes is found again, finished in order, and then forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application import keys
from stage_functions.application.ports.rows import WORK
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.error import RegistryUnavailableError, SinkUnavailableError
from tests.builders import World, unguarded, world
from tests.fakes.sink import MemorySink

LATER_SECONDS = 3700


@pytest.fixture
def it(sink: MemorySink) -> Iterator[World]:
    """A world that publishes, where anyone may take Production."""
    made = world(sinks=(sink,), governed_by=unguarded())
    sweep(made.context)
    sink.taken.clear()
    yield made
    made.rows.close()


def numbers(sink: MemorySink) -> list[int]:
    """Return the numbers of the records that a sink has taken."""
    return [record.number for record in sink.taken]


def markers(it: World) -> int:
    """Return how many markers there are."""
    return sum(len(it.rows.query(WORK, f"outbox-{n:02d}")) for n in range(keys.SHARDS))


def test_a_sweep_that_cannot_finish_leaves_the_marker_for_the_next_one(
    it: World, sink: MemorySink
) -> None:
    """However often it comes in vain: no signal is needed to find the work again."""
    sink.fault = SinkUnavailableError("away")
    it.register("1")
    in_vain = []
    for _ in range(3):
        it.clock.sleep(LATER_SECONDS)
        swept = sweep(it.context)
        in_vain.append((swept.finished, swept.waiting, markers(it)))
    sink.fault = None
    it.clock.sleep(LATER_SECONDS)
    sweep(it.context)

    assert in_vain == [(0, 1, 1)] * 3
    assert numbers(sink) == [1]
    assert markers(it) == 0


def test_an_event_waits_for_the_one_before_it_that_is_to_be_tried_again(
    it: World, sink: MemorySink
) -> None:
    """Though the sink is back by then: order goes before speed."""
    sink.fault = SinkUnavailableError("away")
    version = it.register("1")
    sink.fault = None
    request_transition(it.context, it.command(version, "Staging"))
    early = numbers(sink)
    it.clock.sleep(LATER_SECONDS)
    sweep(it.context)

    assert early == []
    assert numbers(sink) == [1, 2]


def test_what_is_finished_at_once_leaves_no_marker(it: World) -> None:
    """The sweep has nothing to look at on a quiet day."""
    it.register("1")

    assert markers(it) == 0
    assert sweep(it.context).finished == 0


def test_the_old_holder_is_demoted_only_after_the_new_one_is_seen(it: World) -> None:
    """Also where the new one could not be written first."""
    one, two = it.register("1"), it.register("2")
    for version in (one, two):
        request_transition(it.context, it.command(version, "Staging"))
    request_transition(it.context, it.command(one, "Production"))
    shown = len(it.registry.stages_shown())

    def fail_once(call: str) -> None:
        if call == "write_tags":
            it.registry.before = lambda _: None
            message = "too many requests"
            raise RegistryUnavailableError(message)

    it.registry.before = fail_once
    request_transition(it.context, it.command(two, "Production"))
    it.clock.sleep(LATER_SECONDS)
    sweep(it.context)

    seen = it.registry.stages_shown()[shown - 1 :]
    assert all("Production" in stages.values() for stages in seen)
    assert seen[-1] == {one: "Archived", two: "Production"}
