"""What is deployed first: Azure follows references, and what is only named is not waited for.

A name or an id that is put together from text says nothing to Azure of what it stands for. So
whatever names a resource of the same deployment must refer to it, or say `dependsOn`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scripts.infra.check import Deployment
from scripts.infra.faults import Fault
from scripts.infra.syntax import Declaration, File, Name
from scripts.infra.values import texts
from scripts.infra.walk import declarations, everything
from scripts.infra.world import Deployed


def check(deployment: Deployment) -> Iterator[Fault]:
    """Yield resources that name another one without waiting for it."""
    made = {one.id.lower(): one for one in deployment.resources if one.wanted and not one.existing}
    waits = {path: _closure(file) for path, file in deployment.units.items()}
    for resource in deployment.resources:
        if not resource.wanted:
            continue
        for identifier in {text.lower() for text in _named(resource)}:
            other = _holder(identifier, made)
            if other is not None and other.id != resource.id and not _waits(resource, other, waits):
                message = (
                    f"this names {other.type} '{other.last_name}', which is deployed beside it, "
                    "and does not wait for it; refer to it, or say dependsOn"
                )
                yield Fault(resource.place, "order", message)


def _named(resource: Deployed) -> Iterator[str]:
    """Yield ids that a resource names, and those that it is part of."""
    yield from (text for text in texts(resource.body) if text.startswith("/subscriptions/"))
    yield resource.scope.id
    parts = resource.id.split("/")
    for end in range(len(parts) - 2, 8, -2):
        yield "/".join(parts[:end])
    if resource.existing:
        yield resource.id


def _holder(identifier: str, made: Mapping[str, Deployed]) -> Deployed | None:
    """Return what is deployed and has this id, or holds it."""
    while identifier:
        if identifier in made and not made[identifier].is_of("Microsoft.Resources/resourceGroups"):
            return made[identifier]
        identifier = identifier.rpartition("/")[0]
    return None


def _waits(
    resource: Deployed, other: Deployed, waits: Mapping[str, Mapping[str, frozenset[str]]]
) -> bool:
    """Tell whether, in the unit that holds both, the one refers to the other in the end."""
    own, its = resource.unit.split("/"), other.unit.split("/")
    shared = 0
    while shared < min(len(own), len(its)) and own[shared] == its[shared]:
        shared += 1
    unit = "/".join(own[:shared])
    here = own[shared] if shared < len(own) else resource.declaration.name
    there = its[shared] if shared < len(its) else other.declaration.name
    return here == there or there in waits[unit].get(here, frozenset())


def _closure(file: File) -> Mapping[str, frozenset[str]]:
    """Return what each name of a file refers to, in the end."""
    direct = {one.name: _refers(one) for one, _ in declarations(file.declarations)}
    for one, outer in declarations(file.declarations):
        if outer is not None:
            direct[one.name] |= {outer.name}
    found: dict[str, frozenset[str]] = {}
    for name, first in direct.items():
        seen: set[str] = set()
        waiting = list(first)
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += direct.get(other, frozenset())
        found[name] = frozenset(seen)
    return found


def _refers(one: Declaration) -> frozenset[str]:
    nodes = everything(one.value) if one.value is not None else ()
    return frozenset(node.name for node in nodes if isinstance(node, Name))
