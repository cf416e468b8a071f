r"""Evaluates rules with Google's CEL runtime. The only module that imports it.

A rule passes only if its answer is of type BOOL and is true. A key that is not there gives an
answer of type ERROR whose Python value is a truthy text, so the type is asked first, always. What
cannot be evaluated has errored; it never passes, and never raises.

CEL has no NUL and no lone surrogate (the runtime would cut a text short at a NUL, and `Approved`
would equal `Approved\0no`): both reach a rule as U+FFFD. Integers beyond 64 bits reach it as the
nearest fraction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct

from stage_functions.adapters import cel_paths, cel_tags, cel_text
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.rule import Facts, Result, Rule, Verdict, Withheld
from stage_functions.domain.visible_tags import EVERY_TAG, VisibleTags

_FAULTS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What the runtime's C++ exceptions arrive as; there is no base class of its own."""
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_INT64 = 2**63
MAX_COMPILED = 5000
"""Expressions kept; drafts of configurations are checked here too, and are never seen again."""


class _Answer(Struct, frozen=True):
    """What an expression came to.

    Attributes:
        kind: name of its CEL type, or "" where it could not be evaluated.
        value: as Python has it.
        error: the runtime's words, where it could not be evaluated.
    """

    kind: str = ""
    value: object = None
    error: str = ""


class CelRules:
    """A `RuleEngine` over CEL; each expression is compiled once.

    Args:
        keeps: how many expressions are kept compiled.
    """

    def __init__(self, keeps: int = MAX_COMPILED) -> None:
        self._keeps = keeps
        types = cel.Type
        text_to_any = types.Map(types.STRING, types.DYN)
        self._env = cel.NewEnv(
            variables={
                "version": text_to_any,
                "evidence": types.Map(types.STRING, text_to_any),
                "holder": types.DYN,
                "request": types.Map(types.STRING, types.STRING),
                "now": types.TIMESTAMP,
                "in_stage_since": types.TIMESTAMP,
                "uses": types.List(types.Map(types.STRING, types.STRING)),
                "used_by": types.List(types.Map(types.STRING, types.STRING)),
                "calendars": types.Map(types.STRING, text_to_any),
            }
        )
        self._compiled: dict[str, Any] = {}

    def check(
        self, rule: Rule, calendars: Collection[str] = (), tags: VisibleTags = EVERY_TAG
    ) -> str:
        """Say what is wrong with a rule as written; an empty text if nothing is."""
        found = [self._fault(rule.cel, calendars, tags, must_be_bool=True)]
        for expression in rule.shows:
            fault = self._fault(expression, calendars, tags, must_be_bool=False)
            found.append(fault and f"shows '{expression}': {fault}")
        return "; ".join(fault for fault in found if fault)

    def evaluate(self, rules: Sequence[Rule], facts: Facts) -> tuple[Verdict, ...]:
        """Return a verdict for each rule, in order."""
        if not rules:
            return ()
        texts = [text for rule in rules for text in (rule.cel, *rule.shows)]
        # Converting is most of the work. What is named nowhere in the text cannot be read.
        read = {
            name: _converted(fact)
            for name, fact in facts.items()
            if any(name in text for text in texts) and not isinstance(fact, Withheld)
        }
        activation = self._env.Activation(read)
        return tuple(self._verdict(rule, activation, facts) for rule in rules)

    def _fault(
        self, expression: str, calendars: Collection[str], tags: VisibleTags, *, must_be_bool: bool
    ) -> str:
        try:
            kind = self._compile(expression).return_type().name()
        except InvalidInputError as exc:
            return str(exc)
        if must_be_bool and kind == "DYN":
            return f"it may be of any type; make it true or false, as in ({expression}) == true"
        if must_be_bool and kind != "BOOL":
            return f"it is {cel_text.kind(kind)}; a rule is true or false, so compare it"
        return cel_paths.unknown_part(expression, calendars) or cel_tags.unseen(expression, tags)

    def _compile(self, expression: str) -> Any:  # noqa: ANN401 - the runtime has no types
        """Return the compiled expression.

        Raises:
            InvalidInputError: it does not compile; the message says where.
        """
        compiled = self._compiled.get(expression)
        if compiled is None:
            if _UNREADABLE.search(expression):
                message = "it holds a character that CEL does not know"
                raise InvalidInputError(message)
            try:
                compiled = self._env.compile(expression)
            except _FAULTS as exc:
                message = f"it does not compile: {cel_text.compile_faults(str(exc))}"
                raise InvalidInputError(message) from exc
            if len(self._compiled) >= self._keeps:
                self._compiled.clear()
            self._compiled[expression] = compiled
        return compiled

    def _verdict(self, rule: Rule, activation: Any, facts: Facts) -> Verdict:  # noqa: ANN401
        answer = self._answer(rule.cel, activation)
        error = ""
        if not answer.kind:
            error = cel_text.reason(rule.cel, answer.error, facts)
        elif answer.kind != "BOOL":
            error = f"it is {cel_text.shown(answer.value)}, neither true nor false"
        result = Result.PASSED if answer.value is True else Result.FAILED
        return Verdict(
            rule=rule.name,
            result=Result.ERRORED if error else result,
            values={
                shows: self._shown(shows, activation, facts)
                for shows in rule.shows or cel_paths.reads(rule.cel)
            },
            says=rule.says,
            error=error,
        )

    def _shown(self, expression: str, activation: Any, facts: Facts) -> str:  # noqa: ANN401
        answer = self._answer(expression, activation)
        if not answer.kind:
            return cel_text.absence(expression, answer.error, facts)
        if answer.value is None and expression.strip() == "holder":
            return cel_text.nobody_holds(facts)
        return cel_text.shown(answer.value)

    def _answer(self, expression: str, activation: Any) -> _Answer:  # noqa: ANN401
        try:
            answer = self._compile(expression).eval(activation)
            kind, value = answer.type(), answer.plain_value()
        except InvalidInputError as exc:
            return _Answer(error=str(exc))
        except _FAULTS as exc:
            return _Answer(error=str(exc) or type(exc).__name__)
        if kind in (cel.Type.ERROR, cel.Type.UNKNOWN):
            return _Answer(error=str(value))
        return _Answer(kind.name(), value)


def _converted(value: object) -> object:
    """Return a fact as the exact type that the runtime takes."""
    if type(value) is str and value.isprintable():  # as nearly all facts are
        return value
    match value:
        case None | bool() | float():
            return value
        case str():
            return _UNREADABLE.sub("\ufffd", str(value))
        case int():
            return value if -_INT64 <= value < _INT64 else _nearest(value)
        case datetime():
            moment = Timestamp()
            moment.FromDatetime(value)
            return moment
        case list():
            return [_converted(item) for item in value]
        case dict() | Mapping():
            return {_converted(str(key)): _converted(item) for key, item in value.items()}
        case _:
            message = f"no rule can read a {type(value).__name__}"
            raise TypeError(message)


def _nearest(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
