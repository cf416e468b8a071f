"""Names the fields that a definition of Azure Policy reads, and tells which of them no rule sees.

Names are as short as a version allows: `properties.tags`, whichever alias says it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from stage_functions.adapters.cel_text import shown
from stage_functions.azure_policy import Lookup
from stage_functions.domain.arm_form import TYPE, readable
from stage_functions.domain.asset import Kind
from stage_functions.domain.definition import member
from stage_functions.domain.rule import ABSENT
from stage_functions.domain.visible_tags import VisibleTags

MAX_SHOWN = 10
"""Of the fields that a policy reads, those that are told."""
MAX_NAMED_CHARACTERS = 200
"""Of a field or a place that is named in a fault."""
_TYPES = {TYPE.format(kind=kind).lower(): kind for kind in Kind}
_NAMESPACE = TYPE.partition("/")[0].lower()
_OF_ANY = ("", _NAMESPACE)
"""What stands before a field that is one of the resource's own, of whatever type it is."""
_TAG = re.compile(r"tags(?:\.|\[)", re.IGNORECASE)
_TAGS = "tags"


def unreadable(fields: Collection[str]) -> Iterator[str]:
    """Say which fields of versions a policy reads that no rule may see."""
    for field in sorted(fields):
        if field.startswith("["):
            yield f"it reads a field whose name is computed, {cut(field)}; write the name"
            continue
        if field.lower() == "properties":
            yield "it reads all properties, of which no rule sees most; name those that it needs"
            continue
        scope, name = _property(field)
        kind = Kind.MODELS if scope in _OF_ANY else _TYPES.get(scope)
        if not name or kind is None:
            continue
        known = readable(kind)
        if name.lower() not in {one.lower() for one in known}:
            yield (
                f"it reads {cut(field)}, which no rule sees, since no approval is bound to it; of "
                f"{kind} there are {', '.join(known)}"
            )


def cut(text: str) -> str:
    """Return a text from a definition, short enough for a fault."""
    return text if len(text) <= MAX_NAMED_CHARACTERS else f"{text[:MAX_NAMED_CHARACTERS]}…"


def _property(field: str) -> tuple[str, str]:
    """Return the type of resource that a field is of, folded, and its property.

    The type is "" for a path from the top, the property "" for what is no property.
    """
    head, slash, _ = field.partition("['")[0].rpartition("/")
    path = re.split(r"[.\[]", field[len(head) + len(slash) :])
    if slash:
        return head.lower(), path[0]
    return "", path[1] if path[0].lower() == "properties" and len(path) > 1 else ""


def read_values(
    fields: Collection[str], resource: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Yield what a policy reads of a resource, each with its value in words."""
    told: set[str] = set()
    for field in sorted(fields):
        name, value = _looked_up(field, resource)
        if name and name not in told and len(told) < MAX_SHOWN:
            told.add(name)
            yield name, f"{name}{ABSENT}" if value is None else shown(value)


def _looked_up(field: str, resource: Mapping[str, object]) -> tuple[str, object]:
    """Return how a field of this resource is called, and its value; "" for one of another type."""
    scope, name = _property(field)
    if name:
        if scope not in (*_OF_ANY, str(resource.get("type", "")).lower()):
            return "", None
        properties = resource.get("properties")
        found = member(properties, name) if isinstance(properties, Mapping) else None
        return f"properties.{name}", found
    if scope or field.startswith("["):
        return "", None
    return field, None if _TAG.match(field) else member(resource, field)


def unseen_tags(found: Iterable[Lookup], tags: VisibleTags) -> Iterator[str]:
    """Say which tags a policy looks up that no rule may see, each with its place."""
    for one in found:
        scope, *steps = one.path
        names = [step.lower() if isinstance(step, str) else "" for step in steps]
        if not scope and names[0] == _TAGS:
            yield (
                f"{cut(one.place)}: it reads {cut(one.field)}, a tag of the resource, and a "
                f"version has none such; write {TYPE.format(kind='<kind>')}/tags"
            )
        at = 1 if not scope and names[0] == "properties" else 0
        of_version = not scope or scope == _NAMESPACE or scope in _TYPES
        if of_version and (at or scope) and names[at : at + 1] == [_TAGS] and len(steps) > at + 1:
            why = tags.unseen_by_policies(str(steps[at + 1]))
            if why:
                yield f"{cut(one.place)}: {why}"
