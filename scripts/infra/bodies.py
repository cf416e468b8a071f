"""Holds what is sent for a resource against the model of its type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scripts.infra import catalog
from scripts.infra.faults import Fault, Place
from scripts.infra.shapes import ANY, FLOAT, INT, MAP, OBJECT, Kind, Shape
from scripts.infra.values import Items, Record, Runtime, Secret, type_of
from scripts.infra.world import Deployed, near

_BICEP = {FLOAT: INT, MAP: OBJECT}


def check(resource: Deployed) -> Iterator[Fault]:
    """Yield what Azure would refuse of a resource."""
    if resource.existing or not resource.wanted or catalog.entry(resource.type) is None:
        return
    shape = catalog.sent(resource.type, resource.last_name)
    yield from _object(resource.body, shape, "", resource.body.place)


def _value(value: object, kind: Kind, path: str, place: Place) -> Iterator[Fault]:
    if kind.name == ANY or type_of(value) == ANY or value is None:
        return
    wanted = _BICEP.get(kind.name, kind.name)
    if type_of(value) != wanted:
        message = f"'{path}' is of type {wanted}, not {type_of(value)}; give it that"
        yield Fault(place, "property-type", message)
        return
    match value:
        case str():
            yield from _text(value, kind, path, place)
        case int() if not isinstance(value, bool):
            yield from _number(value, kind, path, place)
        case Record() if kind.shape is not None:
            yield from _object(value, kind.shape(), path, place)
        case Record() | list():
            yield from _items(value, kind, path, place)


def _items(value: Record | list[object], kind: Kind, path: str, place: Place) -> Iterator[Fault]:
    if kind.item is None:
        return
    if isinstance(value, Record):
        for key, item in value.items():
            yield from _value(item, kind.item, f"{path}.{key}", value.at(key))
        return
    for index, item in enumerate(value):
        at = value.at(index) if isinstance(value, Items) else place
        yield from _value(item, kind.item, f"{path}[{index}]", at)


def _text(value: str, kind: Kind, path: str, place: Place) -> Iterator[Fault]:
    if isinstance(value, Runtime | Secret):
        return
    if kind.values and value not in kind.values:
        known = near(value, kind.values) or f"; take one of {', '.join(sorted(kind.values))}"
        yield Fault(place, "value", f"'{path}' cannot be '{value}'{known}")
    least, most = kind.limits.get("min_length"), kind.limits.get("max_length")
    if (isinstance(least, int) and len(value) < least) or (
        isinstance(most, int) and len(value) > most
    ):
        message = f"'{path}' has {least or 0} to {most or 'any number of'} characters; mend it"
        yield Fault(place, "value", message)
    pattern = kind.limits.get("pattern")
    if isinstance(pattern, str) and not re.search(pattern, value):
        yield Fault(place, "value", f"'{path}' is of the form {pattern}; mend it")


def _number(value: int, kind: Kind, path: str, place: Place) -> Iterator[Fault]:
    least, most = kind.limits.get("minimum"), kind.limits.get("maximum")
    low = isinstance(least, int | float) and value < least
    high = isinstance(most, int | float) and value > most
    if low or high:
        yield Fault(place, "value", f"'{path}' is between {least} and {most}; mend it")


def _object(value: Record, shape: Shape, path: str, place: Place) -> Iterator[Fault]:
    if shape.selector:
        chosen = value.get(shape.selector)
        where = f"{path}.{shape.selector}".lstrip(".")
        if chosen is None:
            known = ", ".join(sorted(shape.variants))
            yield Fault(place, "required", f"'{where}' is missing; give one of {known}")
            return
        if chosen not in shape.variants:
            known = (
                near(str(chosen), shape.variants) or f"; take one of {', '.join(shape.variants)}"
            )
            at = value.at(shape.selector)
            yield Fault(at, "value", f"'{where}' cannot be '{chosen}'{known}")
            return
        shape = shape.variants[str(chosen)]()
    for key, item in value.items():
        yield from _property(key, item, shape, path, value.at(key))
    for key, field in shape.fields.items():
        if field.required and value.get(key) is None and key != shape.selector:
            where = f"{path}.{key}".lstrip(".")
            yield Fault(place, "required", f"'{where}' is missing; give it")


def _property(key: str, item: object, shape: Shape, path: str, place: Place) -> Iterator[Fault]:
    where = f"{path}.{key}".lstrip(".")
    field = shape.fields.get(key)
    if field is None:
        if shape.rest is None:
            hint = near(key, shape.fields) or "; remove it"
            yield Fault(place, "property", f"there is no '{where}'{hint}")
        else:
            yield from _value(item, shape.rest, where, place)
    elif field.read_only and item is not None:
        yield Fault(place, "read-only", f"'{where}' is Azure's to set; remove it")
    else:
        yield from _value(item, field.kind, where, place)
