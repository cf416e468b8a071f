"""What tests of adapters share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.azureml_local import Connected, connected
from tests.azureml import LocalAzureMl, running


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML, whose certificate requests trust meanwhile."""
    with running() as local, local.in_environment():
        yield local


@pytest.fixture
def azure() -> Iterator[Connected]:
    """Return a local Azure ML of the test's own, with adapters."""
    with connected() as azure:
        yield azure
