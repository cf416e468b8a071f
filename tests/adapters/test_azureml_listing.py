"""Lists of Azure ML for the scan: all kinds, archived and anonymous ones, few calls and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_listing import Listing
from stage_functions.domain.asset import Kind
from stage_functions.domain.error import RegistryUnavailableError
from tests.azureml import LocalAzureMl, Place
from tests.azureml_world import AzureMlWorld, opened


@pytest.fixture(params=["workspace", "registry"])
def place(request: pytest.FixtureRequest, local: LocalAzureMl) -> Iterator[Place]:
    """Return an empty workspace, and an empty registry."""
    name = f"{request.node.name[:40]}".replace("[", "-").replace("]", "")
    yield local.workspace(name) if request.param == "workspace" else local.registry(name)
    local.heal()
    local.page_size = 100


@pytest.fixture
def registry(local: LocalAzureMl, place: Place) -> Iterator[AzureMlRegistry]:
    """Return the registry over it, with pages of five versions."""
    with closing(opened(local, place, page_versions=5)) as registry:
        yield registry


def _worlds(local: LocalAzureMl, place: Place) -> dict[Kind, AzureMlWorld]:
    return {kind: AzureMlWorld(local, place, place, kind) for kind in Kind}


def _all(registry: AzureMlRegistry) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = registry.versions(cursor)
        found += [str(one.version) for one in page.versions]
        cursor = page.cursor
        if not cursor:
            return found


def test_lists_all_kinds_in_order(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """All kinds are listed, in the order of their names, each asset with all of its versions."""
    made = [
        str(world.create(name))
        for world in _worlds(local, place).values()
        for name in ("b", "a", "b", "C")
    ]

    assert sorted(made) == _all(registry)


def test_lists_what_is_hidden(local: LocalAzureMl, place: Place, registry: AzureMlRegistry) -> None:
    """Archived and anonymous versions are listed, and say so."""
    world = AzureMlWorld(local, place, place, Kind.COMPONENTS)
    world.create("plain")
    world.create("archived", isArchived=True)
    world.create("anonymous", isAnonymous=True)
    listed = registry.versions().versions

    assert [("anonymous", False, True), ("archived", True, False), ("plain", False, False)] == [
        (one.version.asset.name, one.archived, one.anonymous) for one in listed
    ]


def test_follows_pages_of_lists(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """Lists that come in several pages are read to their ends, oldest version first."""
    world = AzureMlWorld(local, place, place, Kind.DATA)
    made = [str(world.create(name)) for name in "abcdefg" for _ in range(4)]
    local.page_size = 2

    assert made == _all(registry)


def test_lists_names_once_a_pass(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """A pass lists the names of each kind once, and asks for each asset once or twice at most."""
    world = AzureMlWorld(local, place, place)
    for number in range(23):
        world.create(f"m{number:02d}")
    registry.versions()
    before = len(local.calls)
    _all(registry)
    calls = [call.path.rpartition("/")[2] for call in local.calls[before:]]

    assert [1, 1, 1, 1] == [calls.count(kind) for kind in Kind]
    assert 23 <= calls.count("versions") <= 2 * 23
    again = len(local.calls)
    _all(registry)
    assert 4 == sum(
        call.path.endswith(tuple(f"/{kind}" for kind in Kind)) for call in local.calls[again:]
    )


def test_lists_only_the_kinds_that_are_watched(local: LocalAzureMl, place: Place) -> None:
    """Kinds that nobody watches are not asked for."""
    for world in _worlds(local, place).values():
        world.create("one")
    before = len(local.calls)
    with closing(opened(local, place, kinds=[Kind.DATA])) as registry:
        assert ["dev/data/one:1"] == _all(registry)

    assert not any("/models" in call.path for call in local.calls[before:])


def test_lists_versions_that_are_dates(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """Numbers of any form are listed in the order of their making, and count as one each."""
    for number in ("20260131", "v2", "1.0.0"):
        local.put_version(place, "data", "dated", number, {"dataUri": "azureml://x"})
    for name in ("e", "f"):
        local.put_version(place, "data", name, "20260131", {"dataUri": "azureml://x"})

    assert [f"dev/data/{one}" for one in ("dated:20260131", "dated:v2", "dated:1.0.0")] + [
        "dev/data/e:20260131",
        "dev/data/f:20260131",
    ] == _all(registry)


def test_skips_what_goes_while_it_is_listed(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """An asset that is gone when its versions are asked for has none."""
    world = AzureMlWorld(local, place, place)
    for name in ("a", "b", "c"):
        world.create(name)
    local.fail("/models/b/versions", status=404, code="UserError", message="Could not find asset")

    assert ["dev/models/a:1", "dev/models/c:1"] == _all(registry)


def test_lists_nothing_rather_than_half(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """A page of which one asset cannot be read is no page."""
    world = AzureMlWorld(local, place, place)
    for name in "abcdef":
        world.create(name)
    local.fail("/models/d/versions", status=503, times=1000)

    with pytest.raises(RegistryUnavailableError):
        registry.versions()


def test_keeps_names_only(local: LocalAzureMl, place: Place, registry: AzureMlRegistry) -> None:
    """Between pages names are kept, and after the last nothing is."""
    world = AzureMlWorld(local, place, place)
    for number in range(12):
        world.create(f"m{number:02d}", description="x" * 1000)
    listing = registry._listing  # noqa: SLF001  # how much it keeps is what this is about
    assert isinstance(listing, Listing)
    page = registry.versions()
    kept = list(listing._names)  # noqa: SLF001
    while page.cursor:
        page = registry.versions(page.cursor)

    assert 12 == len(kept)
    assert [] == listing._names  # noqa: SLF001
