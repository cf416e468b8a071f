"""Worlds that are closed when a test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from stage_functions.domain.lifecycle import WhenInvalid
from tests.application.clock_world import Clocked, clocked
from tests.brief_world import (
    Asked,
    asked,
    empty_world,
)
from tests.builders import World
from tests.fakes.sink import MemorySink


@pytest.fixture
def closing() -> Iterator[Callable[[World], World]]:
    """Closes each world that it is given when the test is over."""
    with ExitStack() as stack:

        def closed_later(made: World) -> World:
            """Return the same world."""
            stack.callback(made.rows.close)
            return made

        yield closed_later


@pytest.fixture
def sink() -> MemorySink:
    """Where a world publishes."""
    return MemorySink("events")


@pytest.fixture
def it(closing: Callable[[World], World]) -> Asked:
    """An approval that waits, of a version that would displace another."""
    return asked(closing(empty_world()))


@pytest.fixture
def blocking() -> Iterator[Clocked]:
    """A world where an approval that has run out blocks deployments."""
    made = clocked(WhenInvalid.BLOCK)
    yield made
    made.world.rows.close()


@pytest.fixture
def renewing() -> Iterator[Clocked]:
    """A world where an approval that has run out is to be renewed."""
    made = clocked(WhenInvalid.RENEW)
    yield made
    made.world.rows.close()
