"""A local Azure ML with workspaces and a registry, and Stageward's adapters on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.wire.resource import addresses
from tests.azureml import Call, LocalAzureMl, Place, running


@dataclass(frozen=True, slots=True)
class Connected:
    """A local Azure ML, and the adapters of what is in it.

    Attributes:
        local: the server.
        dev: a workspace.
        test: another one.
        shared: a registry.
        configurations: of the three, by alias.
        registries: likewise, as Stageward's own identity sees them.
    """

    local: LocalAzureMl
    dev: Place
    test: Place
    shared: Place
    configurations: dict[str, RegistryConfiguration]
    registries: dict[str, AzureMlRegistry]

    @property
    def registry(self) -> AzureMlRegistry:
        """The adapter of the workspace `dev`."""
        return self.registries["dev"]

    def read(self, version: str) -> Snapshot:
        """Read a version that is there."""
        named = Version.parse(version)
        found = self.registries[named.asset.registry].read(named)
        assert found is not None
        return found

    def since(self, calls: int) -> list[Call]:
        """Return the calls behind the first so many."""
        return self.local.calls[calls:]


@contextmanager
def connected(*, timeout_seconds: float = 10) -> Iterator[Connected]:
    """Run a local Azure ML inside the block, with adapters that are closed afterwards."""
    with running() as local, local.in_environment():
        places = {
            "dev": local.workspace("dev"),
            "test": local.workspace("test-ws", resource_group="other", location="northeurope"),
            "shared": local.registry("shared-reg"),
        }
        configurations = {
            alias: RegistryConfiguration(alias, RegistryType.AZUREML, place.id)
            for alias, place in places.items()
        }
        registries = {
            alias: AzureMlRegistry(
                alias,
                place.id,
                local.credential("governor"),
                cloud=cloud(local.url, f"{local.url}/"),
                aliases=addresses(configurations),
                timeout_seconds=timeout_seconds,
            )
            for alias, place in places.items()
        }
        try:
            dev, test, shared = places.values()
            yield Connected(local, dev, test, shared, configurations, registries)
        finally:
            for registry in registries.values():
                with closing(registry):
                    pass
