"""Reads what definitions of Azure Policy are tried with: JSON files, and a YAML file of cases.

Nothing is evaluated here. Values are those of JSON, in YAML too: a date, or a key that is no text,
is a fault with its place in the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NoReturn

import yaml
from msgspec import Struct

from stage_functions.azure_policy import EFFECTS
from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.moments import moment
from stage_functions.azure_policy.scope import CONTEXT
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.hint import did_you_mean
from stage_functions.wire.document import parsed

MAX_LEVELS = 256
"""Of lists and objects within each other, in one file."""
MAX_VALUES = 200_000
"""In one file of cases, those behind an alias counted at every use."""
_TOO_DEEP = f"nested more than {MAX_LEVELS} levels deep"
NOTHING, FAILS = "none", "fails"
"""What may be expected besides an effect: that the rule does not match, or cannot be evaluated."""

_OF_FILE = ("definitions", "parameters", "request_context", "context", "cases")
_OF_CASE = ("name", "definition", "resource", "parameters", "request_context", "context", "expect")

Values = Mapping[str, object]


class Case(Struct, frozen=True):
    """One trial of definitions.

    Attributes:
        name: what it shows.
        definition: the one that it is about, by its name, display name or file; "" for all.
        resource: what is judged, or the path of a file with it.
        parameters: its own, besides those for all cases.
        request_context, context: as `evaluate` takes them, with those for all cases.
        expect: an effect, `none` or `fails`.
    """

    name: str
    definition: str
    resource: Values | str
    parameters: Values
    request_context: Values
    context: Values
    expect: str


class Cases(Struct, frozen=True):
    """A file of cases.

    Attributes:
        definitions: paths, as written.
        parameters: for all cases, of those definitions that have them.
        cases: in file order.
    """

    definitions: tuple[str, ...]
    parameters: Values
    cases: tuple[Case, ...]


def json_object(text: str, name: str) -> Values:
    """Return the object that a JSON file holds.

    Raises:
        InvalidInputError: it holds none; the message names the file.
    """
    found = json_document(text, name)
    if not isinstance(found, dict):
        message = f"{name} holds {_what(found)}; an object is wanted: {{…}}"
        raise InvalidInputError(message)
    return found


def json_document(text: str, name: str) -> object:
    """Return what a JSON file holds.

    Raises:
        InvalidInputError: it is none, or some object has a name twice; the message names the file.
    """
    if not text.strip():
        message = f"{name} is empty; an object is wanted: {{…}}"
        raise InvalidInputError(message)
    try:
        found = parsed(text, strict=True)
    except ValueError as exc:
        if isinstance(exc.__cause__, RecursionError):
            message = f"{name}: {_TOO_DEEP}"
            raise InvalidInputError(message) from exc
        message = f"{name} is not JSON: {exc}"
        raise InvalidInputError(message) from exc
    try:
        _plain(found, "", [MAX_VALUES])
    except (_FaultError, RecursionError) as exc:
        message = f"{name}: {exc if isinstance(exc, _FaultError) else _TOO_DEEP}"
        raise InvalidInputError(message) from exc
    return found


def context_fault(context: Values) -> str:
    """Say what is wrong with what `utcNow()` and others of its kind are to say; "" for nothing.

    A member that none of them reads would be left out of the evaluation without a word.
    """
    known = (*CONTEXT.values(), "requestContext")
    folded = {one.casefold(): one for one in known}
    for name, value in context.items():
        meant = folded.get(name.casefold())
        if meant is None:
            hint = did_you_mean(name, known)
            return f"there is no '{name}' but {', '.join(known)}{hint}"
        if meant == CONTEXT["utcnow"]:
            try:
                moment(value)
            except UnfitValueError:
                return f"{name} is no time; write one such as 2026-01-31T12:00:00Z, in quotes"
    return ""


def read_cases(text: str, name: str) -> Cases:
    """Read a file of cases.

    Raises:
        InvalidInputError: it is none; the message says where and why.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        message = f"{name}{place}: this is not YAML: {exc.problem or exc.context}"
        raise InvalidInputError(message) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        message = f"{name} is not YAML: {_TOO_DEEP if isinstance(exc, RecursionError) else exc}"
        raise InvalidInputError(message) from exc
    try:
        _plain(found, "", [MAX_VALUES])
        return _cases(found)
    except (_FaultError, RecursionError) as exc:
        message = f"{name}: {exc if isinstance(exc, _FaultError) else _TOO_DEEP}"
        raise InvalidInputError(message) from exc


