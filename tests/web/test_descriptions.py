"""What is published is described to anybody, as the API is."""

from __future__ import annotations

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from msgspec.structs import replace

from stage_functions.domain.record import UNPUBLISHED, RecordType
from tests.api_server import Api, api_over
from tests.builders import World
from tests.wire.test_event_schemas import whole_story


def test_the_document_is_served_with_the_address_of_the_schemas(it: World) -> None:
    """The one that others reach Stageward by, whatever a request calls it."""
    url = "https://stageward.example.org"
    with api_over(it, edit=lambda made: replace(made, url=url)) as api:
        answer = api.client().get("/api/v1/asyncapi.json", headers={"Host": "evil.example.org"})

    assert "application/json" == answer.headers["Content-Type"]
    message = answer.json()["components"]["messages"]["StageChanged"]
    assert f"{url}/api/v1/events/StageChanged.schema.json" == message["externalDocs"]["url"]
    assert "evil" not in answer.text


@pytest.mark.parametrize("type_", [*RecordType, "Anchored"])
def test_each_schema_is_served_as_it_is_shipped(api: Api, type_: str) -> None:
    """Also of what only a history shows."""
    answer = api.client().get(f"/api/v1/events/{type_}.schema.json")

    assert "application/schema+json" == answer.headers["Content-Type"]
    Draft202012Validator.check_schema(answer.json())
    assert f"urn:stageward:{type_}:1" == answer.json()["$id"]


def test_every_event_of_a_whole_story_is_as_is_served(api: Api) -> None:
    """The record by the schema of its type, and the event by the message of that name."""
    client = api.client()
    components = client.get("/api/v1/asyncapi.json").json()["components"]
    records = {
        one: Draft202012Validator(client.get(f"/api/v1/events/{one}.schema.json").json())
        for one in RecordType
    }
    events = {
        name: Draft7Validator({"allOf": [one["payload"]], "components": components})
        for name, one in components["messages"].items()
    }
    story = whole_story()

    assert set(RecordType) == {one["data"]["type"] for one in story}
    for event in story:
        type_ = event["data"]["type"]
        assert [] == [*records[RecordType(type_)].iter_errors(event["data"])]
        assert type_ in UNPUBLISHED or [] == [*events[type_].iter_errors(event)]


@pytest.mark.parametrize(
    "name",
    ["Nothing.schema.json", "StageChanged", "StageChanged.schema.json.schema.json", "..%2Fx"],
)
def test_nothing_else_is_there(api: Api, name: str) -> None:
    """No other file, and no way out of the folder."""
    answer = api.client().get(f"/api/v1/events/{name}")

    assert (404, "no-such-address") == (
        answer.status_code,
        answer.json()["type"].rpartition(":")[2],
    )
