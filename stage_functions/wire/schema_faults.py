"""Checks the shape of `stageward.yaml` by its JSON Schema, and tells every fault in words.

The schema file is the one source: editors complete from it, and the words come from its
`patternErrorMessage`. What is known but does not work yet is named there under `x-not-yet`.
Whether names that are well formed mean something is not checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import fastjsonschema

from stage_functions.domain.hint import did_you_mean
from stage_functions.wire.faults import Fault
from stage_functions.wire.yaml_marks import Document, Path, Plain

MAX_TOLD = 100
"""Faults of shape at once; a file that has more is told again when those are mended."""
_WHAT = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "a mapping",
    "string": "a text",
}
_EMPTY = {"array": "; [] where it is empty", "object": "; {} where it is empty"}
_KEYS_RULES = ("additionalProperties", "oneOf", "propertyNames", "required", "uniqueItems")


def schema_faults(document: Document) -> Iterator[Fault]:
    """Return what is wrong with the shape of a file."""
    variables = [path for path in _strings(document.value) if not _is_address(path)]
    for path in variables:
        yield Fault(
            document.place(path),
            "only the address of a registry may use ${…}; write the value itself",
        )
    validate, _ = _schema()
    try:
        validate(document.value)
    except fastjsonschema.JsonSchemaValuesException as exc:
        for path, error in _first_of_each(document.value, exc.errors[:MAX_TOLD]):
            if path not in variables:
                yield from _told(document, path, error)


def misfit(value: Plain) -> str:
    """Return the first thing that is wrong with the shape of a file's content, or ""."""
    validate, _ = _schema()
    try:
        validate(value)
    except fastjsonschema.JsonSchemaValuesException as exc:
        return str(exc.errors[0].message)
    return ""


@cache
def _schema() -> tuple[Callable[[Plain], object], Mapping[str, Any]]:
    text = files("stage_functions").joinpath("stageward.schema.json").read_text("utf-8")
    schema = json.loads(text)
    return fastjsonschema.compile(schema, use_default=False, fast_fail=False), schema


def _strings(value: Plain, path: Path = ()) -> Iterator[Path]:
    """Return the paths of the keys and texts that hold a `${`."""
    if isinstance(value, str) and "${" in value:
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if "${" in key:
                yield (*path, key)
            yield from _strings(item, (*path, key))


def _is_address(path: Path) -> bool:
    return len(path) == 3 and path[0] == "registries" and path[2] == "address"  # noqa: PLR2004


def _first_of_each(
    value: Plain, errors: list[fastjsonschema.JsonSchemaValueException]
) -> Iterator[tuple[Path, fastjsonschema.JsonSchemaValueException]]:
    """Return the errors with their paths; of a value that is wrong in itself only the first."""
    wrong: set[Path] = set()
    for error in errors:
        path = _path(value, (error.name or "").removeprefix("data"), error.value) or ()
        if error.rule in _KEYS_RULES:
            yield path, error
        elif path not in wrong:
            wrong.add(path)
            yield path, error


