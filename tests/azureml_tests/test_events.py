"""Which events are raised, what is in them, and how they are delivered."""

from __future__ import annotations

import pytest
from azure.eventgrid import EventGridEvent

from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.wire.eventgrid import parse
from tests.azureml import LocalAzureMl, Place
from tests.azureml.delivery import HandshakeError
from tests.azureml_tests.arm import CONTENTS, MODEL, PLANE, Arm
from tests.receiver import CUT, Answer, Receiver

WRITTEN = "Microsoft.Resources.ResourceWriteSuccess"
DELETED = "Microsoft.Resources.ResourceDeleteSuccess"
REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"


def _types(local: LocalAzureMl) -> list[str]:
    return [event["eventType"] for event in local.events]


@pytest.mark.parametrize("kind", CONTENTS)
def test_every_write_is_told(local: LocalAzureMl, arm: Arm, dev: Place, kind: str) -> None:
    """A creation, an update and a deletion raise an event each; a new model one more."""
    path = f"{dev.id}/{kind}/churn/versions/1"
    arm.put(path, CONTENTS[kind])
    arm.put(path, CONTENTS[kind])
    arm.delete(path)
    arm.delete(path)
    arm.get(path)

    registered = [REGISTERED] if kind == "models" else []
    assert [*registered, WRITTEN, WRITTEN, DELETED] == _types(local)


