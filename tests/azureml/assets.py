"""The four kinds: containers and versions, of workspaces and of registries alike."""

from __future__ import annotations

from typing import Any

from tests.azureml import events
from tests.azureml.calls import Answer, Request
from tests.azureml.errors import no_such_asset, no_such_route, refused
from tests.azureml.listing import page, wanted
from tests.azureml.place import PROVIDER, Container, Document, Place
from tests.azureml.rules import settled
from tests.azureml.world import World

_OURS = ("id", "name", "type", "properties", "systemData")


def assets(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    """Answer what is asked below `…/workspaces/dev/models`, the kind included in `rest`."""
    kind = rest[0].lower()
    match request.method, rest[1:]:
        case "GET", ():
            return _containers(world, request, place, kind)
        case "GET", (name,):
            return Answer(_shown(_container(place, kind, name)))
        case "PUT", (name,):
            return _put_container(world, request, place, kind, name)
        case "DELETE", (name,):
            return Answer(status=200 if place.assets[kind].pop(name, None) else 204)
        case method, (name, versions, *number) if versions.lower() == "versions":
            return _versions(world, request, place, kind, name, number)
        case method, _:
            raise no_such_route(method, request.path)


def _versions(
    world: World, request: Request, place: Place, kind: str, name: str, number: list[str]
) -> Answer:
    match request.method, number:
        case "GET", []:
            found = place.assets[kind].get(name)
            documents = found.versions.values() if found else ()
            asked = wanted(request, kind, is_registry=place.is_registry)
            return page(request, documents, world.page_size, asked)
        case "GET", [one]:
            return Answer(_read(world, request, place, kind, name, one))
        case "PUT", [one]:
            return put_version(world, request, place, kind, name, one)
        case "DELETE", [one]:
            return _delete_version(place, kind, name, one)
        case method, _:
            raise no_such_route(method, request.path)


def _read(
    world: World, request: Request, place: Place, kind: str, name: str, number: str
) -> Document:
    found = place.assets[kind].get(name)
    document = found.versions.get(number) if found else None
    if found and number in found.before and world.faults.is_stale(f"GET {request.path}"):
        document = found.before[number]
    if document is None:
        raise no_such_asset(place.asset_id(kind, name, number))
    return document


def put_version(
    world: World, request: Request, place: Place, kind: str, name: str, number: str
) -> Answer:
    """Create a version or replace its properties."""
    content = request.content()
    written = content.get("properties")
    if not isinstance(written, dict):
        message = "The property 'properties' is required."
        raise refused(message)
    container = place.assets[kind].get(name)
    former = container.versions.get(number) if container else None
    properties = settled(
        kind, written, former["properties"] if former else None, tag_limit=world.tag_limit
    )
    unknown = {key: value for key, value in content.items() if key not in _OURS}
    document = _written(world, request, place, (kind, name, number), properties, unknown)
    if former is None and kind == "models" and not place.is_registry:
        world.raised(events.model_registered(place, name, document, world.clock.now()))
    return Answer(document, 200 if former else 201)


def import_version(
    world: World,
    request: Request,
    place: Place,
    version: tuple[str, str, str],
    properties: dict[str, Any],
) -> None:
    """Create a version of a registry out of one of a workspace."""
    _written(world, request, place, version, properties, {})


def _written(
    world: World,
    request: Request,
    place: Place,
    version: tuple[str, str, str],
    properties: dict[str, Any],
    unknown: dict[str, Any],
) -> Document:
    kind, name, number = version
    container = _made(world, request, place, kind, name)
    former = container.versions.get(number)
    document: Document = {
        **unknown,
        "id": place.version_id(kind, name, number),
        "name": number,
        "type": f"{PROVIDER}/{place.plural}/{kind}/versions",
        "properties": properties,
        "systemData": world.system_data(request.who, former),
    }
    _keep(container, number, document)
    return document


def _keep(container: Container, number: str, document: Document) -> None:
    container.before[number] = container.versions.get(number)
    container.versions[number] = document
    if number.isdecimal():
        container.next_number = max(container.next_number, int(number) + 1)


def _delete_version(place: Place, kind: str, name: str, number: str) -> Answer:
    """Delete; what is not there is answered like the resource manager does it, without content."""
    found = place.assets[kind].get(name)
    if found is None or number not in found.versions:
        return Answer(status=204)
    found.before[number] = found.versions.pop(number)
    return Answer()


def _made(world: World, request: Request, place: Place, kind: str, name: str) -> Container:
    if name in place.assets[kind]:
        return place.assets[kind][name]
    document: Document = {
        "id": place.asset_id(kind, name) if place.is_registry else f"{place.id}/{kind}/{name}",
        "name": name,
        "type": f"{PROVIDER}/{place.plural}/{kind}",
        "properties": {"tags": {}, "properties": {}, "isArchived": False},
        "systemData": world.system_data(request.who, None),
    }
    container = place.assets[kind][name] = Container(document)
    return container


def _put_container(world: World, request: Request, place: Place, kind: str, name: str) -> Answer:
    written = request.content().get("properties")
    if not isinstance(written, dict):
        message = "The property 'properties' is required."
        raise refused(message)
    is_new = name not in place.assets[kind]
    container = _made(world, request, place, kind, name)
    properties = {"tags": {}, "properties": {}, "isArchived": False, **written}
    system = world.system_data(request.who, None if is_new else container.document)
    container.document = {**container.document, "properties": properties, "systemData": system}
    return Answer(_shown(container), 201 if is_new else 200)


def _container(place: Place, kind: str, name: str) -> Container:
    if name not in place.assets[kind]:
        raise no_such_asset(place.asset_id(kind, name))
    return place.assets[kind][name]


def _containers(world: World, request: Request, place: Place, kind: str) -> Answer:
    asked = wanted(request, "", is_registry=place.is_registry)
    found = place.assets[kind]
    documents = (container.document for container in found.values())
    return page(request, documents, world.page_size, lambda d: asked(_shown(found[d["name"]])))


def _shown(container: Container) -> Document:
    """Return a container as it is answered; one of anonymous versions alone is anonymous."""
    properties: dict[str, Any] = dict(container.document["properties"])
    versions = container.versions.values()
    active = (d for d in reversed(versions) if _is_active(d["properties"]))
    latest = next(active, None)
    properties["latestVersion"] = latest["name"] if latest else None
    properties["nextVersion"] = str(container.next_number)
    if latest is None and versions and all(d["properties"].get("isAnonymous") for d in versions):
        properties["isAnonymous"] = True
    return {**container.document, "properties": properties}


def _is_active(properties: dict[str, Any]) -> bool:
    return not (properties.get("isArchived") or properties.get("isAnonymous"))
