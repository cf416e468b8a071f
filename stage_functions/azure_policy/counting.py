"""Counts: how many elements of an array in the resource, or of an array that the rule has, fit."""

from __future__ import annotations

from msgspec import Struct

from stage_functions.azure_policy.condition import Condition
from stage_functions.azure_policy.error import PolicyFailedError
from stage_functions.azure_policy.expression import Expression
from stage_functions.azure_policy.fields import Field, follow, located, next_array
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.run import ITERATIONS, Bound, Run


class FieldCount(Struct, frozen=True):
    """Counts elements of an array in the resource; there are none where it is missing.

    Attributes:
        field: ends in `[*]`.
        where: what must hold of an element; None: nothing.
        place: JSON Pointer of the count.
    """

    field: Field
    where: Condition | None
    place: str

    def number(self, run: Run) -> int:
        """Return how many elements there are that fit."""
        found, value, first = located(run, self.field, beyond=True)
        return self._within(run, found, value, first)

    def _within(self, run: Run, field: Field, value: object, first: int) -> int:
        array = next_array(field, first)
        items = follow(run, value, field, first, array)
        if not isinstance(items, list):
            return 0
        is_last = array == len(field.steps) - 1
        if is_last and self.where is None:
            return len(items)
        total = 0
        for item in items:
            run.spend(1, self.place)
            run.bounds.append(Bound("", self.field.key[: array + 2], item))
            if not is_last:
                total += self._within(run, field, item, array + 1)
            elif self.where is None or self.where.holds(run):
                total += 1
            run.bounds.pop()
        return total


class ValueCount(Struct, frozen=True):
    """Counts items of an array that the rule has.

    Attributes:
        items: the array.
        name: what `current` calls an item, folded; "" for none.
        where: what must hold of an item; None: nothing.
        place: JSON Pointer of the count.
    """

    items: Expression
    name: str
    where: Condition | None
    place: str

    def number(self, run: Run) -> int:
        """Return how many items there are that fit.

        Raises:
            PolicyFailedError: There is no array, or it is longer than Azure goes through.
        """
        items = self.items.value(run)
        if not isinstance(items, list):
            message = f"a count goes through an array, not {kind_of(items)}"
            raise PolicyFailedError(message, self.place)
        outer = run.iterations
        run.iterations = outer * max(len(items), 1)
        if run.iterations > ITERATIONS:
            message = (
                f"counts of values go through at most {ITERATIONS} items, "
                f"one within another multiplied; here it is {run.iterations}"
            )
            raise PolicyFailedError(message, self.place)
        total = sum(self._fits(run, item) for item in items)
        run.iterations = outer
        return total

    def _fits(self, run: Run, item: object) -> bool:
        run.spend(1, self.place)
        if self.where is None:
            return True
        run.bounds.append(Bound(self.name, (), item))
        holds = self.where.holds(run)
        run.bounds.pop()
        return holds
