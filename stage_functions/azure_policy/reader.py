"""What reading a definition knows while it goes: values of parameters, counts around it, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import (
    InvalidPolicyError,
    UnfitValueError,
    shown,
)
from stage_functions.azure_policy.fields import Field, field_named
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.run import Run

MOST_FUNCTIONS: Final = 2048
"""Calls in one rule; so is Azure's limit, and so are the next ones."""
MOST_VALUE_COUNTS: Final = 10
MOST_COUNTS_OF_ARRAY: Final = 5
DEEPEST_RULE: Final = 64
"""Levels of allOf, anyOf, not and where."""
_STEPS_OF_READING: Final = 100_000
"""What expressions may cost that are worked out once, on reading."""


class Scope(Struct, frozen=True):
    """A count whose `where` is being read.

    Attributes:
        name: of a value count, folded; "" where it has none.
        keys: of a field count, the keys of its field up to each array; else empty.
    """

    name: str
    keys: tuple[tuple[object, ...], ...] = ()


class Reader:
    """The state of reading one rule.

    Attributes:
        fields: names of the fields that it reads, as written.
        scopes: the counts around what is read, the innermost last.
    """

    def __init__(self, values: Mapping[str, object], *, declared: bool) -> None:
        self._values = values
        self._declared = declared
        self._functions = 0
        self._value_counts = 0
        self._counts: dict[tuple[object, ...], int] = {}
        self.fields: set[str] = set()
        self.scopes: list[Scope] = []
        self.reading = Run({}, {}, {})
        self.reading.steps = _STEPS_OF_READING

    def parameter(self, name: str, place: str) -> object:
        """Return the value of a parameter.

        Raises:
            InvalidPolicyError: There is none.
        """
        found = self._values.get(name.casefold(), self)
        if found is not self:
            return found
        if self._declared:
            message = (
                f"the definition declares no parameter {shown(name)!r}; add it to its `parameters`"
            )
            raise InvalidPolicyError(message, place)
        message = f"the parameter {shown(name)!r} has no value; give one"
        raise InvalidPolicyError(message, f"/parameters/{name}")

    def count_function(self, place: str) -> None:
        """Take note of a call of a function.

        Raises:
            InvalidPolicyError: There are too many.
        """
        self._functions += 1
        if self._functions > MOST_FUNCTIONS:
            message = f"a rule calls at most {MOST_FUNCTIONS} functions"
            raise InvalidPolicyError(message, place)

    def count_values(self, place: str) -> None:
        """Take note of a value count.

        Raises:
            InvalidPolicyError: There are too many.
        """
        self._value_counts += 1
        if self._value_counts > MOST_VALUE_COUNTS:
            message = f"a rule has at most {MOST_VALUE_COUNTS} counts of values"
            raise InvalidPolicyError(message, place)

    def count_array(self, field: Field, place: str) -> None:
        """Take note of a count of an array.

        Raises:
            InvalidPolicyError: There are too many of the same one.
        """
        many = self._counts[field.key] = self._counts.get(field.key, 0) + 1
        if many > MOST_COUNTS_OF_ARRAY:
            message = f"a rule counts the same array at most {MOST_COUNTS_OF_ARRAY} times"
            raise InvalidPolicyError(message, place)

    def field(self, name: str, place: str) -> Field:
        """Return the field that a text names.

        Raises:
            InvalidPolicyError: It names none.
        """
        try:
            found = field_named(name)
        except UnfitValueError as error:
            raise InvalidPolicyError(str(error), place) from None
        self.fields.add(name)
        return found

    def counted(self, key: str, place: str) -> None:
        """Check that `current()` names a count that it stands in; "" is the innermost one.

        Raises:
            InvalidPolicyError: It does not.
        """
        if not self.scopes:
            message = "current() has a value only within the `where` of a count; move it there"
            raise InvalidPolicyError(message, place)
        if key and not any(_named(scope, key) for scope in self.scopes):
            message = (
                f"current({shown(key)!r}) names no count around it; "
                "use the name of one, or the field that it counts"
            )
            raise InvalidPolicyError(message, place)


def _named(scope: Scope, key: str) -> bool:
    told = key.casefold()
    if scope.name and (told == scope.name or told.startswith((f"{scope.name}.", f"{scope.name}["))):
        return True
    return bool(scope.keys) and counted_key(scope.keys, key) is not None


def counted_key(keys: tuple[tuple[object, ...], ...], name: str) -> tuple[object, ...] | None:
    """Return the longest of some keys that a field's name begins with; `[*]` may be left out."""
    try:
        key = field_named(name).key
    except UnfitValueError:
        return None
    for candidate in reversed(keys):
        if key[: len(candidate)] == candidate or key == candidate[:-1]:
            return candidate
    return None


def members(value: object, what: str, place: str) -> dict[str, tuple[str, object]]:
    """Return the members of an object, with their names as written, by their names folded.

    Raises:
        InvalidPolicyError: It is no object, or two names differ in case alone.
    """
    if not isinstance(value, Mapping):
        message = f"{what} must be an object, not {kind_of(value)}"
        raise InvalidPolicyError(message, place)
    found: dict[str, tuple[str, object]] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            message = f"{what} has a name that is no text; put it in quotes"
            raise InvalidPolicyError(message, place)
        folded = key.casefold()
        if folded in found:
            message = f"{found[folded][0]!r} and {key!r} are the same name; leave one out"
            raise InvalidPolicyError(message, place)
        found[folded] = (key, item)
    return found
