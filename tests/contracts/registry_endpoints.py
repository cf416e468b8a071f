"""What listing endpoints must be."""

from __future__ import annotations

from stage_functions.application.ports.registry import Registry
from tests.contracts.registry_world import World


class RegistryEndpoints:
    """The endpoints that serve versions of a registry, where it has any."""

    def test_lists_each_endpoint_once(self, registry: Registry, world: World, fresh: str) -> None:
        """However many deployments it has: by the name under which these are read."""
        made = world.create(fresh)
        names = (f"{fresh}-b", f"{fresh}-a")
        has_endpoints = [
            world.deploy(made, name, deployment)
            for name in names
            for deployment in ("blue", "green")
        ]

        listed = registry.endpoints()
        own = [name for name in listed if name.startswith(fresh)]
        served = {one.name for name in own for one in registry.deployments(name)}

        assert sorted(set(listed)) == list(listed)
        assert (sorted(names) if all(has_endpoints) else []) == own
        assert ({"blue", "green"} if all(has_endpoints) else set()) == served
