"""Reads the paths that a CEL expression names, and puts what CEL says into words.

Pure text: nothing is compiled or evaluated here, so nothing here decides whether a rule passes.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from stage_functions.domain.evidence import SECTIONS
from stage_functions.domain.record import timestamp
from stage_functions.domain.rule import Facts

MAX_SHOWN_CHARACTERS = 300
"""Of a shown value; a verdict goes into a record, and a description may be long."""

REQUEST = ("from", "to", "reason", "requester", "attribution", "via")
VERSION = (
    "registry",
    "kind",
    "name",
    "version",
    "stage",
    "created_at",
    "author",
    "description",
    "properties",
    "tags",
)
_PARTS: Mapping[tuple[str, ...], Sequence[str]] = {
    ("evidence",): SECTIONS,
    ("holder", "evidence"): SECTIONS,
    ("version",): VERSION,
    ("holder",): (*VERSION, "evidence"),
    ("request",): REQUEST,
}
"""What there is under a variable; below it, names are the registry's own."""

_ROOTS = ("version", "evidence", "holder", "request", "now", "in_stage_since")
_TOKEN = re.compile(
    r"""(?P<string>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|(?P<name>[A-Za-z_]\w*)|`(?P<quoted>[^`]*)`|//[^\n]*|\d[\w.]*|(?P<sign>\S)""",
    re.DOTALL,
)
_COMPILE_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container ''\)")
_MISSING_KEY = re.compile(r"Key not found in map : (.)(.*)\1", re.DOTALL)
_OVERLOAD = "No matching overloads found : "
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

Path = tuple[str, ...]


def paths(expression: str) -> tuple[Path, ...]:
    """Return the paths from a variable down that an expression names, in its order.

    `evidence.metrics['val-auc']` is `("evidence", "metrics", "val-auc")`; a function or macro at
    the end of a path is not part of it.
    """
    tokens = [(t.lastgroup or "", t[t.lastgroup or 0]) for t in _TOKEN.finditer(expression)]
    found: list[Path] = []
    for start, (kind, text) in enumerate(tokens):
        after_dot = start > 0 and tokens[start - 1] == ("sign", ".")
        if kind == "name" and text in _ROOTS and not after_dot:
            found.append(_path(tokens, start))
    return tuple(found)


def _path(tokens: Sequence[tuple[str, str]], start: int) -> Path:
    parts = [tokens[start][1]]
    at = start + 1
    while at + 1 < len(tokens):
        step, (kind, text) = tokens[at], tokens[at + 1]
        if step == ("sign", ".") and kind in ("name", "quoted"):
            if kind == "name" and tokens[at + 2 : at + 3] == [("sign", "(")]:
                break
            parts.append(text)
            at += 2
        elif step == ("sign", "[") and kind == "string":
            parts.append(text.lstrip("rRbB").strip("\"'"))
            at += 3
        else:
            break
    return tuple(parts)


def unknown_part(expression: str) -> str:
    """Say which path of an expression leads nowhere whatever is recorded, or return ""."""
    for path in paths(expression):
        for depth in (1, 2):
            known = _PARTS.get(path[:depth])
            if known is None or len(path) <= depth or path[depth] in known:
                continue
            guess = difflib.get_close_matches(path[depth], known, 1)
            hint = f"did you mean '{guess[0]}'? " if guess else ""
            where = ".".join(path[:depth])
            return f"{where} has no '{path[depth]}'; {hint}it has {', '.join(known)}"
    return ""


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
        return f"nothing is named '{undeclared[1]}'"
    return said.partition(" expecting {")[0]


def reason(expression: str, error: str, facts: Facts) -> str:
    """Say why an expression could not be evaluated."""
    absent = _absent(expression, error, facts)
    if absent:
        return f"{'.'.join(absent)} is not recorded"
    if _reads_no_holder(expression, error, facts):
        return f"it reads holder, but {nobody_holds(facts)}"
    return _words(error)


def _words(error: str) -> str:
    missing = _MISSING_KEY.search(error)
    if missing:
        return f"{missing[2]} is not recorded"
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
        return f"{absent[-1]} is not recorded"
    if _reads_no_holder(expression, error, facts):
        return nobody_holds(facts)
    return reason(expression, error, facts)


def nobody_holds(facts: Facts) -> str:
    """Say that the target stage is free."""
    request = facts.get("request")
    stage = request.get("to") if isinstance(request, Mapping) else None
    return f"no version holds {stage or 'that stage'}"


def shown(value: object) -> str:
    """Return a value as a verdict shows it: numbers as Python's `repr`, texts as they are."""
    match value:
        case None:
            text = "null"
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case int() | float() | timedelta():
            text = str(value)
        case datetime():
            text = timestamp(value)
        case _:
            text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"


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
