"""How Azure Policy sees values: equal, ordered, as text, as a number; and what is no value at all.

Rules (facts and their sources in docs/adr/0023): text compares by Unicode case folding; "443" is
443 and "true" is true; an explicit null is equal to "". What is missing is `MISSING`, never None.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, TypeGuard

from stage_functions.azure_policy.error import UnfitValueError

LONGEST_TEXT: Final = 131_072  # characters that a function may return; so is Azure's
DEEPEST: Final = 128  # levels of a value; so is Azure's
MOST_NODES: Final = 32_768  # values within a value; so is Azure's
_LONGEST_NUMBER: Final = 400  # digits: no double has more that matter
_FOLDS_TO: Final = 3  # characters that case folding makes of one, at most
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)


class Missing(Enum):
    """The value of what is not there; unlike null, which is."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def is_number(value: object) -> TypeGuard[int | float]:
    """Say whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_in(text: str) -> int | float | None:
    """Return the number that a text is, or None."""
    stripped = text.strip()
    if len(stripped) > _LONGEST_NUMBER or not _NUMBER.fullmatch(stripped):
        return None
    if _INTEGER.fullmatch(stripped):
        return int(stripped)
    found = float(stripped)
    return found if math.isfinite(found) else None


def boolean_in(value: object) -> bool | None:
    """Return the truth value that a value is or spells, or None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def number_text(value: float) -> str:
    """Return a number as .NET writes it: no `.0`, no exponent where none is needed.

    Raises:
        UnfitValueError: An integer has more digits than Azure could hold.
    """
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - .NET's own bound
            return str(int(value))
        return repr(value)
    try:
        return str(value)
    except ValueError:
        message = "the number has too many digits to be written out"
        raise UnfitValueError(message) from None


def text_of(value: object) -> str | None:
    """Return a text, a number or a truth value as text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if is_number(value) else None


def folded(value: object) -> str | None:
    """Return a scalar as the text that comparisons without regard to case use."""
    text = text_of(value)
    return None if text is None else text.casefold()


def equal(left: object, right: object) -> bool:
    """Say whether two values are equal to Azure Policy; what is missing is equal to nothing."""
    if isinstance(left, str):
        return _text_equal(left, right)
    if isinstance(right, str):
        return _text_equal(right, left)
    if left is MISSING or right is MISSING:
        return False
    return same(left, right)


def _text_equal(text: str, other: object) -> bool:
    if isinstance(other, str):
        if text == other:
            return True
        if len(text) > _FOLDS_TO * len(other) or len(other) > _FOLDS_TO * len(text):
            return False
        return text.casefold() == other.casefold()
    if other is None:
        return not text
    if isinstance(other, bool):
        return boolean_in(text) is other
    return is_number(other) and number_in(text) == other


def among(value: object, items: Iterable[object]) -> bool:
    """Say whether a value is equal to one of several.

    Raises:
        UnfitValueError: It is an array or an object, and so is one of them, too large to compare.
    """
    if not isinstance(value, list | Mapping):
        return any(equal(item, value) for item in items)
    own: object = None
    for item in items:
        if isinstance(item, list | Mapping):
            own = identity(value) if own is None else own
            if identity(item) == own:
                return True
    return False


def same(left: object, right: object) -> bool:
    """Say whether two values are the same JSON, with regard to case.

    Raises:
        UnfitValueError: They are too deep or too large to be compared, or hold what is no JSON.
    """
    if isinstance(left, list | Mapping) and isinstance(right, list | Mapping):
        check_size(left)
        check_size(right)
        return _canonical(left) == _canonical(right)
    if is_number(left) and is_number(right):
        return left == right
    return type(left) is type(right) and left == right


def order(left: object, right: object) -> int | None:
    """Return -1, 0 or 1 as left is less than, equal to or greater than right; None: no order.

    NaN, which some readers of JSON let pass, has none.
    """
    if isinstance(left, str) and isinstance(right, str):
        return _sign(left.casefold(), right.casefold())
    if isinstance(left, bool) and isinstance(right, bool):
        return _sign(left, right)
    first = number_in(left) if isinstance(left, str) else left
    second = number_in(right) if isinstance(right, str) else right
    if is_number(first) and is_number(second):
        return _sign(first, second)
    return None


def _sign(left: str | float, right: str | float) -> int | None:
    if left == right:
        return 0
    if left < right:  # type: ignore[operator] # both of one kind
        return -1
    return 1 if left > right else None  # type: ignore[operator] # as above


def check_size(value: object) -> None:
    """Refuse a value that is deeper or larger than Azure evaluates.

    Raises:
        UnfitValueError: It is.
    """
    nodes = 0
    level: list[object] = [value]
    for _ in range(DEEPEST + 1):
        inner: list[object] = []
        for item in level:
            nodes += 1
            if not isinstance(item, list | Mapping):
                continue
            if nodes + len(inner) + len(item) > MOST_NODES:
                message = f"a value here holds more than {MOST_NODES:,} values"
                raise UnfitValueError(message)
            inner.extend(item.values() if isinstance(item, Mapping) else item)
        if not inner:
            return
        level = inner
    message = f"a value here is nested more than {DEEPEST} levels deep"
    raise UnfitValueError(message)


def json_text(value: object) -> str:
    """Return a value as compact JSON.

    Raises:
        UnfitValueError: It is too deep, too large or no JSON.
    """
    check_size(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        message = "a value here is no JSON"
        raise UnfitValueError(message) from None


def _canonical(value: object) -> object:
    """Return a hashable form of a value; equal exactly for the same JSON."""
    if isinstance(value, Mapping):
        return ("object", frozenset((key, _canonical(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_canonical(item) for item in value))
    if is_number(value):
        return ("number", value)
    if value is None or isinstance(value, str | bool | Missing):
        return (type(value).__name__, value)
    message = "a value here is no JSON"
    raise UnfitValueError(message)


def identity(value: object) -> object:
    """Return what sets and dictionaries can hold in place of a value; equal for the same JSON.

    Raises:
        UnfitValueError: It is too deep, too large or no JSON.
    """
    if isinstance(value, list | Mapping):
        check_size(value)
    return _canonical(value)


def member(value: Mapping[str, object], name: str) -> object:
    """Return the member of an object by its name without regard to case, or MISSING."""
    found = value.get(name, MISSING)
    if found is not MISSING:
        return found
    wanted = name.casefold()
    for key, item in value.items():
        if isinstance(key, str) and len(key) <= _FOLDS_TO * len(name) and key.casefold() == wanted:
            return item
    return MISSING


def element(value: Sequence[object], index: int) -> object:
    """Return the element of an array, or MISSING."""
    return value[index] if 0 <= index < len(value) else MISSING
