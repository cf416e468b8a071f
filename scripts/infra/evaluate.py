"""Evaluates expressions, as Azure would with the values at hand."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from scripts.infra import functions
from scripts.infra.faults import Place
from scripts.infra.shapes import ANY, BOOL, INT, STRING
from scripts.infra.syntax import (
    Access,
    Array,
    Binary,
    Call,
    Expression,
    For,
    Group,
    If,
    Index,
    Lambda,
    Literal,
    Name,
    Object,
    Spread,
    Ternary,
    Text,
    Unary,
)
from scripts.infra.values import Items, Record, Runtime, Unknown, join, type_of
from scripts.infra.world import Deployed, EvaluationError, Response, World, near

Locals = Mapping[str, object]
Apply = Callable[..., object]
NONE: Locals = {}
NAMESPACES = ("az", "sys")
OF_LAMBDAS = ("map", "filter", "reduce", "sort", "toObject", "mapValues")


class Evaluator(abc.ABC):
    """Evaluates the expressions of one file; what names stand for is another's to say."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abc.abstractmethod
    def symbol(self, name: str) -> object:
        """Return what a declared name stands for."""

    @abc.abstractmethod
    def ambient(self, call: Call, arguments: list[object]) -> object:
        """Return what a function answers that reads more than its arguments."""

    @abc.abstractmethod
    def part(self, base: object, name: str, place: Place) -> object:
        """Return a property of a resource or a module."""

    def evaluate(self, node: Expression, local: Locals = NONE) -> object:
        """Return the value of an expression.

        Args:
            node: the expression.
            local: what the variables of loops and lambdas stand for.

        Raises:
            EvaluationError: Azure would refuse it.
        """
        self.world.reached.add(node)
        match node:
            case Literal(value=value):
                return value
            case Name(name=name):
                return local[name] if name in local else self.symbol(name)
            case Group(inner=inner):
                return self.evaluate(inner, local)
            case Ternary(condition=condition, yes=yes, no=no):
                return self.evaluate(yes if self.truth(condition, local) else no, local)
            case Lambda() | If():
                message = "this stands only in a call, or behind a resource; move it"
                raise EvaluationError(node.place, "type", message)
            case _:
                return self._made(node, local)

    def _made(self, node: Expression, local: Locals) -> object:
        match node:
            case Text(parts=parts):
                return join(self._parts(parts, local))
            case Object():
                return self._object(node, local)
            case Array():
                return self._array(node, local)
            case Access() | Index():
                return self._access(node, local)
            case Call():
                return self._call(node, local)
            case Unary():
                return self._unary(node, local)
            case Binary():
                return self._binary(node, local)
            case For(body=body):
                found = [self.evaluate(body, one) for one in self.rounds(node, local)]
                return Items(found, place=node.place, places=[body.place] * len(found))
        raise AssertionError(node)

    def rounds(self, node: For, local: Locals) -> Iterator[Locals]:
        """Yield what the variables of a loop stand for, one mapping a round."""
        over = self.evaluate(node.over, local)
        if isinstance(over, Unknown):
            raise EvaluationError(
                node.over.place, "type", "a loop must know its items beforehand; loop over others"
            )
        if not isinstance(over, list):
            self._refuse(node.over.place, "a loop goes over an array", over)
        assert isinstance(over, list)  # noqa: S101  # refused else
        for number, item in enumerate(over):
            yield {**local, node.item: item, **({node.index: number} if node.index else {})}

    def truth(self, node: Expression, local: Locals) -> bool:
        """Return the value of a condition; what is not known counts as true."""
        value = self.evaluate(node, local)
        if type_of(value) not in {BOOL, ANY}:
            self._refuse(node.place, "a condition is true or false", value)
        return value is not False

    def _refuse(self, place: Place, wanted: str, value: object) -> None:
        message = f"{wanted}, but this is of type {type_of(value)}; mend it"
        raise EvaluationError(place, "type", message)

    def _parts(self, parts: tuple[str | Expression, ...], local: Locals) -> Iterator[str]:
        for part in parts:
            if isinstance(part, str):
                yield part
                continue
            value = self.evaluate(part, local)
            match value:
                case Unknown(kind=kind):
                    yield Runtime(f"<{kind}>")
                case str():
                    yield value
                case int():
                    yield str(value).lower()
                case None:
                    pass
                case _:
                    self._refuse(part.place, "text holds text, numbers and bools", value)

    def _object(self, node: Object, local: Locals) -> Record:
        found = Record(place=node.place)
        for item in node.items:
            if isinstance(item, Spread):
                value = self.evaluate(item.value, local)
                if isinstance(value, Record):
                    for key, inner in value.items():
                        found.put(key, inner, value.at(key))
                elif value is not None and type_of(value) != ANY:
                    self._refuse(item.place, "'...' in an object takes an object", value)
                continue
            key = str(self.evaluate(item.key, local))
            if key in found:
                message = f"'{key}' is given twice; remove one"
                raise EvaluationError(item.place, "duplicate", message)
            found.put(key, self.evaluate(item.value, local), item.place)
        return found

    def _array(self, node: Array, local: Locals) -> Items:
        found = Items(place=node.place)
        for item in node.items:
            if isinstance(item, Spread):
                more = self.evaluate(item.value, local)
                if not isinstance(more, list):
                    self._refuse(item.place, "'...' in an array takes an array", more)
                assert isinstance(more, list)  # noqa: S101  # refused else
                found += more
                found.places += [item.place] * len(more)
            else:
                found.append(self.evaluate(item, local))
                found.places.append(item.place)
        return found

    # --- what is asked of values --------------------------------------------------------------

    def _access(self, node: Access | Index, local: Locals) -> object:
        base = self.evaluate(node.base, local)
        key: object = node.name if isinstance(node, Access) else self.evaluate(node.index, local)
        match base, key:
            case (Unknown(), _) | (_, Unknown()):
                return Unknown(ANY)
            case list(), int():
                if -1 < key < len(base):
                    return base[key]
                return self._missing(node, f"the array has no item {key}")
            case Record(), str():
                if key in base:
                    return base[key]
                return self._missing(node, f"the object has no '{key}'{near(key, base)}")
            case None, _:
                return self._missing(node, f"null has no '{key}'")
            case (str() | int() | list() | dict(), _) | (_, int()):
                message = f"{type_of(base)} has no '{key}'; ask something else"
                raise EvaluationError(node.place, "type", message)
        return self._asked(node, base, str(key))

    def _asked(self, node: Access | Index, base: object, key: str) -> object:
        """Return what is asked of a resource, a module, or what Azure answers."""
        if isinstance(base, Response):
            return base.get(key, node.place)
        try:
            return self.part(base, key, node.place)
        except EvaluationError as exc:
            if node.safe and exc.fault.rule == "not-deployed":
                return None
            raise

    def _missing(self, node: Access | Index, message: str) -> object:
        if node.safe:
            return None
        ending = "" if "; " in message else "; mend it, or use '.?'"
        raise EvaluationError(node.place, "type", f"{message}{ending}")

    def _call(self, node: Call, local: Locals) -> object:
        namespaced = isinstance(node.base, Name) and node.base.name in NAMESPACES
        if node.base is not None and not namespaced:
            base = self.evaluate(node.base, local)
            what = "a resource" if isinstance(base, Deployed) else type_of(base)
            message = (
                f"{node.name}() of {what} is not known here, and what lists keys is not wanted; "
                "sign in by identity, without a key"
            )
            raise EvaluationError(node.place, "keys", message)
        if node.name in OF_LAMBDAS:
            return self._with_lambda(node, local)
        arguments = [self.evaluate(argument, local) for argument in node.arguments]
        if node.name not in functions.FUNCTIONS:
            return self.ambient(node, arguments)
        try:
            return functions.call(node.name, node.place, arguments)
        except functions.CallError as exc:
            raise EvaluationError(node.place, "type", str(exc)) from exc

    def _with_lambda(self, node: Call, local: Locals) -> object:
        whole = self.evaluate(node.arguments[0], local)
        if isinstance(whole, Unknown):
            return Unknown(ANY)

        def apply(function: Expression, *values: object) -> object:
            self.world.reached.add(function)
            if not isinstance(function, Lambda):
                message = f"{node.name}() takes a lambda here; write 'item => …'"
                raise EvaluationError(function.place, "type", message)
            given = dict(zip(function.parameters, values, strict=False))
            return self.evaluate(function.body, {**local, **given})

        if isinstance(whole, Record) and node.name == "mapValues":
            pairs = [(key, apply(node.arguments[-1], value)) for key, value in whole.items()]
            return Record(pairs, place=node.place)
        if not isinstance(whole, list):
            self._refuse(node.place, f"{node.name}() takes an array", whole)
        assert isinstance(whole, list)  # noqa: S101  # refused else
        return self._over(node, whole, apply, local)

    def _over(self, node: Call, whole: list[object], apply: Apply, local: Locals) -> object:
        last = node.arguments[-1]
        match node.name:
            case "map":
                found = [apply(last, item, number) for number, item in enumerate(whole)]
            case "filter":
                found = [item for item in whole if apply(last, item) is not False]
            case "toObject":
                key, *value = node.arguments[1:]
                made = [(apply(key, one), apply(value[0], one) if value else one) for one in whole]
                return Record(((str(name), one) for name, one in made), place=node.place)
            case "reduce":
                start = self.evaluate(node.arguments[1], local)
                return functools.reduce(lambda so_far, one: apply(last, so_far, one), whole, start)
            case _:  # sort: the order matters to no check, but the lambda is held to its types
                for first, second in pairwise(whole):
                    apply(last, first, second)
                found = whole
        return Items(found, place=node.place)

    # --- operators ----------------------------------------------------------------------------

    def _unary(self, node: Unary, local: Locals) -> object:
        value = self.evaluate(node.operand, local)
        if node.operator == "null" or isinstance(value, Unknown):
            return value
        if type_of(value) != (BOOL if node.operator == "!" else INT):
            self._refuse(node.place, f"'{node.operator}' takes another", value)
        assert isinstance(value, int)  # noqa: S101  # refused else
        return not value if node.operator == "!" else -value

    def _binary(self, node: Binary, local: Locals) -> object:
        if node.operator in {"&&", "||"}:
            left = self.truth(node.left, local)
            decided = left is (node.operator == "||")
            return left if decided else self.truth(node.right, local)
        value = self.evaluate(node.left, local)
        if node.operator == "??":
            return self.evaluate(node.right, local) if value is None else value
        other = self.evaluate(node.right, local)
        if isinstance(value, Unknown) or isinstance(other, Unknown):
            return Unknown(INT if node.operator in "+-*/%" else BOOL)
        return self._compared(node, value, other)

    def _compared(self, node: Binary, value: object, other: object) -> object:
        operator = node.operator
        if operator in {"==", "!="}:
            return (value == other) is (operator == "==")
        kinds = {type_of(value), type_of(other)}
        if operator in {"=~", "!~"}:
            if kinds != {STRING}:
                self._refuse(node.place, f"'{operator}' compares texts", value)
            return (str(value).lower() == str(other).lower()) is (operator == "=~")
        if kinds != {INT} and (kinds != {STRING} or operator in "+-*/%"):
            wrong = value if type_of(value) != INT else other
            self._refuse(node.place, f"'{operator}' takes numbers", wrong)
        assert isinstance(value, int)  # noqa: S101  # refused else; texts are compared as numbers are
        assert isinstance(other, int)  # noqa: S101
        if operator in {"/", "%"} and other == 0:
            raise EvaluationError(node.place, "type", "this divides by zero; mend it")
        return _ARITHMETIC[operator](value, other)


_ARITHMETIC = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
