"""Template functions about arrays and objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.signature import (
    MOST_ARGUMENTS,
    Function,
    array,
    integer,
    kind_of,
    mapping,
    text,
)
from stage_functions.azure_policy.value import (
    MISSING,
    MOST_NODES,
    element,
    identity,
    is_number,
    member,
)

MOST_OF_RANGE: Final = 10_000
"""Items of `range`; so is Azure's limit."""
_LAST_OF_RANGE: Final = 2_147_483_647


def _unfit(value: object, wanted: str) -> UnfitValueError:
    return UnfitValueError(f"its argument must be {wanted}, not {kind_of(value)}")


def empty(value: object) -> bool:
    """Say whether a text, an array or an object is empty; null and what is missing are."""
    if value is None or value is MISSING:
        return True
    if isinstance(value, str | list | Mapping):
        return not value
    raise _unfit(value, "text, an array or an object")


def length(value: object) -> object:
    """Return how many characters, items or members there are; null has no length."""
    if value is None:
        return MISSING
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise _unfit(value, "text, an array or an object")


def first(value: object) -> object:
    """Return the first item of an array or the first character of a text."""
    if isinstance(value, list):
        return value[0] if value else None
    return text(value)[:1]


def last(value: object) -> object:
    """Return the last item of an array or the last character of a text."""
    if isinstance(value, list):
        return value[-1] if value else None
    return text(value)[-1:]


def take(value: object, count: object) -> object:
    """Return the beginning of an array or a text."""
    many = max(integer(count, "the number"), 0)
    return value[:many] if isinstance(value, list) else text(value)[:many]


def skip(value: object, count: object) -> object:
    """Return an array or a text without its beginning."""
    many = max(integer(count, "the number"), 0)
    return value[many:] if isinstance(value, list) else text(value)[many:]


def range_of(start: object, count: object) -> list[object]:
    """Return whole numbers in their order."""
    begin, many = integer(start, "the start"), integer(count, "the number")
    if not 0 <= many <= MOST_OF_RANGE or begin + many > _LAST_OF_RANGE:
        message = f"it counts up to {MOST_OF_RANGE:,} numbers, none above {_LAST_OF_RANGE:,}"
        raise UnfitValueError(message)
    return list(range(begin, begin + many))


def as_array(value: object) -> list[object]:
    """Return a value as an array of itself, and an array as it is."""
    return value if isinstance(value, list) else [value]


def create_array(*values: object) -> list[object]:
    """Return the arguments as an array."""
    return list(values)


def create_object(*values: object) -> dict[str, object]:
    """Return an object of keys and values in turn."""
    if len(values) % 2:
        message = "it takes keys and values in turn; one of them is missing"
        raise UnfitValueError(message)
    return {text(values[at], "a key"): values[at + 1] for at in range(0, len(values), 2)}


def intersection(*values: object) -> object:
    """Return what is in each of some arrays, or in each of some objects with an equal value."""
    if isinstance(values[0], Mapping):
        common = dict(values[0])
        for value in values[1:]:
            other = mapping(value, "each argument")
            common = {
                key: item
                for key, item in common.items()
                if key in other and identity(other[key]) == identity(item)
            }
        return common
    kept = array(values[0], "each argument")
    for value in values[1:]:
        others = {identity(item) for item in array(value, "each argument")}
        kept = [item for item in kept if identity(item) in others]
    return _unique(kept)


def union(*values: object) -> object:
    """Return what is in any of some arrays, or objects merged; the later one wins."""
    if isinstance(values[0], Mapping):
        merged: Mapping[str, object] = {}
        for value in values:
            identity(value)
            merged = _merged(merged, mapping(value, "each argument"))
        return merged
    return _unique([item for value in values for item in array(value, "each argument")])


def _unique(items: list[object]) -> list[object]:
    return list({identity(item): item for item in reversed(items)}.values())[::-1]


def _merged(older: Mapping[str, object], newer: Mapping[str, object]) -> dict[str, object]:
    found = dict(older)
    for key, item in newer.items():
        before = found.get(key)
        both = isinstance(before, Mapping) and isinstance(item, Mapping)
        found[key] = _merged(before, item) if both else item  # type: ignore[arg-type]
    return found


def items_of(value: object) -> list[object]:
    """Return the members of an object as pairs of key and value, by key."""
    found = mapping(value)
    if not all(isinstance(key, str) for key in found):
        message = "a key here is no text"
        raise UnfitValueError(message)
    return [{"key": key, "value": found[key]} for key in sorted(found)]


def object_keys(value: object) -> list[object]:
    """Return the keys of an object."""
    return list(mapping(value))


def try_get(value: object, key: object, *more: object) -> object:
    """Return what members and indices lead to, or null where something is missing."""
    found = value
    for step in (key, *more):
        if isinstance(found, Mapping) and isinstance(step, str):
            found = member(found, step)
        elif isinstance(found, list) and is_number(step):
            found = element(found, integer(step, "an index"))
        else:
            return None
    return None if found is MISSING else found


def index_from_end(value: object, index: object) -> object:
    """Return an item of an array, counted from its end; the last one is 1."""
    found = array(value, "what it looks in")
    back = integer(index, "the index")
    if not 1 <= back <= len(found):
        message = f"the index {back} is not within {len(found)} items"
        raise UnfitValueError(message)
    return found[-back]


def try_index_from_end(value: object, index: object) -> object:
    """Return an item of an array, counted from its end, or null where there is none."""
    if not isinstance(value, list) or not is_number(index):
        return None
    back = integer(index, "the index")
    return value[-back] if 1 <= back <= len(value) else None


def flatten(value: object) -> list[object]:
    """Return the items of arrays within an array."""
    found: list[object] = []
    for item in array(value):
        found.extend(array(item, "each item"))
        if len(found) > MOST_NODES:
            message = f"the result would have more than {MOST_NODES:,} items"
            raise UnfitValueError(message)
    return found


def shallow_merge(value: object) -> dict[str, object]:
    """Return the members of objects within an array as one object; the later one wins."""
    merged: dict[str, object] = {}
    for item in array(value):
        merged.update(mapping(item, "each item"))
    return merged


def coalesce(*values: object) -> object:
    """Return the first value that is neither null nor missing."""
    return next((value for value in values if value is not None and value is not MISSING), None)


COLLECTION_FUNCTIONS: Final = (
    Function("empty", 1, 1, empty, takes_missing=True),
    Function("length", 1, 1, length),
    Function("first", 1, 1, first),
    Function("last", 1, 1, last),
    Function("take", 2, 2, take),
    Function("skip", 2, 2, skip),
    Function("range", 2, 2, range_of),
    Function("array", 1, 1, as_array),
    Function("createArray", 0, MOST_ARGUMENTS, create_array),
    Function("createObject", 0, MOST_ARGUMENTS, create_object),
    Function("intersection", 2, MOST_ARGUMENTS, intersection),
    Function("union", 1, MOST_ARGUMENTS, union),
    Function("items", 1, 1, items_of),
    Function("objectKeys", 1, 1, object_keys),
    Function("tryGet", 2, MOST_ARGUMENTS, try_get, takes_missing=True, expects_missing=True),
    Function("indexFromEnd", 2, 2, index_from_end),
    Function("tryIndexFromEnd", 2, 2, try_index_from_end, takes_missing=True, expects_missing=True),
    Function("flatten", 1, 1, flatten),
    Function("shallowMerge", 1, 1, shallow_merge),
    Function("coalesce", 1, MOST_ARGUMENTS, coalesce, takes_missing=True),
)
