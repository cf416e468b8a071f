"""Registries: how they are found, and what only they have, the import of what workspaces share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.azureml.assets import import_version
from tests.azureml.calls import Answer, Request
from tests.azureml.errors import ArmError, no_such_asset, no_such_route, refused
from tests.azureml.place import KINDS, SUBSCRIPTION, Place
from tests.azureml.world import World

_ACCEPTED = 202
_SHARED = re.compile(
    r"azureml://locations/[^/]+/workspaces/(?P<guid>[^/]+)/(?P<kind>[a-z]+)/(?P<name>[^/]+)"
    r"/versions/(?P<number>[^/]+)\Z",
    re.IGNORECASE,
)
_PLANE = "mferp/managementfrontend"


def discovery(world: World, request: Request, rest: tuple[str, ...]) -> Answer:
    """Answer where the data plane of a registry is: `/registrymanagement/v1.0/registries/…`."""
    match rest:
        case (_, registries, name, found) if (registries, found) == ("registries", "discovery"):
            place = world.registry(name)
        case _:
            raise no_such_route(request.method, request.path)
    content = {
        "registryName": place.name,
        "primaryRegion": place.location,
        "primaryRegionResourceProviderUri": f"{request.base}/",
        "resourceGroup": place.resource_group,
        "subscriptionId": SUBSCRIPTION,
        "registryFqdns": {place.location: {"uri": f"{request.base}/"}},
    }
    return Answer(content)


def data_plane(
    world: World, request: Request, place: Place, rest: tuple[str, ...]
) -> Answer | None:
    """Answer what registries have besides assets; None if it is something else."""
    match request.method, rest:
        case "POST", (action,) if action.lower() == "import":
            return _import(world, request, place)
        case "PUT", (references, name, _, number) if references.lower() == "tempdatarefs":
            return _temporary(request, place, name, number)
        case "POST", (references, name, _, number) if references.lower() == "datarefs":
            return Answer(_reference(place, name, number))
        case _:
            return None


def _import(world: World, request: Request, place: Place) -> Answer:
    """Copy what a workspace shares, as the SDK's methods called `share` ask for."""
    asked = request.content().get("properties") or {}
    source = str(asked.get("sourceAssetId", ""))
    found = _SHARED.match(source)
    if found is None or found["kind"].lower() not in KINDS:
        message = f"'{source}' is no id of an asset of a workspace."
        raise refused(message)
    workspace = world.workspace_of(found["guid"])
    if workspace is None:
        raise no_such_asset(source)
    version = (found["kind"].lower(), found["name"], found["number"])
    _copy(world, request, (workspace, version), place, asked)
    return Answer(None, _ACCEPTED, world.operations.begin(request, prefix=f"/{_PLANE}"))


def publish(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    """Copy a version of a workspace into a registry: `POST …/versions/1/publish`.

    It is the resource manager's own way, and the only one for components.
    """
    kind, name, _, number, _ = rest
    asked = request.content()
    registry = world.registry(str(asked.get("registryName", "")))
    _copy(world, request, (place, (kind.lower(), name, number)), registry, asked)
    return Answer(None, _ACCEPTED, world.operations.begin(request))


def _copy(
    world: World,
    request: Request,
    source: tuple[Place, tuple[str, str, str]],
    registry: Place,
    asked: Mapping[str, Any],
) -> None:
    workspace, (kind, name, number) = source
    container = workspace.assets[kind].get(name)
    if container is None or number not in container.versions:
        raise no_such_asset(workspace.asset_id(kind, name, number))
    wanted = str(asked.get("destinationName") or name)
    version = str(asked.get("destinationVersion") or number)
    there = registry.assets[kind].get(wanted)
    if there and version in there.versions:
        message = f"{registry.asset_id(kind, wanted, version)} already exists."
        raise ArmError(409, "Conflict", message)
    former = container.versions[number]["properties"]
    properties = _copied(registry, kind, wanted, version, former)
    import_version(world, request, registry, (kind, wanted, version), properties)


def _copied(
    place: Place, kind: str, name: str, number: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the properties of the copy: of the registry's own storage, and of no job.

    That tags, description and the like are copied, and `stage` is not, is assumed.
    """
    kept = {k: v for k, v in properties.items() if k not in {"jobName", "stage", "datasets"}}
    for path in ("modelUri", "dataUri"):
        if path in kept:
            kept[path] = _blob(place, kind, name, number)
    return {**kept, "isArchived": False}


def _blob(place: Place, kind: str, name: str, number: str) -> str:
    return f"https://{place.name}.blob.core.local.test/{kind}-{name}-{number}"


def _temporary(request: Request, place: Place, name: str, number: str) -> Answer:
    """Answer where to upload; the SDK takes 409 as that there is nothing to upload."""
    asset = str(request.content().get("assetId", ""))
    kind = next((kind for kind in KINDS if f"/{kind}/" in asset), "models")
    container = place.assets[kind].get(name)
    if container and number in container.versions:
        message = f"{asset} already exists."
        raise ArmError(409, "Conflict", message)
    return Answer(_reference(place, name, number))


def _reference(place: Place, name: str, number: str) -> dict[str, Any]:
    uri = _blob(place, "uploads", name, number)
    credential = {"credentialType": "SAS", "sasUri": f"{uri}?sig=local"}
    return {"blobReferenceForConsumption": {"blobUri": uri, "credential": credential}}
