"""Reads what a rule asks: conditions, what joins them, and counts.

Names are without regard to case. Each fault is told with its place; nothing that is not understood
is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stage_functions.azure_policy.condition import (
    AllOf,
    AnyOf,
    Condition,
    CountCondition,
    FieldCondition,
    Not,
    ValueCondition,
)
from stage_functions.azure_policy.counting import FieldCount, ValueCount
from stage_functions.azure_policy.error import (
    InvalidPolicyError,
    UnsupportedPolicyError,
    below,
    shown,
)
from stage_functions.azure_policy.expression import Constant, Expression
from stage_functions.azure_policy.fields import EVERY, Field
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.operators import OPERATORS, Operator
from stage_functions.azure_policy.parser import expression_in
from stage_functions.azure_policy.reader import DEEPEST_RULE, Reader, Scope, members
from stage_functions.azure_policy.run import ITERATIONS
from stage_functions.azure_policy.template import is_expression, literal, template
from stage_functions.azure_policy.value import boolean_in

MOST_CONDITIONS: Final = 4096
"""In `if`; so is Azure's limit, and so is the next one."""
MOST_EXISTENCE_CONDITIONS: Final = 128
_JOINED: Final = {"allof": "allOf", "anyof": "anyOf", "not": "not"}
_SIDES: Final = {"field": "field", "value": "value", "count": "count"}
_OF_COUNT: Final = frozenset({"field", "value", "name", "where"})
_Members = dict[str, tuple[str, object]]


