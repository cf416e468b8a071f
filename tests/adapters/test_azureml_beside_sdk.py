"""Stageward beside people who use Microsoft's own library: a version stays the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.pipeline.transport import RequestsTransport

from stage_functions.domain.asset import Kind, Snapshot, Version
from stage_functions.domain.mirror import Edit
from tests.azureml import LocalAzureMl
from tests.azureml.sdk import SDK_WARNINGS, ml_client
from tests.azureml_world import AzureMlWorld, contents, opened

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_PLACES = [(kind, is_registry) for kind in Kind for is_registry in (False, True)]


@pytest.fixture(
    params=_PLACES,
    ids=[f"{kind} of a {'registry' if shared else 'workspace'}" for kind, shared in _PLACES],
)
def world(request: pytest.FixtureRequest, local: LocalAzureMl) -> AzureMlWorld:
    """Return the hand that others have, for each kind in each place."""
    kind, is_registry = request.param
    workspace = local.workspace("dev")
    place = local.registry("shared") if is_registry else workspace
    return AzureMlWorld(local, place, workspace, kind)


@pytest.fixture
def client(world: AzureMlWorld) -> Iterator[MLClient]:
    """Return the library's client for Anna."""
    anna, place = world.local.credential("anna"), world.place
    with (
        RequestsTransport() as transport
    ):  # which the library's many clients share, and never close
        if place.is_registry:
            yield ml_client()(anna, registry_name=place.name, transport=transport)
        else:
            scope = (world.local.subscription, place.resource_group, place.name)
            yield ml_client()(anna, *scope, transport=transport)


def _read(world: AzureMlWorld, version: Version) -> Snapshot:
    with closing(opened(world.local, world.place)) as registry:
        found = registry.read(version)
    assert found is not None
    return found


def _made(world: AzureMlWorld, name: str) -> Version:
    written: dict[str, Any] = contents(world.kind, name)
    if world.kind is Kind.COMPONENTS:
        written["componentSpec"]["name"] = name
        scope = "//registries/shared" if world.place.is_registry else world.place.id
        written["componentSpec"]["environment"] = f"azureml:{scope}/environments/e/versions/1"
    if world.place.is_registry and world.kind is Kind.MODELS:
        written["modelUri"] = f"https://shared.blob.core.local.test/models/{name}"
    return world.create(name, tags={"team": "risk"}, **written)


def _kept(world: AzureMlWorld) -> dict[str, str]:
    """Return which tags the library reads and writes back.

    Of a component it takes those in its specification; whether the service puts all of them there
    is not known.
    """
    return {} if world.kind is Kind.COMPONENTS else {"team": "risk"}


def test_edits_of_tags_by_the_library_are_edits_of_tags(
    world: AzureMlWorld, client: MLClient
) -> None:
    """Whatever else the library writes with a tag, the version stays the same incarnation."""
    made = _made(world, "edited")
    before = _read(world, made)
    operations = getattr(client, world.kind)
    for value in ("Staging", "Production"):
        asset = operations.get("edited", "1")
        asset.tags["stage_request"] = value
        operations.create_or_update(asset)
        after = _read(world, made)

        assert {**_kept(world), "stage_request": value} == after.tags
        assert before.incarnation == after.incarnation
        assert (before.job, "aml:anna") == (after.job, after.modified_by)


def test_the_library_reads_what_stageward_writes(world: AzureMlWorld, client: MLClient) -> None:
    """The library gets a version that Stageward has edited, and shows its tags, if it reads any."""
    made = _made(world, "written")
    with closing(opened(world.local, world.place)) as registry:
        registry.edit(made, lambda _: Edit({"stage": "Staging"}))

    asset = getattr(client, world.kind).get("written", "1")
    shown = {**_kept(world), "stage": "Staging"} if _kept(world) else {}
    assert shown == asset.tags


def test_what_the_library_archives_and_restores_is_seen(
    world: AzureMlWorld, client: MLClient
) -> None:
    """A version that the library has archived is archived here, and stays so when it is edited."""
    made = _made(world, "archived")
    operations = getattr(client, world.kind)
    operations.archive("archived", "1")
    with closing(opened(world.local, world.place)) as registry:
        after = registry.edit(made, lambda _: Edit({"stage": "Archived"}))
    operations.restore("archived", "1")

    assert after is not None
    assert after.archived
    assert not _read(world, made).archived
    assert "Archived" == _read(world, made).tags["stage"]
