"""What tests of MLflow's clients and servers share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.mlflow_server import MlflowServer

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # noqa: TID251  # read as MLflow is imported
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"  # noqa: TID251  # it takes some refusals for 500

from tests.mlflow.governed import Governed, governed  # so it comes behind that
from tests.mlflow.guard_world import Calls, answering, asking_mlflow


@pytest.fixture(scope="module")
def here(mlflow_server: MlflowServer) -> Iterator[Governed]:
    """Return an MLflow server under a Stageward that governs it."""
    with governed(mlflow_server.address, aliases={"champion": ""}) as made:
        yield made


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
