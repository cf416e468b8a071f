"""Servers of MLflow that ask Stageward before they store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mlflow.guard_world import Calls, answering, asking_mlflow
from tests.mlflow_server import MlflowServer


@pytest.fixture(scope="session")
def calls() -> Iterator[Calls]:
    """Stageward's application, served."""
    with answering() as made:
        yield made


@pytest.fixture(scope="session")
def asking(tmp_path_factory: pytest.TempPathFactory, calls: Calls) -> Iterator[MlflowServer]:
    """A server with one worker, whose store asks."""
    with asking_mlflow(tmp_path_factory.mktemp("asking"), calls.address) as running:
        yield running
