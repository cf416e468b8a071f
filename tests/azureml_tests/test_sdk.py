"""The real SDK, unchanged, pointed to the local Azure ML by environment alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.azureml import LocalAzureMl, Place
from tests.azureml.sdk import SDK_WARNINGS, entities, ml_client
from tests.azureml_tests.arm import CONTENTS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
KINDS = pytest.mark.parametrize("kind", CONTENTS)
WHERE = pytest.mark.parametrize("where", ["workspace", "registry"])
Operations = Callable[[str, str], Any]


@pytest.fixture
def operations(local: LocalAzureMl, dev: Place, shared: Place) -> Iterator[Operations]:
    """Return the operations of a kind in a workspace or a registry, as Anna."""
    anna = local.credential("anna")
    with local.in_environment():
        clients = {
            "workspace": ml_client()(anna, local.subscription, dev.resource_group, dev.name),
            "registry": ml_client()(anna, registry_name=shared.name),
        }
        yield lambda where, kind: getattr(clients[where], kind)


def _entity(kind: str, where: str, **others: Any) -> Any:  # noqa: ANN401  # the SDK's
    sdk = entities()
    own = {"name": "churn", "version": "1", "tags": {"team": "a"}, **others}
    scope = "azureml:" if where == "workspace" else "azureml://registries/shared/environments/"
    made: dict[str, Callable[[], Any]] = {
        "models": lambda: sdk.Model(path="azureml://datastores/ds/paths/m", **own),
        "data": lambda: sdk.Data(path="azureml://datastores/ds/paths/d", **own),
        "environments": lambda: sdk.Environment(image="python:3.12", **own),
        "components": lambda: sdk.CommandComponent(
            command="python -V",
            environment=f"{scope}e:1" if where == "workspace" else f"{scope}e/versions/1",
            **own,
        ),
    }
    return made[kind]()


@KINDS
@WHERE
def test_an_asset_is_made_and_read(operations: Operations, kind: str, where: str) -> None:
    """What the SDK creates, it reads: by version, by the label latest, and in lists."""
    found = operations(where, kind)

    found.create_or_update(_entity(kind, where))

    assert {"team": "a"} == found.get("churn", "1").tags
    assert "1" == found.get("churn", label="latest").version
    assert ["1"] == [asset.version for asset in found.list("churn")]
    assert ["churn"] == [asset.name for asset in found.list()]


@KINDS
@WHERE
def test_tags_are_edited(
    operations: Operations, local: LocalAzureMl, dev: Place, shared: Place, kind: str, where: str
) -> None:
    """Get, change tags, create_or_update: the way that everybody edits tags."""
    found = operations(where, kind)
    asset = found.create_or_update(_entity(kind, where))

    asset = found.get("churn", "1")
    asset.tags["stage"] = "prod"
    found.create_or_update(asset)

    stored = local.version(dev if where == "workspace" else shared, kind, "churn", "1")
    assert stored is not None
    assert "prod" == stored["properties"]["tags"]["stage"]
    assert "anna" == stored["systemData"]["lastModifiedBy"]


@KINDS
@WHERE
def test_versions_are_archived_and_restored(
    operations: Operations, local: LocalAzureMl, dev: Place, shared: Place, kind: str, where: str
) -> None:
    """The SDK archives and restores a version, and a container."""
    place, found = (dev if where == "workspace" else shared), operations(where, kind)
    found.create_or_update(_entity(kind, where))

    archived = []
    for act in (found.archive, found.restore):
        act("churn", "1")
        stored = local.version(place, kind, "churn", "1")
        assert stored is not None
        archived.append(stored["properties"]["isArchived"])
        act("churn")
        archived.append(place.assets[kind]["churn"].document["properties"]["isArchived"])

    assert [True, True, False, False] == archived


@KINDS
def test_views_are_listed(operations: Operations, local: LocalAzureMl, kind: str) -> None:
    """The SDK lists what is active, what is archived, and all, page by page."""
    from azure.ai.ml.constants import ListViewType

    local.page_size = 1
    found = operations("workspace", kind)
    for number in ("1", "2", "3"):
        found.create_or_update(_entity(kind, "workspace", version=number))
    found.archive("churn", "2")

    def listed(view: ListViewType) -> list[str]:
        return [asset.version for asset in found.list("churn", list_view_type=view)]

    assert ["3", "1"] == listed(ListViewType.ACTIVE_ONLY)
    assert ["2"] == listed(ListViewType.ARCHIVED_ONLY)
    assert ["3", "2", "1"] == listed(ListViewType.ALL)


def test_models_are_listed_by_stage(operations: Operations) -> None:
    """A model's native stage is written by the SDK, and found by it."""
    models = operations("workspace", "models")
    for number, stage in (("1", "Staging"), ("2", "Production")):
        models.create_or_update(_entity("models", "workspace", version=number, stage=stage))

    assert ["1"] == [model.version for model in models.list("churn", stage="Staging")]


@pytest.mark.parametrize("kind", ["models", "data", "environments"])
@pytest.mark.parametrize("polls", [0, 2])
def test_a_version_is_shared_to_a_registry(
    operations: Operations, local: LocalAzureMl, shared: Place, kind: str, polls: int
) -> None:
    """`share` copies a version into a registry, under the caller's name, in its own time."""
    local.polls = polls
    found = operations("workspace", kind)
    found.create_or_update(_entity(kind, "workspace"))

    copy = found.share(
        "churn", "1", share_with_name="best", share_with_version="7", registry_name="shared"
    )

    assert f"azureml://registries/shared/{kind}/best/versions/7" == copy.id
    stored = local.version(shared, kind, "best", "7")
    assert stored is not None
    assert "anna" == stored["systemData"]["createdBy"]
    assert {"team": "a"} == stored["properties"]["tags"]


def test_a_version_is_shared_once(operations: Operations) -> None:
    """What is in the registry already is not shared there again."""
    models = operations("workspace", "models")
    models.create_or_update(_entity("models", "workspace"))
    names = {"share_with_name": "churn", "share_with_version": "1", "registry_name": "shared"}
    models.share("churn", "1", **names)

    with pytest.raises(Exception, match="already exists in registry"):
        models.share("churn", "1", **names)


def test_registries_take_their_time(operations: Operations, local: LocalAzureMl) -> None:
    """A write to a registry may be an operation that runs long."""
    local.polls = 2
    models = operations("registry", "models")

    models.create_or_update(_entity("models", "registry"))

    assert 3 == len(local.calls_to("mfeOperationsStatus"))
    assert "1" == models.get("churn", "1").version
