"""What aliases and the stage field of an MLflow server must do; other registries have neither."""

from __future__ import annotations

from typing import Protocol

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Asset, Snapshot, Version
from stage_functions.domain.error import RegistryRefusedError
from stage_functions.domain.mirror import Edit
from tests.contracts.registry_world import World, write_tags


class AliasWorld(World, Protocol):
    """The hand that others have in a registry with aliases and a stage field."""

    def set_alias(self, asset: Asset, alias: str, number: str = "") -> None:
        """Set an alias at a version; delete it where none is named."""
        ...

    def aliases(self, asset: Asset) -> dict[str, str]:
        """Return the number of the version that has an alias, by alias."""
        ...

    def transition(self, version: Version, stage: str) -> None:
        """Set the registry's own stage."""
        ...

    def native_stage(self, version: Version) -> str:
        """Return the registry's own stage of a version."""
        ...


def _write(registry: Registry, version: Version, **aliases: bool) -> Snapshot | None:
    return registry.edit(version, lambda _: Edit(aliases=aliases))


class RegistryAliases:
    """Reading, setting and deleting aliases; and the stage field."""

    def test_reads_which_aliases_a_version_has(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """Each version has its own, in order; one that moved is at one version alone."""
        first, second = world.create(fresh), world.create(fresh)
        for alias, number in (("champion", "1"), ("best", "1"), ("next", "1"), ("next", "2")):
            world.set_alias(first.asset, alias, number)

        assert [("best", "champion"), ("next",)] == [
            one and one.aliases for one in (registry.read(first), registry.read(second))
        ]

    def test_lists_which_aliases_versions_have(
        self, registry: Registry, small_pages: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """A page of versions says the same as a reading of each."""
        names = [f"{fresh}a", f"{fresh}b"]
        made = [world.create(name) for name in names for _ in range(2)]
        for name, number in zip(names, "12", strict=True):
            world.set_alias(Asset(world.alias, world.kind, name), "champion", number)

        for reader in (registry, small_pages):
            listed = reader.versions(f"{world.kind}/{fresh}").versions
            listed += reader.versions(f"{world.kind}/{fresh}a").versions
            found = {one.version: one for one in listed}
            assert [registry.read(one) for one in made] == [found[one] for one in made]

    def test_to_set_an_alias_takes_it_from_whoever_has_it(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """In one call, and what is shown afterwards is what was read afterwards."""
        first, second = world.create(fresh, tags={"a": "1"}), world.create(fresh)
        world.set_alias(first.asset, "champion", "1")
        world.set_alias(first.asset, "other", "1")
        after = _write(registry, second, champion=True)

        assert after is not None
        assert ("champion",) == after.aliases
        assert {"champion": "2", "other": "1"} == world.aliases(first.asset)
        assert {"a": "1"} == world.tags(first)

    def test_to_set_it_twice_changes_nothing(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """A write that is made again, since its answer was lost, does no harm."""
        made = world.create(fresh)
        _write(registry, made, champion=True)
        _write(registry, made, champion=True)

        assert {"champion": "1"} == world.aliases(made.asset)

    def test_deletes_an_alias_that_is_there_or_gone(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """That somebody else was faster is no fault."""
        made = world.create(fresh)
        world.set_alias(made.asset, "champion", "1")
        _write(registry, made, champion=False)
        after = _write(registry, made, champion=False)

        assert after is not None
        assert ((), {}) == (after.aliases, world.aliases(made.asset))

    def test_case_counts_in_aliases(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """Two that differ in case are two."""
        made = world.create(fresh)
        world.create(fresh)
        world.set_alias(made.asset, "Champion", "2")
        after = _write(registry, made, champion=True)

        assert after is not None
        assert ("champion",) == after.aliases
        assert {"champion": "1", "Champion": "2"} == world.aliases(made.asset)

    def test_an_alias_goes_with_its_version(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """A version that is deleted leaves none behind; none is set at one that is gone."""
        made, other = world.create(fresh), world.create(fresh)
        world.set_alias(made.asset, "champion", "1")

        def delete_meanwhile(_: Snapshot) -> Edit:
            world.delete_version(made)
            return Edit(aliases={"next": True})

        with pytest.raises(RegistryRefusedError):
            registry.edit(made, delete_meanwhile)

        assert {} == world.aliases(other.asset)

    def test_other_writes_leave_aliases_and_the_field_alone(
        self, registry: Registry, world: AliasWorld, fresh: str
    ) -> None:
        """Tags are tags."""
        made = world.create(fresh)
        world.set_alias(made.asset, "champion", "1")
        world.transition(made, "Staging")
        write_tags(registry, made, {"stage": "None", "stage_governor": "x/1"})

        assert {"champion": "1"} == world.aliases(made.asset)
        assert "Staging" == world.native_stage(made)

    @pytest.mark.parametrize("stage", ["Staging", "Production", "Archived", "None"])
    def test_writes_the_stage_field_of_one_version(
        self, registry: Registry, world: AliasWorld, fresh: str, stage: str
    ) -> None:
        """Another that shows the same stage keeps it: nothing is archived along."""
        first, second = world.create(fresh), world.create(fresh)
        for version in (first, second):
            registry.edit(version, lambda _: Edit({"stage": stage}, native_stage=stage))
        after = registry.read(second)

        assert after is not None
        assert stage == after.native_stage
        assert [stage, stage] == [world.native_stage(one) for one in (first, second)]
