"""The schema file itself: what editors and messages rely on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import fastjsonschema
import yaml

from tests.wire.configuration_file import loaded

SCHEMA = json.loads(files("stage_functions").joinpath("stageward.schema.json").read_text("utf-8"))


def test_what_is_left_out_has_the_default_that_the_schema_shows() -> None:
    """Editors show the defaults of the schema; the loader takes those of the domain; they agree."""
    sparse = """
version: 1
registries: [{alias: demo, type: mlflow, address: http://localhost}]
people: {a: {name: A}}
groups: {all: [a]}
lifecycles:
  - name: sparse
    applies_to: ["*/*/*"]
    rules: {sure: {cel: "true"}}
    stages: {None: {initial: true}, Done: {}}
    transitions: [{from: None, to: Done, approval: {quorum: 1, groups: {all: 1}}}]
"""
    full = fastjsonschema.compile(SCHEMA)(yaml.safe_load(sparse))

    one, other = loaded(sparse), loaded(yaml.safe_dump(full, sort_keys=False))

    assert full["lifecycles"][0]["bind"] == []
    assert one.registries == other.registries
    assert one.lifecycles[0].transitions == other.lifecycles[0].transitions
    assert one.lifecycles[0].rules == other.lifecycles[0].rules
    assert one.lifecycles[0].forward_only is other.lifecycles[0].forward_only
    assert one.lifecycles[0].bind == other.lifecycles[0].bind
    assert {name: (s.hidden, s.terminal) for name, s in one.lifecycles[0].stages.items()} == {
        name: (s.hidden, s.terminal) for name, s in other.lifecycles[0].stages.items()
    }


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return a schema and all schemas within it."""
    yield schema
    for key in ("properties", "definitions"):
        for part in schema.get(key, {}).values():
            yield from parts(part)
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(key), dict):
            yield from parts(schema[key])


def test_every_pattern_of_the_schema_says_what_it_wants() -> None:
    """Messages never show a regular expression."""
    assert [
        part for part in parts(SCHEMA) if "pattern" in part and "patternErrorMessage" not in part
    ] == []


def test_every_object_of_the_schema_refuses_unknown_keys() -> None:
    """A key that nobody reads is a mistake, not a comment."""
    objects = [part for part in parts(SCHEMA) if part.get("type") == "object"]

    assert len(objects) > 5
    assert [part for part in objects if "additionalProperties" not in part] == []


def meant(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the shared part that a key refers to; nothing where it refers to none."""
    found: Mapping[str, Any] = SCHEMA["definitions"].get(value.get("$ref", "").split("/")[-1], {})
    return found


def test_every_key_of_the_schema_is_described_for_editors() -> None:
    """Whoever completes a key in an editor reads what it means."""
    bare = [
        name
        for part in parts(SCHEMA)
        for name, value in part.get("properties", {}).items()
        if "description" not in {**meant(value), **value}
    ]

    assert bare == []


def test_every_key_of_the_schema_has_an_example_that_it_takes() -> None:
    """Editors and the reference show it."""
    keys = [
        (name, value)
        for part in (SCHEMA, *SCHEMA["definitions"].values())
        for name, value in part.get("properties", {}).items()
    ]
    bare = [name for name, value in keys if not value.get("examples")]
    for _, value in keys:
        takes = fastjsonschema.compile({**value, "definitions": SCHEMA["definitions"]})
        for example in value["examples"]:
            takes(example)

    assert len(keys) > 60
    assert bare == []


def test_a_known_option_that_does_not_work_yet_is_no_key_of_the_schema() -> None:
    """An option moves from `x-not-yet` to a property when it works, so it is never in both."""
    keys = {name for part in parts(SCHEMA) for name in part.get("properties", {})}

    assert keys & set(SCHEMA["x-not-yet"]) == set()
