"""The app as it is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.triggers.worker import deploy


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what goes to Azure, and nothing else."""
    return deploy(tmp_path_factory.mktemp("azure") / "app")
