"""Read what a later release wrote, as far as it is known here, and write it back whole.

Slower than what reads the rows of this release, and taken only where that fails. Nothing is
guessed: a member of an enumeration that this release does not have is kept as it is called, and
equals none that it has; whatever such a value is part of is not decided on.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import FieldInfo, replace
from msgspec.structs import fields as fields_of

from stage_functions.domain.stored import BEYOND, Beyond, Stored, Whole

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


def read(data: bytes, type_: type[T]) -> tuple[T, str]:
    """Return a value from its JSON, and why nothing may be decided on it; "" where it may.

    Raises:
        msgspec.MsgspecError: it holds no such value, however much is left out.
    """
    doubts: list[str] = []
    value = _value(type_, msgspec.json.decode(data), "", doubts)
    return value, "; ".join(dict.fromkeys(doubts))


def document(value: object) -> object:
    """Return what is written of a value: all that was read of it, known or not."""
    if isinstance(value, Stored):
        known = {
            name: document(getattr(value, one.name)) for name, one in _fields(type(value)).items()
        }
        return known if value.beyond is UNSET else {**known, **value.beyond.fields}
    if isinstance(value, Mapping):
        return {key: document(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [document(one) for one in value]
    return value


def _value(type_: Any, found: object, place: str, doubts: list[str]) -> Any:  # noqa: ANN401  # of any type
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, found, place, doubts)
    if origin is tuple and isinstance(found, list):
        return tuple(_value(arguments[0], one, place, doubts) for one in found)
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(found, dict):
        return {
            key: _value(arguments[1], one, f"{place}.{key}", doubts) for key, one in found.items()
        }
    if isinstance(type_, type) and issubclass(type_, Struct) and isinstance(found, dict):
        return _struct(type_, found, place, doubts)
    if isinstance(type_, type) and issubclass(type_, Enum) and isinstance(found, str):
        return _member(type_, found, place, doubts)
    return msgspec.convert(found, type_)


def _one_of(types_: tuple[Any, ...], found: object, place: str, doubts: list[str]) -> object:
    some = [one for one in types_ if one is not types.NoneType]
    if found is None or len(some) != 1:
        return msgspec.convert(found, Union[types_])  # noqa: UP007  # made of parts
    return _value(some[0], found, place, doubts)


def _struct(type_: type[Struct], found: dict[str, object], place: str, doubts: list[str]) -> Struct:
    known = _fields(type_)
    values = {
        one.name: _value(one.type, found[name], f"{place}.{name}", doubts)
        for name, one in known.items()
        if name in found
    }
    missing = [name for name, one in known.items() if one.required and name not in found]
    if missing:
        message = f"{type_.__name__} has no {missing[0]}"
        raise msgspec.ValidationError(message)
    made = type_(**values)
    rest = {name: one for name, one in found.items() if name not in known}
    if not rest or not isinstance(made, Stored):
        return made
    if isinstance(made, Whole):
        doubts += [f"it has '{f'{place}.{name}'.lstrip('.')}'" for name in rest]
    return replace(made, beyond=Beyond(rest))


@lru_cache  # to read the types of a class takes long
def _fields(type_: type[Struct]) -> Mapping[str, FieldInfo]:
    """Return the fields that this release knows of a value, by how they are written."""
    return {one.encode_name: one for one in fields_of(type_) if one.encode_name != BEYOND}


def _member(type_: type[Enum], found: str, place: str, doubts: list[str]) -> Enum:
    """Return a member of an enumeration; one that this release does not have equals none."""
    known = {one.value: one for one in type_}
    if found in known:
        return known[found]
    doubts.append(f"'{place.lstrip('.')}' is '{found}'")
    return unknown_member(type_, found)


def unknown_member(type_: type[E], value: str) -> E:
    """Return what stands for a member of an enumeration of texts that this release does not have.

    It is called as it is written, and belongs to the enumeration only for whoever asks for its
    type: no list of members has it, and no input is ever read as one.
    """
    made: Any = str.__new__(cast("type[Any]", type_), value)
    made._name_ = made._value_ = value
    return cast("E", made)
