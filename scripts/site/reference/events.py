"""Every type of event, of the JSON Schemas that are published with Stageward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import stage_functions
from scripts.site.reference.markdown import blocks, paragraphs, prose, table
from scripts.site.reference.schemas import fields, kind

FOLDER = Path(stage_functions.__file__).parent / "events"
EXAMPLES = Path(__file__).parent / "events.json"
"""By type the data of an event that the product has written."""
_SUFFIX = ".schema.json"
Schema = dict[str, Any]


def page() -> str:
    """Return the page of the events."""
    types = {
        one.name.removesuffix(_SUFFIX): json.loads(one.read_text(encoding="utf-8"))
        for one in sorted(FOLDER.glob(f"*{_SUFFIX}"))
    }
    shared = _shared(list(types.values()))
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    parts: Schema = {}
    for one in types.values():
        parts |= one.get("$defs", {})
    return blocks(
        "# Events",
        "Made of the JSON Schemas in `stage_functions/events`. An event is a CloudEvent of the "
        "type `Stageward.<Type>`, and its `data` is the record; where they go, and what is "
        "promised of them, is in [Events: for whoever subscribes](../events.md).",
        table(
            ("type", "when"),
            [(f"[{name}](#event-{name})", prose(_says(one))) for name, one in types.items()],
        ),
        "## In every record",
        fields(_only(next(iter(types.values())), shared), _named),
        *(_type(name, one, shared, examples.get(name)) for name, one in types.items()),
        "## Shared parts",
        *(_part(name, one) for name, one in sorted(parts.items())),
    )


def _shared(schemas: list[Schema]) -> list[str]:
    """Return the fields that every type has, and means the same by."""
    first = schemas[0]["properties"]
    return [
        name
        for name, one in first.items()
        if all(other["properties"].get(name) == one for other in schemas)
    ]


def _only(schema: Schema, names: list[str]) -> Schema:
    kept = {name: schema["properties"][name] for name in names}
    return {"properties": kept, "required": schema["required"]}


def _says(schema: Schema) -> str:
    return str(schema["description"]).partition(" The data of the CloudEvent")[0]


def _named(name: str) -> str:
    return f"[{name}](#part-{name})"


def _type(name: str, schema: Schema, shared: list[str], example: Schema | None) -> str:
    said = json.dumps(example, indent=2, ensure_ascii=False)
    return blocks(
        f"(event-{name})=\n## {name}",
        prose(_says(schema)),
        fields(schema, _named, shared=shared),
        f"An example of its data:\n\n```json\n{said}\n```" if example else "",
    ).strip()


def _part(name: str, schema: Schema) -> str:
    inside = fields(schema, _named)
    said = paragraphs(str(schema.get("description", "")))
    return blocks(f"(part-{name})=\n### {name}", said, inside or f"{kind(schema, _named)}.").strip()
