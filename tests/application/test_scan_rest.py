"""What a scan leaves alone: whatever following it up would come to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from tests.builders import World, world


@pytest.fixture
def it() -> Iterator[World]:
    """Return a world."""
    made = world()
    with closing(made.rows):
        yield made


def test_an_answered_request_that_a_stale_tool_writes_back_is_read_again_by_no_scan(
    it: World,
) -> None:
    """A value asks once; where it stands, it stands."""
    version = it.register("1")
    for value in ("Staging: first", "Nowhere: second", "Staging: first"):
        it.registry.set_tag(version, "stage_request", value)
        follow(it.context, Signal(version))
    scanned = [Scanner(it.context).scan("demo") for _ in range(2)]

    assert [(1, 0), (1, 0)] == [(one.seen, one.nominated) for one in scanned]


def test_what_is_not_put_back_for_a_while_is_read_again_by_no_scan(it: World) -> None:
    """Until the pause is over; then it is put right."""
    version = it.register("1")
    for number in range(5):
        it.registry.set_tag(version, "stage", f"Wrong{number}")
        follow(it.context, Signal(version))
    paused = Scanner(it.context).scan("demo")
    it.clock.sleep(3601)
    after = Scanner(it.context).scan("demo")

    assert (0, 1) == (paused.nominated, after.nominated)
    assert "None" == it.registry.tags(version)["stage"]


def test_a_request_that_nobody_told_of_is_found(it: World) -> None:
    """Lost signals are what the scan is for."""
    version = it.register("1")
    it.registry.set_tag(version, "stage_request", "Staging: found")
    scanned = Scanner(it.context).scan("demo")

    assert (1, 1) == (scanned.nominated, scanned.changed)
    assert "Staging" == it.registry.tags(version)["stage"]
