"""The words of a Bicep file, each with its place. Text in quotes is taken apart here too.

After https://github.com/Azure/bicep/blob/main/src/Bicep.Core/Parsing/Lexer.cs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scripts.infra.faults import Place, TemplateError

_OPERATOR = re.compile(
    r"\.\.\.|\.\?|::|!=|!~|==|=~|=>|<=|>=|&&|\|\||\?\?|[(){}\[\]@,.?:!=<>+\-*/%|]"
)
_SPACE = re.compile(r"[ \t]+|//[^\n]*|/\*.*?\*/", re.DOTALL)
_NEWLINE = re.compile(r"\r?\n")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+")
_DIRECTIVE = re.compile(r"#[^\n]*")
_ESCAPES = {"\\": "\\", "'": "'", "n": "\n", "r": "\r", "t": "\t", "$": "$"}
_UNICODE = re.compile(r"u\{([0-9A-Fa-f]{1,6})\}")
MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Token:
    """A word.

    Attributes:
        kind: `word`, `number`, `text`, `newline`, `end`, or the operator itself.
        text: as written; of text, nothing.
        place: where it begins.
        parts: of text: what is between the quotes, in turn plain text and the words of an
            expression in `${}`.
    """

    kind: str
    text: str
    place: Place
    parts: tuple[str | tuple[Token, ...], ...] = ()


class Lexer:
    """Takes one file apart."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        self._at = 0
        self._line = 1
        self._line_start = 0

    def tokens(self, *, until_brace: bool = False) -> tuple[Token, ...]:
        """Return the words up to the end, or of `${}` up to its closing brace.

        Raises:
            TemplateError: what stands there is no word of the language.
        """
        found: list[Token] = []
        depth = 0
        while True:
            self._skip()
            place = self.place()
            if self._at >= len(self._text):
                if until_brace:
                    raise TemplateError(place, "syntax", "'${' is never closed; add '}'")
                return (*found, Token("end", "", place))
            if until_brace and depth == 0 and self._text[self._at] == "}":
                self._at += 1
                return (*found, Token("end", "", place))
            token = self._token(place)
            depth += {"{": 1, "}": -1}.get(token.kind, 0)
            if until_brace and token.kind == "newline":
                raise TemplateError(place, "syntax", "'${' is never closed on its line; add '}'")
            found.append(token)

    def place(self) -> Place:
        """Return where the next word begins."""
        return Place(self._path, self._line, self._at - self._line_start + 1)

    def _skip(self) -> None:
        while match := _SPACE.match(self._text, self._at) or _DIRECTIVE.match(self._text, self._at):
            self._go(match.end())

    def _go(self, end: int) -> None:
        for newline in re.finditer("\n", self._text[self._at : end]):
            self._line += 1
            self._line_start = self._at + newline.end()
        self._at = end

    def _token(self, place: Place) -> Token:
        text = self._text
        if text.startswith("'''", self._at):
            return self._multi_line(place)
        if text[self._at] == "'":
            return self._quoted(place)
        for kind, pattern in (("newline", _NEWLINE), ("word", _WORD), ("number", _NUMBER)):
            if match := pattern.match(text, self._at):
                self._go(match.end())
                return Token(kind, match.group(), place)
        if match := _OPERATOR.match(text, self._at):
            self._at = match.end()
            return Token(match.group(), match.group(), place)
        if text[self._at] == '"':
            raise TemplateError(place, "syntax", "text is quoted with '; replace the \"")
        raise TemplateError(place, "syntax", f"'{text[self._at]}' has no meaning here; remove it")

    def _multi_line(self, place: Place) -> Token:
        end = self._text.find("'''", self._at + 3)
        if end < 0:
            raise TemplateError(place, "syntax", "the text is never closed; add '''")
        while self._text.startswith("''''", end):  # quotes before the last three belong to it
            end += 1
        inside = self._text[self._at + 3 : end]
        self._go(end + 3)
        return Token("text", "", place, (_NEWLINE.sub("\n", inside).removeprefix("\n"),))

    def _quoted(self, place: Place) -> Token:
        self._at += 1
        parts: list[str | tuple[Token, ...]] = []
        plain: list[str] = []
        while True:
            here = self.place()
            letter = self._text[self._at : self._at + 1]
            if letter in {"", "\n", "\r"}:
                raise TemplateError(place, "syntax", "the text is never closed on its line; add '")
            self._at += 1
            if letter == "'":
                return Token("text", "", place, (*parts, "".join(plain)))
            if letter == "\\":
                plain.append(self._escape(here))
            elif letter == "$" and self._text.startswith("{", self._at):
                self._at += 1
                parts += ["".join(plain), self.tokens(until_brace=True)]
                plain = []
            else:
                plain.append(letter)

    def _escape(self, place: Place) -> str:
        if match := _UNICODE.match(self._text, self._at):
            self._at = match.end()
            return chr(int(match.group(1), 16))
        letter = self._text[self._at : self._at + 1]
        if letter not in _ESCAPES:
            raise TemplateError(
                place, "syntax", f"'\\{letter}' is no escape; write '\\\\' for a backslash"
            )
        self._at += 1
        return _ESCAPES[letter]
