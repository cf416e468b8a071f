"""Patterns of `like` and `match`, without regular expressions.

`like`: `*` stands for anything, `?` for one character. `match`: `#` for a digit, `?` for a letter,
`.` for any character. Both are about the whole text.
"""

from __future__ import annotations

import string
from typing import Final

_LETTERS: Final = frozenset(string.ascii_letters)
_DIGITS: Final = frozenset(string.digits)


def like(text: str, pattern: str) -> bool:
    """Say whether a text is like a pattern; both are folded already where that is wanted."""
    first, *others = pattern.split("*")
    if not others:
        return len(text) == len(first) and _fits(text, first, 0)
    *middle, last = others
    end = len(text) - len(last)
    if end < len(first) or not _fits(text, first, 0) or not _fits(text, last, end):
        return False
    at = len(first)
    for piece in middle:
        found = _find(text, piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _find(text: str, piece: str, start: int, end: int) -> int:
    if "?" not in piece:
        return text.find(piece, start, end)
    return next((at for at in range(start, end - len(piece) + 1) if _fits(text, piece, at)), -1)


def _fits(text: str, piece: str, at: int) -> bool:
    if "?" not in piece:
        return text.startswith(piece, at)
    return all(wanted in {"?", text[at + index]} for index, wanted in enumerate(piece))


def match(text: str, pattern: str) -> bool:
    """Say whether a text matches a pattern, character by character."""
    if len(text) != len(pattern):
        return False
    for there, wanted in zip(text, pattern, strict=True):
        if wanted == ".":
            continue
        if wanted == "#":
            fits = there in _DIGITS
        elif wanted == "?":
            fits = there in _LETTERS
        else:
            fits = there == wanted
        if not fits:
            return False
    return True
