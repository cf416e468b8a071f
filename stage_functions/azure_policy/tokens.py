"""The words of a template's expression.

A text is in single quotes, a quote within it is doubled; numbers may have a sign, a point and an
exponent; everything else is a name or one of `( ) [ ] , .`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec import Struct

from stage_functions.azure_policy.error import InvalidPolicyError, shown

Kind = Literal["name", "number", "text", "sign", "end"]
_WORD: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign>[()\[\],.\-])"
)
_LONGEST_NUMBER: Final = 40


class Token(Struct, frozen=True):
    """A word of an expression.

    Attributes:
        kind: what it is.
        text: as written; of a text, what it says.
        at: the character that it begins at, counted from 1.
    """

    kind: Kind
    text: str
    at: int


def tokens_of(text: str, place: str) -> list[Token]:
    """Return the words of an expression, the end as the last one.

    Raises:
        InvalidPolicyError: There is something that no expression has.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at] == "'":
            said, after = _quoted(text, at, place)
            found.append(Token("text", said, at + 1))
            at = after
            continue
        word = _WORD.match(text, at)
        if word is None:
            message = f"the expression has {text[at]!r} at character {at + 1}; text is in '…'"
            raise InvalidPolicyError(message, place)
        kind = word.lastgroup
        if kind == "number" and len(word[0]) > _LONGEST_NUMBER:
            message = f"the number {shown(word[0])} in the expression is too long"
            raise InvalidPolicyError(message, place)
        if kind != "space":
            found.append(Token(kind, word[0], at + 1))  # type: ignore[arg-type] # a group's name
        at = word.end()
    found.append(Token("end", "", len(text) + 1))
    return found


def _quoted(text: str, start: int, place: str) -> tuple[str, int]:
    """Return what the text says that begins at a quote, and where it is over."""
    parts = []
    at = start + 1
    while True:
        end = text.find("'", at)
        if end < 0:
            message = f"the text that begins at character {start + 1} has no closing quote"
            raise InvalidPolicyError(message, place)
        parts.append(text[at:end])
        if not text.startswith("''", end):
            return "".join(parts), end + 1
        parts.append("'")
        at = end + 2
