"""When something behind the API is down: said so, retried, nothing lost, nothing granted."""

from __future__ import annotations

from tests.api_server import Api
from tests.builders import IRIS, World

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
