"""Events and webhooks over HTTP: hints, believed in nothing but that something may have changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from stage_functions.application import query
from stage_functions.domain.asset import Asset as AnAsset
from stage_functions.domain.asset import Kind, Version
from tests.api_server import SECRET, Api, api_over
from tests.application.frozen_world import freezing, promote
from tests.application.mirror_world import configured, move
from tests.builders import IRIS, World, unguarded, world
from tests.wire.samples import (
    MODEL_REGISTERED,
    WORKSPACE,
    Event,
    as_cloud_event,
    resource_event,
)

REGRESSION = AnAsset("demo", Kind.MODELS, "sklearn_regression_model")
HANDSHAKE = {
    "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
    "topic": WORKSPACE,
    "subject": "",
    "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"},
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "eventTime": "2026-01-25T22:12:19.4556811Z",
    "metadataVersion": "1",
    "dataVersion": "1",
}


@pytest.fixture
def workspace() -> Iterator[World]:
    """A world whose registry is an Azure ML workspace, with a model in it."""
    made = world(workspace=WORKSPACE)
    made.registry.register(Version(REGRESSION, "20"), made.clock.now(), author="oid:1")
    yield made
    made.rows.close()


@pytest.fixture
def events(workspace: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(workspace) as running:
        yield running


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
@pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["event-grid", "cloud-events"])
def test_a_registered_model_is_governed_when_its_event_arrives(
    workspace: World, events: Api, schema: type[Event], *, batch: bool
) -> None:
    """In both schemas, single and batch, through one parser."""
    event = schema(MODEL_REGISTERED)

    answer = events.client().post("/events", json=[event] if batch else event)

    assert answer.json() == {"followed": 1, "changed": 1, "ignored": []}
    assert workspace.registry.tags(Version(REGRESSION, "20"))["stage"] == "None"


def test_the_same_event_again_changes_nothing(workspace: World, events: Api) -> None:
    """Event Grid delivers at least once."""
    client = events.client()
    for _ in range(3):
        answer = client.post("/events", json=[MODEL_REGISTERED, MODEL_REGISTERED])

    assert answer.json() == {"followed": 2, "changed": 0, "ignored": []}
    assert len(list(query.all_records(workspace.context, REGRESSION))) == 1


def test_both_handshakes_are_answered(events: Api) -> None:
    """Event Grid's by its code, that of CloudEvents by its headers."""
    client = events.client()

    one = client.post("/events", json=[HANDSHAKE])
    two = client.options("/events", headers={"WebHook-Request-Origin": "eventgrid.azure.net"})

    assert one.json() == {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}
    assert two.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


def test_a_type_that_is_not_followed_is_acknowledged_and_counted(events: Api) -> None:
    """Else Event Grid would send it for a day."""
    event = {**MODEL_REGISTERED, "eventType": "Microsoft.Storage.BlobCreated"}

    answer = events.client().post("/events", json=[event])

    assert answer.status_code == 200
    assert answer.json()["followed"] == 0
    assert "Microsoft.Storage.BlobCreated" in answer.json()["ignored"][0]


def test_claims_that_anybody_could_send_prove_nothing(workspace: World, events: Api) -> None:
    """Though the registry shows the same writer, only what that shows is taken, as likely."""
    client = events.client()
    client.post("/events", json=[MODEL_REGISTERED])
    version, at = Version(REGRESSION, "20"), workspace.clock.now()
    workspace.registry.set_tags(version, {"stage_request": "Staging"})
    workspace.registry.wrote(version, "aml:Somebody Personal", at)

    written = f"{WORKSPACE}/models/sklearn_regression_model/versions/20"
    client.post("/events", json=[{**resource_event(written), "eventTime": at.isoformat()}])

    (*_, record) = query.all_records(workspace.context, REGRESSION)
    masked = workspace.context.ledger.mask("aml:Somebody Personal")
    expected = {"id": masked, "attribution": "inferred", "via": "tag"}
    assert expected == record.content["requester"]


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'"text"', b'[{"no": "event"}]', b"\xff\xfe"])
def test_a_body_that_is_no_event_gets_400_and_changes_nothing(
    workspace: World, events: Api, body: bytes
) -> None:
    """With what would be one."""
    workspace.registry.calls.clear()

    answer = events.client().post("/events", content=body)

    assert answer.status_code == 400
    assert workspace.registry.calls == []


def test_while_the_registry_is_away_the_event_is_refused_to_come_again(
    workspace: World, events: Api
) -> None:
    """503 with Retry-After; nothing is lost."""
    workspace.registry.away = True
    away = events.client().post("/events", json=[MODEL_REGISTERED])
    workspace.registry.away = False
    back = events.client().post("/events", json=[MODEL_REGISTERED])

    assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
    assert back.json()["changed"] == 1


def deliver(
    api: Api, it: World, body: dict[str, object], delivery: str = "d1", **headers: str
) -> int:
    """Send a webhook delivery as MLflow signs it; return the status."""
    content = json.dumps(body).encode()
    sent = str(int(it.clock.time.timestamp()))
    signed = hmac.new(SECRET.encode(), f"{delivery}.{sent}.".encode() + content, hashlib.sha256)
    signature = f"v1,{base64.b64encode(signed.digest()).decode()}"
    answer = api.client().post(
        "/webhooks/mlflow",
        content=content,
        headers={
            "X-MLflow-Delivery-Id": delivery,
            "X-MLflow-Timestamp": sent,
            "X-MLflow-Signature": signature,
            **headers,
        },
    )
    return answer.status_code


