"""The functions of Bicep that need nothing but their arguments.

After https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions. `guid` and
`uniqueString` answer text of the same form as Azure's, not the same text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from scripts.infra.faults import Place
from scripts.infra.shapes import ANY, ARRAY, BOOL, INT, OBJECT, STRING
from scripts.infra.values import Items, Record, Runtime, Secret, Unknown, texts, type_of

_NAMESPACE = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
_UNIQUE_LENGTH = 13
_MANY = 100


class CallError(Exception):
    """The arguments are not what the function takes."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        kinds: types of its arguments, several of one parted by `|`; the last is repeated.
        least: so many arguments at least.
        most: so many at most.
        result: type of what it returns.
        call: takes the place of the call, and the arguments.
    """

    kinds: tuple[str, ...]
    least: int
    most: int
    result: str
    call: Callable[[Place, list[object]], object]


def call(name: str, place: Place, arguments: list[object]) -> object:
    """Return what a function makes of its arguments.

    Raises:
        CallError: it takes others.
    """
    function = FUNCTIONS[name]
    for position, argument in enumerate(arguments):
        kind = function.kinds[min(position, len(function.kinds) - 1)]
        found = type_of(argument)
        if ANY not in {kind, found} and found not in kind.split("|"):
            message = (
                f"argument {position + 1} of {name}() is of type {kind.replace('|', ' or ')}, "
                f"not {found}; give it one"
            )
            raise CallError(message)
    if any(isinstance(argument, Unknown) for argument in arguments):
        return Runtime(f"<{name}()>") if function.result == STRING else Unknown(function.result)
    result = function.call(place, arguments)
    return _marked(result, arguments) if isinstance(result, str) else result


def _marked(result: str, arguments: list[object]) -> str:
    within = [text for argument in arguments for text in texts(argument)]
    for mark in (Secret, Runtime):
        if any(isinstance(text, mark) for text in within):
            return mark(result)
    return result


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _unique(_: Place, arguments: list[object]) -> str:
    digest = hashlib.sha256("-".join(map(_text, arguments)).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_UNIQUE_LENGTH]


def _guid(_: Place, arguments: list[object]) -> str:
    return str(uuid.uuid5(_NAMESPACE, "-".join(map(_text, arguments))))


def union(place: Place, arguments: list[object]) -> object:
    """Return all objects or arrays in one; of two objects under one key too, as Azure does.

    Raises:
        CallError: there are objects and arrays among them.
    """
    if all(isinstance(argument, list) for argument in arguments):
        whole = Items(place=place)
        for argument in arguments:
            for index, item in enumerate(argument if isinstance(argument, list) else ()):
                if item not in whole:
                    whole.append(item)
                    whole.places.append(_item_place(argument, index, place))
        return whole
    merged = Record(place=place)
    for argument in arguments:
        if not isinstance(argument, dict):
            message = "union() takes objects or arrays, not both; give it one kind"
            raise CallError(message)
        for key, value in argument.items():
            at = argument.at(key) if isinstance(argument, Record) else place
            before = merged.get(key)
            both = isinstance(before, dict) and isinstance(value, dict)
            merged.put(key, union(at, [before, value]) if both else value, at)
    return merged


def _item_place(argument: object, index: int, place: Place) -> Place:
    return argument.at(index) if isinstance(argument, Items) else place


def _concat(place: Place, arguments: list[object]) -> object:
    if all(isinstance(argument, list) for argument in arguments):
        return Items([item for argument in arguments for item in _list(argument)], place=place)
    return "".join(map(_text, arguments))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _format(_: Place, arguments: list[object]) -> str:
    pattern, *values = arguments

    def one(match: re.Match[str]) -> str:
        number = int(match.group(1))
        if number >= len(values):
            message = f"format() has no argument for {{{number}}}; add it"
            raise CallError(message)
        return _text(values[number])

    return re.sub(r"\{(\d+)(?::[^}]*)?\}", one, str(pattern))


def _contains(_: Place, arguments: list[object]) -> bool:
    whole, part = arguments
    if isinstance(whole, str):
        return _text(part) in whole
    if isinstance(whole, dict):
        return str(part).lower() in {key.lower() for key in whole}
    return part in _list(whole)


def _slice(_: Place, arguments: list[object]) -> object:
    text, start = str(arguments[0]), arguments[1]
    assert isinstance(start, int)  # noqa: S101  # the table says so
    length = arguments[2] if len(arguments) > 2 else len(text) - start  # noqa: PLR2004
    assert isinstance(length, int)  # noqa: S101
    if start + length > len(text) or start < 0 or length < 0:
        message = f"substring() goes past the end of '{text}'; use take() or skip()"
        raise CallError(message)
    return text[start : start + length]


def _part(take: bool) -> Callable[[Place, list[object]], object]:  # noqa: FBT001
    def cut(place: Place, arguments: list[object]) -> object:
        whole, count = arguments
        assert isinstance(count, int)  # noqa: S101
        count = max(count, 0)
        if isinstance(whole, str):
            return whole[:count] if take else whole[count:]
        items = _list(whole)
        return Items(items[:count] if take else items[count:], place=place)

    return cut


def _end(first: bool) -> Callable[[Place, list[object]], object]:  # noqa: FBT001
    def pick(_: Place, arguments: list[object]) -> object:
        whole = arguments[0]
        if isinstance(whole, str):
            return whole[:1] if first else whole[-1:]
        items = _list(whole)
        return (items[0] if first else items[-1]) if items else None

    return pick


def _items(place: Place, arguments: list[object]) -> object:
    whole = arguments[0]
    assert isinstance(whole, dict)  # noqa: S101
    return Items(
        (Record([("key", key), ("value", whole[key])], place=place) for key in sorted(whole)),
        place=place,
    )


def _int(_: Place, arguments: list[object]) -> int:
    try:
        return int(str(arguments[0]))
    except ValueError as exc:
        message = f"int() takes a number, not '{arguments[0]}'; give it one"
        raise CallError(message) from exc


def _json(place: Place, arguments: list[object]) -> object:
    try:
        return located(json.loads(str(arguments[0])), place)
    except ValueError as exc:
        message = f"json() takes JSON: {exc}; mend it"
        raise CallError(message) from exc


def located(value: object, place: Place) -> object:
    """Return JSON as a value of the language, all of it at one place."""
    if isinstance(value, dict):
        return Record(((key, located(item, place)) for key, item in value.items()), place=place)
    if isinstance(value, list):
        return Items((located(item, place) for item in value), place=place)
    return value


def _index_of(_: Place, arguments: list[object]) -> int:
    whole, part = arguments
    if isinstance(whole, str):
        return whole.lower().find(str(part).lower())
    items = _list(whole)
    return items.index(part) if part in items else -1


def _range(place: Place, arguments: list[object]) -> object:
    start, count = arguments
    assert isinstance(start, int)  # noqa: S101
    assert isinstance(count, int)  # noqa: S101
    return Items(range(start, start + count), place=place)


def _flatten(place: Place, arguments: list[object]) -> object:
    return Items([one for inner in _list(arguments[0]) for one in _list(inner)], place=place)


def _split(place: Place, arguments: list[object]) -> object:
    text, by = arguments
    marks = [str(mark) for mark in by] if isinstance(by, list) else [str(by)]
    kind = type(text) if isinstance(text, Runtime) else str
    parts = re.split("|".join(map(re.escape, marks)), str(text))
    return Items((kind(part) for part in parts), place=place)


def _extreme(of: Callable[[list[int]], int]) -> Callable[[Place, list[object]], object]:
    def pick(_: Place, arguments: list[object]) -> object:
        flat = _list(arguments[0]) if isinstance(arguments[0], list) else arguments
        return of([number for number in flat if isinstance(number, int)])

    return pick


def _shared(place: Place, arguments: list[object]) -> object:
    first, *rest = arguments
    if isinstance(first, dict):
        kept = [
            (key, value)
            for key, value in first.items()
            if all(isinstance(one, dict) and one.get(key, ...) == value for one in rest)
        ]
        return Record(kept, place=place)
    return Items([one for one in _list(first) if all(one in _list(o) for o in rest)], place=place)


def _of_text(change: Callable[[str], object]) -> Callable[[Place, list[object]], object]:
    return lambda _, arguments: change(str(arguments[0]))


def _of_two(change: Callable[[str, str], object]) -> Callable[[Place, list[object]], object]:
    return lambda _, arguments: change(str(arguments[0]), str(arguments[1]))


def _empty(_: Place, arguments: list[object]) -> bool:
    return arguments[0] is None or arguments[0] in ("", [], {})


def _length(_: Place, arguments: list[object]) -> int:
    whole = arguments[0]
    return len(whole) if isinstance(whole, str | list | dict) else 0


_ANY_OF = f"{STRING}|{ARRAY}|{OBJECT}"
_LISTED = f"{STRING}|{ARRAY}"


def _pad(_: Place, arguments: list[object]) -> str:
    width = arguments[1]
    fill = str(arguments[2]) if len(arguments) > 2 else " "  # noqa: PLR2004
    return _text(arguments[0]).rjust(width if isinstance(width, int) else 0, fill)


FUNCTIONS: Mapping[str, Function] = {
    "any": Function((ANY,), 1, 1, ANY, lambda _, a: a[0]),
    "array": Function((ANY,), 1, 1, ARRAY, lambda p, a: Items([a[0]], place=p)),
    "base64": Function(
        (STRING,), 1, 1, STRING, _of_text(lambda t: base64.b64encode(t.encode()).decode())
    ),
    "bool": Function((ANY,), 1, 1, BOOL, lambda _, a: _text(a[0]).lower() in {"true", "1"}),
    "concat": Function((f"{STRING}|{ARRAY}|{INT}|{BOOL}",), 1, _MANY, ANY, _concat),
    "contains": Function((_ANY_OF, ANY), 2, 2, BOOL, _contains),
    "empty": Function((f"{_ANY_OF}|null",), 1, 1, BOOL, _empty),
    "endsWith": Function(
        (STRING,), 2, 2, BOOL, _of_two(lambda t, e: t.lower().endswith(e.lower()))
    ),
    "first": Function((_LISTED,), 1, 1, ANY, _end(first=True)),
    "flatten": Function((ARRAY,), 1, 1, ARRAY, _flatten),
    "format": Function((STRING, ANY), 1, _MANY, STRING, _format),
    "guid": Function((STRING,), 1, _MANY, STRING, _guid),
    "indexOf": Function((_LISTED, ANY), 2, 2, INT, _index_of),
    "int": Function((f"{STRING}|{INT}",), 1, 1, INT, _int),
    "intersection": Function((f"{ARRAY}|{OBJECT}",), 2, _MANY, ANY, _shared),
    "items": Function((OBJECT,), 1, 1, ARRAY, _items),
    "join": Function(
        (ARRAY, STRING), 2, 2, STRING, lambda _, a: str(a[1]).join(map(_text, _list(a[0])))
    ),
    "json": Function((STRING,), 1, 1, ANY, _json),
    "last": Function((_LISTED,), 1, 1, ANY, _end(first=False)),
    "length": Function((_ANY_OF,), 1, 1, INT, _length),
    "max": Function((f"{INT}|{ARRAY}",), 1, _MANY, INT, _extreme(max)),
    "min": Function((f"{INT}|{ARRAY}",), 1, _MANY, INT, _extreme(min)),
    "objectKeys": Function((OBJECT,), 1, 1, ARRAY, lambda p, a: Items(sorted(a[0]), place=p)),  # type: ignore[call-overload]
    "padLeft": Function((f"{STRING}|{INT}", INT, STRING), 2, 3, STRING, _pad),
    "range": Function((INT,), 2, 2, ARRAY, _range),
    "replace": Function(
        (STRING,), 3, 3, STRING, lambda _, a: str(a[0]).replace(str(a[1]), str(a[2]))
    ),
    "skip": Function((_LISTED, INT), 2, 2, ANY, _part(take=False)),
    "split": Function((STRING, _LISTED), 2, 2, ARRAY, _split),
    "startsWith": Function(
        (STRING,), 2, 2, BOOL, _of_two(lambda t, s: t.lower().startswith(s.lower()))
    ),
    "string": Function((ANY,), 1, 1, STRING, lambda _, a: _text(a[0])),
    "substring": Function((STRING, INT), 2, 3, STRING, _slice),
    "take": Function((_LISTED, INT), 2, 2, ANY, _part(take=True)),
    "toLower": Function((STRING,), 1, 1, STRING, _of_text(str.lower)),
    "toUpper": Function((STRING,), 1, 1, STRING, _of_text(str.upper)),
    "trim": Function((STRING,), 1, 1, STRING, _of_text(str.strip)),
    "union": Function((f"{ARRAY}|{OBJECT}",), 2, _MANY, ANY, union),
    "uniqueString": Function((STRING,), 1, _MANY, STRING, _unique),
    "uriComponent": Function((STRING,), 1, 1, STRING, _of_text(lambda t: quote(t, safe=""))),
}
