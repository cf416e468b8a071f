"""Which members of fields a policy looks up by a name that is written down.

So whoever knows which members there can be may say beforehand that a name leads nowhere: of a key
that is not there `containsKey` never holds, and `notContainsKey` always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.condition import CountCondition, FieldCondition, ValueCondition
from stage_functions.azure_policy.counting import ValueCount
from stage_functions.azure_policy.expression import Call, Choice, Constant, Expression, Member
from stage_functions.azure_policy.fields import Field, field_named
from stage_functions.azure_policy.scope import Current, FieldValue

_OF_KEYS: Final = frozenset({"containsKey", "notContainsKey"})
_BY_KEY: Final = frozenset({"contains", "tryGet"})
_PASSING_ON: Final = frozenset({"coalesce", "if"})
"""Functions whose value may be that of one of their arguments."""

_Counted = Mapping[str, Expression]
"""The items of the counts around, by their names folded; "" is the innermost one."""


class Lookup(Struct, frozen=True):
    """A path that a policy follows, as far as it is written down.

    Attributes:
        field: the field, as written.
        path: scope, folded, and the steps from there; the last may be a key that it asks for.
        place: JSON Pointer of what asks.
    """

    field: str
    path: tuple[object, ...]
    place: str


def lookups(node: object) -> Iterator[Lookup]:
    """Return what a policy, or a part of one, looks up; some of it more than once."""
    yield from _within(node, {}, "")


def _within(node: object, counted: _Counted, place: str) -> Iterator[Lookup]:
    place = getattr(node, "place", place)
    if isinstance(node, Field):
        yield Lookup(node.name, _path(node), place)
        return
    if isinstance(node, ValueCount):
        items = {**counted, node.name: node.items, "": node.items}
        yield from _within(node.items, counted, place)
        yield from _within(node.where, items, place)
        return
    yield from _asked(node, counted, place)
    if isinstance(node, Struct):
        for name in node.__struct_fields__:
            yield from _within(getattr(node, name), counted, place)
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _within(value, counted, place)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _within(value, counted, place)


def _asked(node: object, counted: _Counted, place: str) -> Iterator[Lookup]:
    """Return what a node itself asks for, besides what its parts do."""
    if isinstance(node, FieldValue):
        for field in _named(node):
            yield Lookup(field.name, _path(field), place)
        return
    owner: object = None
    keys: Sequence[Expression] = ()
    if isinstance(node, Member):
        owner, keys = node.owner, (node.key,)
    elif isinstance(node, Call) and node.name in _BY_KEY:
        owner, keys = node.arguments[0], node.arguments[1:2]
    elif isinstance(node, FieldCondition | ValueCondition | CountCondition):
        if node.operator.name not in _OF_KEYS or isinstance(node, CountCondition):
            return
        owner = node.field if isinstance(node, FieldCondition) else node.left
        keys = (node.right,)
    for field in _named(owner):
        for key in (text for one in keys for text in _texts(one, counted)):
            yield Lookup(field.name, (*_path(field), key), place)


def _named(owner: object) -> Iterator[Field]:
    """Return the fields whose value an expression may have."""
    if isinstance(owner, Field):
        yield owner
    elif isinstance(owner, FieldValue):
        for name in _texts(owner.name, {}):
            yield field_named(name)
    elif isinstance(owner, Call | Choice) and owner.name in _PASSING_ON:
        for argument in owner.arguments:
            yield from _named(argument)


def _texts(key: Expression, counted: _Counted) -> Iterator[str]:
    """Return the texts that an expression may have, where they are written down."""
    if isinstance(key, Current):
        name = key.key.constant if isinstance(key.key, Constant) else ""
        items = counted.get(str(name).casefold())
        if isinstance(items, Constant) and isinstance(items.constant, list):
            yield from (item for item in items.constant if isinstance(item, str))
    elif isinstance(key, Constant) and isinstance(key.constant, str):
        yield key.constant


def _path(field: Field) -> tuple[object, ...]:
    return (field.scope, *field.steps)
