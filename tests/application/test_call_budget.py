"""What a signal costs at the registry, counted in calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from tests.builders import IRIS, World, world
from tests.wire.samples import OID, WORKSPACE

ONE = Version(IRIS, "1")
HINTS = [
    Signal(ONE),
    Signal(ONE, actor=f"oid:{OID}", names=("Jo Doe",), authenticated=True),
    Signal(ONE, actor=f"oid:{OID}", names=("Jo Doe",), authenticated=True, deleted=True),
]


@pytest.fixture
def it() -> Iterator[World]:
    """A workspace with a version that nobody touches."""
    made = world(workspace=WORKSPACE)
    made.registry.register(ONE, made.clock.now())
    made.registry.wrote(ONE, "aml:Jo Doe", made.clock.now())
    follow(made.context, Signal(ONE))
    made.registry.calls.clear()
    yield made
    made.rows.close()


@pytest.mark.parametrize("hint", HINTS, ids=["bare", "claims", "deleted"])
def test_a_signal_costs_one_reading_when_nothing_changed(it: World, hint: Signal) -> None:
    """However often it comes, and whatever it claims."""
    for _ in range(3):
        assert not follow(it.context, replace(hint, at=it.clock.now()))

    assert ["read"] * 3 == it.registry.calls


def test_a_granted_transition_costs_four_calls(it: World) -> None:
    """The signal's reading; then read, write and read again; besides, evidence where it is read."""
    it.registry.set_tags(ONE, {"stage_request": "Staging"})

    assert follow(it.context, HINTS[1])

    calls = [call for call in it.registry.calls if call != "evidence"]
    assert ["read", "read", "write_tags", "read"] == calls
    assert "Staging" == it.registry.tags(ONE)["stage"]
