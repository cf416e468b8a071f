"""Online endpoints and their deployments: what serves which version, and to how much traffic."""

from __future__ import annotations

import re
from typing import Any

from tests.azureml import events
from tests.azureml.calls import Answer, Request
from tests.azureml.errors import no_such_route, no_such_thing, refused
from tests.azureml.listing import page
from tests.azureml.place import PROVIDER, Document, Endpoint, Place
from tests.azureml.world import World

_ALL = 100
_ACCEPTED = 202
_MODEL = re.compile(r"models/(?P<name>[^/]+)/versions/(?P<number>[^/]+)\Z", re.IGNORECASE)
_OURS = ("id", "name", "type", "systemData")


def endpoints(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    """Answer what is asked below `…/workspaces/dev/onlineEndpoints`, that included in `rest`."""
    match request.method, rest[1:]:
        case "GET", ():
            found = place.endpoints.values()
            return page(request, (endpoint.document for endpoint in found), world.page_size)
        case "GET", (name,):
            return Answer(_endpoint(place, name).document)
        case "PUT", (name,):
            return _put_endpoint(world, request, place, name)
        case "DELETE", (name,):
            return _delete_endpoint(world, request, place, name)
        case _, (name, deployments, *one) if deployments.lower() == "deployments":
            return _deployments(world, request, place, name, one)
        case method, _:
            raise no_such_route(method, request.path)


def batch_endpoints(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    """Answer what is read below `…/workspaces/dev/batchEndpoints`; nobody writes there."""
    found = place.batch_endpoints
    match rest[1:]:
        case ():
            return page(request, (one.document for one in found.values()), world.page_size)
        case (name,) if name in found:
            return Answer(found[name].document)
        case (name, deployments) if name in found and deployments.lower() == "deployments":
            return page(request, found[name].deployments.values(), world.page_size)
        case _:
            what = "Endpoint"
            raise no_such_thing(what, rest[1])


def _deployments(
    world: World, request: Request, place: Place, name: str, rest: list[str]
) -> Answer:
    endpoint = _endpoint(place, name)
    match request.method, rest:
        case "GET", []:
            return page(request, endpoint.deployments.values(), world.page_size)
        case "GET", [one]:
            if one not in endpoint.deployments:
                what = "Deployment"
                raise no_such_thing(what, one)
            return Answer(endpoint.deployments[one])
        case "PUT", [one]:
            return _put_deployment(world, request, place, endpoint, one)
        case "DELETE", [one]:
            return _delete_deployment(world, request, endpoint, one)
        case method, _:
            raise no_such_route(method, request.path)


def _endpoint(place: Place, name: str) -> Endpoint:
    if name not in place.endpoints:
        what = "Endpoint"
        raise no_such_thing(what, name)
    return place.endpoints[name]


def _put_endpoint(world: World, request: Request, place: Place, name: str) -> Answer:
    former = place.endpoints.get(name)
    content = _checked(request)
    traffic = content["properties"].get("traffic") or {}
    _check_traffic(traffic, former)
    properties = {
        "authMode": "Key",
        "properties": {},
        "mirrorTraffic": {},
        **content["properties"],
        "traffic": traffic,
        "scoringUri": f"https://{name}.{place.location}.inference.ml.azure.local/score",
        "provisioningState": "Succeeded",
    }
    document: Document = {
        "location": place.location,
        "tags": {},
        **{key: value for key, value in content.items() if key not in _OURS},
        "id": f"{place.id}/onlineEndpoints/{name}",
        "name": name,
        "type": f"{PROVIDER}/workspaces/onlineEndpoints",
        "properties": properties,
        "systemData": world.system_data(request.who, former.document if former else None),
    }
    place.endpoints[name] = Endpoint(document, former.deployments if former else {})
    return _accepted(world, request, document, is_new=former is None)


def _check_traffic(traffic: dict[str, Any], former: Endpoint | None) -> None:
    known = former.deployments if former else {}
    unknown = sorted(set(traffic) - set(known))
    if unknown:
        message = f"Traffic is given to deployments that do not exist: {', '.join(unknown)}."
        raise refused(message)
    if sum(traffic.values()) not in {0, _ALL}:
        message = f"The traffic must sum up to 0 or {_ALL}, not to {sum(traffic.values())}."
        raise refused(message)


def _put_deployment(
    world: World, request: Request, place: Place, endpoint: Endpoint, name: str
) -> Answer:
    former = endpoint.deployments.get(name)
    content = _checked(request)
    properties = {
        "endpointComputeType": "Managed",
        "instanceType": "Standard_DS3_v2",
        "scaleSettings": {"scaleType": "Default"},
        **content["properties"],
        "provisioningState": "Succeeded",
    }
    document: Document = {
        "location": place.location,
        "tags": {},
        "sku": {"name": "Default", "capacity": 1},
        **{key: value for key, value in content.items() if key not in _OURS},
        "id": f"{endpoint.document['id']}/deployments/{name}",
        "name": name,
        "type": f"{PROVIDER}/workspaces/onlineEndpoints/deployments",
        "properties": properties,
        "systemData": world.system_data(request.who, former),
    }
    endpoint.deployments[name] = document
    found = _MODEL.search(str(properties.get("model") or ""))
    models = [f"{found['name']}:{found['number']}"] if found else []
    world.raised(events.model_deployed(place, endpoint.document, models, world.clock.now()))
    return _accepted(world, request, document, is_new=former is None)


def _checked(request: Request) -> dict[str, Any]:
    content = request.content()
    if not isinstance(content.get("properties"), dict):
        message = "The property 'properties' is required."
        raise refused(message)
    return content


def _accepted(world: World, request: Request, document: Document, *, is_new: bool) -> Answer:
    """Answer that it has begun; what it will be is in the body, but for its state."""
    properties = document["properties"]
    begun = {**properties, "provisioningState": "Creating" if is_new else "Updating"}
    headers = world.operations.begin(request)
    return Answer({**document, "properties": begun}, 201 if is_new else 200, headers)


def _delete_endpoint(world: World, request: Request, place: Place, name: str) -> Answer:
    if name not in place.endpoints:
        return Answer(status=204)
    del place.endpoints[name]
    return Answer(None, _ACCEPTED, world.operations.begin(request))


def _delete_deployment(world: World, request: Request, endpoint: Endpoint, name: str) -> Answer:
    if name not in endpoint.deployments:
        return Answer(status=204)
    if endpoint.document["properties"]["traffic"].get(name):
        message = f"Deployment {name} has live traffic and cannot be deleted."
        raise refused(message)
    del endpoint.deployments[name]
    return Answer(None, _ACCEPTED, world.operations.begin(request))
