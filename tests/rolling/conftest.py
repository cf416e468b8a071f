"""A world that two releases work on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders import World, world
from tests.fakes.sink import MemorySink


@pytest.fixture
def sink() -> MemorySink:
    """Where records are published."""
    return MemorySink("events")


@pytest.fixture
def it(sink: MemorySink) -> Iterator[World]:
    """A world under the default lifecycle."""
    made = world(sinks=(sink,))
    yield made
    made.rows.close()
