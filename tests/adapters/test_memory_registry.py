"""The registries in memory and on a file do as the real ones do, and break as they are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.error import RegistryUnavailableError
from tests.contracts.registry import RegistryContract
from tests.contracts.registry_aliases import RegistryAliases
from tests.contracts.registry_world import write_tags
from tests.fakes.registry import FileRegistry, MemoryRegistry

_IRIS = Version.parse("dev/models/iris:1")


class TestMemoryRegistry(RegistryContract, RegistryAliases):
    """The registry in memory keeps the contract."""

    @pytest.fixture
    def world(self) -> MemoryRegistry:
        """Return the registry itself: others write through the same object."""
        return MemoryRegistry(page_versions=3)

    @pytest.fixture
    def registry(self, world: MemoryRegistry) -> Registry:
        """Return the same."""
        return world

    @pytest.fixture
    def small_pages(self, world: MemoryRegistry) -> Registry:
        """Return the same, whose pages are small."""
        return world

    @pytest.fixture
    def unreachable(self) -> Registry:
        """Return one that is away."""
        registry = MemoryRegistry()
        registry.away = True
        return registry

    @pytest.fixture
    def refusing(self) -> Registry:
        """Return one that refuses."""
        registry = MemoryRegistry()
        registry.refusing = True
        return registry


class TestFileRegistry(TestMemoryRegistry):
    """The registry on a file keeps the contract."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> FileRegistry:
        """Return the registry itself."""
        return FileRegistry(tmp_path / "registry", page_versions=3)


def test_counts_calls_of_the_port() -> None:
    """Each call through the port is counted once, whatever it changes; other hands are not."""
    registry = MemoryRegistry()
    made = registry.create("iris")
    registry.set_tag(made, "a", "1")
    read = registry.read(made)
    assert read is not None
    registry.evidence(read)
    write_tags(registry, made, {"stage": "None", "stage_status": "granted"})
    registry.versions()

    assert ["read", "evidence", "read", "write_tags", "read", "versions"] == registry.calls


def test_writes_the_stage_first_and_the_governor_last() -> None:
    """A write that breaks off leaves the stage written and the governor as it was."""
    registry = MemoryRegistry()
    made = registry.create("iris")
    left = iter([True, True])

    def break_off(call: str) -> None:
        if call == "write_tag" and not next(left, False):
            raise RegistryUnavailableError(call)

    registry.before = break_off
    wanted = {"stage_governor": "k7m2p9qd/1", "stage_status": "granted", "stage": "None"}
    with pytest.raises(RegistryUnavailableError):
        write_tags(registry, made, wanted)

    assert {"stage": "None", "stage_status": "granted"} == registry.tags(made)


def test_loses_replies() -> None:
    """A fault afterwards loses the reply and keeps the write."""
    registry = MemoryRegistry()
    made = registry.create("iris")

    def lose(call: str) -> None:
        if call == "write_tags":
            raise RegistryUnavailableError(call)

    registry.after = lose
    with pytest.raises(RegistryUnavailableError):
        write_tags(registry, made, {"stage": "None"})

    assert {"stage": "None"} == registry.tags(made)


def test_shows_what_was_there_while_held() -> None:
    """A registry that is held shows reads and pages as they were, and catches up on release."""
    registry = MemoryRegistry()
    made = registry.create("iris")
    registry.hold()
    write_tags(registry, made, {"stage": "None"})
    registry.create("iris")

    stale = registry.read(made)
    assert stale is not None
    assert ({}, (stale,)) == (stale.tags, registry.versions().versions)

    registry.release()
    read = registry.read(made)
    assert read is not None
    assert {"stage": "None"} == read.tags
    assert 2 == len(registry.versions().versions)


def test_has_all_kinds_of_assets() -> None:
    """Assets of other kinds are read and listed, ordered by kind, then by name."""
    registry = MemoryRegistry()
    made = [registry.create(name, kind=kind) for kind in Kind for name in ("b", "a")]

    listed = [one.version for one in registry.versions().versions]

    assert sorted(made) == listed


def test_shows_the_native_stage() -> None:
    """A stage set by a client that knows no tags shows beside them."""
    registry = MemoryRegistry()
    made = registry.create("iris")
    before = registry.read(made)
    registry.set_native_stage(made, "Production")
    after = registry.read(made)

    assert ["None", "Production"] == [one.native_stage for one in (before, after) if one]


@pytest.mark.parametrize(
    "edit",
    [
        lambda registry: registry.create("iris"),
        lambda registry: registry.register(_IRIS, datetime(2026, 2, 2, tzinfo=UTC)),
    ],
    ids=["create", "register"],
)
def test_makes_versions_by_number_or_by_name(edit: Callable[[MemoryRegistry], object]) -> None:
    """A version made by its number counts for the numbers that are given next."""
    registry = MemoryRegistry()
    edit(registry)

    assert registry.read(_IRIS) is not None
    assert Version.parse("dev/models/iris:2") == registry.create("iris")


def test_outlives_a_process_on_a_file(tmp_path: Path) -> None:
    """What one process writes to the file, another reads, even if the first ends without a word."""
    registry = FileRegistry(tmp_path / "registry")
    made = registry.create("iris", job=registry.run(metrics={"auc": 0.9}))
    program = (
        "import os, pathlib, sys\n"
        "from stage_functions.domain.asset import Version\n"
        "from tests.contracts.registry_world import write_tags\n"
        "from tests.fakes.registry import FileRegistry\n"
        "registry = FileRegistry(pathlib.Path(sys.argv[1]))\n"
        "registry.after = lambda call: os._exit(9) if call == 'write_tag' else None\n"
        "write_tags(registry, Version.parse(sys.argv[2]), {'stage': 'None', 'other': 'x'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "registry"), str(made)],
        cwd=Path(__file__).parents[2],
        check=False,
    )

    read = registry.read(made)
    assert 9 == done.returncode
    assert read is not None
    assert {"stage": "None"} == read.tags
    assert {"auc": 0.9} == registry.evidence(read).section("metrics")
