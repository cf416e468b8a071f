"""Every key of `stageward.yaml`, of the JSON Schema by which it is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

import stage_functions
from scripts.site.reference.markdown import blocks, prose, table
from scripts.site.reference.schemas import fields, kind

SCHEMA = Path(stage_functions.__file__).parent / "stageward.schema.json"


def page() -> str:
    """Return the page of the configuration."""
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = schema["definitions"]
    whole = {name: one for name, one in parts.items() if "properties" in one}
    forms = [
        (f"(form-{name})=\n### {name}", kind(one, _named))
        for name, one in parts.items()
        if name not in whole
    ]
    return blocks(
        "# Configuration",
        "Made of `stage_functions/stageward.schema.json`, by which `stageward lifecycle validate` "
        "checks the file and editors complete it. A whole file, with comments, is "
        "[stageward.yaml](../project/stageward.yaml.md); conditions have [recipes](../rules.md). "
        "What is not in the file is in the [environment](environment.md).",
        prose(str(schema["description"])),
        "## stageward.yaml",
        fields(schema, _named, written=_written),
        *(_part(name, one) for name, one in whole.items()),
        "## Forms of values",
        *(part for form in forms for part in form),
        _waiting(schema),
    )


def _named(name: str) -> str:
    return f"[{name}](#form-{name})"


def _part(name: str, schema: dict[str, Any]) -> str:
    return blocks(
        f"(form-{name})=\n## {name}",
        prose(str(schema.get("description", ""))),
        fields(schema, _named, written=_written),
    ).strip()


def _written(key: str, value: object) -> str:
    """Return a key with its value as a line of the file, which a browser may break."""
    line = yaml.safe_dump(
        {key: value}, default_flow_style=True, sort_keys=False, width=100_000, allow_unicode=True
    )
    return line.strip()[1:-1]


def _waiting(schema: dict[str, Any]) -> str:
    rows = [(f"`{one}`",) for one in schema.get("x-not-yet", ())]
    return blocks("## Not yet", "Keys that are refused by name.", table(("key",), rows)).strip()
