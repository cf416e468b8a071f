"""The Functions app itself, in Microsoft's own worker library, over Table Storage and MLflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import tokens
from stage_functions.application.ledger import open_ledger
from stage_functions.application.tokens import Token, token_id
from tests.azurite import connection_string
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld
from tests.triggers.worker import Worker, running_worker
from tests.wire.configuration_file import edited
from tests.wire.samples import MODEL_REGISTERED, as_cloud_event

pytest.importorskip(
    "azure_functions_runtime", reason="Microsoft's worker library needs Python 3.13"
)

SECRET = "a-token-of-the-first-officer"
NAME = f"functions-{uuid4().hex[:8]}"
"""Other tests use the same server: only this model is watched."""


@pytest.fixture(scope="module")
def settings(
    azurite: int, mlflow_server: MlflowServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the settings of an app that watches a model of an MLflow server."""
    configuration = tmp_path_factory.mktemp("configuration") / "stageward.yaml"
    configuration.write_text(edited('["models/*"]', f'["models/{NAME}"]'), "utf-8")
    return {
        "STAGEWARD_CONFIG": str(configuration),
        "STAGEWARD_TABLES": connection_string(azurite),
        "MLFLOW_TRACKING_URI": mlflow_server.address,
    }


@pytest.fixture(scope="module")
def worker(
    deployed: Path,
    settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Worker]:
    """Run a worker on what is deployed."""
    with running_worker(deployed, tmp_path_factory.mktemp("app") / "log", settings) as worker:
        yield worker


def test_the_app_has_four_functions(worker: Worker) -> None:
    """An Event Grid trigger, two timers, and every path and method of HTTP for anybody."""
    triggers = {name: bindings[0] for name, bindings in worker.bindings.items()}
    (http,) = (trigger for trigger in triggers.values() if trigger["type"] == "httpTrigger")

    assert {"on_event", "sweep", "scan", "web"} == set(triggers)
    assert "eventGridTrigger" == triggers["on_event"]["type"]
    assert "0 * * * * *" == triggers["sweep"]["schedule"]
    assert "0 */5 * * * *" == triggers["scan"]["schedule"]
    assert ("/{*route}", "ANONYMOUS") == (http["route"], http["authLevel"].upper())
    assert not http.get("methods")


def test_an_event_of_another_registry_is_acknowledged(worker: Worker) -> None:
    """In either schema; MLflow sends none of them."""
    assert "" == worker.event(MODEL_REGISTERED)
    assert "" == worker.event(as_cloud_event(MODEL_REGISTERED))


def test_the_timers_fire(worker: Worker, mlflow_server: MlflowServer, azurite: int) -> None:
    """The scan finds a model that was registered in MLflow; the sweep finds nothing to do."""
    with httpx.Client(base_url=mlflow_server.address) as client:
        version = MlflowWorld(client, "demo").create(NAME)

    assert "" == worker.timer("scan")
    assert "" == worker.timer("sweep")
    with closing(TableRows(table_service(connection_string(azurite)))) as rows:
        ledger = open_ledger(rows, SystemClock())
        assert {version.number} == set(ledger.versions(version.asset))


def test_the_web_application_answers(worker: Worker) -> None:
    """Pages, API and webhooks are behind one function; a handshake is answered."""
    code = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"
    handshake = {
        **MODEL_REGISTERED,
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": code},
    }

    health = worker.request("GET", "/healthz")
    answer = worker.request(
        "POST",
        "/events",
        headers={"content-type": "application/json"},
        body=json.dumps([handshake]),
    )

    assert 200 == health.status
    assert (200, code) == (answer.status, answer.json()["validationResponse"])


def test_somebody_signs_in_and_looks_at_the_pages(worker: Worker, azurite: int) -> None:
    """By the form, as elsewhere: cookies and redirects come through the host."""
    with closing(TableRows(table_service(connection_string(azurite)))) as rows:
        tokens.create(rows, Token(token_id(SECRET), "officer-1", SystemClock().now()))
    asked = worker.request("GET", "/approvals")
    form = worker.request("GET", asked.headers["location"])
    hidden = re.search(r'name="form_token" value="([^"]+)"', form.body)
    assert hidden is not None
    sent = {"form_token": hidden[1], "token": SECRET, "next": "/approvals"}
    signed_in = worker.request(
        "POST",
        "/sign-in",
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "cookie": form.cookies[0].partition(";")[0],
        },
        body=urlencode(sent),
    )
    session = next(one for one in signed_in.cookies if one.startswith("stageward="))
    page = worker.request(
        "GET", signed_in.headers["location"], headers={"cookie": session.partition(";")[0]}
    )

    assert (303, 303, 200) == (asked.status, signed_in.status, page.status)
    assert "HttpOnly" in session
    assert "Nothing waits for you" in page.body
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_what_cannot_be_opened_is_opened_later(
    deployed: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    """While the configuration is missing, events are delivered again and requests answered 503."""
    late = tmp_path / "stageward.yaml"
    with running_worker(
        deployed, tmp_path / "log", {**settings, "STAGEWARD_CONFIG": str(late)}
    ) as worker:
        assert "ConfigurationError" in worker.event(MODEL_REGISTERED)
        answer = worker.request("GET", "/healthz")
        assert (503, "application/problem+json") == (answer.status, answer.headers["content-type"])
        assert "30" == answer.headers["retry-after"]
        assert str(late) not in answer.body

        late.write_text(Path(settings["STAGEWARD_CONFIG"]).read_text("utf-8"), "utf-8")
        assert "" == worker.event(MODEL_REGISTERED)


def test_the_configuration_is_looked_for_beside_the_app(
    deployed: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    """Wherever the worker was started; without a setting, it is `stageward.yaml`."""
    without = {**settings, "STAGEWARD_CONFIG": ""}
    with running_worker(deployed, tmp_path / "log", without) as worker:
        assert "" == worker.timer("sweep")


def test_sqlite_is_refused(deployed: Path, settings: dict[str, str], tmp_path: Path) -> None:
    """The disk of an app is not kept."""
    without = {**settings, "STAGEWARD_TABLES": ""}
    with running_worker(deployed, tmp_path / "log", without) as worker:
        assert "SQLite cannot be the ledger" in worker.timer("sweep")
