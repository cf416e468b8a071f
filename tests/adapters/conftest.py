"""What tests of adapters share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.azureml import LocalAzureMl, running


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML, whose certificate requests trust meanwhile."""
    with running() as local, local.in_environment():
        yield local
