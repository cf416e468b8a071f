"""The template function `format`, as .NET's `String.Format` of the invariant culture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.value import (
    LONGEST_TEXT,
    is_number,
    json_text,
    number_text,
)

_PLACEHOLDER: Final = re.compile(r"(\d{1,3})\s*(?:,\s*(-?\d{1,6})\s*)?(?::([^{}]*))?", re.ASCII)
_SPECIFIER: Final = re.compile(r"([DdFfNnPpXxGg])(\d{0,2})", re.ASCII)


def formatted(pattern: str, values: Sequence[object]) -> str:
    """Return a pattern with values filled in.

    Raises:
        UnfitValueError: The pattern is wrong, there are too few values, or a format is not known.
    """
    parts: list[str] = []
    length = at = 0
    while at < len(pattern):
        part, at = _next(pattern, at, values)
        parts.append(part)
        length += len(part)
        if length > LONGEST_TEXT:
            message = f"the result would have more than {LONGEST_TEXT:,} characters"
            raise UnfitValueError(message)
    return "".join(parts)


def _next(pattern: str, at: int, values: Sequence[object]) -> tuple[str, int]:
    character = pattern[at]
    if character not in "{}":
        ends = [end for end in (pattern.find("{", at), pattern.find("}", at)) if end >= 0]
        end = min(ends, default=len(pattern))
        return pattern[at:end], end
    if pattern.startswith(character * 2, at):
        return character, at + 2
    end = pattern.find("}", at)
    match = _PLACEHOLDER.fullmatch(pattern, at + 1, end) if character == "{" and end > 0 else None
    if match is None:
        message = f"the brace at character {at + 1} of the pattern begins no placeholder"
        raise UnfitValueError(message)
    index = int(match[1])
    if index >= len(values):
        message = f"the pattern asks for value {index}, and {len(values)} are given"
        raise UnfitValueError(message)
    filled = _filled(values[index], match[3] or "")
    width = int(match[2] or 0)
    if abs(width) > LONGEST_TEXT:
        message = f"{abs(width):,} characters are too wide"
        raise UnfitValueError(message)
    return (filled.rjust(width) if width > 0 else filled.ljust(-width)), end + 1


def _filled(value: object, specifier: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str):
        return value
    if not is_number(value):
        return json_text(value)
    return _number(value, specifier) if specifier else number_text(value)


def _number(value: float, specifier: str) -> str:
    match = _SPECIFIER.fullmatch(specifier)
    if match is None:
        message = f"the format {specifier!r} is not known here; use D, F, N, P, X or G"
        raise UnfitValueError(message)
    kind, digits = match[1].upper(), int(match[2]) if match[2] else None
    if kind == "G" and digits is None:
        return number_text(value)
    if kind in "DX":
        return _whole(value, match[1], digits or 0)
    if kind == "G":
        message = f"the format {specifier!r} is not known here; use G without digits"
        raise UnfitValueError(message)
    try:
        exact = Decimal(number_text(value)) * (100 if kind == "P" else 1)
        places = Decimal(1).scaleb(-(2 if digits is None else digits))
        rounded = exact.quantize(places, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        message = f"{value} cannot be written with so many digits"
        raise UnfitValueError(message) from None
    text = f"{rounded:f}" if kind == "F" else f"{rounded:,f}"
    return f"{text} %" if kind == "P" else text


def _whole(value: float, kind: str, digits: int) -> str:
    if not isinstance(value, int):
        message = f"the format {kind} is for whole numbers"
        raise UnfitValueError(message)
    if kind in "Dd":
        return f"{'-' if value < 0 else ''}{number_text(abs(value)):0>{digits}}"
    bits = value if value >= 0 else value % 2 ** (32 if value >= -(2**31) else 64)
    return f"{format(bits, kind):0>{digits}}"
