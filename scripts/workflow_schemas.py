"""Write what a trigger expects into the example workflows, from the schemas of the events.

    python -m scripts.workflow_schemas

The designers of Logic Apps and Power Automate offer what this names. They follow no reference, so
each field is written out. A trigger gets events of every type, and may be set to refuse what is not
as its schema says; so only what holds for all of them is demanded, and a field that has another
type in another event has none here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stage_functions.wire.asyncapi import PUBLISHED, schema_text

FOLDER = Path(__file__).parents[1] / "examples" / "workflows"
EXAMPLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "logic-app/to-production.json": (("triggers", "event"), ("StageChanged",)),
    "power-automate/tell-teams.json": (
        ("properties", "definition", "triggers", "manual"),
        ("StageChanged",),
    ),
}
"""By file: where its trigger is, and the types of events that it acts on."""
_ENVELOPE = ("specversion", "id", "source", "type", "subject", "time", "data")
Schema = dict[str, Any]


def trigger_schema(types: tuple[str, ...]) -> Schema:
    """Return what a trigger expects that acts on these types, and gets all."""
    schemas = {one: json.loads(schema_text(one)) for one in PUBLISHED}
    fields: Schema = {}
    for type_ in types:
        for name, field in schemas[type_]["properties"].items():
            fields[name] = _plain(field, schemas[type_]["$defs"])
    kept = {name: {} if _differs(name, field, schemas) else field for name, field in fields.items()}
    shared = set.intersection(*(set(one["required"]) for one in schemas.values()))
    data = {
        "type": "object",
        "required": [name for name in fields if name in shared],
        "properties": kept,
    }
    return {
        "type": "object",
        "required": [*_ENVELOPE],
        "properties": {name: data if name == "data" else {"type": "string"} for name in _ENVELOPE},
    }


def _differs(name: str, field: Schema, schemas: Mapping[str, Schema]) -> bool:
    others = (
        _plain(one["properties"][name], one["$defs"])
        for one in schemas.values()
        if name in one["properties"]
    )
    return any(one["type"] != field["type"] for one in others)


def _plain(schema: Schema, shared: Mapping[str, Schema]) -> Schema:
    """Return a schema with types alone, and no reference."""
    if "$ref" in schema:
        return _plain(shared[schema["$ref"].rpartition("/")[2]], shared)
    found: Schema = {"type": schema["type"]}
    if "properties" in schema:
        found["properties"] = {
            name: _plain(part, shared) for name, part in schema["properties"].items()
        }
    if "items" in schema:
        found["items"] = _plain(schema["items"], shared)
    return found


def files() -> Iterator[tuple[Path, str]]:
    """Yield each example with its text as it ought to be."""
    for name, (path, types) in EXAMPLES.items():
        whole = json.loads((FOLDER / name).read_text("utf-8"))
        trigger = whole
        for part in path:
            trigger = trigger[part]
        trigger["inputs"]["schema"] = trigger_schema(types)
        yield FOLDER / name, json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file."""
    for path, text in files():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
