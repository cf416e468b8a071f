"""When something behind the API is down: said so, retried, nothing lost, nothing granted."""

from __future__ import annotations

import logging

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.rows import Row
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import (
    RegistryRefusedError,
    RegistryUnavailableError,
    StoreUnavailableError,
)
from stage_functions.settings import SignIn
from tests.api_server import Api, api_over
from tests.builders import IRIS, World, world
from tests.wire.samples import MODEL_REGISTERED, WORKSPACE

SAID = "answered 403: account telltale, object id 66666666-7777-8888-9999-000000000000"
FIRST = "/api/v1/assets/demo/models/iris/versions/1"


def test_while_the_registry_is_away_a_request_is_answered_503_and_decides_nothing(
    it: World, api: Api
) -> None:
    """With Retry-After; afterwards the same request is granted."""
    it.register("1")
    sam = api.client("sam")
    it.registry.away = True
    away = sam.post(f"{FIRST}/transitions", json={"to": "Staging"})
    it.registry.away = False
    back = sam.post(f"{FIRST}/transitions", json={"to": "Staging"})

    assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
    assert away.json()["type"] == "urn:stageward:problem:registry-unavailable"
    assert back.json()["outcome"] == "granted"


def test_who_asks_is_told_which_registry_is_away_without_its_address(it: World, api: Api) -> None:
    """And what helps; the log and the status have the rest."""
    it.register("1")

    def away(_: str) -> None:
        message = "MLflow at http://mlflow.example.org:5000/x cannot be reached: refused"
        raise RegistryUnavailableError(message)

    it.registry.before = away
    asked = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging"})
    scanned = api.client("eve").post("/api/v1/registries/demo/scan")

    assert [
        "registry demo: MLflow cannot be reached: refused; "
        "`stageward status` tells an operator what to do"
    ] * 2 == [asked.json()["detail"], scanned.json()["detail"]]


def test_a_lost_reply_of_the_ledger_is_asked_again_and_decided_once(it: World, api: Api) -> None:
    """Whether or not the commit was made."""
    it.register("1")
    it.rows.losses = [None, True]

    answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging"})

    assert answer.json()["outcome"] == "granted"
    assert it.context.ledger.load(IRIS).head.number == 2


def test_a_registry_that_refuses_to_be_read_is_said_so(it: World, api: Api) -> None:
    """502: not the caller's fault, and asking again does not help."""
    it.register("1")
    it.registry.refusing = True

    answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging"})

    assert answer.status_code == 502


def test_an_unforeseen_fault_tells_the_caller_nothing_of_the_inside(it: World, api: Api) -> None:
    """500; the log has it."""
    it.register("1")

    def fail(_: str) -> None:
        message = "secret detail"
        raise ZeroDivisionError(message)

    it.registry.before = fail
    answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging"})

    assert answer.status_code == 500
    assert "secret detail" not in answer.text


@pytest.mark.parametrize("error", [RegistryRefusedError, RegistryUnavailableError])
def test_whoever_delivers_an_event_is_told_nothing_that_a_registry_said(
    caplog: pytest.LogCaptureFixture, error: type[RegistryRefusedError | RegistryUnavailableError]
) -> None:
    """Anybody can; the log has it."""
    it = world(workspace=WORKSPACE)
    it.registry.register(
        Version(Asset("demo", Kind.MODELS, "sklearn_regression_model"), "20"), it.clock.now()
    )

    def fail(_: str) -> None:
        raise error(SAID)

    it.registry.before = fail
    with api_over(it) as api, caplog.at_level(logging.WARNING):
        answer = api.client().post("/events", json=[MODEL_REGISTERED])
    it.rows.close()

    assert "telltale" not in answer.text
    assert "the log of Stageward says why" in answer.text
    assert "telltale" in caplog.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/v1/assets", {"Authorization": "Bearer stw_x"}),
        ("/api/v1/status", {"Authorization": "Bearer stw_x"}),
        ("/", {"Authorization": "Bearer stw_x", "Accept": "text/html"}),
        ("/approvals/7f3k9m2x/link?sig=1.x", {"Accept": "text/html"}),
        ("/sign-in", {"Accept": "text/html"}),
        ("/healthz", {}),
    ],
)
def test_a_stranger_is_told_nothing_that_the_store_said(
    it: World, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str]
) -> None:
    """While it does not answer nobody can sign in; whoever has, is told."""

    class Away:
        """A store that lets nobody in."""

        def get(self, *_: object, **__: object) -> Row | None:
            """Refuse."""
            raise StoreUnavailableError(SAID)

        query = commit = get

        def close(self) -> None:
            """Do nothing."""

    away = Away()
    ledger = open_ledger(it.rows, it.clock)
    ledger.rows = away  # type: ignore[assignment]
    behind = replace(it, context=replace(it.context, ledger=ledger))
    with api_over(behind, SignIn.TOKENS) as api, caplog.at_level(logging.WARNING):
        answer = httpx.get(f"{api.address}{path}", headers=headers, timeout=30)
    with api_over(behind) as api:
        known = api.client("eve").get("/api/v1/assets")

    assert 503 == answer.status_code
    assert "telltale" not in answer.text
    assert "telltale" in caplog.text or path == "/healthz"
    assert SAID in known.json()["detail"]
