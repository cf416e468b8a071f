"""A registry that is watched does as one that is not; what it was asked is told."""

from __future__ import annotations

import pytest

from stage_functions.adapters.telemetry_registry import WatchedRegistry, bare
from stage_functions.application.ports.registry import Registry
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests.collector import Collector, telemetry_to
from tests.contracts.registry import RegistryContract
from tests.fakes.registry import MemoryRegistry
from tests.fakes.telemetry import CountingTelemetry


def watched(registry: Registry) -> WatchedRegistry:
    """Return a registry that is watched."""
    return WatchedRegistry(registry, "dev", CountingTelemetry())


class TestWatchedRegistry(RegistryContract):
    """It keeps the contract of what it stands before."""

    @pytest.fixture
    def world(self) -> MemoryRegistry:
        """Return the registry behind it."""
        return MemoryRegistry(page_versions=3)

    @pytest.fixture
    def registry(self, world: MemoryRegistry) -> Registry:
        """Return what is watched."""
        return watched(world)

    @pytest.fixture
    def small_pages(self, world: MemoryRegistry) -> Registry:
        """Return the same, whose pages are small."""
        return watched(world)

    @pytest.fixture
    def unreachable(self) -> Registry:
        """Return one that is away."""
        registry = MemoryRegistry()
        registry.away = True
        return watched(registry)

    @pytest.fixture
    def refusing(self) -> Registry:
        """Return one that refuses."""
        registry = MemoryRegistry()
        registry.refusing = True
        return watched(registry)


def test_calls_are_counted_by_what_became_of_them(collector: Collector) -> None:
    """And each is a span that names registry and version; what asks nobody is none."""
    telemetry = telemetry_to(collector)
    real = MemoryRegistry()
    registry = WatchedRegistry(real, "dev", telemetry)
    version = real.create("iris")
    registry.read(version)
    registry.identities()
    real.away = True
    with pytest.raises(RegistryUnavailableError):
        registry.versions()
    real.away, real.refusing = False, True
    with pytest.raises(RegistryRefusedError):
        registry.read(version)
    registry.close()
    telemetry.close()

    first, *_, last = collector.spans
    assert {
        ("read", "ok", "dev"): 1,
        ("versions", "unavailable", "dev"): 1,
        ("read", "refused", "dev"): 1,
    } == collector.values("stageward.registry.calls")
    assert 3 == len(collector.spans)
    assert (str(version.asset), version.number, "CLIENT", "dev") == (
        first.attributes["stageward.asset"],
        first.attributes["stageward.version"],
        first.kind,
        first.attributes["peer.service"],
    )
    assert ("RegistryRefusedError", True) == (last.attributes["error.type"], last.failed)


def test_the_registry_itself_is_found_behind_it() -> None:
    """Whether it is watched or not."""
    real = MemoryRegistry()

    assert bare(watched(real)) is bare(real) is real
    assert bare(None) is None
