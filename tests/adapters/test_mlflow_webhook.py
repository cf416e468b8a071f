"""Stageward's webhook at real MLflow servers: made, delivered to, and what forbids it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.mlflow_webhook import webhook_name
from stage_functions.application.signal import AliasSignal, Signals
from stage_functions.domain.error import (
    ConfigurationError,
    DeniedError,
    RegistryRefusedError,
    RegistryUnavailableError,
)
from stage_functions.wire.mlflow import signals, verify
from tests.mlflow_server import WEBHOOKS, MlflowServer, running_mlflow
from tests.mlflow_world import MlflowWorld
from tests.receiver import Received, Receiver

SECRET = "correct horse battery staple"
PUBLIC = "https://8.8.8.8/webhooks/mlflow"
"""An address that MLflow takes for public; nothing is ever delivered to it here."""
_WAIT_SECONDS = 30
_PATH = "/api/2.0/mlflow/webhooks"


@pytest.fixture
def client(mlflow_server: MlflowServer) -> Iterator[httpx.Client]:
    """Return a client of the server, apart from Stageward; the server has no webhooks yet."""
    with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
        _delete_all(client)
        yield client
        _delete_all(client)


def _delete_all(client: httpx.Client) -> None:
    for hook in client.get(_PATH, params={"max_results": 1000}).json().get("webhooks", []):
        client.delete(f"{_PATH}/{hook['webhook_id']}")


@pytest.fixture
def registry(mlflow_server: MlflowServer) -> Iterator[MlflowRegistry]:
    """Return the registry over the server."""
    with closing(MlflowRegistry("dev", mlflow_server.address, timeout_seconds=60)) as registry:
        yield registry


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("dev", "stageward-dev"),
        ("a" * 53, f"stageward-{'a' * 53}"),
        ("a" * 54, "stageward-a3f01b6939256127"),
        ("dev-", "stageward-af77124e2b7dfa9a"),
    ],
)
def test_has_a_name_that_mlflow_takes(alias: str, name: str) -> None:
    """The name is the alias where MLflow takes it, else a hash of it, always the same."""
    assert name == webhook_name(alias)
    assert len(name) <= 63


def test_is_made_once(registry: MlflowRegistry, client: httpx.Client) -> None:
    """Making it again brings the one to what it should be, and leaves other people's alone."""
    other = {"name": "theirs", "url": PUBLIC, "events": [{"entity": "PROMPT", "action": "CREATED"}]}
    client.post(_PATH, json=other).raise_for_status()
    first = registry.ensure_webhook("https://8.8.8.8/old", "old secret")
    client.patch(f"{_PATH}/{first}", json={"status": "DISABLED"}).raise_for_status()
    again = registry.ensure_webhook(PUBLIC, SECRET)

    hooks = {hook["name"]: hook for hook in client.get(_PATH).json()["webhooks"]}
    own = hooks["stageward-dev"]
    assert first == again == own["webhook_id"]
    assert {"theirs", "stageward-dev"} == set(hooks)
    assert (PUBLIC, "ACTIVE") == (own["url"], own["status"])
    assert {"MODEL_VERSION.CREATED", "MODEL_VERSION_TAG.SET", "MODEL_VERSION_TAG.DELETED"} == {
        f"{event['entity']}.{event['action']}" for event in own["events"]
    }


def test_tells_of_aliases_where_these_are_kept(
    registry: MlflowRegistry, client: httpx.Client
) -> None:
    """One that is there already takes them from then on, and no longer when none is kept."""
    found = []
    for kept in (False, True, False):
        registry.ensure_webhook(PUBLIC, SECRET, aliases=kept)
        (own,) = client.get(_PATH).json()["webhooks"]
        events = {f"{event['entity']}.{event['action']}" for event in own["events"]}
        found.append({event for event in events if "ALIAS" in event})

    both = {"MODEL_VERSION_ALIAS.CREATED", "MODEL_VERSION_ALIAS.DELETED"}
    assert [set(), both, set()] == found


def test_is_delivered_for_an_alias(registry: MlflowRegistry, client: httpx.Client) -> None:
    """Setting it names who has got it; moving it too, and deleting it names nobody."""
    world = MlflowWorld(client)
    with Receiver() as receiver:
        registry.ensure_webhook(receiver.url, SECRET, aliases=True)
        made = world.create("aliased")
        world.create("aliased")
        for number in ("1", "2", ""):
            world.set_alias(made.asset, "champion", number)
        arrived = _arrived(receiver, 5)

    read = [signals(one.body, "dev", aliases={"champion"}) for one in arrived]
    found = [one for each in read for one in each.signals if isinstance(one, AliasSignal)]
    assert {made.asset} == {one.asset for one in found}
    assert ["", "1", "2"] == sorted(one.number for one in found)


def test_is_one_of_its_name(registry: MlflowRegistry, client: httpx.Client) -> None:
    """Doubles that two starts at once left are deleted, wherever MLflow lists them."""
    event = {"entity": "MODEL_VERSION", "action": "CREATED"}
    names = ["stageward-dev", *(f"theirs{number}" for number in range(100)), "stageward-dev"]
    for name in names:
        body = {"name": name, "url": PUBLIC, "events": [event]}
        client.post(_PATH, json=body).raise_for_status()
    registry.ensure_webhook(PUBLIC, SECRET)

    found = client.get(_PATH, params={"max_results": 200}).json()["webhooks"]
    assert 1 == sum(hook["name"] == "stageward-dev" for hook in found)
    assert 101 == len(found)


