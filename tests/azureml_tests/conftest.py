"""A local Azure ML with a workspace and a registry, anew for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.azureml import LocalAzureMl, Place, running
from tests.azureml_tests.arm import Arm


@pytest.fixture
def local() -> Iterator[LocalAzureMl]:
    """Run a server."""
    with running() as local:
        yield local


@pytest.fixture
def dev(local: LocalAzureMl) -> Place:
    """Return a workspace."""
    return local.workspace("dev")


@pytest.fixture
def shared(local: LocalAzureMl) -> Place:
    """Return a registry."""
    return local.registry("shared")


@pytest.fixture
def arm(local: LocalAzureMl) -> Iterator[Arm]:
    """Return raw calls of Anna."""
    with Arm(local) as arm:
        yield arm
