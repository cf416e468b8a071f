"""The Functions app on Azure ML: events, timers, and what a process loads for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import keys
from stage_functions.application.ledger import open_ledger
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.record import Record, RecordType
from tests.azureml import LocalAzureMl, Place, running
from tests.azureml.events import Event, as_cloud_event
from tests.azurite import connection_string, running_azurite
from tests.triggers.worker import FOLDER, Worker, running_worker

pytest.importorskip(
    "azure_functions_runtime", reason="Microsoft's worker library needs Python 3.13"
)

CHURN = Asset("dev", Kind.MODELS, "churn")
TELLING = FOLDER / "telling_app.py"
NEVER = ("azure.ai", "fastapi", "mlflow", "starlette", "uvicorn", "typer", "apprise", "sklearn")
"""What following events and scanning has no use for."""
LIGHT = (
    *NEVER,
    "azure.eventgrid",
    "httpx",
    "opentelemetry",
    "pandas",
    "pydantic",
    "rich",
    "sqlite3",
)
"""What an event alone has no use for either."""
FILE = """
version: 1
registries:
  - {{alias: dev, type: azureml, address: "{address}", mode: enforce, watch: ["models/*"]}}
people:
  anna: {{name: Anna, ids: ["oid:{anna}"]}}
groups: {{science: [anna]}}
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    stages:
      None: {{initial: true, deletable: true}}
      Staging: {{deployable_to: ["*/test"]}}
      Archived: {{terminal: true, deletable: true, hidden: true}}
    transitions:
      - {{from: None, to: Staging, requesters: [science]}}
      - {{from: Staging, to: Archived}}
"""


@pytest.fixture
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML."""
    with running() as local:
        yield local


@pytest.fixture
def tables() -> Iterator[str]:
    """Return the connection string of tables that nobody else has."""
    with running_azurite() as port:
        yield connection_string(port)


def settings(local: LocalAzureMl, folder: Path, tables: str) -> dict[str, str]:
    """Return the settings of an app that governs the models of a workspace."""
    file = folder / "stageward.yaml"
    anna = local.person("anna").oid
    file.write_text(FILE.format(address=local.workspace("dev").id, anna=anna), "utf-8")
    return {
        **local.environment(),
        "STAGEWARD_CONFIG": str(file),
        "STAGEWARD_TABLES": tables,
        "PYTHONDONTWRITEBYTECODE": "1",  # others look at what is deployed
    }


