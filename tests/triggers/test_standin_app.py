"""The functions in Microsoft's own worker library, over Table Storage and a registry on a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import keys
from stage_functions.application.ledger import Ledger, open_ledger
from stage_functions.application.ports.rows import WORK, Upsert, Value
from stage_functions.domain.asset import Version
from tests.azurite import connection_string
from tests.fakes.registry import FileRegistry
from tests.triggers.worker import FOLDER, Worker, running_worker
from tests.wire.samples import MODEL_REGISTERED, WORKSPACE, Event, as_cloud_event, resource_event

pytest.importorskip(
    "azure_functions_runtime", reason="Microsoft's worker library needs Python 3.13"
)


@dataclass(frozen=True, slots=True)
class World:
    """A worker, and what it works on.

    Attributes:
        worker: it.
        registry: in the place of an Azure ML workspace.
        ledger: the same that the worker writes.
    """

    worker: Worker
    registry: FileRegistry
    ledger: Ledger

    def stage(self, version: Version) -> str | None:
        """Return the stage that the ledger grants a version."""
        state = self.ledger.versions(version.asset).get(version.number)
        return None if state is None else state.stage


@pytest.fixture(scope="module")
def world(
    deployed: Path, azurite: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Run a worker; it has opened the application while the registry was empty."""
    folder = tmp_path_factory.mktemp("standin")
    settings = {
        "STAGEWARD_TABLES": connection_string(azurite),
        "REGISTRY": str(folder / "registry"),
    }
    script = FOLDER / "standin_app.py"
    with (
        running_worker(deployed, folder / "log", settings, script=script) as worker,
        closing(TableRows(table_service(connection_string(azurite)), prefix="standin")) as rows,
    ):
        assert "" == worker.timer("sweep")
        ledger = open_ledger(rows, SystemClock())
        yield World(worker, FileRegistry(folder / "registry"), ledger)


def registered(version: Version) -> Event:
    """Return the event that a workspace raises for a new model."""
    name, number = version.asset.name, version.number
    return {
        **MODEL_REGISTERED,
        "subject": f"models/{name}:{number}",
        "data": {"ModelName": name, "ModelVersion": int(number)},
    }


def written(version: Version) -> Event:
    """Return the event that a resource group raises for a write to a model."""
    models = f"{WORKSPACE}/models/{version.asset.name}"
    return resource_event(f"{models}/versions/{version.number}")


def test_an_event_of_event_grids_schema_is_followed(world: World) -> None:
    """A model that is registered gets its first stage, in the ledger and as tags."""
    version = world.registry.create("grid")

    assert "" == world.worker.event(registered(version))
    assert "None" == world.stage(version)
    assert "None" == world.registry.tags(version)["stage"]


def test_a_cloud_event_is_followed(world: World) -> None:
    """A stage that is asked for by tag is granted when the write is heard of."""
    version = world.registry.create("cloud")
    world.worker.event(as_cloud_event(registered(version)))
    world.registry.set_tag(version, "stage_request", "Staging")

    assert "" == world.worker.event(as_cloud_event(written(version)))
    assert "Staging" == world.stage(version)
    assert "Staging" == world.registry.tags(version)["stage"]


def test_an_event_that_is_delivered_twice_changes_nothing(world: World) -> None:
    """The second delivery adds no record."""
    version = world.registry.create("twice")
    world.worker.event(registered(version))
    before = world.ledger.load(version.asset).head.number

    assert "" == world.worker.event(registered(version))
    assert before == world.ledger.load(version.asset).head.number


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"id": "1", "data": "text"},
        {"specversion": "1.0", "id": "1", "type": "com.example.other", "source": "elsewhere"},
        {**MODEL_REGISTERED, "topic": "/subscriptions/somebody/elses"},
    ],
    ids=["empty", "no-type", "unknown-type", "unknown-topic"],
)
def test_an_event_of_no_use_is_acknowledged(world: World, event: Event) -> None:
    """Event Grid is not made to deliver it for a day."""
    assert "" == world.worker.event(event)


def test_a_sweep_deletes_the_marker_of_work_that_is_done(world: World) -> None:
    """A marker whose commit owes nothing is all that a crash left."""
    version = world.registry.create("swept")
    world.worker.event(registered(version))
    partition = keys.asset_partition(version.asset)
    shard, key = keys.outbox_shard(partition), keys.marker_key(partition, 0)
    left: dict[str, Value] = {
        "asset": str(version.asset),
        "commit": 0,
        "at": "2026-01-01T00:00:00+00:00",
    }
    world.ledger.rows.prepare(WORK, shard, [Upsert(key, left)])

    assert "" == world.worker.timer("sweep")
    assert world.ledger.rows.get(WORK, shard, key) is None


def test_a_scan_finds_what_no_event_told_of(world: World) -> None:
    """A version that nobody spoke of gets its first stage."""
    version = world.registry.create("silent")

    assert "" == world.worker.timer("scan")
    assert "None" == world.stage(version)
    assert "None" == world.registry.tags(version)["stage"]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/api/v1/assets/", "/api/v1/assets/"),
        ("/assets/a%20b", "/assets/a b"),
        ("/assets/a%2520b", "/assets/a%20b"),
        ("/assets/100%25", "/assets/100%"),
        ("/assets/a;b=c", "/assets/a;b=c"),
        ("/assets/a%3Fb%23c", "/assets/a?b#c"),
        ("/assets/caf%C3%A9", "/assets/café"),
        ("/assets/caf%E9", "/assets/caf\ufffd"),
    ],
)
def test_a_path_is_decoded_once(world: World, target: str, path: str) -> None:
    """Whatever the host makes of it on its way."""
    answer = world.worker.request("GET", target)

    assert path == answer.json()["path"]


def test_a_request_arrives_whole(world: World) -> None:
    """Method, query, headers and body are those that were sent; who sent them is not known."""
    answer = world.worker.request(
        "POST",
        "/webhooks/mlflow?a=1&a=2&b=%26%20+",
        headers={"x-signature": "v1,abc", "accept": "text/html,application/json"},
        body='{"text": "höchst"}',
    )

    got = answer.json()
    assert 207 == answer.status
    assert ("POST", "https", None) == (got["method"], got["scheme"], got["client"])
    assert "a=1&a=2&b=%26%20+" == got["query_string"]
    assert "v1,abc" == got["headers"]["x-signature"]
    assert "text/html,application/json" == got["headers"]["accept"]
    assert '{"text": "höchst"}' == got["body"]
    assert "3.0" == got["asgi"]["version"]


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "DELETE", "PATCH"])
def test_every_method_reaches_the_application(world: World, method: str) -> None:
    """The handshake of CloudEvents is an OPTIONS; what is not allowed, the application says."""
    assert method == world.worker.request(method, "/events").json()["method"]


def test_headers_that_are_repeated_all_leave(world: World) -> None:
    """The host takes one value a header, and cookies apart from them."""
    answer = world.worker.request("GET", "/")

    assert "Accept, Cookie" == answer.headers["vary"]
    assert ("a=1; HttpOnly; Path=/", "b=2; Secure") == answer.cookies
