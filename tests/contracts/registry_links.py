"""Where a registry says that people look."""

from __future__ import annotations

import pytest
from msgspec.structs import astuple

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import link
from tests.contracts.registry_world import AWKWARD_NAMES

_MADE = Evidence(
    {"job": {"id": "a/b?c#d", "experiment": "7&8"}, "model": {"model_id": "m-\"'<script>"}}
)


class RegistryLinks:
    """Making links."""

    @pytest.mark.parametrize("name", AWKWARD_NAMES)
    def test_every_link_is_one_that_a_page_may_show(self, registry: Registry, name: str) -> None:
        """Whatever a thing is called, its address is an http(s) one of printable ASCII."""
        version = Version(Asset("dev", Kind.MODELS, name), "3")
        links = [str(one) for one in astuple(registry.links(version, _MADE)) if one]

        assert links
        assert links == [link(one) for one in links]
        assert all(one.isascii() and "<" not in one and '"' not in one for one in links)

    def test_has_no_link_to_what_is_not_known(self, registry: Registry) -> None:
        """Without a job there is none to its page."""
        version = Version(Asset("dev", Kind.MODELS, "iris"), "1")
        places = registry.links(version, Evidence())

        assert places.version
        assert ("", "", "") == (places.job, places.experiment, places.model)

    def test_makes_links_to_what_cannot_be_reached(self, unreachable: Registry) -> None:
        """Nobody is asked."""
        version = Version(Asset("dev", Kind.MODELS, "iris"), "1")

        assert "iris" in unreachable.links(version, Evidence()).version
