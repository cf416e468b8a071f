"""What a template function takes, and how its arguments are read.

Text functions take null for an empty text, as `field()` is null where a field is missing. Nothing
else is made to fit: what a function cannot take fails the evaluation, as it does in Azure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.value import Missing, is_number, number_in

MOST_ARGUMENTS: Final = 128
"""Of one call; so is Azure's limit."""
LARGEST_INTEGER: Final = 2**63


class Function(Struct, frozen=True):
    """A template function that needs no more than the values of its arguments.

    Attributes:
        name: as Azure spells it.
        least: arguments it needs.
        most: arguments it takes.
        apply: what it does; raises UnfitValueError for what it cannot take.
        takes_missing: it can say something of what is missing.
        expects_missing: it is there for a first argument that may be missing.
        work: the steps that it takes besides looking at each argument once.
    """

    name: str
    least: int
    most: int
    apply: Callable[..., object]
    takes_missing: bool = False
    expects_missing: bool = False
    work: Callable[..., int] | None = None


def kind_of(value: object) -> str:
    """Return what a value is, for a message."""
    if isinstance(value, bool):
        return "a truth value"
    if value is None or isinstance(value, Missing):
        return "null"
    if is_number(value):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an array" if isinstance(value, list) else "an object"


def text(value: object, role: str = "its argument") -> str:
    """Return an argument that must be text; null is an empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    message = f"{role} must be text, not {kind_of(value)}"
    raise UnfitValueError(message)


def integer(value: object, role: str = "its argument") -> int:
    """Return an argument that must be a whole number of 64 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if -LARGEST_INTEGER <= value < LARGEST_INTEGER:
            return value
        message = f"{role} does not fit into 64 bits"
        raise UnfitValueError(message)
    message = f"{role} must be a whole number, not {kind_of(value)}"
    raise UnfitValueError(message)


def number(value: object, role: str = "its argument") -> int | float:
    """Return an argument that must be a number."""
    if is_number(value):
        return value
    message = f"{role} must be a number, not {kind_of(value)}"
    raise UnfitValueError(message)


def parsed_number(value: str) -> int | float:
    """Return the number that a text spells."""
    found = number_in(value)
    if found is None:
        message = "the text spells no number"
        raise UnfitValueError(message)
    return found


def array(value: object, role: str = "its argument") -> list[object]:
    """Return an argument that must be an array."""
    if isinstance(value, list):
        return value
    message = f"{role} must be an array, not {kind_of(value)}"
    raise UnfitValueError(message)


def mapping(value: object, role: str = "its argument") -> Mapping[str, object]:
    """Return an argument that must be an object."""
    if isinstance(value, Mapping):
        return value
    message = f"{role} must be an object, not {kind_of(value)}"
    raise UnfitValueError(message)


def fits(length: int, longest: int) -> None:
    """Refuse a result before it is made that would be too long."""
    if length > longest:
        message = f"the result would have more than {longest:,} characters"
        raise UnfitValueError(message)
