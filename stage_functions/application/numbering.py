"""In which order versions are shown: by their number, the newest first."""

from __future__ import annotations

from collections.abc import Iterable

_DIGITS = 18


def newest_first(numbers: Iterable[str]) -> list[str]:
    """Return version numbers, the highest first, and behind them those that are no numbers."""
    return sorted(numbers, key=_place)


def _place(number: str) -> tuple[bool, int, str]:
    plain = number.isascii() and number.isdecimal() and len(number) <= _DIGITS
    return (not plain, -int(number) if plain else 0, number)
