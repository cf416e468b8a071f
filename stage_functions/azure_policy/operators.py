"""The nineteen operators of conditions.

Each answers for every pair of values, or raises UnfitValueError. What is missing matches none of
the positive ones except `equals` null and `in` a list with null, and all of the negative ones
except their counterparts: `notEquals` fires on a field that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.like import like, match
from stage_functions.azure_policy.value import (
    MISSING,
    among,
    boolean_in,
    equal,
    folded,
    order,
    text_of,
)

Test = Callable[[object, object], bool]


class Operator(Struct, frozen=True):
    """An operator of conditions.

    Attributes:
        name: as Azure spells it.
        test: its answer for the left and the right side.
        takes_array: a list may stand on the right side.
        orders: it asks which of two values is the greater one.
    """

    name: str
    test: Test
    takes_array: bool = False
    orders: bool = False


def _equals(left: object, right: object) -> bool:
    return right is None if left is MISSING else equal(left, right)


def _in(left: object, right: object) -> bool:
    items = right if isinstance(right, list) else [right]
    if left is MISSING:
        return isinstance(right, list) and None in right
    if left is None:
        return False
    return among(left, (item for item in items if item is not None))


def _contains(left: object, right: object) -> bool:
    if isinstance(left, list):
        return among(right, left)
    if isinstance(left, Mapping):
        return _contains_key(left, right)
    text, wanted = folded(left), folded(right)
    return text is not None and wanted is not None and wanted in text


def _contains_key(left: object, right: object) -> bool:
    if not isinstance(left, Mapping):
        return False
    return any(equal(key, right) for key in left)


def _like(left: object, right: object) -> bool:
    text, pattern = folded(left), folded(right)
    return text is not None and pattern is not None and like(text, pattern)


def _match(left: object, right: object) -> bool:
    text, pattern = text_of(left), text_of(right)
    return text is not None and pattern is not None and match(text, pattern)


def _match_insensitively(left: object, right: object) -> bool:
    text, pattern = folded(left), folded(right)
    return text is not None and pattern is not None and match(text, pattern)


def _exists(left: object, right: object) -> bool:
    there = left is not MISSING and left is not None
    wanted = boolean_in(right)
    if wanted is None and right is not MISSING and right is not None:
        message = "exists takes true or false, and what is worked out here is neither"
        raise UnfitValueError(message)
    return there is (wanted is True)


def _ordered(answers: frozenset[int]) -> Test:
    return lambda left, right: order(left, right) in answers


def _negated(test: Test) -> Test:
    def negation(left: object, right: object) -> bool:
        if left is not MISSING and right is MISSING:
            return test not in {_contains, _contains_key}
        return not test(left, right)

    return negation


_POSITIVE: Final = {
    "equals": _equals,
    "contains": _contains,
    "containsKey": _contains_key,
    "like": _like,
    "match": _match,
    "matchInsensitively": _match_insensitively,
}
_ORDERED: Final = {
    "less": frozenset({-1}),
    "lessOrEquals": frozenset({-1, 0}),
    "greater": frozenset({1}),
    "greaterOrEquals": frozenset({0, 1}),
}


def _all() -> dict[str, Operator]:
    found = [
        Operator("in", _in, takes_array=True),
        Operator("notIn", _negated(_in), takes_array=True),
        Operator("exists", _exists),
    ]
    for name, test in _POSITIVE.items():
        found.append(Operator(name, test))
        found.append(Operator(f"not{name[0].upper()}{name[1:]}", _negated(test)))
    found.extend(
        Operator(name, _ordered(answers), orders=True) for name, answers in _ORDERED.items()
    )
    return {operator.name.casefold(): operator for operator in found}


OPERATORS: Final = _all()
"""All operators by their names in lower case."""
