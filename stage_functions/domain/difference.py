"""How two versions differ, fact by fact: what approvers compare. It judges nothing.

A number that is higher is called higher, never better: only a rule says what is wanted. Numbers are
compared as they are written, by decimals, so that 0.94 is 0.03 above 0.91.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal
from enum import StrEnum

from msgspec import Struct

from stage_functions.domain.evidence import Scalar, Section, number

_DECIMALS = Context(prec=40)
_MAX_PERCENT = 1_000_000
_LEAST_PERCENT = 0.01
_FEW = 1000
_WHOLE = 10**15
_DIGITS = 6
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]+(e[+-]?[0-9]+)?")


class Change(StrEnum):
    """What became of a fact."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


class Direction(StrEnum):
    """Where a number went, in the word that pages say."""

    HIGHER = "higher"
    LOWER = "lower"


class Difference(Struct, frozen=True):
    """One fact of two versions.

    Attributes:
        name: of the fact.
        old: its text in the one that holds the stage, or "" where it has none.
        new: its text in the one that is asked for, or "".
        change: added, removed, changed or same.
        old_number: the number that `old` is, or None.
        new_number: the number that `new` is, or None.
        measured: whatever is known of it is recorded as a fraction, not as a text that looks so.
    """

    name: str
    old: str
    new: str
    change: Change
    old_number: float | None = None
    new_number: float | None = None
    measured: bool = False

    @property
    def direction(self) -> Direction | None:
        """Higher or lower; None where one is no number, or they are equal."""
        old, new = self.old_number, self.new_number
        if old is None or new is None or self.change is not Change.CHANGED:
            return None
        if new > old:
            return Direction.HIGHER
        return Direction.LOWER if new < old else None

    @property
    def shortly(self) -> tuple[str, str]:
        """Return both texts, numbers to six digits, or to as many as tell the two apart."""
        for digits in (_DIGITS, 9, 12) if self.measured else ():
            old, new = _rounded(self.old, digits), _rounded(self.new, digits)
            if old != new or self.old == self.new:
                return old, new
        return self.old, self.new

    @property
    def by(self) -> str:
        """By how much it is higher or lower: `0.03 (3.3 %)`; "" where that is no number."""
        old, new = self.old_number, self.new_number
        if self.direction is None or old is None or new is None:
            return ""
        if not (math.isfinite(old) and math.isfinite(new)):
            return ""
        gap = abs(_DECIMALS.subtract(Decimal(repr(new)), Decimal(repr(old))))
        return f"{_short(gap)}{_percent(gap, abs(Decimal(repr(old))))}"


def differences(old: Section, new: Section) -> tuple[Difference, ...]:
    """Compare facts by name: those of the new one in order, then those it no longer has."""
    names = dict.fromkeys((*new, *old))
    return tuple(_difference(name, old.get(name), new.get(name)) for name in names)


def told(found: tuple[Difference, ...]) -> tuple[str, ...]:
    """Say in a line each what is not the same."""
    words = {
        Change.ADDED: "{one.name}: {one.new} was added",
        Change.REMOVED: "{one.name}: {one.old} was removed",
        Change.CHANGED: "{one.name}: {one.old} → {one.new}",
    }
    return tuple(
        words[one.change].format(one=one) for one in found if one.change is not Change.SAME
    )


def shown(value: Scalar) -> str:
    """Return a value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    return str(value)


def _rounded(text: str, digits: int) -> str:
    """Return the text of a fraction to some digits, and any other text as it is."""
    return f"{float(text):.{digits}g}" if _FRACTION.fullmatch(text) else text


def _difference(name: str, old: Scalar | None, new: Scalar | None) -> Difference:
    if old is None or new is None:
        change = Change.ADDED if old is None else Change.REMOVED
    else:
        change = Change.SAME if _same(old, new) else Change.CHANGED
    return Difference(
        name,
        "" if old is None else shown(old),
        "" if new is None else shown(new),
        change,
        None if old is None else number(old),
        None if new is None else number(new),
        all(isinstance(one, float) for one in (old, new) if one is not None),
    )


def _number(value: float) -> str:
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "infinite, negative"
    return f"{value:.0f}" if value.is_integer() and abs(value) < _WHOLE else repr(value)


def _same(old: Scalar, new: Scalar) -> bool:
    if shown(old) == shown(new):
        return True
    one, other = number(old), number(new)
    if one is None or other is None or not (math.isfinite(one) and math.isfinite(other)):
        return False
    return Decimal(str(old)) == Decimal(str(new))


def _percent(gap: Decimal, of: Decimal) -> str:
    if not of:
        return ""
    percent = _DECIMALS.divide(gap * 100, of)
    if percent > _MAX_PERCENT:
        return f" (more than {_MAX_PERCENT:,}\u00a0%)"
    if percent < Decimal(str(_LEAST_PERCENT)):
        return f" (less than {_LEAST_PERCENT}\u00a0%)"
    return (
        f" ({float(percent):.3g}\u00a0%)" if percent < _FEW else f" ({float(percent):,.0f}\u00a0%)"
    )


def _short(gap: Decimal) -> str:
    """Return a number in six digits; two of the largest may be further apart than any number."""
    return f"{float(gap):.6g}" if math.isfinite(float(gap)) else f"{gap:.2e}"
