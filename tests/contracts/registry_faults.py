"""What a registry's faults must become."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests.contracts.registry_world import write_tags

_VERSION = Version.parse("dev/models/iris:1")
_SNAPSHOT = Snapshot(_VERSION, datetime(2026, 1, 1, tzinfo=UTC), "models:/m-1", {}, job="1")

CALLS: dict[str, Callable[[Registry], object]] = {
    "read": lambda registry: registry.read(_VERSION),
    "evidence": lambda registry: registry.evidence(_SNAPSHOT),
    "edit": lambda registry: write_tags(registry, _VERSION, {"stage": "None"}),
    "versions": lambda registry: registry.versions(),
}
"""Each call of the port, by its name."""


class RegistryFaults:
    """Registries that cannot be reached, or refuse."""

    @pytest.mark.parametrize("call", CALLS)
    def test_tells_when_it_cannot_be_reached(self, unreachable: Registry, call: str) -> None:
        """Whatever is asked of a registry that cannot be reached may be asked again later."""
        with pytest.raises(RegistryUnavailableError):
            CALLS[call](unreachable)

    @pytest.mark.parametrize("call", CALLS)
    def test_tells_when_it_may_not(self, refusing: Registry, call: str) -> None:
        """Whatever a registry does not allow is refused for good, never taken for an absence."""
        with pytest.raises(RegistryRefusedError):
            CALLS[call](refusing)
