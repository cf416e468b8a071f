"""Expressions in templates, such as `[concat('a', parameters('b').c[0])]`: what they are made of.

What is parsed is checked; what the functions do is in `functions`, what they read is in `scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from stage_functions.azure_policy.error import PolicyFailedError, UnfitValueError, shown
from stage_functions.azure_policy.run import Run, weight
from stage_functions.azure_policy.value import (
    LONGEST_TEXT,
    MISSING,
    MOST_NODES,
    element,
)

Apply = Callable[..., object]


class Expression(Protocol):
    """What has a value in an evaluation."""

    def value(self, run: Run) -> object:
        """Return the value; MISSING where a member or an element that it names is not there.

        Raises:
            PolicyFailedError: A function cannot take what it is given.
        """
        ...


class Constant(Struct, frozen=True):
    """A value that is written down.

    Attributes:
        constant: the value.
    """

    constant: object

    def value(self, run: Run) -> object:  # noqa: ARG002 - others need it
        """Return the value."""
        return self.constant


class Call(Struct, frozen=True):
    """A call of a function that needs no more than the values of its arguments.

    Attributes:
        name: the function, as Azure spells it.
        apply: what it does; raises UnfitValueError for what it cannot take.
        arguments: in the order written.
        place: JSON Pointer of the text that the expression stands in.
        takes_missing: it can say something of what is missing; else the result is missing too.
        work: the steps that it takes besides looking at each argument once.
    """

    name: str
    apply: Apply
    arguments: tuple[Expression, ...]
    place: str
    takes_missing: bool = False
    work: Callable[..., int] | None = None

    def value(self, run: Run) -> object:
        """Return what the function makes of its arguments."""
        values = [argument.value(run) for argument in self.arguments]
        if not self.takes_missing and MISSING in values:
            return MISSING
        run.spend(weight(values) + (self.work(*values) if self.work else 0), self.place)
        try:
            found = self.apply(*values)
        except UnfitValueError as error:
            message = f"{self.name}() failed: {error}"
            raise PolicyFailedError(message, self.place) from None
        return self._within_limits(found)

    def _within_limits(self, found: object) -> object:
        if isinstance(found, str) and len(found) > LONGEST_TEXT:
            message = f"{self.name}() returns more than {LONGEST_TEXT:,} characters"
            raise PolicyFailedError(message, self.place)
        if isinstance(found, list | Mapping) and len(found) > MOST_NODES:
            message = f"{self.name}() returns more than {MOST_NODES:,} values"
            raise PolicyFailedError(message, self.place)
        return found


class Choice(Struct, frozen=True):
    """A call of a function that does not look at each of its arguments: `if`, `and`, `or`.

    Attributes:
        name: the function, as Azure spells it.
        choose: what it does with the evaluation and the arguments.
        arguments: in the order written.
        place: JSON Pointer of the text that the expression stands in.
    """

    name: str
    choose: Callable[[Run, Sequence[Expression]], object]
    arguments: tuple[Expression, ...]
    place: str

    def value(self, run: Run) -> object:
        """Return what the function makes of the arguments that matter."""
        run.spend(1, self.place)
        try:
            return self.choose(run, self.arguments)
        except UnfitValueError as error:
            message = f"{self.name}() failed: {error}"
            raise PolicyFailedError(message, self.place) from None


class Member(Struct, frozen=True):
    """A member of an object or an element of an array: `.name`, `['name']`, `[0]`.

    Attributes:
        owner: what has it.
        key: its name or number.
        place: JSON Pointer of the text that the expression stands in.
        guarded: it is looked for by a function that expects it not to be there.
    """

    owner: Expression
    key: Expression
    place: str
    guarded: bool = False

    def value(self, run: Run) -> object:
        """Return the member; MISSING where there is none."""
        owner = self.owner.value(run)
        key = self.key.value(run)
        run.spend(1, self.place)
        found: object = MISSING
        if isinstance(key, str):
            found = run.member(owner, key)
        elif isinstance(owner, list) and isinstance(key, int) and not isinstance(key, bool):
            found = element(owner, key)
        if found is MISSING and not self.guarded:
            run.doubt(f"{_named(key)} is not there", self.place)
        return found


def _named(key: object) -> str:
    if isinstance(key, str):
        return f"the member {shown(key)!r}"
    return "the element" if isinstance(key, int) else "the member"
