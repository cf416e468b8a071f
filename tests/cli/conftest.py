"""A running Stageward, and a terminal before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api_server import api_over
from tests.builders import World, world
from tests.cli.console import Console


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


@pytest.fixture
def at(it: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A terminal before a Stageward over that world."""
    with api_over(it) as running:
        yield Console(running, monkeypatch)
