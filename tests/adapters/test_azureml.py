"""The Azure ML registry, on a local Azure ML: the contract, for each kind, in both places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Kind
from tests.azureml import LocalAzureMl
from tests.azureml_world import AzureMlWorld, opened
from tests.contracts.registry import AssetsContract, RegistryContract


class _Contract(AssetsContract):
    """One kind, in one place."""

    kind = Kind.MODELS
    is_registry = False

    @pytest.fixture
    def world(self, local: LocalAzureMl) -> AzureMlWorld:
        """Return the hand that others have there: a place for each kind."""
        workspace = local.workspace(f"dev-{self.kind}")
        place = local.registry(f"shared-{self.kind}") if self.is_registry else workspace
        return AzureMlWorld(local, place, workspace, self.kind)

    @pytest.fixture
    def registry(self, world: AzureMlWorld) -> Iterator[Registry]:
        """Return the registry, its address in other letters than Azure has it in."""
        registry = AzureMlRegistry(
            "dev",
            f"{world.place.id.upper()}/",
            world.local.credential("governor"),
            cloud=cloud(world.local.url, world.local.url),
        )
        with closing(registry) as opened:
            yield opened

    @pytest.fixture
    def small_pages(self, world: AzureMlWorld) -> Iterator[Registry]:
        """Return the same with small pages, and the one kind."""
        small = opened(world.local, world.place, kinds=[self.kind], page_versions=3)
        with closing(small) as registry:
            yield registry

    @pytest.fixture
    def unreachable(self, local: LocalAzureMl) -> Iterator[Registry]:
        """Return a registry at a port where nobody listens."""
        registry = AzureMlRegistry(
            "dev",
            (local.registry if self.is_registry else local.workspace)("dev").id,
            local.credential("governor"),
            cloud=cloud("https://127.0.0.1:9"),
        )
        with closing(registry) as away:
            yield away

    @pytest.fixture
    def refusing(self, local: LocalAzureMl) -> Iterator[Registry]:
        """Return a registry for somebody who may do nothing there."""
        local.forbid("stranger")
        place = (local.registry if self.is_registry else local.workspace)("dev")
        with closing(opened(local, place, "stranger")) as registry:
            yield registry


class TestModels(_Contract, RegistryContract):
    """Models of a workspace keep the contract."""


class TestData(_Contract, RegistryContract):
    """Data of a workspace keeps the contract."""

    kind = Kind.DATA


class TestEnvironments(_Contract, RegistryContract):
    """Environments of a workspace keep the contract."""

    kind = Kind.ENVIRONMENTS


class TestComponents(_Contract, RegistryContract):
    """Components of a workspace keep the contract."""

    kind = Kind.COMPONENTS


class TestModelsOfRegistry(_Contract):
    """Models of a registry keep the contract."""

    is_registry = True


class TestDataOfRegistry(_Contract):
    """Data of a registry keeps the contract."""

    kind = Kind.DATA
    is_registry = True


class TestEnvironmentsOfRegistry(_Contract):
    """Environments of a registry keep the contract."""

    kind = Kind.ENVIRONMENTS
    is_registry = True


class TestComponentsOfRegistry(_Contract):
    """Components of a registry keep the contract."""

    kind = Kind.COMPONENTS
    is_registry = True
