"""Reads shapes out of the models in the azure-mgmt packages.

Microsoft generates them from the same descriptions of its APIs as Bicep's types. Both generations
of those packages are understood:

- the older has `_attribute_map` (names and types), `_validation` (what is required, what is
  read-only), `_subtype_map` (variants), and its enums only in the annotations of `__init__`;
- the newer has annotated class attributes made by `rest_field`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import types
import typing
from enum import Enum

from scripts.infra.shapes import (
    ANY,
    ARRAY,
    BOOL,
    FLOAT,
    INT,
    MAP,
    OBJECT,
    STRING,
    Field,
    Kind,
    Shape,
)

_PLAIN = {
    "str": STRING,
    "int": INT,
    "long": INT,
    "float": FLOAT,
    "bool": BOOL,
    "iso-8601": STRING,
    "date": STRING,
    "duration": STRING,
    "bytearray": STRING,
    "base64": STRING,
    "object": ANY,
}
_PYTHON = {"str": STRING, "int": INT, "float": FLOAT, "bool": BOOL, "bytes": STRING}
_TIMES = {"datetime", "date", "timedelta", "time"}
_LIMITS = ("minimum", "maximum", "min_length", "max_length", "pattern", "max_items", "min_items")
_DOT = re.compile(r"(?<!\\)\.")
_NAMED = re.compile(r"_?models\.(?:\w+\.)*(\w+)")


class UnknownModelError(Exception):
    """No such model is in the package."""


@functools.cache
def shape_of(module: str, name: str) -> Shape:
    """Return the shape of a model.

    Raises:
        UnknownModelError: the package has none of this name.
    """
    model = getattr(importlib.import_module(module), name, None)
    if not isinstance(model, type):
        message = f"{module} has no model {name}"
        raise UnknownModelError(message)
    return _older(module, model) if hasattr(model, "_attribute_map") else _newer(module, model)


def _lazily(module: str, name: str) -> typing.Callable[[], Shape]:
    return functools.partial(shape_of, module, name)


def _values(module: str, name: str) -> tuple[str, ...]:
    found = getattr(importlib.import_module(module), name, None)
    if isinstance(found, type) and issubclass(found, Enum):
        return tuple(str(member.value) for member in found)
    return ()


# --- the older generation ---------------------------------------------------------------------


def _older(module: str, model: type) -> Shape:
    described: dict[str, dict[str, str]] = getattr(model, "_attribute_map", {})
    rules = getattr(model, "_validation", {})
    annotations = _annotations(model)
    tree: dict[str, typing.Any] = {}
    rest: Kind | None = None
    for attribute, entry in described.items():
        kind = _older_kind(module, entry["type"], annotations.get(attribute, ""))
        rule = rules.get(attribute, {})
        if entry["key"] == "":
            rest = kind.item or Kind(ANY)
            continue
        limits = {name: rule[name] for name in _LIMITS if name in rule}
        kind = Kind(kind.name, kind.item, kind.values, kind.shape, limits)
        read_only = bool(rule.get("readonly"))
        required = bool(rule.get("required")) and not read_only
        *parents, last = [part.replace("\\.", ".") for part in _DOT.split(entry["key"])]
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = Field(kind, required, read_only)
    found = _planted(model.__name__, tree)
    selectors: dict[str, dict[str, str]] = vars(model).get("_subtype_map", {})
    for attribute, variants in selectors.items():
        return Shape(
            found.name,
            found.fields,
            str(described[attribute]["key"]).replace("\\.", "."),
            {value: _lazily(module, name) for value, name in variants.items()},
            rest,
        )
    return Shape(found.name, found.fields, rest=rest)


def _planted(name: str, tree: dict[str, typing.Any]) -> Shape:
    """Return the shape of properties that the model has flattened: `properties.x` is x again."""
    fields: dict[str, Field] = {}
    for key, entry in tree.items():
        if isinstance(entry, Field):
            fields[key] = entry
            continue
        inner = _planted(f"{name}.{key}", entry)
        fields[key] = Field(
            Kind(OBJECT, shape=functools.partial(_itself, inner)),
            any(field.required for field in inner.fields.values()),
            all(field.read_only for field in inner.fields.values()),
        )
    return Shape(name, fields)


def _itself(shape: Shape) -> Shape:
    return shape


def _annotations(model: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        init = vars(parent).get("__init__")
        if init is not None and parent is not object:
            for name, parameter in inspect.signature(init).parameters.items():
                found[name] = str(parameter.annotation)
    return found


def _older_kind(module: str, written: str, annotation: str) -> Kind:
    if written[:1] in {"[", "{"}:
        item = _older_kind(module, written[1:-1], annotation)
        return Kind(ARRAY if written[0] == "[" else MAP, item)
    if written in _PLAIN:
        named = _NAMED.search(annotation)
        values = _values(module, named.group(1)) if named and written == "str" else ()
        return Kind(_PLAIN[written], values=values)
    if values := _values(module, written):
        return Kind(STRING, values=values)
    return Kind(OBJECT, shape=_lazily(module, written))


# --- the newer generation ---------------------------------------------------------------------


def _newer(module: str, model: type) -> Shape:
    fields: dict[str, Field] = {}
    selector = ""
    for parent in reversed(model.__mro__):
        for attribute, annotation in vars(parent).get("__annotations__", {}).items():
            made: typing.Any = vars(parent).get(attribute)
            if not hasattr(made, "_rest_name_input"):
                continue
            name = made._rest_name_input or attribute  # noqa: SLF001  # there is no other way
            visibility = made._visibility  # noqa: SLF001
            kind, optional = _newer_kind(module, annotation)
            read_only = visibility == ["read"]
            fields[name] = Field(kind, not optional and not read_only, read_only)
            if made._is_discriminator:  # noqa: SLF001
                selector = name
    mapped: dict[str, type] = vars(model).get("__mapping__", {})
    variants = {value: _lazily(module, variant.__name__) for value, variant in mapped.items()}
    return Shape(model.__name__, fields, selector if variants else "", variants)


def _newer_kind(module: str, annotation: object) -> tuple[Kind, bool]:
    """Return a type, and whether the property may be left out."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        name = annotation.rpartition(".")[2]
        if values := _values(module, name):
            return Kind(STRING, values=values), False
        return Kind(OBJECT, shape=_lazily(module, name)), False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return _newer_union(module, arguments)
    if origin in {list, set}:
        return Kind(ARRAY, _newer_kind(module, arguments[0])[0]), False
    if origin is dict:
        return Kind(MAP, _newer_kind(module, arguments[1])[0]), False
    if origin is typing.Literal:
        literals = tuple(str(getattr(one, "value", one)) for one in arguments)
        return Kind(STRING, values=literals), False
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Kind(STRING, values=tuple(str(member.value) for member in annotation)), False
    name = getattr(annotation, "__name__", "")
    return Kind(STRING if name in _TIMES else _PYTHON.get(name, ANY)), False


def _newer_union(module: str, arguments: tuple[object, ...]) -> tuple[Kind, bool]:
    optional = type(None) in arguments
    kinds = [_newer_kind(module, one)[0] for one in arguments if one is not type(None)]
    chosen = next((kind for kind in kinds if kind.values or kind.shape), kinds[0])
    return chosen, optional
