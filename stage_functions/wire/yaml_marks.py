"""Reads YAML into plain values that remember where they were written.

Only what a configuration needs: mappings with text keys, lists, texts, whole numbers, true and
false. What one program reads as a text and another as a number, a date or a boolean is a fault, and
so is a key that is there twice. Anchors and aliases are allowed; merge keys and other tags are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import yaml
from msgspec import Struct, field

from stage_functions.wire.faults import Fault, Place

MAX_VALUES = 20_000
"""In one file, those behind an alias counted at every use."""
MAX_DEPTH = 100
"""Of lists and mappings within each other; a file that is meant has a dozen."""

Path = tuple[str | int, ...]
Plain = str | bool | int | None | list["Plain"] | dict[str, "Plain"]

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})")
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_WHAT = {
    "bool": "true or false",
    "float": "a fraction",
    "int": "a number",
    "merge": "a merge key",
    "null": "no value",
    "timestamp": "a date",
    "value": "a default key",
}


class Document(Struct, frozen=True):
    """A file as plain values, with the place of each.

    Attributes:
        value: the whole.
        values: where each value begins, by its path.
        keys: where each key begins, by the path of its value.
        written: each scalar as it is written, by its path.
    """

    value: Plain = None
    values: Mapping[Path, Place] = field(default_factory=dict)
    keys: Mapping[Path, Place] = field(default_factory=dict)
    written: Mapping[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Return where a value is: its key if it is a list or mapping, else the value itself.

        Of a path that is not in the file, the place of the nearest part that is.
        """
        while path and path not in self.values:
            path = path[:-1]
        if path not in self.written and path in self.keys:
            return self.keys[path]
        return self.values.get(path, Place(1, 1))


def read(text: str) -> tuple[Document, tuple[Fault, ...]]:
    """Return a file's content, and what is wrong with its notation."""
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as exc:
        before = text[: exc.position].split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        return Document(), (Fault(place, f"no file may hold {_code(chr(exc.character))}"),)
    except yaml.MarkedYAMLError as exc:
        said = ": ".join(part for part in (exc.context, exc.problem) if part)
        mark = exc.problem_mark or exc.context_mark or loader.get_mark()
        return Document(), (Fault(_place(mark), f"this is not YAML: {said}"),)
    except (ValueError, OverflowError):
        return Document(), (Fault(_place(loader.get_mark()), "no such character exists"),)
    except RecursionError:
        return Document(), (Fault(_place(loader.get_mark()), "this is nested too deeply"),)
    finally:
        loader.dispose()
    if node is None:
        return Document(), (Fault(Place(1, 1), "the file is empty"),)
    return _Reader().document(node)


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Reader:
    def __init__(self) -> None:
        self._values: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._written: dict[Path, str] = {}
        self._faults: list[Fault] = []
        self._above: set[int] = set()

    def document(self, node: yaml.Node) -> tuple[Document, tuple[Fault, ...]]:
        value = self._plain(node, ())
        if len(self._values) > MAX_VALUES:
            self._fault(node, f"the file has more than {MAX_VALUES} values")
        document = Document(value, self._values, self._keys, self._written)
        return document, tuple(self._faults)

    def _fault(self, node: yaml.Node, message: str) -> None:
        self._faults.append(Fault(_place(node.start_mark), message))

    def _plain(self, node: yaml.Node, path: Path) -> Plain:
        if len(self._values) > MAX_VALUES:
            return None
        self._values[path] = _place(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            self._written[path] = node.value
            return self._scalar(node)
        if id(node) in self._above:
            self._fault(node, "an alias inside of what it stands for")
            return None
        if len(path) > MAX_DEPTH:
            self._fault(node, "this is nested too deeply")
            return None
        self._above.add(id(node))
        try:
            return self._collection(node, path)
        finally:
            self._above.remove(id(node))

    def _collection(self, node: yaml.Node, path: Path) -> Plain:
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self._plain(item, (*path, i)) for i, item in enumerate(node.value)]
        self._fault(node, f"the tag {_short(node.tag)} is not used here; leave it out")
        return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Plain]:
        mapping: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in mapping:
                first = self._keys[(*path, key)]
                self._fault(key_node, f"'{key}' is there already, in line {first.line}")
            elif key is not None:
                self._keys[(*path, key)] = _place(key_node.start_mark)
                mapping[key] = self._plain(value_node, (*path, key))
        return mapping

    def _key(self, node: yaml.Node) -> str | None:
        """Return a key, or None where it is no text."""
        if not isinstance(node, yaml.ScalarNode):
            self._fault(node, "a key must be a text, not a list or mapping")
        elif node.tag == f"{_TAG}merge":
            self._fault(node, "merge keys are not used here; write the keys out")
        elif node.tag == f"{_TAG}str":
            return self._text(node)
        elif not node.value:
            self._fault(node, "a key is missing")
        else:
            self._fault(node, _misread(node, f": '{node.value}'"))
        return None

    def _scalar(self, node: yaml.ScalarNode) -> Plain:
        read: Callable[[yaml.ScalarNode], Plain] | None = {
            f"{_TAG}str": self._text,
            f"{_TAG}int": self._integer,
            f"{_TAG}bool": self._boolean,
            f"{_TAG}null": lambda _: None,
        }.get(node.tag)
        if read is not None:
            return read(node)
        self._fault(node, _misread(node, " if it is a text"))
        return None

    def _text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        control = _CONTROL.search(text)
        if control:
            self._fault(node, f"a text may not hold {_code(control[0])}")
        return text

    def _integer(self, node: yaml.ScalarNode) -> int | None:
        if _INTEGER.fullmatch(node.value):
            return int(node.value)
        self._fault(node, f"{node.value} is no plain whole number; quote it if it is a text")
        return None

    def _boolean(self, node: yaml.ScalarNode) -> bool | None:
        value: bool | None = yaml.SafeLoader.bool_values.get(node.value.lower())
        if value is None:
            self._fault(node, f"'{node.value}' is neither true nor false")
        return value


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!")


def _code(character: str) -> str:
    return f"the character U+{ord(character):04X}"


def _misread(node: yaml.ScalarNode, end: str) -> str:
    what = _WHAT.get(node.tag.removeprefix(_TAG))
    if what is None:
        return f"the tag {_short(node.tag)} is not used here; leave it out"
    return f"{node.value} without quotes is {what} in YAML; quote it{end}"
