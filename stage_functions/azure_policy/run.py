"""One evaluation of a policy: what it reads, where it is within its counts, and what it may cost.

Everything that takes time is paid for in steps; whoever has none left has failed. Without that, a
rule of a few kilobytes could keep a server busy for hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import PolicyFailedError
from stage_functions.azure_policy.value import MISSING, Missing, member

STEPS: Final = 500_000
"""What one evaluation may cost: about a second. An ordinary rule takes some tens."""
ITERATIONS: Final = 100
"""Of value counts, one within another multiplied; so is Azure's limit."""
_CHARACTERS_PER_STEP: Final = 64
_ITEMS_PER_STEP: Final = 4
_Whole = list[object] | dict[object, object]
_SMALL: Final = (int, float, type(None), Missing)


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
    """One evaluation of a policy on one resource.

    Attributes:
        unsure: the first reason, with its place, for which Azure may fail; "" for none.
    """

    __slots__ = ("bounds", "context", "iterations", "request", "resource", "steps", "unsure")

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
        self.unsure = ""

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

    def doubt(self, why: str, place: str) -> None:
        """Take note of a reason for which Azure may fail, where there is an answer here."""
        if not self.unsure:
            self.unsure = f"{place or '/'}: {why}"

    def member(self, value: object, name: str) -> object:
        """Return the member of a value by its name without regard to case, or MISSING."""
        if not isinstance(value, Mapping):
            return MISSING
        found = value.get(name, MISSING)
        if found is not MISSING:
            return found
        self.spend(1 + len(value) // _ITEMS_PER_STEP)
        return member(value, name)


def weight(values: Iterable[object]) -> int:
    """Return what looking at each character and each value in some values costs, in steps.

    What is within them counts too; whatever costs more than there can be is not looked at whole.
    """
    nodes, characters = 0, 0
    wholes: list[_Whole] = []
    for value in values:
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, list | dict):
            wholes.append(value)
        elif not isinstance(value, _SMALL) and isinstance(value, Mapping):
            wholes.append(dict(value))
    while wholes:
        inner: list[_Whole] = []
        for whole in wholes:
            nodes += len(whole)
            if nodes // _ITEMS_PER_STEP > STEPS:
                return nodes // _ITEMS_PER_STEP
            characters += _characters(whole, inner)
        wholes = inner
    return 1 + nodes // _ITEMS_PER_STEP + characters // _CHARACTERS_PER_STEP


def _characters(whole: _Whole, inner: list[_Whole]) -> int:
    """Return the characters of the texts of an array or object, and note what has values itself."""
    characters = 0
    for value in whole.values() if isinstance(whole, dict) else whole:
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, list | dict) and value:
            inner.append(value)
    return characters
