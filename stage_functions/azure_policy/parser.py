"""Reads expressions of templates: checks names, numbers of arguments and depths.

What is known already is worked out at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NoReturn

from msgspec.structs import replace

from stage_functions.azure_policy.error import (
    InvalidPolicyError,
    PolicyFailedError,
    UnfitValueError,
    UnsupportedPolicyError,
    shown,
)
from stage_functions.azure_policy.expression import Call, Choice, Constant, Expression, Member
from stage_functions.azure_policy.functions import (
    FORBIDDEN,
    FUNCTIONS,
    MOST_ARGUMENTS,
    UNSUPPORTED,
)
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.reader import Reader
from stage_functions.azure_policy.run import Run
from stage_functions.azure_policy.scope import (
    CONTEXT,
    REQUEST,
    ContextValue,
    Current,
    FieldValue,
    RequestValue,
)
from stage_functions.azure_policy.tokens import Kind, Token, tokens_of
from stage_functions.azure_policy.value import MISSING

LONGEST_EXPRESSION: Final = 81_920
"""Characters; so is Azure's limit, and so is the next one."""
DEEPEST_EXPRESSION: Final = 64
_WORDS: Final = {"true": True, "false": False, "null": None}


def expression_in(text: str, place: str, reader: Reader) -> Expression:
    """Return the expression that a text has between its brackets.

    Raises:
        InvalidPolicyError: It is wrong.
        UnsupportedPolicyError: It calls what is not evaluated here.
    """
    if len(text) > LONGEST_EXPRESSION:
        message = f"an expression has at most {LONGEST_EXPRESSION:,} characters"
        raise InvalidPolicyError(message, place)
    return _Parser(text, place, reader).whole()


