"""Fixtures of the tests of deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.azure_world import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine to deploy from."""
    return Machine(tmp_path)
