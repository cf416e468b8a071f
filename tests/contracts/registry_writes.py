"""What writing tags must be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import RegistryRefusedError
from stage_functions.domain.mirror import Edit
from tests.contracts.registry_world import World, write_tags

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

        write_tags(registry, made, {"stage": "None", "stage_status": "→ 'granted'"})

        expected = {**_AWKWARD_VALUES, "stage": "None", "stage_status": "→ 'granted'"}
        assert expected == world.tags(made)

    @pytest.mark.parametrize("kind", _AWKWARD_VALUES)
    def test_writes_values_as_they_are(
        self, registry: Registry, world: World, fresh: str, kind: str
    ) -> None:
        """A value of any characters is stored and read byte for byte."""
        made = world.create(fresh)
        write_tags(registry, made, {"stage_status": _AWKWARD_VALUES[kind]})
        read = registry.read(made)

        assert read is not None
        assert {"stage_status": _AWKWARD_VALUES[kind]} == world.tags(made) == read.tags

    def test_may_write_twice(self, registry: Registry, world: World, fresh: str) -> None:
        """Writing the same again changes nothing."""
        made = world.create(fresh)
        write_tags(registry, made, {"stage": "None"})
        write_tags(registry, made, {"stage": "None"})

        assert {"stage": "None"} == world.tags(made)

    def test_may_write_nothing(self, registry: Registry, world: World, fresh: str) -> None:
        """Writing no tags changes nothing."""
        made = world.create(fresh, tags={"a": "1"})
        write_tags(registry, made, {})

        assert {"a": "1"} == world.tags(made)

    def test_leaves_other_versions_alone(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """A write to one version shows on no other."""
        first, second = world.create(fresh), world.create(fresh)
        write_tags(registry, first, {"stage": "None"})

        assert {} == world.tags(second)

    def test_refuses_a_version_that_is_gone(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """A version that is deleted between read and write refuses for good, and stays deleted."""
        made = world.create(fresh)

        def delete_meanwhile(_: Snapshot) -> Edit:
            world.delete_version(made)
            return Edit({"stage": "None"})

        with pytest.raises(RegistryRefusedError):
            registry.edit(made, delete_meanwhile)

        assert registry.read(made) is None

    def test_makes_no_version(self, registry: Registry, world: World, fresh: str) -> None:
        """Of a number that was never given nothing is decided, and there is still none."""
        never = Version(world.create(fresh).asset, "2")

        assert registry.edit(never, lambda _: Edit({"stage": "None"})) is None
        assert registry.read(never) is None

    def test_decides_on_what_is_there_and_shows_what_was_written(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """An edit is decided on the version as it is now; the answer is how it is afterwards."""
        made = world.create(fresh, tags={"a": "1", "gone": "x"})
        seen: list[Snapshot] = []

        def decide(snapshot: Snapshot) -> Edit:
            seen.append(snapshot)
            return Edit({"a": f"{snapshot.tags['a']}2", "gone": None, "never there": None})

        after = registry.edit(made, decide)

        assert [{"a": "1", "gone": "x"}] == [one.tags for one in seen]
        assert after == registry.read(made)
        assert {"a": "12"} == world.tags(made)

    def test_writes_nothing_where_nothing_is_decided(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """Where nothing is to change, the version is answered as it was read."""
        made = world.create(fresh, tags={"a": "1"})

        assert registry.read(made) == registry.edit(made, lambda _: None)

    @pytest.mark.parametrize("text", ["the best\nü 😀", ""], ids=["other", "none"])
    def test_writes_a_description_and_tags_of_any_key(
        self, registry: Registry, world: World, fresh: str, text: str
    ) -> None:
        """Both are as the edit says; what it does not name stays."""
        made = world.create(fresh, tags={"a": "1", "kept": "→"}, description="a classifier")
        after = registry.edit(made, lambda _: Edit({"a": "2", "b": ""}, description=text))
        again = registry.edit(made, lambda _: Edit({"b": None}))

        assert after is not None
        assert again is not None
        assert (text, text) == (after.description, again.description)
        assert {"a": "2", "kept": "→"} == world.tags(made)

    def test_serves_many_threads(self, registry: Registry, world: World, fresh: str) -> None:
        """Threads that share a registry lose none of their writes."""
        made = world.create(fresh)

        def write_and_read(number: int) -> str:
            write_tags(registry, made, {f"key{number}": str(number)})
            read = registry.read(made)
            return "" if read is None else read.tags[f"key{number}"]

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(write_and_read, range(16)))

        assert [str(number) for number in range(16)] == answers
        assert {f"key{number}": str(number) for number in range(16)} == world.tags(made)
