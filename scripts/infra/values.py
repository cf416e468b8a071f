"""What expressions evaluate to: JSON values, each knowing where it was written.

What only Azure can tell is there too, as an example of what it would answer, and marked: `Runtime`
text, and `Unknown` values of other types. A `Secret` is text that must not be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scripts.infra.faults import Place
from scripts.infra.shapes import ARRAY, BOOL, INT, OBJECT, STRING


class Runtime(str):
    """Text that Azure knows first: an example of it."""

    __slots__ = ()


class Secret(str):
    """Text that is handed in as a secret, or made with one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value other than text that Azure knows first, of a type."""

    kind: str


class Record(dict[str, object]):
    """An object.

    Attributes:
        place: where it begins.
        places: where each property is written.
    """

    def __init__(
        self,
        items: Iterable[tuple[str, object]] = (),
        *,
        place: Place,
        places: dict[str, Place] | None = None,
    ) -> None:
        super().__init__(items)
        self.place = place
        self.places = {} if places is None else places

    def at(self, key: str) -> Place:
        """Return where a property is written, or the whole if it is not known."""
        return self.places.get(key, self.place)

    def put(self, key: str, value: object, place: Place) -> None:
        """Set a property that is written at a place."""
        self[key] = value
        self.places[key] = place


class Items(list[object]):
    """An array.

    Attributes:
        place: where it begins.
        places: where each item is written; shorter than the array where that is not known.
    """

    def __init__(
        self, items: Iterable[object] = (), *, place: Place, places: Iterable[Place] = ()
    ) -> None:
        super().__init__(items)
        self.place = place
        self.places = list(places)

    def at(self, index: int) -> Place:
        """Return where an item is written, or the whole if it is not known."""
        return self.places[index] if index < len(self.places) else self.place


@dataclass(frozen=True, slots=True)
class Scope:
    """Where something is deployed.

    Attributes:
        kind: `tenant`, `subscription`, `resourceGroup` or `resource`.
        id: its resource id.
    """

    kind: str
    id: str


class Scoped(Record):
    """What `resourceGroup()` and its like answer; it may be the scope of something."""

    def __init__(self, items: Iterable[tuple[str, object]], *, place: Place, scope: Scope) -> None:
        super().__init__(items, place=place)
        self.scope = scope


def type_of(value: object) -> str:
    """Return the name of a value's type in Bicep; `null` for null, `any` for what is not known."""
    match value:
        case bool():
            return BOOL
        case int():
            return INT
        case str():
            return STRING
        case None:
            return "null"
        case list():
            return ARRAY
        case dict():
            return OBJECT
        case Unknown(kind=kind):
            return kind
        case _:
            return OBJECT


def texts(value: object) -> Iterator[str]:
    """Yield all text inside a value."""
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield key
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)


def join(parts: Iterable[str]) -> str:
    """Join texts; the whole is as secret, and as unknown, as the most of its parts."""
    known = list(parts)
    whole = "".join(known)
    for mark in (Secret, Runtime):
        if any(isinstance(part, mark) for part in known):
            return mark(whole)
    return whole