class RuleReader:
    """Reads the conditions of one block of a rule."""

    def __init__(self, reader: Reader, most: int) -> None:
        self._reader = reader
        self._most = most
        self._conditions = 0

    def condition(self, value: object, place: str, depth: int = 0) -> Condition:
        """Return what a part of a rule asks.

        Raises:
            InvalidPolicyError: It is wrong.
            UnsupportedPolicyError: It is not evaluated here.
        """
        if depth > DEEPEST_RULE:
            message = f"a rule nested more than {DEEPEST_RULE} levels deep is not evaluated here"
            raise UnsupportedPolicyError(message, place)
        found = members(value, "a condition", place)
        joined = next((name for name in _JOINED if name in found), None)
        if joined is None:
            return self._compared(found, place, depth)
        if len(found) > 1:
            other = next(key for name, (key, _) in found.items() if name != joined)
            message = f"{_JOINED[joined]} stands alone; take {shown(other)!r} out of the object"
            raise InvalidPolicyError(message, below(place, other))
        key, inner = found[joined]
        there = below(place, key)
        if joined == "not":
            return Not(self.condition(inner, there, depth + 1))
        if not isinstance(inner, list):
            message = f"{_JOINED[joined]} must be an array of conditions, not {kind_of(inner)}"
            raise InvalidPolicyError(message, there)
        parts = tuple(
            self.condition(part, below(there, index), depth + 1) for index, part in enumerate(inner)
        )
        return AllOf(parts) if joined == "allof" else AnyOf(parts)

    def _compared(self, found: _Members, place: str, depth: int) -> Condition:
        self._conditions += 1
        if self._conditions > self._most:
            message = f"there are at most {self._most:,} conditions here"
            raise InvalidPolicyError(message, place)
        side = self._side(found, place)
        key, wanted, operator = self._operator(found, place)
        there = below(place, key)
        right = template(wanted, there, self._reader)
        self._check_right(operator, wanted, right, there)
        left_key, left = found[side]
        left_place = below(place, left_key)
        if side == "field":
            field = self._field(left, left_place)
            return FieldCondition(field, operator, right, place)
        if side == "value":
            value = template(left, left_place, self._reader)
            return ValueCondition(value, operator, right, place)
        count = self._count(left, left_place, depth)
        return CountCondition(count, operator, right, place)

    def _side(self, found: _Members, place: str) -> str:
        sides = [name for name in _SIDES if name in found]
        if len(sides) == 1:
            return sides[0]
        if not sides:
            message = "a condition needs one of field, value and count, or is allOf, anyOf or not"
            raise InvalidPolicyError(message, place)
        message = f"a condition has one of field, value and count, not {' and '.join(sides)}"
        raise InvalidPolicyError(message, below(place, found[sides[1]][0]))

    def _operator(self, found: _Members, place: str) -> tuple[str, object, Operator]:
        known: tuple[str, object, Operator] | None = None
        for name, (key, value) in found.items():
            if name in _SIDES:
                continue
            operator = OPERATORS.get(name)
            if operator is None:
                message = f"{shown(key)!r} is no operator; use one such as equals, in or exists"
                raise InvalidPolicyError(message, below(place, key))
            if known is not None:
                message = f"a condition has one operator, not {known[0]} and {key}"
                raise InvalidPolicyError(message, below(place, key))
            known = (key, value, operator)
        if known is None:
            message = "a condition needs an operator, such as equals, in or exists"
            raise InvalidPolicyError(message, place)
        return known

    def _check_right(
        self, operator: Operator, wanted: object, right: Expression, place: str
    ) -> None:
        if not isinstance(right, Constant):
            return
        value = right.constant
        if operator.name == "exists" and boolean_in(value) is None:
            message = f"exists takes true or false, not {kind_of(value)}"
            raise InvalidPolicyError(message, place)
        if operator.takes_array:
            if isinstance(value, Mapping):
                message = f"{operator.name} takes an array, not an object"
                raise InvalidPolicyError(message, place)
        elif isinstance(value, list) and isinstance(wanted, str):
            message = (
                f"{operator.name} takes one value, and this is an array; "
                "use in or notIn, or count its values"
            )
            raise InvalidPolicyError(message, place)

    def _field(self, value: object, place: str) -> Field | Expression:
        if not isinstance(value, str):
            message = f"a field is named by text, not by {kind_of(value)}"
            raise InvalidPolicyError(message, place)
        if not is_expression(value):
            return self._reader.field(literal(value), place)
        found = expression_in(value[1:-1], place, self._reader)
        if not isinstance(found, Constant):
            self._reader.fields.add(value)
            return found
        if not isinstance(found.constant, str):
            message = f"a field is named by text, not by {kind_of(found.constant)}"
            raise InvalidPolicyError(message, place)
        return self._reader.field(found.constant, place)

    def _count(self, value: object, place: str, depth: int) -> FieldCount | ValueCount:
        found = members(value, "a count", place)
        for name, (key, _) in found.items():
            if name not in _OF_COUNT:
                message = f"a count has field or value, name and where, not {shown(key)!r}"
                raise InvalidPolicyError(message, below(place, key))
        if ("field" in found) == ("value" in found):
            message = "a count has either a field or a value to go through"
            raise InvalidPolicyError(message, place)
        if "field" in found:
            return self._field_count(found, place, depth)
        return self._value_count(found, place, depth)

    def _field_count(self, found: _Members, place: str, depth: int) -> FieldCount:
        if "name" in found:
            message = "only a count of a value has a name; take it out"
            raise InvalidPolicyError(message, below(place, found["name"][0]))
        key, value = found["field"]
        there = below(place, key)
        field = self._field(value, there)
        if not isinstance(field, Field):
            message = "a count of a field that an expression names is not evaluated here"
            raise UnsupportedPolicyError(message, there)
        if field.steps[-1] is not EVERY:
            message = f"a count goes through an array: write {shown(field.name)}[*]"
            raise InvalidPolicyError(message, there)
        self._reader.count_array(field, there)
        arrays = tuple(
            field.key[: index + 2] for index, step in enumerate(field.steps) if step is EVERY
        )
        return FieldCount(field, self._where(found, Scope("", arrays), place, depth), place)

    def _value_count(self, found: _Members, place: str, depth: int) -> ValueCount:
        self._reader.count_values(place)
        key, value = found["value"]
        items = template(value, below(place, key), self._reader)
        if isinstance(items, Constant):
            self._check_items(items.constant, below(place, key))
        name_key, name = found.get("name", ("name", ""))
        if not isinstance(name, str) or is_expression(name):
            message = "the name of a count must be plain text"
            raise InvalidPolicyError(message, below(place, name_key))
        told = name.casefold()
        return ValueCount(items, told, self._where(found, Scope(told), place, depth), place)

    def _check_items(self, items: object, place: str) -> None:
        if not isinstance(items, list):
            message = f"a count goes through an array, not {kind_of(items)}"
            raise InvalidPolicyError(message, place)
        if len(items) > ITERATIONS:
            message = f"a count of values goes through at most {ITERATIONS} items"
            raise InvalidPolicyError(message, place)

    def _where(self, found: _Members, scope: Scope, place: str, depth: int) -> Condition | None:
        if "where" not in found:
            return None
        key, value = found["where"]
        self._reader.scopes.append(scope)
        where = self.condition(value, below(place, key), depth + 1)
        self._reader.scopes.pop()
        return where
