"""A local Azure ML for all of these tests, and a story with places of its own for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.azureml import LocalAzureMl, running
from tests.azureml_story.world import Served, Story, stageward, told

_COUNT = itertools.count(1)


@pytest.fixture(scope="package")
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML, which the process is pointed to."""
    with running() as local, local.in_environment():
        yield local


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    """Return the server of all stories."""
    with stageward() as served:
        yield served


@pytest.fixture
def story(local: LocalAzureMl, served: Served) -> Iterator[Story]:
    """Return Stageward as it is served; every history must be whole in the end."""
    with told(local, served, f"story{next(_COUNT)}") as story:
        yield story
        local.heal()
        assert [] == story.faults()