def test_is_delivered_signed(registry: MlflowRegistry, client: httpx.Client) -> None:
    """What MLflow delivers is verified with the secret, and hints at the version and its tag."""
    world = MlflowWorld(client)
    with Receiver() as receiver:
        registry.ensure_webhook(receiver.url, SECRET)
        made = world.create("naïve iris", tags={"stage_request": "Staging: naïve → ok"})
        world.set_tag(made, "stage", "Staging")
        world.set_tag(made, "team", "risk")
        world.delete_tag(made, "stage")
        arrived = _arrived(receiver, 4)

    read = [_read(one) for one in arrived]
    keys = sorted(signal.keys for one in read for signal in one.versions)
    assert {made} == {signal.version for one in read for signal in one.versions}
    assert [(), ("stage",), ("stage",)] == keys
    assert 1 == sum(len(one.ignored) for one in read)


def test_is_delivered_with_the_new_secret(registry: MlflowRegistry, client: httpx.Client) -> None:
    """A secret that is set anew is what later deliveries are signed with."""
    world = MlflowWorld(client)
    with Receiver() as receiver:
        registry.ensure_webhook(receiver.url, "old secret")
        registry.ensure_webhook(receiver.url, SECRET)
        world.create("rotated")
        (arrived,) = _arrived(receiver, 1)

    assert _read(arrived).signals
    with pytest.raises(DeniedError):
        verify(arrived.headers, arrived.body, "old secret", SystemClock().now())


def test_needs_a_secret(registry: MlflowRegistry) -> None:
    """Without a secret there is no webhook: anybody could call it."""
    with pytest.raises(ConfigurationError, match="needs a secret"):
        registry.ensure_webhook(PUBLIC, "")


def test_names_the_settings_that_forbid_it(tmp_path: Path) -> None:
    """On a server as it comes, http and loopback are refused in words that name the setting."""
    with (
        running_mlflow(tmp_path, {}) as server,
        closing(MlflowRegistry("dev", server.address, timeout_seconds=60)) as registry,
    ):
        with pytest.raises(ConfigurationError, match="set MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http"):
            registry.ensure_webhook("http://8.8.8.8/x", SECRET)
        with pytest.raises(ConfigurationError, match="set MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true"):
            registry.ensure_webhook("https://127.0.0.1/x", SECRET)
        with pytest.raises(ConfigurationError, match="Cannot resolve"):
            registry.ensure_webhook("https://nowhere.invalid/x", SECRET)
        # It works without an encryption key, until the server starts anew.
        registry.ensure_webhook(PUBLIC, SECRET)

    with (
        running_mlflow(tmp_path, WEBHOOKS) as server,
        closing(MlflowRegistry("dev", server.address, timeout_seconds=60)) as registry,
        pytest.raises(ConfigurationError, match="MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"),
    ):
        registry.ensure_webhook(PUBLIC, SECRET)


@pytest.mark.parametrize(
    ("listing", "searching", "error", "says"),
    [
        (404, 200, ConfigurationError, "older than 3.3"),
        (500, 200, ConfigurationError, "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"),
        (500, 500, RegistryUnavailableError, "500"),
        (404, 404, RegistryUnavailableError, "404"),
        (503, 200, RegistryUnavailableError, "503"),
        (403, 200, RegistryRefusedError, "403"),
    ],
)
def test_tells_faults_of_webhooks_from_others(
    listing: int, searching: int, error: type[Exception], says: str
) -> None:
    """A server that fails only for webhooks is set up wrongly; one that fails for all is down."""

    def answer(request: httpx.Request) -> httpx.Response:
        status = listing if request.url.path.endswith("webhooks") else searching
        return httpx.Response(status, json={})

    transport = httpx.MockTransport(answer)
    with (
        closing(MlflowRegistry("dev", "http://mlflow", transport=transport)) as registry,
        pytest.raises(error, match=says),
    ):
        registry.ensure_webhook(PUBLIC, SECRET)


def test_leaves_a_refusal_what_it_is() -> None:
    """Who may list webhooks and not make them is refused, in MLflow's words."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = {"error_code": "PERMISSION_DENIED", "message": "Permission denied"}
        return httpx.Response(200 if request.method == "GET" else 403, json=said)

    transport = httpx.MockTransport(answer)
    with (
        closing(MlflowRegistry("dev", "http://mlflow", transport=transport)) as registry,
        pytest.raises(RegistryRefusedError, match="PERMISSION_DENIED"),
    ):
        registry.ensure_webhook(PUBLIC, SECRET)


def _arrived(receiver: Receiver, count: int) -> list[Received]:
    """Return what was delivered, once it is as much as expected."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while len(receiver.requests) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count == len(receiver.requests)
    return list(receiver.requests)


def _read(arrived: Received) -> Signals:
    assert arrived.headers["x-mlflow-delivery-id"] == verify(
        arrived.headers, arrived.body, SECRET, SystemClock().now()
    )
    return signals(arrived.body, "dev")
