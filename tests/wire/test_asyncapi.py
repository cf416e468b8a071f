"""The AsyncAPI document describes just what is published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from msgspec.structs import replace

from stage_functions.application.anchoring import keep_up
from stage_functions.application.transition import request_transition
from stage_functions.domain.record import UNPUBLISHED, RecordType
from stage_functions.wire import anchors
from stage_functions.wire.asyncapi import ANCHORED, PUBLISHED, SCHEMAS, document, schema_text
from stage_functions.wire.cloudevent import cloud_event
from stage_functions.wire.signing import Signer
from tests.asyncapi import parsed
from tests.builders import world
from tests.fakes.anchors import MemoryAnchors
from tests.fakes.sink import MemorySink

AT = "https://stageward.example.org/api/v1/events"
DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(AT)))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
HEADERS = DOCUMENT["components"]["messageTraits"]["delivery"]["headers"]


def whole(schema: object) -> dict[str, Any]:
    """Return a schema of the document that can be read by itself."""
    return {"allOf": [schema], "components": DOCUMENT["components"]}


def published() -> list[dict[str, Any]]:
    """Return events that Stageward really publishes: records of a request, and an anchor."""
    sink, place = MemorySink("webhook-1"), MemoryAnchors()
    it = world(sinks=(sink,))
    with closing(it.rows):
        version = it.register("1")
        for stage in ("Staging", "Production", "None"):
            request_transition(it.context, it.command(version, stage))
        keep_up(replace(it.context, places=(place,)))
    events = [*map(cloud_event, sink.taken), *map(anchors.cloud_event, place.kept())]
    return [json.loads(json.dumps(one)) for one in events]


def test_the_parser_of_asyncapi_finds_nothing_wrong() -> None:
    """Neither an error nor a warning; and it has read a message of each type."""
    faults, messages = parsed(DOCUMENT)

    assert [] == faults
    assert sorted(f"Stageward.{one}" for one in PUBLISHED) == messages


def test_without_an_address_it_is_as_sound() -> None:
    """It only does not say where schemas are."""
    faults, _ = parsed(document(""))

    assert [] == faults
    assert "externalDocs" not in json.dumps(document(""))


def test_the_parser_would_find_a_fault() -> None:
    """A reference to nothing, and a field of no meaning."""
    broken = json.loads(json.dumps(DOCUMENT).replace("schemas/moment", "schemas/momento"))

    assert [] != parsed({**broken, "chanels": {}})[0]


def test_it_has_every_type_that_is_published_and_no_other() -> None:
    """Each record type, and the anchors."""
    channels = DOCUMENT["channels"]

    assert {*map(str, set(RecordType) - UNPUBLISHED), ANCHORED} == set(MESSAGES)
    assert set(MESSAGES) == {one for channel in channels.values() for one in channel["messages"]}
    assert {ANCHORED} == set(channels["anchors"]["messages"])


def test_what_is_published_is_as_it_says() -> None:
    """Each event as its own message, and as no other."""
    events = published()
    validators = {one["name"]: Draft7Validator(whole(one["payload"])) for one in MESSAGES.values()}

    assert {"Stageward.Registered", "Stageward.StageChanged", "Stageward.Anchored"} <= {
        one["type"] for one in events
    }
    for event in events:
        assert [event["type"]] == [name for name, one in validators.items() if one.is_valid(event)]


@pytest.mark.parametrize("field", ["id", "source", "type", "dataschema", "data", "time"])
def test_an_event_that_lacks_something_is_found(field: str) -> None:
    """And so is one whose record has a field of another type."""
    event = next(one for one in published() if one["type"] == "Stageward.StageChanged")
    schema = Draft7Validator(whole(MESSAGES["StageChanged"]["payload"]))
    without = {key: value for key, value in event.items() if key != field}
    other = {**event, "data": {**event["data"], "actor": {"attribution": "proven"}}}

    assert schema.is_valid(event)
    assert not schema.is_valid(without)
    assert not schema.is_valid(other)


def test_each_event_is_written_out_for_generators_of_code() -> None:
    """Each has a name and a `type` of its own, wherever its schema is read."""
    schemas = DOCUMENT["components"]["schemas"]
    payloads = {one: MESSAGES[one]["payload"]["$ref"].rpartition("/")[2] for one in PUBLISHED}

    assert {one: f"{one}Event" for one in PUBLISHED} == payloads
    for type_, name in payloads.items():
        event = schemas[name]
        assert (name, f"Stageward.{type_}") == (
            event["title"],
            event["properties"]["type"]["const"],
        )
        assert {"id", "source", "type", "subject", "time", "data"} <= set(event["required"])
        assert "allOf" not in event


def test_nothing_that_becomes_a_type_in_code_has_no_name() -> None:
    """And one name is one thing: no two titles differ but in what they say."""
    found: dict[str, list[object]] = {}
    for part in _within(DOCUMENT["components"]["schemas"]):
        described = "description" in part and ("properties" in part or "enum" in part)
        if described and part.get("type") in {"object", "string"}:
            assert re.fullmatch(r"[A-Z][A-Za-z]+", part.get("title", "")), part
        if "title" in part and "allOf" not in part:
            found.setdefault(str(part["title"]), []).append(part)

    assert {} == {title: each for title, each in found.items() if len(each) > 1}


def _within(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for one in part:
            yield from _within(one)
    if isinstance(part, dict):
        yield part
        for one in part.values():
            yield from _within(one)


@pytest.mark.parametrize("type_", PUBLISHED)
def test_a_type_means_the_same_in_its_own_file(type_: str) -> None:
    """Nothing is lost where both are written in different drafts: each condition is there."""
    own = json.loads(schema_text(type_))
    here = {**DOCUMENT["components"]["schemas"][type_]}
    shared = {name: DOCUMENT["components"]["schemas"][name] for name in own.pop("$defs")}
    shared_own = json.loads(schema_text(type_))["$defs"]

    assert _flat({key: one for key, one in own.items() if not key.startswith("$")}) == _flat(here)
    assert _flat(shared_own) == _flat(shared)


def _flat(part: object) -> object:
    """Return a schema with references written in one way, and without titles."""
    if isinstance(part, list):
        return [_flat(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _flat(one) for key, one in part.items() if key != "title"}
    several = found.get("allOf")
    if isinstance(several, list) and [["$ref"]] == [list(one) for one in several]:
        found = {**{key: one for key, one in found.items() if key != "allOf"}, **several[0]}
    if "$ref" in found:
        found["$ref"] = str(found["$ref"]).rpartition("/")[2]
    return found


def test_the_headers_are_those_that_are_sent() -> None:
    """Signed or not."""
    event = published()[0]
    plain = {"content-type": "application/cloudevents+json; charset=utf-8"}
    at = datetime(2026, 11, 23, tzinfo=UTC)
    signed = Signer((b"a" * 32, b"b" * 32)).headers(event, b"{}", at)
    schema = Draft7Validator(HEADERS)

    assert schema.is_valid(plain)
    assert schema.is_valid({**plain, **signed})
    assert set(signed) <= set(HEADERS["properties"])
    assert not schema.is_valid({**plain, **signed, "webhook-signature": "v1"})


def test_the_schema_of_an_anchor_is_that_of_every_anchor() -> None:
    """With one before it and without; and of nothing that lacks a field."""
    schema = Draft202012Validator(json.loads(schema_text(ANCHORED)))
    (event,) = (one for one in published() if one["type"] == "Stageward.Anchored")
    data = event["data"]

    Draft202012Validator.check_schema(schema.schema)
    assert json.loads(schema_text(ANCHORED))["$id"] == event["dataschema"]
    assert schema.is_valid(data)
    assert schema.is_valid({**data, "before": data["root"]})
    assert set(data) | {"before"} == set(json.loads(schema_text(ANCHORED))["properties"])
    for name in data:
        assert not schema.is_valid({key: one for key, one in data.items() if key != name})


def test_it_names_each_setting_by_its_name() -> None:
    """So that an operator finds what it speaks of."""
    named = set(re.findall(r"STAGEWARD_[A-Z_]+", json.dumps(DOCUMENT)))

    assert {"STAGEWARD_WEBHOOKS", "STAGEWARD_ANCHORS", "STAGEWARD_EVENTGRID_ENDPOINT"} == named
    assert set(SCHEMAS) > set(PUBLISHED)
