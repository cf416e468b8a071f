"""What reading a version must be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Asset, Version
from tests.contracts.registry_world import AWKWARD_NAMES, World, write_tags


class RegistryReads:
    """Reading one version."""

    def test_reads_a_version_as_others_made_it(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """A version is read with its tags, description and job, and with an aware time."""
        job = world.run()
        made = world.create(fresh, tags={"team": "risk", "e": ""}, description="line\nü", job=job)

        read = registry.read(made)

        assert read is not None
        assert (made, {"team": "risk", "e": ""}, "line\nü", job) == (
            read.version,
            read.tags,
            read.description,
            read.job,
        )
        assert UTC == read.created_at.tzinfo
        assert datetime(2020, 1, 1, tzinfo=UTC) < read.created_at

    @pytest.mark.parametrize("awkward", AWKWARD_NAMES, ids=ascii)
    def test_takes_names_as_they_are(
        self, registry: Registry, world: World, fresh: str, awkward: str
    ) -> None:
        """A name of any characters is read, written and read again under exactly that name."""
        made = world.create(f"{fresh} {awkward}")
        write_tags(registry, made, {"stage": "None"})

        read = registry.read(made)

        assert read is not None
        assert (f"{fresh} {awkward}", {"stage": "None"}) == (read.version.asset.name, read.tags)

    def test_tells_names_apart_by_case(self, registry: Registry, world: World, fresh: str) -> None:
        """Names that differ only by case are different assets."""
        upper, lower = world.create(f"{fresh}-Iris"), world.create(f"{fresh}-iris")
        world.set_tag(upper, "who", "upper")

        found = [registry.read(version) for version in (upper, lower)]

        assert [{"who": "upper"}, {}] == [read.tags for read in found if read]
        assert registry.read(_named(world, f"{fresh}-IRIS")) is None

    @pytest.mark.parametrize(
        "number",
        ["2", "0", "-1", "01", "+1", " 1", "1.0", "1e0", "one", "¹", "١", "2147483648", "9" * 30],
        ids=ascii,
    )
    def test_has_only_the_numbers_that_were_given(
        self, registry: Registry, world: World, fresh: str, number: str
    ) -> None:
        """A number that was never given, or another way to write one, is no version."""
        made = world.create(fresh)

        assert registry.read(Version(made.asset, number)) is None

    @pytest.mark.parametrize("name", ["never made", ".", "..", "\ud800", "a'b"], ids=ascii)
    def test_has_only_the_names_that_were_given(
        self, registry: Registry, world: World, name: str
    ) -> None:
        """A name that was never given, or that no asset can have, is no version and no error."""
        assert registry.read(_named(world, name)) is None

    def test_does_not_have_what_was_deleted(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """A deleted version is none; the others of its asset stay."""
        first, second = world.create(fresh), world.create(fresh)
        world.delete_version(first)

        assert registry.read(first) is None
        assert registry.read(second) is not None

    def test_sees_what_others_write(self, registry: Registry, world: World, fresh: str) -> None:
        """A tag that others set, change or delete is so at the next read."""
        made = world.create(fresh, tags={"a": "1", "b": "1", "c": "1"})
        world.set_tag(made, "a", "2")
        world.delete_tag(made, "b")

        read = registry.read(made)

        assert read is not None
        assert {"a": "2", "c": "1"} == read.tags

    def test_tells_a_new_incarnation(self, registry: Registry, world: World, fresh: str) -> None:
        """A number that comes again after its asset was deleted means another incarnation."""
        made = world.create(fresh)
        before = registry.read(made)
        world.delete_asset(fresh)
        again = world.create(fresh)
        after = registry.read(again)

        assert made == again
        assert before is not None
        assert after is not None
        assert before.incarnation != after.incarnation

    def test_keeps_the_incarnation(self, registry: Registry, world: World, fresh: str) -> None:
        """A version keeps its incarnation whatever is written to it."""
        made = world.create(fresh)
        before = registry.read(made)
        write_tags(registry, made, {"stage": "None"})
        after = registry.read(made)

        assert before is not None
        assert after is not None
        assert before.incarnation == after.incarnation


def _named(world: World, name: str) -> Version:
    return Version(Asset(world.alias, world.kind, name), "1")
