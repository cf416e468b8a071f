"""Reads the expressions of a Bicep file.

After https://github.com/Azure/bicep/blob/main/docs/grammar.md, and stricter where that is loose.
"""

from __future__ import annotations

from scripts.infra.faults import TemplateError
from scripts.infra.lexer import MAX_INTEGER, Token
from scripts.infra.syntax import (
    Access,
    Array,
    Binary,
    Call,
    Declaration,
    Expression,
    For,
    Group,
    If,
    Index,
    Lambda,
    Literal,
    Name,
    Object,
    Property,
    Spread,
    Ternary,
    Text,
    Unary,
)

_LEVELS = (
    ("??",),
    ("||",),
    ("&&",),
    ("==", "!=", "=~", "!~"),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Expressions:
    """A reader of words, with one word of foresight."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def token(self) -> Token:
        """The word that comes next."""
        return self._tokens[self._at]

    @property
    def kind(self) -> str:
        """Of the word that comes next."""
        return self.token.kind

    def next(self) -> Token:
        """Take the next word."""
        token = self.token
        self._at += token.kind != "end"
        return token

    def expect(self, kind: str, words: str) -> Token:
        """Take the next word, which must be of a kind.

        Raises:
            TemplateError: it is of another.
        """
        if self.kind == kind:
            return self.next()
        shown = {"newline": "the end of the line", "end": "the end", "text": "text"}
        found = shown.get(self.kind, f"'{self.token.text}'")
        raise TemplateError(
            self.token.place, "syntax", f"{words} is missing before {found}; add it"
        )

    def newlines(self) -> None:
        """Take all line breaks that come next."""
        while self.kind == "newline":
            self.next()

    def separator(self, closing: str) -> None:
        """Take what stands between two items: a comma, or line breaks."""
        if self.kind == ",":
            self.next()
            if self.kind in {"newline", closing}:
                raise TemplateError(
                    self.token.place, "syntax", "no item follows the ','; remove it"
                )
        elif self.kind != closing:
            self.expect("newline", f"a new line, ',' or '{closing}'")
            self.newlines()

    def expression(self, *, loop: bool = False, condition: bool = False) -> Expression:
        """Read an expression.

        Args:
            loop: `[for …]` may stand here.
            condition: `if (…) {…}` may stand here.
        """
        if condition and self.kind == "word" and self.token.text == "if":
            return self._if()
        if self.kind == "[" and self._begins_loop():
            if not loop:
                message = "a loop is the whole value of something; bind it to a variable"
                raise TemplateError(self.token.place, "syntax", message)
            return self._for(condition=condition)
        return self._ternary()

    def _begins_loop(self) -> bool:
        start = self._at
        self.next()
        self.newlines()
        found = self._follows(0, "for") and self._tokens[self._at + 1].kind in {"word", "("}
        self._at = start
        return found

    def _if(self) -> Expression:
        place = self.next().place
        self.expect("(", "'('")
        self.newlines()
        condition = self.expression()
        self.newlines()
        self.expect(")", "')'")
        return If(place, condition, self._object())

    def _for(self, *, condition: bool) -> Expression:
        place = self.expect("[", "'['").place
        self.newlines()
        self.next()
        index = ""
        if self.kind == "(":
            self.next()
            item = self.expect("word", "a name").text
            self.expect(",", "','")
            index = self.expect("word", "a name").text
            self.expect(")", "')'")
        else:
            item = self.expect("word", "a name").text
        if self.expect("word", "'in'").text != "in":
            raise TemplateError(self.token.place, "syntax", "'in' is missing before this; add it")
        over = self.expression()
        self.expect(":", "':'")
        self.newlines()
        body = self.expression(loop=True, condition=condition)
        self.newlines()
        self.expect("]", "']'")
        return For(place, item, index, over, body)

    def _ternary(self) -> Expression:
        condition = self._binary(0)
        if not self._after_newlines("?"):
            return condition
        self.expect("?", "'?'")
        self.newlines()
        yes = self.expression()
        self._after_newlines(":")
        self.expect(":", "':'")
        self.newlines()
        return Ternary(condition.place, condition, yes, self.expression())

    def _after_newlines(self, kind: str) -> bool:
        """Go to a word of this kind, even if it stands on a later line; tell whether it does."""
        start = self._at
        self.newlines()
        if self.kind == kind:
            return True
        self._at = start
        return False

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.kind in _LEVELS[level]:
            token = self.next()
            right = self._binary(level + 1)
            if token.kind == "??" and any(_compound(side) for side in (left, right)):
                message = "'??' beside other operators is easily misread; add parentheses"
                raise TemplateError(token.place, "syntax", message)
            left = Binary(left.place, token.kind, left, right)
        return left

    def _unary(self) -> Expression:
        if self.kind in {"!", "-"}:
            token = self.next()
            return Unary(token.place, token.kind, self._unary())
        return self.postfix()

    def postfix(self) -> Expression:
        """Read a value and what is asked of it: `.name`, `[index]`, `(…)`, `!`."""
        found = self.primary()
        while True:
            token = self.token
            if token.kind in {".", ".?"}:
                self.next()
                name = self.expect("word", "a name").text
                if self.kind == "(" and token.kind == ".":
                    found = Call(found.place, found, name, self._arguments())
                else:
                    found = Access(found.place, found, name, token.kind == ".?")
            elif token.kind == "[":
                self.next()
                safe = self.kind == "?" and bool(self.next())
                found = Index(found.place, found, self.expression(), safe)
                self.expect("]", "']'")
            elif token.kind == "!":
                found = Unary(self.next().place, "null", found)
            elif token.kind == "::":
                message = "'::' is not used here; name the resource where it is declared"
                raise TemplateError(token.place, "syntax", message)
            else:
                return found

    def primary(self) -> Expression:
        """Read a value.

        Raises:
            TemplateError: none stands here.
        """
        read = {
            "text": self.text,
            "number": self._number,
            "{": self._object,
            "[": self._array,
            "(": self._lambda if self.kind == "(" and self._is_lambda() else self._parenthesised,
        }.get(self.kind, self._word)
        return read()

    def _number(self) -> Expression:
        token = self.next()
        if int(token.text) > MAX_INTEGER:
            raise TemplateError(token.place, "syntax", "the number is too large; lessen it")
        return Literal(token.place, int(token.text))

    def _word(self) -> Expression:
        word = self.expect("word", "a value")
        if word.text in {"if", "for"} and self.kind in {"(", "word"}:
            message = f"'{word.text}' stands only behind a resource or a module; use '? :' or map()"
            raise TemplateError(word.place, "syntax", message)
        if word.text in _WORDS:
            return Literal(word.place, _WORDS[word.text])
        if self.kind == "=>":
            self.next()
            return Lambda(word.place, (word.text,), self.expression())
        if self.kind == "(":
            return Call(word.place, None, word.text, self._arguments())
        return Name(word.place, word.text)

    def text(self) -> Literal | Text:
        """Read text in quotes."""
        token = self.expect("text", "text in quotes")
        if len(token.parts) == 1:
            (plain,) = token.parts
            assert isinstance(plain, str)  # noqa: S101  # text begins and ends with plain text
            return Literal(token.place, plain)
        parts: list[str | Expression] = []
        for part in token.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            inside = Expressions(part)
            parts.append(inside.expression())
            inside.expect("end", "'}'")
        return Text(token.place, tuple(parts))

    def _parenthesised(self) -> Expression:
        self.next()
        self.newlines()
        found = self.expression()
        self.newlines()
        self.expect(")", "')'")
        return Group(found.place, found)

    def _is_lambda(self) -> bool:
        at = self._at + 1
        while self._tokens[at].kind in {"word", ","}:
            at += 1
        return self._tokens[at].kind == ")" and self._tokens[at + 1].kind == "=>"

    def _lambda(self) -> Expression:
        place = self.next().place
        names: list[str] = []
        while self.kind != ")":
            names.append(self.expect("word", "a name").text)
            if self.kind == ",":
                self.next()
        self.next()
        self.next()
        return Lambda(place, tuple(names), self.expression())

    def _arguments(self) -> tuple[Expression, ...]:
        self.expect("(", "'('")
        found = []
        self.newlines()
        while self.kind != ")":
            found.append(self.expression())
            self.newlines()
            if self.kind != ")":
                self.expect(",", "',' or ')'")
                self.newlines()
        self.next()
        return tuple(found)

    def _object(self) -> Object:
        place = self.expect("{", "'{'").place
        items: list[Property | Spread] = []
        nested: list[Declaration] = []
        self.newlines()
        while self.kind != "}":
            here = self.token.place
            if self.kind == "@" or (self._follows(0, "resource") and self._follows(1)):
                nested.append(self.declaration())
            elif self.kind == "...":
                self.next()
                items.append(Spread(here, self.expression()))
            else:
                key = self._key()
                self.expect(":", "':'")
                items.append(Property(here, key, self.expression(loop=True)))
            self.separator("}")
        self.next()
        return Object(place, tuple(items), tuple(nested))

    def declaration(self) -> Declaration:
        """Read a statement, such as a resource inside another."""
        message = "no statement stands inside an expression; move it out"
        raise TemplateError(self.token.place, "syntax", message)

    def _key(self) -> Literal | Text:
        if self.kind == "text":
            return self.text()
        token = self.expect("word", "the name of a property")
        return Literal(token.place, token.text)

    def _array(self) -> Array:
        place = self.expect("[", "'['").place
        items: list[Expression | Spread] = []
        self.newlines()
        while self.kind != "]":
            if self.kind == "...":
                items.append(Spread(self.next().place, self.expression()))
            else:
                items.append(self.expression())
            self.separator("]")
        self.next()
        return Array(place, tuple(items))

    def _follows(self, distance: int, word: str = "") -> bool:
        """Tell whether this word, or any, stands so many words on."""
        token = self._tokens[min(self._at + distance, len(self._tokens) - 1)]
        return token.kind == "word" and word in {"", token.text}


def _compound(side: Expression) -> bool:
    return isinstance(side, Ternary) or (isinstance(side, Binary) and side.operator != "??")
