"""Assignments of Azure Policy, held against the definitions that are deployed with them."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault
from scripts.infra.world import Deployed, near

_DEFINITION = "Microsoft.Authorization/policyDefinitions"
_ASSIGNMENT = "Microsoft.Authorization/policyAssignments"


def check(deployment: Deployment) -> Iterator[Fault]:
    """Yield assignments of nothing, and parameters that do not fit."""
    definitions = {one.id.lower(): one for one in find.of(deployment, _DEFINITION)}
    for resource in find.of(deployment, _ASSIGNMENT):
        mode = "properties.enforcementMode"
        if find.value(resource.body, mode) != "Default":
            message = "what it does is said by its effect alone; give enforcementMode: 'Default'"
            yield Fault(find.place(resource, mode), "policy", message)
        named = str(find.value(resource.body, "properties.policyDefinitionId"))
        definition = definitions.get(named.lower())
        if definition is None:
            message = f"no definition {named.rpartition('/')[2]} is deployed with it; mend the id"
            where = find.place(resource, "properties.policyDefinitionId")
            yield Fault(where, "policy", message)
        else:
            yield from _parameters(resource, definition)


def _parameters(resource: Deployed, definition: Deployed) -> Iterator[Fault]:
    place = find.place(resource, "properties.parameters")
    given = find.value(resource.body, "properties.parameters")
    wanted = find.value(definition.body, "properties.parameters")
    given = given if isinstance(given, dict) else {}
    wanted = wanted if isinstance(wanted, dict) else {}
    for name, one in given.items():
        if name not in wanted:
            message = f"{definition.last_name} has no parameter '{name}'"
            yield Fault(place, "policy", message + (near(name, wanted) or "; remove it"))
            continue
        allowed = find.value(wanted[name], "allowedValues")
        value = find.value(one, "value")
        if isinstance(allowed, list) and value not in allowed:
            message = f"parameter '{name}' of {definition.last_name} cannot be '{value}'; mend it"
            yield Fault(place, "policy", message)
    for name, one in wanted.items():
        if name not in given and find.value(one, "defaultValue") is None:
            message = f"parameter '{name}' of {definition.last_name} is not given; give it"
            yield Fault(place, "policy", message)