@contextmanager
def app(deployed: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[Worker]:
    """Run the app in a process of its own inside the block."""
    with running_worker(deployed, folder / "log", settings, script=TELLING) as worker:
        yield worker


def loaded(worker: Worker, names: tuple[str, ...]) -> list[str]:
    """Return which of some modules the process has loaded."""
    modules = set(worker.request("GET", "/").json())
    return [name for name in names if name in modules]


def register(local: LocalAzureMl, place: Place, number: str, **tags: str) -> Event:
    """Register or write a version of churn as anna; return the resource manager's event."""
    known = local.version(place, "models", "churn", number)
    properties: dict[str, Any] = (
        known["properties"] if known else {"modelUri": f"https://x/{number}"}
    )
    written = {**properties, "tags": {**properties.get("tags", {}), **tags}}
    local.put_version(place, "models", "churn", number, written)
    events = [one for one in local.events if one["eventType"].endswith("ResourceWriteSuccess")]
    return events[-1]


def records(tables: str) -> list[Record]:
    """Return the history of churn."""
    with closing(TableRows(table_service(tables))) as rows:
        ledger = open_ledger(rows, SystemClock())
        return list(ledger.records(keys.asset_partition(CHURN)))


@pytest.mark.parametrize("schema", ["eventgrid", "cloudevents"])
def test_an_event_promotes_a_version(
    deployed: Path, local: LocalAzureMl, tables: str, tmp_path: Path, schema: str
) -> None:
    """Who asked is proven: the trigger takes events from the platform alone."""
    dev = local.workspace("dev")
    with app(deployed, tmp_path, settings(local, tmp_path, tables)) as worker:
        assert "" == worker.timer("sweep")
        for tags in ({}, {"stage_request": "Staging: AUC 0.94"}):
            event = register(local, dev, "1", **tags)
            assert "" == worker.event(as_cloud_event(event) if schema == "cloudevents" else event)
        on_events = loaded(worker, LIGHT)
        assert "" == worker.timer("sweep")
        assert "" == worker.timer("scan")
        in_all = loaded(worker, NEVER)
    found = local.version(dev, "models", "churn", "1")
    granted = [one for one in records(tables) if one.type is RecordType.STAGE_CHANGED]

    assert found is not None
    assert "Staging" == found["properties"]["tags"]["stage"]
    requesters = [cast("dict[str, str]", one.content["requester"]) for one in granted]
    assert [("person:anna", "proven")] == [(one["id"], one["attribution"]) for one in requesters]
    assert ([], []) == (on_events, in_all)


def test_a_cold_start_by_an_event_is_light(
    deployed: Path, local: LocalAzureMl, tables: str, tmp_path: Path
) -> None:
    """The first event of a process loads what it needs to sign in, to read, and to write."""
    dev = local.workspace("dev")
    with app(deployed, tmp_path, settings(local, tmp_path, tables)) as worker:
        before = loaded(worker, ("azure.identity", "azure.mgmt.core", "azure.data.tables", *LIGHT))
        assert "" == worker.event(register(local, dev, "1"))
        after = loaded(worker, LIGHT)

    assert ([], []) == (before, after)


def test_the_scan_finds_what_no_event_has_told(
    deployed: Path, local: LocalAzureMl, tables: str, tmp_path: Path
) -> None:
    """Versions, edits, and what endpoints serve."""
    dev = local.workspace("dev")
    with app(deployed, tmp_path, settings(local, tmp_path, tables)) as worker:
        assert "" == worker.timer("sweep")
        register(local, dev, "1")
        assert "" == worker.timer("scan")
        local.deploy(dev, "scoring", "blue", f"{dev.id}/models/churn/versions/1")
        assert "" == worker.timer("scan")
        loaded_by_all = loaded(worker, NEVER)
    found = records(tables)

    assert [RecordType.REGISTERED, RecordType.VIOLATED] == [one.type for one in found]
    assert "dev/scoring" == found[-1].content["endpoint"]
    assert [] == loaded_by_all


def test_an_app_without_an_identity_is_told_how_to_get_one(
    deployed: Path, local: LocalAzureMl, tables: str, tmp_path: Path
) -> None:
    """In one sentence, of whatever is invoked; an event is delivered again."""
    known = settings(local, tmp_path, tables)
    without = {key: value for key, value in known.items() if not key.startswith("IDENTITY_")}
    with app(deployed, tmp_path, without) as worker:
        said = worker.timer("scan")
        event = worker.event(register(local, local.workspace("dev"), "1"))

    for text in (said, event):
        assert "Stageward cannot sign in to Azure: " in text
        assert "In Azure, give it a managed identity" in text


def test_an_identity_without_rights_is_told_by_the_timer(
    deployed: Path, local: LocalAzureMl, tables: str, tmp_path: Path
) -> None:
    """The function fails in one sentence that says what to do; an event comes again, or is parked."""
    dev = local.workspace("dev")
    local.forbid(local.governor)
    with app(deployed, tmp_path, settings(local, tmp_path, tables)) as worker:
        said = worker.timer("scan")
        event = worker.event(register(local, dev, "1"))
        local.heal()
        assert "" == worker.timer("scan")

    assert "Azure ML workspace dev answered 403 AuthorizationFailed" in said
    assert "To allow it, give the identity" in said
    assert "" == event
    assert [RecordType.OBSERVED] == [one.type for one in records(tables)]


def test_what_azd_deploys_observes_the_workspace(
    deployed: Path, local: LocalAzureMl, tables: str, tmp_path: Path
) -> None:
    """The configuration that goes to Azure needs the workspace's address alone, and writes nothing."""
    dev = local.workspace("dev")
    given = {
        **local.environment(),
        "AZUREML_WORKSPACE_ID": dev.id,
        "STAGEWARD_CONFIG": "stageward.azure.yaml",
        "STAGEWARD_TABLES": tables,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with app(deployed, tmp_path, given) as worker:
        for tags in ({}, {"stage_request": "Staging: AUC 0.94"}):
            assert "" == worker.event(register(local, dev, "1", **tags))
        assert "" == worker.timer("sweep")
        assert "" == worker.timer("scan")
    found = local.version(dev, "models", "churn", "1")
    with closing(TableRows(table_service(tables))) as rows:
        partition = keys.asset_partition(Asset("workspace", Kind.MODELS, "churn"))
        known = list(open_ledger(rows, SystemClock()).records(partition))

    assert found is not None
    assert {"stage_request": "Staging: AUC 0.94"} == found["properties"]["tags"]
    assert known
    assert not [one for one in known if one.type is RecordType.STAGE_CHANGED]
