"""Events, as the Event Grid trigger hands them over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode, RegistryConfiguration, RegistryType
from stage_functions.domain.error import RegistryUnavailableError, RetryableError
from stage_functions.triggers.events import SECONDS, EventTrigger
from tests import builders
from tests.builders import IRIS
from tests.wire.deliveries import Schema, both_schemas
from tests.wire.samples import (
    MODEL_DEPLOYED,
    MODEL_REGISTERED,
    OID,
    WORKSPACE,
    Event,
    resource_event,
)

ONE, TWO = Version(IRIS, "1"), Version(IRIS, "2")
REGISTERED: Event = {
    **MODEL_REGISTERED,
    "subject": "models/iris:1",
    "data": {"ModelName": "iris", "ModelVersion": 1},
}
BOTH_DEPLOYED: Event = {
    **MODEL_DEPLOYED,
    "subject": "",
    "data": {"ModelIds": "iris:1,iris:2"},
}


@dataclass(frozen=True, slots=True)
class World:
    """Two versions that nobody told Stageward of, and the trigger.

    Attributes:
        inner: Stageward over a store and a registry.
        trigger: it.
    """

    inner: builders.World
    trigger: EventTrigger

    def deliver(self, event: Event) -> None:
        """Deliver an event, as the library decodes it."""
        self.trigger.receive(
            EventGridEventInConverter.decode(
                Datum(json.dumps(event), "json"), trigger_metadata=None
            )
        )

    def known(self) -> set[str]:
        """Return the versions that the ledger knows."""
        return set(self.inner.context.ledger.versions(IRIS))

    def number(self) -> int:
        """Return the number of the last record."""
        return self.inner.context.ledger.load(IRIS).head.number


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world whose registry counts as an Azure ML workspace: MLflow sends no events."""
    inner = builders.world()
    for version in (ONE, TWO):
        inner.registry.register(version, inner.clock.now(), author="oid:somebody")
    workspace = RegistryConfiguration("demo", RegistryType.AZUREML, WORKSPACE, Mode.ENFORCE)
    configuration = replace(inner.context.configuration, registries={"demo": workspace})
    yield World(inner, EventTrigger(replace(inner.context, configuration=configuration)))
    inner.rows.close()


@both_schemas
def test_an_event_is_followed(world: World, schema: Schema) -> None:
    """The version it hints at is read, and gets its first stage."""
    world.deliver(schema(REGISTERED))

    assert {"1"} == world.known()
    assert "None" == world.inner.registry.tags(ONE)["stage"]


@both_schemas
def test_an_event_that_comes_twice_changes_nothing(world: World, schema: Schema) -> None:
    """Neither does one that was followed in the other schema."""
    world.deliver(REGISTERED)
    before = world.number()

    world.deliver(schema(REGISTERED))

    assert before == world.number()


@both_schemas
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"eventType": "com.example.other"}, "com.example.other"),
        ({"topic": "/subscriptions/elsewhere"}, "is no registry of the configuration"),
        ({"subject": "models/iris:2"}, "contradict"),
        ({"data": "text"}, ""),
    ],
    ids=["type", "topic", "contradiction", "data"],
)
def test_an_event_that_is_not_for_stageward_is_acknowledged(
    world: World,
    schema: Schema,
    fields: Event,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says why it was left unread; nothing is committed on the word of an event."""
    with caplog.at_level("INFO", "stageward"):
        world.deliver(schema({**REGISTERED, **fields}))

    assert why in caplog.text
    assert "2" not in world.known()


@pytest.mark.parametrize("event", [None, object(), "text", [], {"eventType": "a"}])
def test_what_is_no_event_is_acknowledged(
    world: World, event: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Delivered again, it would be no event again."""
    world.trigger.receive(event)

    assert "acknowledged unread" in caplog.text


def test_an_event_without_a_type_is_acknowledged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The library hands over whatever was sent."""
    world.deliver({})

    assert "acknowledged unread" in caplog.text


def test_a_registry_that_is_away_has_the_event_delivered_again(world: World) -> None:
    """The error escapes, for only then does Event Grid deliver again; then it is followed."""
    world.inner.registry.away = True
    with pytest.raises(RegistryUnavailableError):
        world.deliver(REGISTERED)
    assert set() == world.known()

    world.inner.registry.away = False
    world.deliver(REGISTERED)
    assert {"1"} == world.known()


def test_one_version_that_fails_holds_up_no_other(world: World) -> None:
    """The others of the same event are followed before it is delivered again."""
    faults = [RegistryUnavailableError("away for a moment")]

    def fail_once(_: str) -> None:
        if faults:
            raise faults.pop()

    world.inner.registry.before = fail_once
    with pytest.raises(RegistryUnavailableError):
        world.deliver(BOTH_DEPLOYED)
    assert {"2"} == world.known()

    world.deliver(BOTH_DEPLOYED)
    assert {"1", "2"} == world.known()


def test_what_can_never_be_followed_is_acknowledged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A registry that refuses to be read will refuse again; the log names version and reason."""
    world.inner.registry.refusing = True

    world.deliver(REGISTERED)

    assert str(ONE) in caplog.text
    assert set() == world.known()


def test_time_runs_out(world: World) -> None:
    """No further version is begun then; what was followed is kept, and the event comes again."""

    def dawdle(_: str) -> None:
        world.inner.clock.time += timedelta(seconds=SECONDS)

    world.inner.registry.before = dawdle
    with pytest.raises(RetryableError):
        world.deliver(BOTH_DEPLOYED)

    assert {"1"} == world.known()


def test_an_event_proves_who_asked_where_the_registry_shows_the_same(world: World) -> None:
    """Nobody but the platform can call the trigger: its claims count, once they are confirmed."""
    world.deliver(REGISTERED)
    at = world.inner.clock.now()
    world.inner.registry.set_tags(ONE, {"stage_request": "Staging"})
    world.inner.registry.wrote(ONE, "aml:Somebody Personal", at)

    world.deliver(
        {**resource_event(f"{WORKSPACE}/models/iris/versions/1"), "eventTime": at.isoformat()}
    )

    (*_, record) = query.all_records(world.inner.context, IRIS)
    expected = {"id": f"oid:{OID}", "attribution": "proven", "via": "tag"}
    assert expected == record.content["requester"]


def test_what_claims_call_somebody_is_never_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where the hint cannot be followed."""
    world.inner.registry.refusing = True

    with caplog.at_level("DEBUG"):
        world.deliver(resource_event(f"{WORKSPACE}/models/iris/versions/1"))

    assert str(ONE) in caplog.text
    assert "Somebody Personal" not in caplog.text
    assert "somebody@example.org" not in caplog.text