class _Parser:
    """Reads one expression."""

    def __init__(self, text: str, place: str, reader: Reader) -> None:
        self._whole = text
        self._tokens = tokens_of(text, place)
        self._next = 0
        self._place = place
        self._reader = reader

    def whole(self) -> Expression:
        found = self._expression(1)
        if self._peek().kind != "end":
            self._fail("the end of the expression")
        return found

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self, kind: Kind, text: str = "") -> Token | None:
        token = self._peek()
        if token.kind != kind or (text and token.text != text):
            return None
        self._next += 1
        return token

    def _fail(self, wanted: str) -> NoReturn:
        token = self._peek()
        there = "the end" if token.kind == "end" else repr(shown(token.text))
        message = f"at character {token.at} of the expression: expected {wanted}, found {there}"
        raise InvalidPolicyError(message, self._place)

    def _expression(self, depth: int) -> Expression:
        if depth > DEEPEST_EXPRESSION:
            message = f"an expression is nested at most {DEEPEST_EXPRESSION} levels deep"
            raise InvalidPolicyError(message, self._place)
        found = self._primary(depth)
        members = 0
        while True:
            if self._take("sign", "."):
                name = self._take("name")
                if name is None:
                    self._fail("the name of a member")
                key: Expression = Constant(name.text)
            elif self._take("sign", "["):
                key = self._expression(depth + 1)
                if not self._take("sign", "]"):
                    self._fail("a closing bracket")
            else:
                return found
            members += 1
            if members > DEEPEST_EXPRESSION:
                message = f"an expression goes at most {DEEPEST_EXPRESSION} members deep"
                raise InvalidPolicyError(message, self._place)
            found = self._known(Member(found, key, self._place), (found, key))

    def _primary(self, depth: int) -> Expression:
        text = self._take("text")
        if text is not None:
            return Constant(text.text)
        sign = -1 if self._take("sign", "-") else 1
        number = self._take("number")
        if number is not None:
            return Constant(sign * self._number(number))
        name = self._take("name") if sign > 0 else None
        if name is None:
            self._fail("a function, a text or a number")
        if self._take("sign", "("):
            return self._call(name, depth)
        if name.text.lower() in _WORDS:
            return Constant(_WORDS[name.text.lower()])
        message = (
            f"{shown(name.text)!r} at character {name.at} of the expression is neither a call nor "
            "a text; write it with () or in quotes"
        )
        raise InvalidPolicyError(message, self._place)

    def _number(self, token: Token) -> int | float:
        if token.text.isdecimal():
            return int(token.text)
        value = float(token.text)
        if not math.isfinite(value):
            message = f"the number {shown(token.text)} in the expression is too large"
            raise InvalidPolicyError(message, self._place)
        return value

    def _call(self, name: Token, depth: int) -> Expression:
        arguments: list[Expression] = []
        if not self._take("sign", ")"):
            arguments.append(self._expression(depth + 1))
            while self._take("sign", ","):
                arguments.append(self._expression(depth + 1))
            if not self._take("sign", ")"):
                self._fail("a comma or a closing parenthesis")
        self._reader.count_function(self._place)
        return self._called(name.text, tuple(arguments))

    def _called(self, name: str, arguments: tuple[Expression, ...]) -> Expression:
        function = name.casefold()
        known = FUNCTIONS.get(function)
        if known is not None:
            self._check(known.name, arguments, known.least, known.most)
            if known.expects_missing and isinstance(arguments[0], Member):
                arguments = (replace(arguments[0], guarded=True), *arguments[1:])
            call = Call(
                known.name, known.apply, arguments, self._place, known.takes_missing, known.work
            )
            return self._known(call, arguments)
        if function in _CHOICES:
            spelled, least, most, choose = _CHOICES[function]
            self._check(spelled, arguments, least, most)
            return self._known(Choice(spelled, choose, arguments, self._place), arguments)
        return self._reading(name, function, arguments)

    def _reading(self, name: str, function: str, arguments: tuple[Expression, ...]) -> Expression:
        if function in CONTEXT:
            self._check(CONTEXT[function], arguments, 0, 0)
            return ContextValue(CONTEXT[function], self._place)
        if function == REQUEST:
            self._check("requestContext", arguments, 0, 0)
            return RequestValue(self._place)
        if function == "parameters":
            self._check("parameters", arguments, 1, 1)
            return self._parameter(arguments[0])
        if function == "field":
            self._check("field", arguments, 1, 1)
            return self._field(arguments[0])
        if function == "current":
            self._check("current", arguments, 0, 1)
            return self._current(arguments)
        if function in UNSUPPORTED:
            message = f"{name}() is not evaluated here: {UNSUPPORTED[function]}"
            raise UnsupportedPolicyError(message, self._place)
        if function in FORBIDDEN:
            message = f"{name}() may not be used in a policy's rule; take it out"
            raise InvalidPolicyError(message, self._place)
        message = f"there is no function {shown(name)}(); check how it is spelled"
        raise InvalidPolicyError(message, self._place)

    def _parameter(self, argument: Expression) -> Expression:
        if not isinstance(argument, Constant):
            message = "parameters() with a name that is worked out is not evaluated here"
            raise UnsupportedPolicyError(message, self._place)
        return Constant(self._reader.parameter(self._text("parameters", argument), self._place))

    def _field(self, argument: Expression) -> Expression:
        if isinstance(argument, Constant):
            self._reader.field(self._text("field", argument), self._place)
        else:
            self._reader.fields.add(f"[{self._whole}]")
        return FieldValue(argument, self._place)

    def _current(self, arguments: tuple[Expression, ...]) -> Expression:
        if not arguments:
            self._reader.counted("", self._place)
            return Current(None, self._place)
        key = arguments[0]
        told = self._text("current", key) if isinstance(key, Constant) else ""
        self._reader.counted(told, self._place)
        return Current(key, self._place)

    def _text(self, name: str, argument: Constant) -> str:
        if isinstance(argument.constant, str) and argument.constant:
            return argument.constant
        message = f"{name}() takes a name in quotes, not {kind_of(argument.constant)}"
        raise InvalidPolicyError(message, self._place)

    def _check(self, name: str, arguments: tuple[Expression, ...], least: int, most: int) -> None:
        if least <= len(arguments) <= most:
            return
        wanted = str(least) if least == most else f"{least} to {most}"
        message = f"{name}() takes {wanted} arguments, not {len(arguments)}"
        raise InvalidPolicyError(message, self._place)

    def _known(self, expression: Expression, parts: Sequence[Expression]) -> Expression:
        """Return the value of an expression where all its parts are known; else itself.

        What fails or is missing is left to the evaluation, which may never come to it.
        """
        if not all(isinstance(part, Constant) for part in parts):
            return expression
        try:
            value = expression.value(self._reader.reading)
        except PolicyFailedError:
            return expression
        return expression if value is MISSING else Constant(value)


def _if(run: Run, arguments: Sequence[Expression]) -> object:
    condition = _is_true(arguments[0].value(run), "its condition")
    return arguments[1 if condition else 2].value(run)


def _is_true(value: object, role: str) -> bool:
    if isinstance(value, bool) or value is None or value is MISSING:
        return value is True
    message = f"{role} must be true or false, not {kind_of(value)}"
    raise UnfitValueError(message)


def _and(run: Run, arguments: Sequence[Expression]) -> object:
    return all(_is_true(argument.value(run), "each argument") for argument in arguments)


def _or(run: Run, arguments: Sequence[Expression]) -> object:
    return any(_is_true(argument.value(run), "each argument") for argument in arguments)


_CHOICES: Final = {
    "if": ("if", 3, 3, _if),
    "and": ("and", 1, MOST_ARGUMENTS, _and),
    "or": ("or", 1, MOST_ARGUMENTS, _or),
}