class _FaultError(ValueError):
    """What is wrong with a file of cases, behind the place."""


def _refuse(message: str, place: str = "") -> NoReturn:
    raise _FaultError(f"{place}: {message}" if place else message)


def _plain(value: object, place: str, left: list[int], level: int = 1) -> None:
    """Refuse what JSON does not have, and what nobody writes."""
    left[0] -= 1
    if left[0] < 0:
        _refuse(f"more than {MAX_VALUES} values")
    if not isinstance(value, dict | list):
        _scalar(value, place)
        return
    if level > MAX_LEVELS:
        _refuse(_TOO_DEEP)
    if isinstance(value, list):
        for index, inner in enumerate(value):
            _plain(inner, f"{place}[{index}]", left, level + 1)
        return
    for key, inner in value.items():
        if not isinstance(key, str):
            _refuse(f"the key {key!r} is no text; put it in quotes", place)
        _whole(key, place)
        _plain(inner, _joined(place, key), left, level + 1)


def _scalar(value: object, place: str) -> None:
    if isinstance(value, str):
        _whole(value, place)
    elif isinstance(value, float) and not math.isfinite(value):
        _refuse(f"{value} is no number that JSON has; put it in quotes", place)
    elif not (value is None or isinstance(value, bool | int | float)):
        _refuse(f"{_what(value)} is nothing that JSON has; put it in quotes", place)


def _whole(text: str, place: str) -> None:
    """Refuse half of a character, which cannot be shown either."""
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse(f"the text {text!a} has half of a character", place)


def _cases(found: object) -> Cases:
    whole = _mapping(found, "", _OF_FILE)
    if "cases" not in whole:
        _refuse("there are no cases; write cases: and a list of them")
    items = _list(whole["cases"], "cases")
    if not items:
        _refuse("there is none; write a list of them", "cases")
    return Cases(
        tuple(
            _text(one, f"definitions[{index}]")
            for index, one in enumerate(_list(whole.get("definitions", []), "definitions"))
        ),
        _mapping(whole.get("parameters", {}), "parameters"),
        tuple(_case(item, whole, f"cases[{index}]") for index, item in enumerate(items)),
    )


def _case(found: object, whole: Values, place: str) -> Case:
    item = _mapping(found, place, _OF_CASE)
    for key in ("name", "resource", "expect"):
        if key not in item:
            _refuse(f"a case has a {key}; it is missing", place)
    resource = item["resource"]
    if not isinstance(resource, dict | str):
        _refuse("write a resource, or the path of a JSON file", f"{place}.resource")

    def values(key: str) -> Values:
        common = _mapping(whole.get(key, {}), key)
        own = _mapping(item.get(key, {}), f"{place}.{key}")
        for said, there in ((common, key), (own, f"{place}.{key}")):
            wrong = context_fault(said) if key == "context" else ""
            if wrong:
                _refuse(wrong, there)
        return {**common, **own}

    return Case(
        _text(item["name"], f"{place}.name"),
        _text(item.get("definition", ""), f"{place}.definition"),
        resource,
        _mapping(item.get("parameters", {}), f"{place}.parameters"),
        values("request_context"),
        values("context"),
        _expected(item["expect"], f"{place}.expect"),
    )


def _expected(found: object, place: str) -> str:
    if found is None:
        return NOTHING
    known = {**EFFECTS, NOTHING: NOTHING, FAILS: FAILS}
    text = _text(found, place)
    if text.casefold() not in known:
        hint = did_you_mean(text, known.values())
        _refuse(f"'{text}' is neither an effect, nor none or fails{hint}", place)
    return known[text.casefold()]


def _mapping(found: object, place: str, known: tuple[str, ...] = ()) -> Values:
    if not isinstance(found, dict):
        _refuse(f"a mapping is wanted, and there is {_what(found)}", place)
    for key in found:
        if known and key not in known:
            hint = did_you_mean(key, known)
            _refuse(f"there is no '{key}' but {', '.join(known)}{hint}", place)
    return found


def _list(found: object, place: str) -> list[object]:
    if not isinstance(found, list):
        _refuse(f"a list is wanted, and there is {_what(found)}", place)
    return found


def _text(found: object, place: str) -> str:
    if not isinstance(found, str):
        _refuse(f"a text is wanted, and there is {_what(found)}", place)
    return found


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _what(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"
