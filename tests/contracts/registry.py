"""What every registry must do.

A registry passes by a class of its own that supplies the fixtures, on a world where others write
at the same time:

    class TestMyRegistry(RegistryContract):
        @pytest.fixture
        def world(self) -> World:
            # the hand that others have in the registry
        @pytest.fixture
        def registry(self, world: World) -> Iterator[Registry]:
            # the registry over that world
        @pytest.fixture
        def small_pages(self, world: World) -> Iterator[Registry]:
            # the same registry with pages of about three versions
        @pytest.fixture
        def unreachable(self) -> Iterator[Registry]:
            # one of the alias `dev` behind which nothing answers
        @pytest.fixture
        def refusing(self) -> Iterator[Registry]:
            # one of the alias `dev` that lets Stageward do nothing
"""

from __future__ import annotations

import uuid

import pytest

from tests.contracts.registry_endpoints import RegistryEndpoints
from tests.contracts.registry_evidence import RegistryEvidence, RegistryJobs
from tests.contracts.registry_faults import RegistryFaults
from tests.contracts.registry_links import RegistryLinks
from tests.contracts.registry_listing import RegistryListing
from tests.contracts.registry_reads import RegistryReads
from tests.contracts.registry_writes import RegistryWrites


class AssetsContract(
    RegistryReads,
    RegistryWrites,
    RegistryEvidence,
    RegistryListing,
    RegistryEndpoints,
    RegistryLinks,
    RegistryFaults,
):
    """The behaviours that Stageward counts on, of a registry that has no jobs."""

    @pytest.fixture
    def fresh(self) -> str:
        """Return a prefix that names of no other test begin with."""
        return f"t{uuid.uuid4().hex[:10]}"


class RegistryContract(AssetsContract, RegistryJobs):
    """The behaviours that Stageward counts on."""