def test_a_write_is_told_with_claims(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """The event names the resource, the operation and who called; the request if it was there."""
    path = f"{dev.id}/models/churn/versions/1"
    arm.put(path, MODEL)
    arm.put(path, MODEL)
    created, updated = [e for e in local.events if e["eventType"] == WRITTEN]
    anna, data = local.person("anna"), updated["data"]

    assert f"/subscriptions/{local.subscription}/resourceGroups/rg" == updated["topic"]
    assert path.replace("resourceGroups", "resourcegroups") == updated["subject"]
    assert updated["subject"] == data["resourceUri"] == data["authorization"]["scope"]
    operation = "Microsoft.MachineLearningServices/workspaces/models/versions/write"
    assert operation == data["operationName"] == data["authorization"]["action"]
    assert (anna.app, anna.name) == (data["claims"]["appid"], data["claims"]["name"])
    assert anna.oid in data["claims"].values()
    assert anna.upn in data["claims"].values()
    assert "PUT" == data["httpRequest"]["method"]
    assert "httpRequest" not in created["data"]


def test_an_application_has_no_name(local: LocalAzureMl, dev: Place) -> None:
    """A write of a managed identity has object id and application, and no person's claims."""
    local.put_version(dev, "data", "churn", "1", CONTENTS["data"], who="governor")
    claims = local.events[-1]["data"]["claims"]

    assert local.governor.app == claims["appid"]
    assert "name" not in claims
    assert not [value for value in claims.values() if "@" in value]


def test_the_product_reads_them(local: LocalAzureMl, dev: Place) -> None:
    """What is raised here is what Stageward reads, in both schemas, and what Azure's SDK parses."""
    local.put_version(dev, "models", "Churn", "3", MODEL)
    local.deploy(dev, "churn", "blue", f"{dev.id}/models/Churn/versions/3")
    known = {"dev": RegistryConfiguration("dev", RegistryType.AZUREML, dev.id)}

    read = parse(local.events, known)

    endpoint = "endpoint dev/churn"
    expected = ["dev/models/Churn:3"] * 2 + [endpoint] * (len(local.events) - 2)
    assert expected == [str(signal) for signal in read.signals]
    assert f"oid:{local.person('anna').oid}" in {signal.actor for signal in read.versions}
    for event in local.events:
        assert event["id"] == EventGridEvent.from_dict(event).id


def test_nobody_tells_of_registries(local: LocalAzureMl, arm: Arm, shared: Place) -> None:
    """Writes to a registry raise nothing."""
    path = f"{PLANE}{shared.id}/models/churn/versions/1"
    arm.put(path, MODEL)
    arm.delete(path)
    local.put_version(shared, "models", "churn", "1", MODEL)

    assert [] == local.events


def test_nobody_tells_of_the_portal(local: LocalAzureMl, dev: Place) -> None:
    """An edit of tags by the data plane changes the version, and raises nothing."""
    local.put_version(dev, "models", "churn", "1", {**MODEL, "tags": {"a": "1", "b": "2"}})
    told = len(local.events)

    local.data_plane_tags(dev, "churn", "1", {"a": None, "c": "3"}, who="bea")

    stored = local.version(dev, "models", "churn", "1")
    assert stored is not None
    assert {"b": "2", "c": "3"} == stored["properties"]["tags"]
    assert "bea" == stored["systemData"]["lastModifiedBy"]
    assert told == len(local.events)


def test_what_fails_is_not_told(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A write that is refused raises nothing."""
    arm.put(f"{dev.id}/models/churn/versions/1", {"tags": []})
    arm.put(f"{dev.id}/onlineEndpoints/churn", {"traffic": {"blue": 100}})

    assert [] == local.events


@pytest.mark.parametrize(
    ("status", "types"),
    [("Completed", ["RunStatusChanged", "RunCompleted"]), ("Failed", ["RunStatusChanged"])],
)
def test_a_run_is_told(local: LocalAzureMl, dev: Place, status: str, types: list[str]) -> None:
    """A job raises its new status, and its completion."""
    name = local.job(dev, status=status, tags={"a": "b"})
    told = [e for e in local.events if e["eventType"].partition(".Run")[1]]

    assert types == [event["eventType"].rpartition(".")[2] for event in told]
    assert {name} == {event["data"]["runId"] for event in told}
    assert dev.id == told[0]["topic"]
    assert told[0]["subject"].endswith(f"/runs/{name}")


def test_events_are_delivered(local: LocalAzureMl, dev: Place) -> None:
    """Who subscribes is asked first, and is sent every event, again where it failed."""
    with Receiver() as receiver:
        receiver.answer_next(Answer(body=b"{}"))
        with pytest.raises(HandshakeError):
            local.subscribe(receiver.url)
        local.subscribe(receiver.url, handshake=False)
        receiver.answer_next(503, CUT)
        local.put_version(dev, "models", "churn", "1", {**MODEL, "tags": {"odd": "\ud800"}})
        local.drain()
        delivered = receiver.events[1:]

    assert local.events == delivered
    assert 200 == receiver.requests[-1].status


def test_cloud_events_are_delivered(local: LocalAzureMl, dev: Place) -> None:
    """The other schema has its own handshake, and the same events in its own form."""
    with Receiver() as receiver:
        local.subscribe(receiver.url, schema="cloudevents", headers={"X-Key": "secret"})
        local.put_version(dev, "data", "churn", "1", CONTENTS["data"])
        local.drain()
        asked, delivered = receiver.requests

    assert ("OPTIONS", "secret") == (asked.method, delivered.headers["x-key"])
    assert "application/cloudevents+json" in delivered.headers["content-type"]
    assert {"1.0"} == {event["specversion"] for event in delivered.events}
    known = {"dev": RegistryConfiguration("dev", RegistryType.AZUREML, dev.id)}
    (signal,) = parse(delivered.body, known).versions
    assert "dev/data/churn:1" == str(signal.version)


def test_events_are_delivered_once_more(local: LocalAzureMl, dev: Place) -> None:
    """A test may deliver events again, in whichever order."""
    local.put_version(dev, "models", "churn", "1", MODEL)
    backwards = local.events[::-1]
    with Receiver() as receiver:
        local.subscribe(receiver.url, handshake=False)
        local.deliver(backwards)
        local.drain()

        assert backwards == receiver.events


def test_an_event_that_nobody_takes_is_lost(local: LocalAzureMl, dev: Place) -> None:
    """After a few attempts an event is given up, and kept where a test can see it."""
    with Receiver(*[503] * 10) as receiver:
        subscription = local.subscribe(receiver.url, handshake=False)
        local.put_version(dev, "data", "churn", "1", CONTENTS["data"])
        with pytest.raises(TimeoutError):
            local.drain(0)
        local.drain()

    assert local.events == subscription.lost
