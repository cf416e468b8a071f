"""One evaluation of a policy: what it reads, where it is within its counts, and what it may cost.

Everything that takes time is paid for in steps; whoever has none left has failed. Without that, a
rule of a few kilobytes could keep a server busy for hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import PolicyFailedError
from stage_functions.azure_policy.value import MISSING, member

STEPS: Final = 500_000
"""What one evaluation may cost: about a second. An ordinary rule takes some tens."""
ITERATIONS: Final = 100
"""Of value counts, one within another multiplied; so is Azure's limit."""
_CHARACTERS_PER_STEP: Final = 64
_ITEMS_PER_STEP: Final = 4


class Bound(Struct, frozen=True):
    """An element that a count looks at.

    Attributes:
        name: of a value count, folded; "" where it has none.
        key: of a field count, the key of the field up to the element; else empty.
        element: the element's value.
    """

    name: str
    key: tuple[object, ...]
    element: object


class Run:
    """One evaluation of a policy on one resource."""

    __slots__ = ("bounds", "context", "iterations", "request", "resource", "steps")

    def __init__(
        self,
        resource: Mapping[str, object],
        context: Mapping[str, object],
        request: Mapping[str, object],
    ) -> None:
        self.resource = resource
        self.context = context
        self.request = request
        self.bounds: list[Bound] = []
        self.iterations = 1
        self.steps = STEPS

    def spend(self, steps: int, place: str = "") -> None:
        """Pay for work.

        Raises:
            PolicyFailedError: There are no steps left.
        """
        self.steps -= steps
        if self.steps < 0:
            message = (
                f"evaluating this takes more than {STEPS:,} steps; make the rule or the arrays "
                "that it looks through smaller"
            )
            raise PolicyFailedError(message, place)

    def member(self, value: object, name: str) -> object:
        """Return the member of a value by its name without regard to case, or MISSING."""
        if not isinstance(value, Mapping):
            return MISSING
        found = value.get(name, MISSING)
        if found is not MISSING:
            return found
        self.spend(1 + len(value) // _ITEMS_PER_STEP)
        return member(value, name)


def weight(values: Sequence[object]) -> int:
    """Return what looking at each character and each item of some values costs, in steps."""
    steps, characters = 1, 0
    for value in values:
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, list):
            steps += len(value) // _ITEMS_PER_STEP
            characters += sum(len(item) for item in value if isinstance(item, str))
        elif isinstance(value, Mapping):
            steps += len(value) // _ITEMS_PER_STEP
    return steps + characters // _CHARACTERS_PER_STEP
