"""The MLflow registry, on a real MLflow server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.application.ports.registry import Registry
from tests.contracts.registry import RegistryContract
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld


@pytest.fixture
def world(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Return the hand that others have in the server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
        yield MlflowWorld(client)


@pytest.fixture
def registry(mlflow_server: MlflowServer) -> Iterator[MlflowRegistry]:
    """Return the registry over the server."""
    with closing(MlflowRegistry("dev", mlflow_server.address, timeout_seconds=60)) as registry:
        yield registry


class TestMlflowRegistry(RegistryContract):
    """The MLflow registry keeps the contract."""

    @pytest.fixture
    def world(self, mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
        """Return the hand that others have in the server."""
        with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
            yield MlflowWorld(client)

    @pytest.fixture
    def registry(self, mlflow_server: MlflowServer) -> Iterator[Registry]:
        """Return the registry over the server."""
        with closing(MlflowRegistry("dev", mlflow_server.address, timeout_seconds=60)) as registry:
            yield registry

    @pytest.fixture
    def small_pages(self, mlflow_server: MlflowServer) -> Iterator[Registry]:
        """Return the same with small pages."""
        small = MlflowRegistry("dev", mlflow_server.address, timeout_seconds=60, page_versions=3)
        with closing(small) as registry:
            yield registry

    @pytest.fixture
    def unreachable(self) -> Iterator[Registry]:
        """Return a registry at a port where nobody listens."""
        with closing(MlflowRegistry("dev", "http://127.0.0.1:9", timeout_seconds=5)) as registry:
            yield registry

    @pytest.fixture
    def refusing(self, mlflow_server: MlflowServer) -> Iterator[Registry]:
        """Return a registry at a server that knows nobody of our name."""

        def forbid(_: httpx.Request) -> httpx.Response:
            body = {"error_code": "PERMISSION_DENIED", "message": "Permission denied"}
            return httpx.Response(403, json=body)

        transport = httpx.MockTransport(forbid)
        with closing(MlflowRegistry("dev", "http://mlflow", transport=transport)) as registry:
            yield registry
