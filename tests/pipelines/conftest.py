"""What the tests of pipelines share: one live Stageward, and a fresh machine for each run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mlflow_server import WEBHOOKS, running_mlflow
from tests.pipelines.world import Desk, Live, desk, living


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run Stageward before an MLflow server of its own, whose model is called iris."""
    folder = tmp_path_factory.mktemp("pipelines")
    (folder / "mlflow").mkdir()
    with (
        running_mlflow(folder / "mlflow", WEBHOOKS) as server,
        living(folder, server.address) as made,
    ):
        yield made


@pytest.fixture
def at(tmp_path: Path, live: Live) -> Desk:
    """A machine that runs one workflow."""
    return desk(tmp_path, live)
