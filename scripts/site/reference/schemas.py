"""JSON Schema in words: what a value may be, field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from scripts.site.reference.markdown import code, prose, table

Schema = Mapping[str, Any]
Named = Callable[[str], str]
Written = Callable[[str, object], str]
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "array": "list",
    "null": "null",
}
_LIMITS = {
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxLength": "at most {:,} characters",
    "minimum": "from {}",
    "maximum": "up to {}",
    "maxProperties": "at most {}",
}
_NO_LIMIT = 2**53 - 1
"""The largest number that JSON can carry everywhere: it limits nothing."""


def fields(
    schema: Schema, named: Named, *, shared: Sequence[str] = (), written: Written | None = None
) -> str:
    """Return a table of the fields of an object.

    Args:
        schema: of the object.
        named: gives the words for a reference to another schema.
        shared: fields that are told elsewhere.
        written: gives a field with the value of an example, as it is written; without it no
            example is shown.
    """
    needed = schema.get("required", ())
    rows = [
        (
            code(name),
            kind(one, named),
            "yes" if name in needed else default(one),
            _means(name, one, written),
        )
        for name, one in schema.get("properties", {}).items()
        if name not in shared
    ]
    return table(("field", "is", "required, or default", "means"), rows)


def _means(name: str, schema: Schema, written: Written | None) -> str:
    said = [prose(str(schema.get("description", "")))]
    if written:
        said += [f"Example: {code(written(name, one))}" for one in schema.get("examples", ())]
    return " ".join(filter(None, said))


def default(schema: Schema) -> str:
    """Return what counts where a value is left out, or ""."""
    if schema.get("default") is None:
        return ""
    return code(json.dumps(schema["default"], ensure_ascii=False))


def kind(schema: Schema, named: Named) -> str:
    """Return what a value may be."""
    several = schema.get("anyOf") or schema.get("oneOf")
    if "$ref" in schema:
        said = named(str(schema["$ref"]).rpartition("/")[2])
    elif "const" in schema:
        said = code(json.dumps(schema["const"], ensure_ascii=False))
    elif "enum" in schema:
        said = "one of " + ", ".join(code(one) for one in schema["enum"])
    elif several and "type" not in schema:
        said = " or ".join(dict.fromkeys(kind(one, named) for one in several))
    else:
        said = _plain(schema, named)
    return "; ".join([said, *_limits(schema)])


def _plain(schema: Schema, named: Named) -> str:
    types = schema.get("type", "anything")
    if types == "array" and schema.get("items"):
        return f"list of {kind(schema['items'], named)}"
    inside = schema.get("additionalProperties")
    if types == "object" and isinstance(inside, dict) and inside:
        keys = schema.get("propertyNames", {})
        by = f" by {kind(keys, named)}" if keys else ""
        return f"mapping{by} to {kind(inside, named)}"
    names = [types] if isinstance(types, str) else types
    return " or ".join(_WORDS.get(one, one) for one in names)


def _limits(schema: Schema) -> Iterator[str]:
    if "patternErrorMessage" in schema:
        yield prose(str(schema["patternErrorMessage"]))
    for key, words in _LIMITS.items():
        if key in schema and schema[key] != _NO_LIMIT:
            yield words.format(schema[key])
    if schema.get("uniqueItems"):
        yield "none twice"
