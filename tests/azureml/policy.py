"""Azure Policy before the resource manager: what is assigned may deny a write or a deletion.

What it sees is what Azure gives it: of a write the request, never what was there before; of a
deletion the resource that is there. Data planes do not pass here.
"""

from __future__ import annotations

from collections.abc import Iterable

from stage_functions.azure_policy import Policy, PolicyFailedError
from tests.azureml.calls import Request
from tests.azureml.errors import ArmError
from tests.azureml.place import PROVIDER, Document, Place

_DENIES = {"PUT": "deny", "DELETE": "denyAction"}


def check(
    policies: Iterable[Policy], request: Request, place: Place, rest: tuple[str, ...]
) -> None:
    """Let a request pass, or not.

    Raises:
        ArmError: a policy denies it, or cannot be evaluated.
    """
    denies = _DENIES.get(request.method)
    resource = _asked(request, place, rest) if denies else None
    if resource is None:
        return
    who = {"identity": {**request.who.claims(), "idtyp": _kind(request)}}
    for policy in policies:
        try:
            effect = policy.evaluate(resource, request_context=who)
        except PolicyFailedError as exc:
            raise _disallowed(resource, str(exc)) from exc
        if effect is not None and effect == denies:
            raise _disallowed(resource, effect)


def _asked(request: Request, place: Place, rest: tuple[str, ...]) -> Document | None:
    types, names = rest[::2], rest[1::2]
    if request.method == "DELETE":
        if len(types) != 2 or types[0].lower() not in place.assets:  # a version
            return None
        found = place.assets[types[0].lower()].get(names[0])
        return found.versions.get(names[1]) if found else None
    return {
        **request.content(),
        "id": request.path,
        "name": rest[-1],
        "type": "/".join((PROVIDER, place.plural, *types)),
    }


def _kind(request: Request) -> str:
    return "app" if request.who.is_application else "user"


def _disallowed(resource: Document, why: str) -> ArmError:
    message = f"Resource '{resource['name']}' was disallowed by policy. Reasons: '{why}'."
    return ArmError(403, "RequestDisallowedByPolicy", message)
