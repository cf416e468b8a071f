"""What tests of MLflow's clients share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.mlflow_server import MlflowServer

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # noqa: TID251  # read as MLflow is imported
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"  # noqa: TID251  # it takes some refusals for 500

from tests.mlflow.governed import Governed, governed  # so it comes behind that


@pytest.fixture(scope="module")
def here(mlflow_server: MlflowServer) -> Iterator[Governed]:
    """Return an MLflow server under a Stageward that governs it."""
    with governed(mlflow_server.address, aliases={"champion": ""}) as made:
        yield made
