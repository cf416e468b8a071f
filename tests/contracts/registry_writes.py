"""What writing tags must be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Version
from stage_functions.domain.error import RegistryRefusedError
from tests.contracts.registry_world import World

_AWKWARD_VALUES = {
    "spaces": "  both ends  ",
    "lines": "a\nb\r\nc\t",
    "quotes": "'\"\\%_`",
    "json": '{"a": [1, null]}',
    "unicode": "→ naïve モデル 😀 e\u0301",
    "long": "x" * 5000,
    "empty": "",
    "STAGE": "differs by case",
}


class RegistryWrites:
    """Writing tags."""

    def test_sets_only_the_given_tags(self, registry: Registry, world: World, fresh: str) -> None:
        """The given keys are added or changed; every other tag stays byte-identical."""
        made = world.create(fresh, tags={**_AWKWARD_VALUES, "stage": "Staging"})

        registry.write_tags(made, {"stage": "None", "stage_status": "→ 'granted'"})

        expected = {**_AWKWARD_VALUES, "stage": "None", "stage_status": "→ 'granted'"}
        assert expected == world.tags(made)

    @pytest.mark.parametrize("kind", _AWKWARD_VALUES)
    def test_writes_values_as_they_are(
        self, registry: Registry, world: World, fresh: str, kind: str
    ) -> None:
        """A value of any characters is stored and read byte for byte."""
        made = world.create(fresh)
        registry.write_tags(made, {"stage_status": _AWKWARD_VALUES[kind]})
        read = registry.read(made)

        assert read is not None
        assert {"stage_status": _AWKWARD_VALUES[kind]} == world.tags(made) == read.tags

    def test_may_write_twice(self, registry: Registry, world: World, fresh: str) -> None:
        """Writing the same again changes nothing."""
        made = world.create(fresh)
        registry.write_tags(made, {"stage": "None"})
        registry.write_tags(made, {"stage": "None"})

        assert {"stage": "None"} == world.tags(made)

    def test_may_write_nothing(self, registry: Registry, world: World, fresh: str) -> None:
        """Writing no tags changes nothing."""
        made = world.create(fresh, tags={"a": "1"})
        registry.write_tags(made, {})

        assert {"a": "1"} == world.tags(made)

    def test_leaves_other_versions_alone(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """A write to one version shows on no other."""
        first, second = world.create(fresh), world.create(fresh)
        registry.write_tags(first, {"stage": "None"})

        assert {} == world.tags(second)

    def test_refuses_a_version_that_is_gone(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """A version that was deleted between read and write refuses for good."""
        made = world.create(fresh)
        world.delete_version(made)

        with pytest.raises(RegistryRefusedError):
            registry.write_tags(made, {"stage": "None"})

    def test_makes_no_version(self, registry: Registry, world: World, fresh: str) -> None:
        """Writing to a number that was never given is refused, and there is still none."""
        never = Version(world.create(fresh).asset, "2")

        with pytest.raises(RegistryRefusedError):
            registry.write_tags(never, {"stage": "None"})

        assert registry.read(never) is None

    def test_serves_many_threads(self, registry: Registry, world: World, fresh: str) -> None:
        """Threads that share a registry lose none of their writes."""
        made = world.create(fresh)

        def write_and_read(number: int) -> str:
            registry.write_tags(made, {f"key{number}": str(number)})
            read = registry.read(made)
            return "" if read is None else read.tags[f"key{number}"]

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(write_and_read, range(16)))

        assert [str(number) for number in range(16)] == answers
        assert {f"key{number}": str(number) for number in range(16)} == world.tags(made)
