"""Values of a rule that may have expressions in them.

A text in brackets, `[…]`, is an expression; one that begins with `[[` stands for itself without the
first bracket; within arrays and objects it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import InvalidPolicyError, UnfitValueError, below
from stage_functions.azure_policy.expression import Constant, Expression
from stage_functions.azure_policy.parser import expression_in
from stage_functions.azure_policy.reader import Reader
from stage_functions.azure_policy.run import Run
from stage_functions.azure_policy.value import check_size

DEEPEST_TEMPLATE: Final = 64
"""Levels of arrays and objects in one value of a rule."""


class Items(Struct, frozen=True):
    """An array with expressions in it.

    Attributes:
        items: in their order.
    """

    items: tuple[Expression, ...]

    def value(self, run: Run) -> object:
        """Return the array."""
        return [item.value(run) for item in self.items]


class Members(Struct, frozen=True):
    """An object with expressions in it.

    Attributes:
        members: by their names.
    """

    members: Mapping[str, Expression]

    def value(self, run: Run) -> object:
        """Return the object."""
        return {key: item.value(run) for key, item in self.members.items()}


def is_expression(text: str) -> bool:
    """Say whether a text is an expression in brackets."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def literal(text: str) -> str:
    """Return a text that is no expression without what keeps it from being one."""
    return text[1:] if text.startswith("[[") else text


def template(value: object, place: str, reader: Reader) -> Expression:
    """Return a value of a rule with its expressions read.

    Raises:
        InvalidPolicyError: An expression is wrong, or the value is too deep or too large.
        UnsupportedPolicyError: An expression is not evaluated here.
    """
    if isinstance(value, list | Mapping):
        try:
            check_size(value)
        except UnfitValueError as error:
            raise InvalidPolicyError(str(error), place) from None
    return _template(value, place, reader, 0)


def _template(value: object, place: str, reader: Reader, depth: int) -> Expression:
    if isinstance(value, str):
        if is_expression(value):
            return expression_in(value[1:-1], place, reader)
        return Constant(literal(value))
    if not isinstance(value, list | Mapping):
        return Constant(value)
    if depth >= DEEPEST_TEMPLATE:
        message = f"a value here is nested more than {DEEPEST_TEMPLATE} levels deep"
        raise InvalidPolicyError(message, place)
    if isinstance(value, list):
        items = tuple(
            _template(item, below(place, index), reader, depth + 1)
            for index, item in enumerate(value)
        )
        if all(isinstance(item, Constant) for item in items):
            return Constant([item.constant for item in items if isinstance(item, Constant)])
        return Items(items)
    if not all(isinstance(key, str) for key in value):
        message = "a name here is no text; put it in quotes"
        raise InvalidPolicyError(message, place)
    members = {
        key: _template(item, below(place, key), reader, depth + 1) for key, item in value.items()
    }
    if all(isinstance(item, Constant) for item in members.values()):
        return Constant(
            {key: item.constant for key, item in members.items() if isinstance(item, Constant)}
        )
    return Members(members)
