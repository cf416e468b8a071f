"""A world behind the API, and people who call it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api_server import Api, api_over
from tests.builders import World, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


@pytest.fixture
def api(it: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(it) as running:
        yield running
