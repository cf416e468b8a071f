"""Template functions about text.

Searching (`indexOf`, `startsWith`, …) is without regard to case, `replace` and `split` with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.formatting import formatted
from stage_functions.azure_policy.functions.signature import (
    MOST_ARGUMENTS,
    Function,
    array,
    fits,
    integer,
    kind_of,
    text,
)
from stage_functions.azure_policy.value import LONGEST_TEXT, json_text, text_of

_TRIED_PER_STEP: Final = 16
"""Delimiters, at one character each."""


def concat(*values: object) -> object:
    """Join texts, or arrays."""
    if values and isinstance(values[0], list):
        return [item for value in values for item in array(value, "each argument")]
    parts = [_part(value) for value in values]
    fits(sum(map(len, parts)), LONGEST_TEXT)
    return "".join(parts)


def _part(value: object) -> str:
    if value is None:
        return ""
    found = text_of(value)
    if found is None:
        message = f"it joins texts or arrays, not {kind_of(value)} and text"
        raise UnfitValueError(message)
    return found


def to_lower(value: object) -> str:
    """Return a text in lower case."""
    return text(value).lower()


def to_upper(value: object) -> str:
    """Return a text in upper case."""
    return text(value).upper()


def trim(value: object) -> str:
    """Return a text without white space around it."""
    return text(value).strip()


def replace(value: object, old: object, new: object) -> str:
    """Return a text with each occurrence of one text replaced by another one."""
    whole, before = text(value, "the text"), text(old, "the text to replace")
    after = text(new, "the replacement")
    if not before:
        message = "the text to replace is empty"
        raise UnfitValueError(message)
    fits(len(whole) + whole.count(before) * (len(after) - len(before)), LONGEST_TEXT)
    return whole.replace(before, after)


def substring(value: object, start: object, length: object = None) -> str:
    """Return a part of a text; it must lie within the text."""
    whole, first = text(value, "the text"), integer(start, "the start")
    count = len(whole) - first if length is None else integer(length, "the length")
    if first < 0 or count < 0 or first + count > len(whole):
        message = f"a part from {first} on, {count} long, is not within {len(whole)} characters"
        raise UnfitValueError(message)
    return whole[first : first + count]


def _places(whole: str) -> tuple[str, Sequence[int]]:
    """Return a text folded, and which character each of its characters comes from."""
    folded = whole.casefold()
    if len(folded) == len(whole):
        return folded, range(len(whole))
    folds = [character.casefold() for character in whole]
    origins = [index for index, fold in enumerate(folds) for _ in fold]
    return "".join(folds), origins


def index_of(value: object, part: object) -> int:
    """Return where a text first contains another one, or -1."""
    folded, origins = _places(text(value, "the text"))
    found = folded.find(text(part, "the text to find").casefold())
    return found if found <= 0 else origins[found]


def last_index_of(value: object, part: object) -> int:
    """Return where a text last contains another one, or -1."""
    whole, wanted = text(value, "the text"), text(part, "the text to find").casefold()
    if not wanted:
        return len(whole)
    folded, origins = _places(whole)
    found = folded.rfind(wanted)
    return found if found < 0 else origins[found]


def starts_with(value: object, part: object) -> bool:
    """Say whether a text starts with another one."""
    return text(value, "the text").casefold().startswith(text(part, "the start").casefold())


def ends_with(value: object, part: object) -> bool:
    """Say whether a text ends with another one."""
    return text(value, "the text").casefold().endswith(text(part, "the end").casefold())


def split(value: object, delimiters: object) -> list[object]:
    """Return the parts of a text between delimiters: one, or any of an array."""
    whole = text(value, "the text")
    given = delimiters if isinstance(delimiters, list) else [delimiters]
    wanted = sorted((text(item, "a delimiter") for item in given), key=len, reverse=True)
    wanted = [item for item in wanted if item]
    if len(wanted) == 1:
        return list(whole.split(wanted[0]))
    parts: list[object] = []
    at = begin = 0
    while at < len(whole):
        hit = next((item for item in wanted if whole.startswith(item, at)), None)
        if hit is None:
            at += 1
            continue
        parts.append(whole[begin:at])
        at = begin = at + len(hit)
    return [*parts, whole[begin:]]


def _work_of_split(value: object, delimiters: object) -> int:
    many = len(delimiters) if isinstance(delimiters, list) else 1
    return many * len(value) // _TRIED_PER_STEP if isinstance(value, str) and many > 1 else 0


def _work_of_format(pattern: object, *_: object) -> int:
    return pattern.count("{") // 2 if isinstance(pattern, str) else 0


def join(values: object, delimiter: object) -> str:
    """Return the items of an array as one text."""
    between = text(delimiter, "the delimiter")
    parts = [_written(item) for item in array(values, "what it joins")]
    fits(sum(map(len, parts)) + len(between) * max(len(parts) - 1, 0), LONGEST_TEXT)
    return between.join(parts)


def pad_left(value: object, width: object, character: object = " ") -> str:
    """Return a text filled up on its left."""
    whole = text_of(value)
    filler = text(character, "what it pads with")
    total = integer(width, "the width")
    if whole is None or len(filler) != 1:
        message = "it pads a text or a number with one character"
        raise UnfitValueError(message)
    fits(total, LONGEST_TEXT)
    return whole.rjust(total, filler)


def string(value: object) -> str:
    """Return any value as text; arrays and objects as JSON."""
    return _written(value)


def _written(value: object) -> str:
    found = text_of(value)
    return json_text(value) if found is None else found


def format_text(pattern: object, *values: object) -> str:
    """Fill values into a pattern: `{0}`, `{1,10}`, `{2:N2}`."""
    return formatted(text(pattern, "the pattern"), values)


TEXT_FUNCTIONS: Final = (
    Function("concat", 0, MOST_ARGUMENTS, concat),
    Function("toLower", 1, 1, to_lower),
    Function("toUpper", 1, 1, to_upper),
    Function("trim", 1, 1, trim),
    Function("replace", 3, 3, replace),
    Function("substring", 2, 3, substring),
    Function("indexOf", 2, 2, index_of),
    Function("lastIndexOf", 2, 2, last_index_of),
    Function("startsWith", 2, 2, starts_with),
    Function("endsWith", 2, 2, ends_with),
    Function("split", 2, 2, split, work=_work_of_split),
    Function("join", 2, 2, join),
    Function("padLeft", 2, 3, pad_left),
    Function("string", 1, 1, string),
    Function("format", 1, MOST_ARGUMENTS, format_text, work=_work_of_format),
)
