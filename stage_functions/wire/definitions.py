"""Reads the definitions of Azure Policy that a configuration names: from their files into its text.

A lifecycle's digest says which rules decided, so the content of a file is part of the lifecycle's
text, as if it had been written there. What of a file is kept is what JSON says: blanks and the
order of its keys change no digest. Whether a definition is one is for the rule engine to say.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.evidence import MAX_INTEGER
from stage_functions.domain.lifecycle_check import Fault
from stage_functions.wire.document import unique

MAX_DEFINITION_CHARACTERS = 200_000
MAX_DEFINITIONS_CHARACTERS = 1_000_000
"""Of all definitions of a configuration together."""
MAX_DEPTH = 100
"""Of lists and mappings of a definition within each other."""
FILE = "file"
"""Key of a rule in a lifecycle's text, where its definition comes from a file."""
_POLICY = "azure_policy"
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")

ReadFile = Callable[[str], str]
"""Returns the text of a file, named from the configuration's folder down.

Raises InvalidInputError with the reason where there is none.
"""
Item = Mapping[str, Any]


def no_files(_: str) -> str:
    """Stand for the folder of a configuration that has none.

    Raises:
        InvalidInputError: always.
    """
    message = "there is no folder here to read it from; write the definition itself in its place"
    raise InvalidInputError(message)


def with_definitions(content: Item, read: ReadFile) -> tuple[Item, tuple[Fault, ...]]:
    """Return a configuration with its definitions in place of their paths, and what is wrong.

    Args:
        content: the file as plain values, of the right shape.
        read: how a file is read.
    """
    reader = _Reader(read)
    lifecycles = [
        reader.lifecycle(("lifecycles", index), item)
        for index, item in enumerate(content["lifecycles"])
    ]
    return {**content, "lifecycles": lifecycles}, tuple(reader.faults)


def named_files(content: object) -> tuple[str, ...]:
    """Return the paths that the rules of a configuration name, of whatever shape it is."""
    lifecycles = content.get("lifecycles") if isinstance(content, Mapping) else None
    found = (
        rule.get(_POLICY)
        for lifecycle in (lifecycles if isinstance(lifecycles, list) else ())
        if isinstance(lifecycle, Mapping) and isinstance(lifecycle.get("rules"), Mapping)
        for rule in lifecycle["rules"].values()
        if isinstance(rule, Mapping)
    )
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str)))


def path_fault(path: str) -> str:
    """Say why a path cannot be that of a definition, or return ""."""
    if "\\" in path:
        return "a path is written with /"
    parts = PurePosixPath(path).parts
    if path.startswith("/") or _DRIVE.match(path) or ".." in parts:
        return (
            "a definition is in the folder of the configuration file or below it; write the path "
            "from there, such as policies/deny.json"
        )
    return ""


def definition_of(text: str) -> Item:
    """Return the definition that a file holds.

    Raises:
        InvalidInputError: it is too large, or no JSON object; the message says where.
    """
    if len(text) > MAX_DEFINITION_CHARACTERS:
        message = f"it has more than {MAX_DEFINITION_CHARACTERS:,} characters"
        raise InvalidInputError(message)
    try:
        found = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=unique, parse_constant=_constant
        )
    except json.JSONDecodeError as exc:
        message = f"it is not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})"
        raise InvalidInputError(message) from exc
    except RecursionError as exc:
        message = f"it is nested deeper than {MAX_DEPTH} levels"
        raise InvalidInputError(message) from exc
    except ValueError as exc:
        message = f"it is not JSON: {exc}"
        raise InvalidInputError(message) from exc
    if not isinstance(found, dict) or not found:
        message = "it is no JSON object; a definition has 'if' and 'then', or 'policyRule'"
        raise InvalidInputError(message)
    fault = value_fault(found)
    if fault:
        raise InvalidInputError(fault)
    return found


def value_fault(definition: object) -> str:
    """Say what of a definition cannot be kept, after its JSON Pointer, or return ""."""
    waiting: list[tuple[_Place, object]] = [(_Place(), definition)]
    while waiting:
        place, value = waiting.pop()
        if place.depth > MAX_DEPTH:
            return f"it is nested deeper than {MAX_DEPTH} levels"
        fault = _fault(value)
        if fault:
            return f"{place.pointer}: {fault}"
        waiting += [(_Place(place, key), one) for key, one in _parts(value)]
    return ""


class _Place:
    """Where a value is: a pointer is made only of the one that is told, since names may be long."""

    __slots__ = ("above", "depth", "key")

    def __init__(self, above: _Place | None = None, key: str | int = "") -> None:
        self.above = above
        self.key = key
        self.depth: int = 0 if above is None else above.depth + 1

    @property
    def pointer(self) -> str:
        keys: list[str] = []
        place = self
        while place.above is not None:
            keys.append(str(place.key).replace("~", "~0").replace("/", "~1"))
            place = place.above
        return "/" + "/".join(reversed(keys))


def _parts(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _fault(value: object) -> str:
    """Say why a value cannot be kept, or its keys."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, Mapping) else ()
    control = next((found for one in texts if (found := _CONTROL.search(one))), None)
    if control:
        return f"a text may not hold the character U+{ord(control[0]):04X}"
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        return f"no whole number here may be of {MAX_INTEGER} or more"
    if isinstance(value, float) and not math.isfinite(value):
        return "no number may be as large"
    return ""


def _constant(name: str) -> object:
    message = f"{name} is no number of JSON"
    raise ValueError(message)


class _Reader:
    """Puts definitions into the lifecycles of a configuration, and notes what is wrong."""

    def __init__(self, read: ReadFile) -> None:
        self._read = read
        self._texts: dict[str, str] = {}
        self.faults: list[Fault] = []

    def lifecycle(self, path: tuple[str | int, ...], item: Item) -> Item:
        rules: Mapping[str, Item] = item.get("rules", {})
        if not any(_POLICY in rule for rule in rules.values()):
            return item
        read = {name: self._rule((*path, "rules", name), name, one) for name, one in rules.items()}
        return {**item, "rules": read}

    def _rule(self, path: tuple[str | int, ...], name: str, rule: Item) -> Item:
        """Return a rule with its definition; None in its place where it cannot be read."""
        written = rule.get(_POLICY)
        if isinstance(written, str):
            found = self._definition(path, name, written)
            return {**rule, _POLICY: found, FILE: written}
        return rule

    def _definition(self, path: tuple[str | int, ...], name: str, file: str) -> Item | None:
        try:
            return definition_of(self._text(file))
        except InvalidInputError as exc:
            self._note(path, f"rule {name}: {file}: {exc}")
            return None

    def _text(self, file: str) -> str:
        """Return the text of a file, which is read once however many rules name it.

        Raises:
            InvalidInputError: there is none.
        """
        if file not in self._texts:
            fault = path_fault(file)
            if fault:
                raise InvalidInputError(fault)
            self._texts[file] = self._read(file)
            if sum(map(len, self._texts.values())) > MAX_DEFINITIONS_CHARACTERS:
                message = f"all files have more than {MAX_DEFINITIONS_CHARACTERS:,} characters"
                raise InvalidInputError(message)
        return self._texts[file]

    def _note(self, path: tuple[str | int, ...], message: str) -> None:
        self.faults.append(Fault((*path, _POLICY), message))
