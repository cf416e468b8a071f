"""Template functions about numbers, truth values and comparing, and conversions between them.

Comparing is what the operators of conditions do, without regard to case. Azure's documentation of
templates says otherwise of `equals` and `contains`; see docs/adr/0023.
"""

from __future__ import annotations

import json
import math
from typing import Final, NoReturn

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.signature import (
    LARGEST_INTEGER,
    MOST_ARGUMENTS,
    Function,
    integer,
    kind_of,
    number,
    parsed_number,
    text,
)
from stage_functions.azure_policy.operators import OPERATORS
from stage_functions.azure_policy.value import MISSING, boolean_in, check_size, is_number


def _checked(value: float) -> int | float:
    if isinstance(value, int):
        if not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
            message = "the result does not fit into 64 bits"
            raise UnfitValueError(message)
    elif not math.isfinite(value):
        message = "the result is no number"
        raise UnfitValueError(message)
    return value


def _both(left: object, right: object) -> tuple[int | float, int | float]:
    return _checked(number(left, "the first one")), _checked(number(right, "the second one"))


def add(left: object, right: object) -> int | float:
    """Return the sum."""
    first, second = _both(left, right)
    return _checked(first + second)


def subtract(left: object, right: object) -> int | float:
    """Return the difference."""
    first, second = _both(left, right)
    return _checked(first - second)


def multiply(left: object, right: object) -> int | float:
    """Return the product."""
    first, second = _both(left, right)
    return _checked(first * second)


def divide(left: object, right: object) -> int:
    """Return the whole part of a quotient of whole numbers, towards zero."""
    first, second = integer(left, "the first one"), _divisor(right)
    quotient = abs(first) // abs(second)
    return integer(quotient if (first < 0) == (second < 0) else -quotient, "the result")


def modulo(left: object, right: object) -> int:
    """Return what is left of dividing whole numbers; it has the sign of the first one."""
    first, second = integer(left, "the first one"), _divisor(right)
    rest = abs(first) % abs(second)
    return -rest if first < 0 else rest


def _divisor(value: object) -> int:
    divisor = integer(value, "the second one")
    if not divisor:
        message = "nothing can be divided by 0"
        raise UnfitValueError(message)
    return divisor


def _numbers(values: tuple[object, ...]) -> list[int | float]:
    given = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    found = [number(value, "each one") for value in given]
    if not found:
        message = "there are no numbers"
        raise UnfitValueError(message)
    return found


def smallest(*values: object) -> int | float:
    """Return the smallest of numbers, or of an array of them."""
    return min(_numbers(values))


def largest(*values: object) -> int | float:
    """Return the largest of numbers, or of an array of them."""
    return max(_numbers(values))


def to_int(value: object) -> int:
    """Return a number, or a text that spells one, as a whole number, towards zero."""
    found = parsed_number(value) if isinstance(value, str) else number(value)
    if isinstance(found, float) and not math.isfinite(found):
        message = "its argument is no number"
        raise UnfitValueError(message)
    return integer(int(found))


def to_float(value: object) -> float:
    """Return a number, or a text that spells one, as a floating point number."""
    found = parsed_number(value) if isinstance(value, str) else number(value)
    try:
        return float(found)
    except OverflowError:
        message = "its argument is too large"
        raise UnfitValueError(message) from None


def to_bool(value: object) -> bool:
    """Return a truth value, a number (0 is false), or a text that spells one of them."""
    if is_number(value):
        return value != 0
    found = boolean_in(value)
    if found is None and isinstance(value, str) and value in {"0", "1"}:
        found = value == "1"
    if found is None:
        message = f"{kind_of(value)} such as this is neither true nor false"
        raise UnfitValueError(message)
    return found


def parse_json(value: object) -> object:
    """Return the value that a JSON text stands for."""
    try:
        found: object = json.loads(text(value), parse_constant=_no_number)
    except (ValueError, RecursionError):
        message = "its argument is no JSON"
        raise UnfitValueError(message) from None
    check_size(found)
    return found


def _no_number(name: str) -> NoReturn:
    raise UnfitValueError(name)


def invert(value: object) -> bool:
    """Return the opposite of a truth value; null and what is missing are not true."""
    if isinstance(value, bool) or value is None or value is MISSING:
        return value is not True
    message = f"its argument must be true or false, not {kind_of(value)}"
    raise UnfitValueError(message)


NUMBER_FUNCTIONS: Final = (
    Function("add", 2, 2, add),
    Function("sub", 2, 2, subtract),
    Function("mul", 2, 2, multiply),
    Function("div", 2, 2, divide),
    Function("mod", 2, 2, modulo),
    Function("min", 1, MOST_ARGUMENTS, smallest),
    Function("max", 1, MOST_ARGUMENTS, largest),
    Function("int", 1, 1, to_int),
    Function("float", 1, 1, to_float),
    Function("bool", 1, 1, to_bool),
    Function("json", 1, 1, parse_json),
    Function("not", 1, 1, invert, takes_missing=True),
    Function("true", 0, 0, lambda: True),
    Function("false", 0, 0, lambda: False),
    Function("null", 0, 0, lambda: None),
    *(
        Function(name, 2, 2, OPERATORS[name.casefold()].test, takes_missing=True)
        for name in ("equals", "less", "lessOrEquals", "greater", "greaterOrEquals", "contains")
    ),
)