CREATED: dict[str, object] = {
    "entity": "model_version",
    "action": "created",
    "timestamp": "2026-01-01T00:00:00+00:00",
    "data": {"name": "iris", "version": "1"},
}


def test_a_signed_delivery_is_followed(it: World, api: Api) -> None:
    """And the version's tags say so."""
    it.registry.register(Version(IRIS, "1"), it.clock.now())

    assert deliver(api, it, CREATED) == 200
    assert it.registry.tags(Version(IRIS, "1"))["stage"] == "None"


def test_a_delivery_with_a_wrong_signature_is_refused_unread(it: World, api: Api) -> None:
    """403, and the registry is not even asked."""
    it.registry.calls.clear()

    status = deliver(api, it, CREATED, **{"X-MLflow-Signature": "v1,AAAA"})

    assert status == 403
    assert it.registry.calls == []


def test_a_delivery_is_remembered_only_after_success(it: World, api: Api) -> None:
    """One that failed may come again; one that was followed is not read again."""
    it.registry.register(Version(IRIS, "1"), it.clock.now())
    it.registry.away = True
    failed = deliver(api, it, CREATED)
    it.registry.away = False
    followed = deliver(api, it, CREATED)
    calls = len(it.registry.calls)
    replayed = deliver(api, it, CREATED)

    assert (failed, followed, replayed) == (503, 200, 200)
    assert len(it.registry.calls) == calls


def tag_set(key: str, value: str) -> dict[str, object]:
    """Return what MLflow tells when a tag of version 1 is set."""
    data = {"name": "iris", "version": "1", "key": key, "value": value}
    return {**CREATED, "entity": "model_version_tag", "action": "set", "data": data}


def test_any_tag_counts_where_a_stage_is_frozen() -> None:
    """Elsewhere what is none of Stageward's is acknowledged unread."""
    calls = []
    for governed_by in (unguarded(), freezing()):
        it = world(governed_by=governed_by)
        with closing(it.rows), api_over(it) as api:
            promote(it, it.register("1", {"owner": "ada"}))
            it.registry.set_tag(Version(IRIS, "1"), "owner", "eve")
            it.registry.calls.clear()
            assert deliver(api, it, tag_set("owner", "eve")) == 200
            calls.append((len(it.registry.calls), it.registry.tags(Version(IRIS, "1"))["owner"]))

    assert [(0, "eve"), (4, "ada")] == calls


def test_what_stageward_wrote_itself_is_not_read_again(it: World, api: Api) -> None:
    """MLflow tells of each tag; each is acknowledged. What somebody else writes is followed."""
    version = it.register("1")
    it.registry.calls.clear()
    tags = it.registry.tags(version)

    echoes = [deliver(api, it, tag_set(key, tags[key]), key) for key in tags]
    unread = list(it.registry.calls)
    it.registry.set_tag(version, "stage", "Production")
    foreign = deliver(api, it, tag_set("stage", "Production"), "foreign")
    put_back = it.registry.tags(version)["stage"]
    it.registry.set_tag(version, "stage", "Staging")
    other = deliver(api, it, tag_set("stage", "None"), "late")

    assert set(echoes) == {foreign, other} == {200}
    assert unread == []
    assert put_back == "None"
    assert it.registry.tags(version)["stage"] == "Staging"


def of_alias(action: str, number: str = "", alias: str = "champion") -> dict[str, object]:
    """Return what MLflow tells when an alias of iris is set, or deleted."""
    data = {"name": "iris", "alias": alias, **({"version": number} if number else {})}
    return {**CREATED, "entity": "model_version_alias", "action": action, "data": data}


def test_an_alias_is_put_back_by_the_event_that_tells_of_it() -> None:
    """Whatever version that names; what Stageward set itself is not read again."""
    made = configured(world(governed_by=unguarded()), aliases={"champion": "Production"})
    with closing(made.rows), api_over(made) as api:
        for number in "12":
            made.register(number)
        move(made, Version(IRIS, "1"), "Staging", "Production")
        made.registry.calls.clear()
        echo = deliver(api, made, of_alias("created", "1"), "echo")
        other = deliver(api, made, of_alias("created", "2", "theirs"), "theirs")
        unread = list(made.registry.calls)
        put_back = []
        for number in ("2", ""):
            made.registry.set_alias(IRIS, "champion", number)
            event = of_alias("created" if number else "deleted", number)
            assert deliver(api, made, event, f"moved{number}") == 200
            put_back.append(made.registry.aliases(IRIS))
        asset = api.client("sam").get("/api/v1/assets/demo/models/iris").json()

    assert (echo, other, unread) == (200, 200, [])
    assert put_back == [{"champion": "1"}] * 2
    assert asset["aliases"] == {"champion": "1"}


def test_a_delivery_for_a_registry_that_is_none_is_said_so(it: World, api: Api) -> None:
    """404 that names those there are."""
    body = json.dumps(CREATED).encode()
    sent = str(int(it.clock.time.timestamp()))
    signed = hmac.new(SECRET.encode(), f"d1.{sent}.".encode() + body, hashlib.sha256)
    headers = {
        "X-MLflow-Delivery-Id": "d1",
        "X-MLflow-Timestamp": sent,
        "X-MLflow-Signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
    }

    answer = api.client().post("/webhooks/mlflow?registry=other", content=body, headers=headers)

    assert answer.status_code == 404
    assert "the file has: demo" in answer.json()["detail"]
