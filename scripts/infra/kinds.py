"""Holds values against the types of params and outputs, and params against their decorators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scripts.infra.parser import PRIMITIVES
from scripts.infra.shapes import ANY
from scripts.infra.syntax import Array, Declaration, Expression, Literal, Spread, Type, Unary
from scripts.infra.values import Runtime, type_of

_LENGTHS = ("minLength", "maxLength")


def mismatch(value: object, kind: Type, types: Mapping[str, Type]) -> str:
    """Return in what a value is not of a type, or ""."""
    if (value is None and kind.nullable) or type_of(value) == ANY:
        return ""
    if kind.name in types:
        return mismatch(value, types[kind.name], types)
    if kind.literals:
        allowed = ", ".join(f"'{literal}'" for literal in kind.literals)
        known = isinstance(value, Runtime) or value in kind.literals
        return "" if known else f"'{value}' is none of {allowed}"
    if kind.item is not None and isinstance(value, list):
        return next(filter(None, (mismatch(one, kind.item, types) for one in value)), "")
    if kind.properties is not None and isinstance(value, dict):
        return next(_in_object(value, kind.properties, types), "")
    wanted = kind.name or ("array" if kind.item else "object")
    return "" if type_of(value) == wanted else f"{type_of(value)} is given, {wanted} is asked for"


def _in_object(
    value: dict[str, object], properties: tuple[tuple[str, Type], ...], types: Mapping[str, Type]
) -> Iterator[str]:
    for name, kind in properties:
        if name not in value and not kind.nullable:
            yield f"'{name}' is missing"
        elif name in value and (found := mismatch(value[name], kind, types)):
            yield f"'{name}': {found}"
    yield from (f"no '{name}' is asked for" for name in value if name not in dict(properties))


def known_types(kind: Type) -> Iterator[Type]:
    """Yield the named types that a type is made of, less the language's own."""
    if kind.name and kind.name not in PRIMITIVES:
        yield kind
    if kind.item is not None:
        yield from known_types(kind.item)
    for _, inner in kind.properties or ():
        yield from known_types(inner)


def constant(node: Expression) -> object:
    """Return what is written in a decorator; None for what is not constant."""
    match node:
        case Literal(value=value):
            return value
        case Unary(operator="-", operand=Literal(value=int() as value)):
            return -value
        case Array(items=items):
            return [constant(item) for item in items if not isinstance(item, Spread)]
    return None


def decorated(declaration: Declaration, name: str) -> object:
    """Return the argument of a decorator, True for one without, None where it is missing."""
    for call in declaration.decorators:
        if call.name == name:
            return constant(call.arguments[0]) if call.arguments else True
    return None


def disobeys(value: object, declaration: Declaration) -> str:
    """Return which decorator of its param a value disobeys, or ""."""
    allowed = decorated(declaration, "allowed")
    if isinstance(allowed, list) and not isinstance(value, Runtime) and type_of(value) != ANY:
        values = value if isinstance(value, list) else [value]
        for one in values:
            if one not in allowed:
                return f"'{one}' is none of {', '.join(map(repr, allowed))}, which are allowed"
    least, most = (decorated(declaration, name) for name in _LENGTHS)
    if isinstance(value, str | list) and not isinstance(value, Runtime):
        if isinstance(least, int) and len(value) < least:
            return f"it is shorter than {least}"
        if isinstance(most, int) and len(value) > most:
            return f"it is longer than {most}"
    lowest, highest = decorated(declaration, "minValue"), decorated(declaration, "maxValue")
    if isinstance(value, int):
        if isinstance(lowest, int) and value < lowest:
            return f"it is below {lowest}"
        if isinstance(highest, int) and value > highest:
            return f"it is above {highest}"
    return ""
