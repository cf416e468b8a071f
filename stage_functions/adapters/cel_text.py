"""Puts what CEL says, and the values it comes to, into words.

Pure text: nothing is compiled or evaluated here, so nothing here decides whether a rule passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from stage_functions.adapters.cel_paths import RELATED, ROOTS, Path, did_you_mean, paths
from stage_functions.domain.record import timestamp
from stage_functions.domain.rule import ABSENT, NOBODY_HOLDS, Facts, Withheld

MAX_SHOWN_CHARACTERS = 300
"""Of a shown value; a verdict goes into a record, and a description may be long."""

_COMPILE_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container ''\)")
_MISSING_KEY = re.compile(r"Key not found in map : (.)(.*)\1", re.DOTALL)
_OVERLOAD = "No matching overloads found : "
_NO_VALUE = re.compile('No value with name "([^"]*)" found')
_SELECT = "SELECT to non-message"
_BINARY = re.compile(rf"{_OVERLOAD}_(\S+)_\((\S+), (\S+)\)")
_KINDS = {
    "BOOL": "true or false",
    "BYTES": "bytes",
    "DOUBLE": "a number",
    "DURATION": "a duration",
    "INT": "a whole number",
    "UINT": "a whole number",
    "NULL": "null",
    "STRING": "a text",
    "TIMESTAMP": "a moment",
    "bool": "true or false",
    "double": "a number",
    "int64": "a whole number",
    "uint64": "a whole number",
    "null_type": "null",
    "string": "a text",
}


def kind(name: str) -> str:
    """Say a CEL type in words."""
    return _KINDS.get(name, "a list" if name.startswith("LIST") else "a map")


def compile_faults(text: str) -> str:
    """Say why an expression does not compile: each fault with its place in the expression."""
    faults = [
        f"{_fault(said)} (line {line}, character {column})" if int(line) > 0 else _fault(said)
        for line, column, said in _COMPILE_ERROR.findall(text)
    ]
    return "; ".join(dict.fromkeys(faults)) or _plain(text)


def _fault(said: str) -> str:
    undeclared = _UNDECLARED.fullmatch(said)
    if undeclared:
        hint = did_you_mean(undeclared[1], ROOTS)
        return f"nothing is named '{undeclared[1]}'" + (f"; {hint.rstrip()}" if hint else "")
    return said.partition(" expecting {")[0]


def reason(expression: str, error: str, facts: Facts) -> str:
    """Say why an expression could not be evaluated."""
    withheld = _withheld(error, facts)
    if withheld:
        return withheld
    absent = _absent(expression, error, facts)
    if absent:
        return f"{'.'.join(absent)}{ABSENT}"
    if _reads_no_holder(expression, error, facts):
        return f"it reads holder, but {nobody_holds(facts)}"
    return _words(error)


def _words(error: str) -> str:
    missing = _MISSING_KEY.search(error)
    if missing:
        return f"{missing[2]}{ABSENT}"
    mismatch = _BINARY.search(error)
    if mismatch:
        sign, left, right = mismatch.groups()
        return f"{kind(left)} {sign} {kind(right)} has no answer; convert one, as in double(…)"
    if _OVERLOAD in error:
        return f"{error.partition(_OVERLOAD)[2]} does not fit the values that it was given"
    if _SELECT in error:
        return "it looks inside a value that is not a map"
    if "Iteration budget exceeded" in error:
        return "it goes through too many items"
    return _plain(error)


def absence(expression: str, error: str, facts: Facts) -> str:
    """Say in place of a value why it cannot be shown."""
    absent = _absent(expression, error, facts)
    if absent:
        return f"{absent[-1]}{ABSENT}"
    if _reads_no_holder(expression, error, facts):
        return nobody_holds(facts)
    return reason(expression, error, facts)


def nobody_holds(facts: Facts) -> str:
    """Say that the target stage is free."""
    request = facts.get("request")
    stage = request.get("to") if isinstance(request, Mapping) else None
    return f"{NOBODY_HOLDS}{stage or 'that stage'}"


def shown(value: object) -> str:
    """Return a value as a verdict shows it: numbers as Python's `repr`, texts as they are."""
    match value:
        case None:
            text = "null"
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case int() | float():
            text = str(value)
        case timedelta():
            # Fractions of a second tell nobody anything, unless there is nothing else.
            text = str(timedelta(seconds=int(value.total_seconds())) or value)
        case datetime():
            text = timestamp(value)
        case []:
            text = "none"
        case list() if all(isinstance(one, Mapping) and set(RELATED) <= set(one) for one in value):
            text = ", ".join(_related(one) for one in value)
        case _:
            text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"


def _related(one: Mapping[str, str]) -> str:
    """Say of a version that is used, or uses, which it is, as what, and where it stands."""
    role = f"{one['as']} " if "as" in one else ""
    if not one["kind"]:
        return f"{role}'{one['name']}', which names no version"
    name = f"{one['registry']}/{one['kind']}/{one['name']}:{one['version']}"
    return f"{role}{name} at {one['stage'] or 'no stage'}"


def _withheld(error: str, facts: Facts) -> str:
    """Say why a fact cannot be given, where that is what CEL missed."""
    missed = _NO_VALUE.search(error)
    fact = facts.get(missed[1]) if missed else None
    return fact.why if isinstance(fact, Withheld) else ""


def _absent(expression: str, error: str, facts: Facts) -> Path:
    """Return the first path that is not in the facts and ends in the key that CEL missed."""
    missing = _MISSING_KEY.search(error)
    if not missing:
        return ()
    for path in paths(expression):
        value: object = facts
        for depth, part in enumerate(path):
            if not isinstance(value, Mapping):
                break
            if part not in value:
                if part == missing[2]:
                    return path[: depth + 1]
                break
            value = value[part]
    return ()


def _reads_no_holder(expression: str, error: str, facts: Facts) -> bool:
    return (
        _SELECT in error
        and facts.get("holder") is None
        and any(path[0] == "holder" and len(path) > 1 for path in paths(expression))
    )


def _plain(text: str) -> str:
    """Return a message of the library without its status codes."""
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", text.strip())
