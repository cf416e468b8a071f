"""Conditions of a rule and what joins them, ready to be asked about a resource."""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from stage_functions.azure_policy.error import PolicyFailedError, UnfitValueError
from stage_functions.azure_policy.expression import Expression
from stage_functions.azure_policy.fields import Field, holds_for_all, located
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.operators import Operator
from stage_functions.azure_policy.run import Run, weight
from stage_functions.azure_policy.scope import named, value_of
from stage_functions.azure_policy.value import MISSING, order

_LOCATION: Final = ("", "location")
_COMPARED_PER_STEP: Final = 16


class Condition(Protocol):
    """What holds of a resource or does not."""

    def holds(self, run: Run) -> bool:
        """Say whether it holds.

        Raises:
            PolicyFailedError: It cannot be evaluated on this resource.
            UnsupportedPolicyError: It reads what the context does not give.
        """
        ...


class Number(Protocol):
    """What a count comes to."""

    def number(self, run: Run) -> int:
        """Return how many there are."""
        ...


class AllOf(Struct, frozen=True):
    """Holds where all conditions do; asked in their order, up to the first that does not.

    Attributes:
        conditions: in the order written.
    """

    conditions: tuple[Condition, ...]

    def holds(self, run: Run) -> bool:
        """Say whether all hold."""
        return all(condition.holds(run) for condition in self.conditions)


class AnyOf(Struct, frozen=True):
    """Holds where one condition does; asked in their order, up to the first that does.

    Attributes:
        conditions: in the order written.
    """

    conditions: tuple[Condition, ...]

    def holds(self, run: Run) -> bool:
        """Say whether one holds."""
        return any(condition.holds(run) for condition in self.conditions)


class Not(Struct, frozen=True):
    """Holds where a condition does not.

    Attributes:
        condition: the one that must not hold.
    """

    condition: Condition

    def holds(self, run: Run) -> bool:
        """Say whether the condition does not hold."""
        return not self.condition.holds(run)


class FieldCondition(Struct, frozen=True):
    """Compares a field; of `[*]`, each element must fit.

    Attributes:
        field: the field, or an expression that names it.
        operator: how it is compared.
        right: with what.
        place: JSON Pointer of the condition.
    """

    field: Field | Expression
    operator: Operator
    right: Expression
    place: str

    def holds(self, run: Run) -> bool:
        """Say whether the field fits."""
        run.spend(1, self.place)
        field = self.field
        if not isinstance(field, Field):
            field = named(field.value(run), self.place)
        right = self.right.value(run)
        try:
            if not field.wild:
                left = value_of(run, field)
                if field.key == _LOCATION:
                    left, right = _place_name(left), _place_names(right)
                return compare(run, self, left, right)
            found, value, first = located(run, field)
            return holds_for_all(
                run, value, found, first, lambda left: compare(run, self, left, right)
            )
        except (UnfitValueError, PolicyFailedError) as error:
            raise _placed(error, self.place) from None


def _place_name(value: object) -> object:
    return value.replace(" ", "") if isinstance(value, str) else value


def _place_names(value: object) -> object:
    """Return names of locations without spaces: "East US 2" is eastus2."""
    return [_place_name(item) for item in value] if isinstance(value, list) else _place_name(value)


class ValueCondition(Struct, frozen=True):
    """Compares a value; where a member that it names is missing, it does not hold.

    Attributes:
        left: the value.
        operator: how it is compared.
        right: with what.
        place: JSON Pointer of the condition.
    """

    left: Expression
    operator: Operator
    right: Expression
    place: str

    def holds(self, run: Run) -> bool:
        """Say whether the value fits."""
        run.spend(1, self.place)
        left = self.left.value(run)
        right = self.right.value(run)
        if left is MISSING:
            run.doubt("what is compared is not there", self.place)
            return False
        try:
            return compare(run, self, left, right)
        except (UnfitValueError, PolicyFailedError) as error:
            raise _placed(error, self.place) from None


class CountCondition(Struct, frozen=True):
    """Compares how many elements there are.

    Attributes:
        count: the elements.
        operator: how their number is compared.
        right: with what.
        place: JSON Pointer of the condition.
    """

    count: Number
    operator: Operator
    right: Expression
    place: str

    def holds(self, run: Run) -> bool:
        """Say whether the number fits."""
        run.spend(1, self.place)
        left = self.count.number(run)
        right = self.right.value(run)
        try:
            return compare(run, self, left, right)
        except (UnfitValueError, PolicyFailedError) as error:
            raise _placed(error, self.place) from None


class Compares(Protocol):
    """A condition that compares something by an operator."""

    @property
    def operator(self) -> Operator:
        """How."""
        ...

    @property
    def place(self) -> str:
        """JSON Pointer of the condition."""
        ...


def compare(run: Run, condition: Compares, left: object, right: object) -> bool:
    """Return the answer of a condition's operator, and pay for it."""
    if right is MISSING:
        run.doubt("what it is compared with is not there", condition.place)
    elif condition.operator.orders and _unordered(left, right):
        kinds = f"{kind_of(left)} and {kind_of(right)}"
        run.doubt(f"{condition.operator.name} compares {kinds}", condition.place)
    if not (isinstance(left, str) and isinstance(right, str) and len(left) + len(right) < 256):  # noqa: PLR2004
        run.spend(weight((left, right)))
    if isinstance(right, str) and "?" in right and isinstance(left, str):
        run.spend(len(left) * len(right) // _COMPARED_PER_STEP)
    return condition.operator.test(left, right)


def _unordered(left: object, right: object) -> bool:
    """Say whether two values that are there have no order; of null the documents say nothing."""
    is_there = left is not MISSING and left is not None and right is not None
    return is_there and order(left, right) is None


def _placed(error: UnfitValueError | PolicyFailedError, place: str) -> PolicyFailedError:
    if isinstance(error, PolicyFailedError):
        return error if error.place else PolicyFailedError(str(error).removeprefix("/: "), place)
    return PolicyFailedError(str(error), place)
