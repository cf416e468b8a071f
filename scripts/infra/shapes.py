"""What Azure takes and answers, as shapes: the properties of an object, and their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ANY = "any"
ARRAY = "array"
BOOL = "bool"
FLOAT = "float"
INT = "int"
MAP = "map"
OBJECT = "object"
STRING = "string"


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value.

    Attributes:
        name: one of the words above; `object` has a shape.
        item: of an array or a map, that of its values.
        values: of a string, all that it may be; empty for any.
        shape: of an object, looked up when asked, as shapes may hold themselves.
        limits: what else holds: `minimum`, `maximum`, `min_length`, `max_length`, `pattern`.
    """

    name: str
    item: Kind | None = None
    values: tuple[str, ...] = ()
    shape: Callable[[], Shape] | None = None
    limits: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """A property.

    Attributes:
        kind: its type.
        required: it must be given.
        read_only: Azure sets it; nobody may give it.
    """

    kind: Kind
    required: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """An object.

    Attributes:
        name: of the model that it was read from.
        fields: by their names in JSON.
        selector: the property whose value chooses the variant, or "".
        variants: by that value.
        rest: the type of further properties, or None if there may be none.
    """

    name: str
    fields: Mapping[str, Field]
    selector: str = ""
    variants: Mapping[str, Callable[[], Shape]] = field(default_factory=dict)
    rest: Kind | None = None
