"""Which request is whose: the resource manager, the data planes, and what is around them.

A request that has come this far is from somebody known. Every write by way of the resource manager
raises its event here.
"""

from __future__ import annotations

from tests.azureml import events, policy
from tests.azureml.assets import assets
from tests.azureml.calls import Answer, Request
from tests.azureml.endpoints import batch_endpoints, endpoints
from tests.azureml.errors import ArmError, no_such_route, refused
from tests.azureml.jobs import jobs
from tests.azureml.listing import page
from tests.azureml.place import KINDS, PROVIDER, REGISTRIES, WORKSPACES, Place
from tests.azureml.platform import shown
from tests.azureml.registries import data_plane, discovery, publish
from tests.azureml.tracking import tracking
from tests.azureml.world import World

_READ = "GET"
_VERBS = {"GET": "read", "DELETE": "delete", "POST": "action"}
_CREATED = 201
_NO_CONTENT = 204
_PLACE_SEGMENTS = 8
_PUBLISHED = 5


def answered(world: World, request: Request) -> Answer:
    """Answer a request of somebody who is signed in.

    Raises:
        ArmError: the answer is an error.
    """
    _check_allowed(world, request)
    match tuple(segment.lower() for segment in request.segments[:2]):
        case ("subscriptions", _):
            return resource_manager(world, request)
        case ("mferp", "managementfrontend"):
            return _data_plane(world, request)
        case ("mlflow", "v1.0" | "v2.0"):
            place, rest = _placed(world, request, request.segments[2:])
            return tracking(world, request, place, rest)
        case ("registrymanagement", _):
            return discovery(world, request, request.segments[1:])
        case _:
            raise no_such_route(request.method, request.path)


def _check_allowed(world: World, request: Request) -> None:
    who = request.who
    if who.oid not in world.forbidden:
        return
    types = "/".join(request.segments[6::2]) or "resources"
    action = f"{PROVIDER}/{types}/{_VERBS.get(request.method, 'write')}"
    message = (
        f"The client '{who.upn or who.app}' with object id '{who.oid}' does not have authorization "
        f"to perform action '{action}' over scope '{request.path}' or the scope is invalid. If "
        "access was recently granted, please refresh your credentials."
    )
    raise ArmError(403, "AuthorizationFailed", message)


def resource_manager(world: World, request: Request) -> Answer:
    """Answer as the resource manager, and raise the event of a write.

    Raises:
        ArmError: the answer is an error.
    """
    if "api-version" not in request.query:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise refused(message, "MissingApiVersionParameter")
    match tuple(segment.lower() for segment in request.segments):
        case (_, _, "providers", _, "locations", _, "mfeoperationsstatus", name):
            return world.operations.state(name, result=False)
        case (_, _, "providers", _, "locations", _, "mfeoperationresults", name):
            return world.operations.state(name, result=True)
        case (_, _, "resourcegroups", _, "providers", _, ("workspaces" | "registries") as plural):
            return _places(world, request, plural)
        case _:
            place, rest = _placed(world, request, request.segments)
    policy.check(world.policies, request, place, rest)
    answer = _below(world, request, place, rest)
    if request.method != _READ and answer.status != _NO_CONTENT and not place.is_registry:
        is_new = answer.status == _CREATED
        at = world.clock.now()
        world.raised(events.resource_changed(request, place, rest, at, is_new=is_new))
    return answer


def _places(world: World, request: Request, plural: str) -> Answer:
    group = request.segments[3].lower()
    found = (p for p in world.places.values() if p.plural == plural and not p.vanished)
    own = (place for place in found if place.resource_group.lower() == group)
    return Answer({"value": [shown(request, place).content for place in own]})


def _below(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    collection = rest[0].lower() if rest else ""
    if not rest and request.method == _READ:
        return shown(request, place)
    if len(rest) == _PUBLISHED and (request.method, rest[-1].lower()) == ("POST", "publish"):
        return publish(world, request, place, rest)
    if collection in KINDS and not place.is_registry:
        return assets(world, request, place, rest)
    if collection == "jobs":
        return jobs(world, request, place, rest)
    if collection == "onlineendpoints":
        return endpoints(world, request, place, rest)
    if collection == "batchendpoints" and request.method == _READ:
        return batch_endpoints(world, request, place, rest)
    if collection in {"computes", "datastores"} and request.method == _READ:
        return page(request, (), world.page_size)
    raise no_such_route(request.method, request.path)


def _data_plane(world: World, request: Request) -> Answer:
    segments = request.segments[2:]
    if "providers" in segments[:3]:
        name = segments[-1]
        return world.operations.state(name, result="Results" in segments[-2])
    place, rest = _placed(world, request, segments)
    own = data_plane(world, request, place, rest)
    if own is not None:
        return own
    if not place.is_registry or not rest or rest[0].lower() not in KINDS:
        raise no_such_route(request.method, request.path)
    answer = assets(world, request, place, rest)
    if request.method == "PUT" and world.operations.polls:
        headers = world.operations.begin(request, prefix="/mferp/managementfrontend")
        return Answer(answer.content, answer.status, headers)
    return answer


def _placed(
    world: World, request: Request, segments: tuple[str, ...]
) -> tuple[Place, tuple[str, ...]]:
    """Find the workspace or registry of a path, and what follows it."""
    match segments[:_PLACE_SEGMENTS]:
        case (_, subscription, groups, group, _, provider, plural, name) if (
            groups.lower() == "resourcegroups"
            and provider.lower() == PROVIDER.lower()
            and plural.lower() in {WORKSPACES, REGISTRIES}
        ):
            place = world.place(subscription, group, plural, name)
            return place, segments[_PLACE_SEGMENTS:]
        case _:
            raise no_such_route(request.method, request.path)