def _path(value: Plain, name: str, wanted: Plain) -> Path | None:
    """Return the path that a name such as `.registries[0].alias` means.

    Keys may hold dots and brackets, so that two paths have one name: the value tells them apart.
    """
    if not name and (value is wanted or not isinstance(value, (dict, list))):
        return ()
    steps: list[tuple[str | int, str, Plain]] = []
    if isinstance(value, dict):
        steps = [(key, f".{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        steps = [(index, f"[{index}]", item) for index, item in enumerate(value)]
    for step, text, item in steps:
        rest = _path(item, name.removeprefix(text), wanted) if name.startswith(text) else None
        if rest is not None:
            return (step, *rest)
    return None


def _told(  # noqa: C901, PLR0912  # one case for each keyword of the schema
    document: Document, path: Path, error: fastjsonschema.JsonSchemaValueException
) -> Iterator[Fault]:
    definition: Mapping[str, Any] = error.definition
    match error.rule:
        case "additionalProperties":
            for key in error.value:
                if key not in definition["properties"]:
                    message = _unknown_key(key, definition["properties"])
                    yield Fault(document.keys[(*path, key)], message)
        case "propertyNames":
            names = definition["propertyNames"]
            for key in error.value:
                fault = _name_fault(key, names)
                if fault and "${" not in key:
                    yield Fault(document.keys[(*path, key)], f"'{key}' must be {fault}")
        case "required":
            for key in definition["required"]:
                if key not in error.value:
                    yield Fault(document.place(path), f"{_label(path)} lacks '{key}'")
        case "oneOf":
            names = [f"'{one['required'][0]}'" for one in definition["oneOf"]]
            several = [name for name in names if name.strip("'") in error.value]
            said = f"has {' and '.join(several)}, of which it takes one"
            lacks = f"lacks {' or '.join(names)}"
            yield Fault(document.place(path), f"{_label(path)} {said if several else lacks}")
        case "uniqueItems":
            for index, item in enumerate(error.value):
                if item in error.value[:index]:
                    place = document.place((*path, index))
                    yield Fault(place, f"{_label(path)} has '{item}' twice")
        case _:
            said = _wrong(document, path, str(error.rule), error.value, definition)
            yield Fault(document.place(path), f"{_label(path)} {said}")


def _label(path: Path) -> str:
    """Return what a value is called in a message: its key, with the index in a list."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"{_label(path[:-1])}[{path[-1]}]"
    return path[-1]


def _unknown_key(key: str, known: Mapping[str, Any]) -> str:
    _, schema = _schema()
    if key in schema["x-not-yet"]:
        return f"'{key}' is not available yet"
    hint = did_you_mean(key, known) or f"; the keys here are {', '.join(known)}"
    return f"unknown key '{key}'{hint}"


def _name_fault(name: str, definition: Mapping[str, Any]) -> str:
    pattern = definition["pattern"].replace("$", r"\Z")
    if not re.search(pattern, name):
        return str(definition["patternErrorMessage"])
    if len(name) > definition.get("maxLength", len(name)):
        return f"at most {definition['maxLength']} characters long"
    return ""


def _wrong(
    document: Document, path: Path, rule: str, value: Plain, definition: Mapping[str, Any]
) -> str:
    """Say what is wrong with a value in itself."""
    limit = definition[rule]
    match rule:
        case "type":
            return _wrong_type(document.written.get(path, ""), value, definition)
        case "const":
            return f"must be {limit}, not {json.dumps(value, ensure_ascii=False)}"
        case "enum":
            return _wrong_choice(value, definition)
        case "pattern":
            return f"must be {definition['patternErrorMessage']}, not '{value}'"
        case "minLength" | "minItems" | "minProperties":
            return "must not be empty"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"must not have more than {limit}"
        case "minimum":
            return f"must be at least {limit}, not {value}"
        case _:
            return f"must be at most {limit}, not {value}"


def _wrong_type(written: str, value: Plain, definition: Mapping[str, Any]) -> str:
    expected = definition["type"]
    if isinstance(expected, list):
        return f"must be {' or '.join(_WHAT[one] for one in expected)}"
    quote = ""
    if expected == "string" and written:
        if "enum" in definition:
            return _wrong_choice(written, definition)
        if "pattern" in definition and _name_fault(written, definition):
            return f"must be {definition['patternErrorMessage']}, not {written}"
        quote = f"; quote it: '{written}'"
    if value is None:
        return f"has no value; it must be {_WHAT[expected]}{_EMPTY.get(expected, quote)}"
    found = {
        str: "a text",
        bool: "true or false",
        int: "a whole number",
        list: "a list",
        dict: "a mapping",
    }[type(value)]
    return f"must be {_WHAT[expected]}, not {found}{quote}"


def _wrong_choice(value: Plain, definition: Mapping[str, Any]) -> str:
    if isinstance(value, str) and re.fullmatch(definition.get("x-not-yet", "(?!)"), value):
        return f"cannot be '{value}': that is not available yet"
    choices: list[str] = definition["enum"]
    shown = choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    return f"must be {shown}, not '{value}'"
