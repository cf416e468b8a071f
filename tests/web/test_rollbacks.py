"""The way back over the API: what a rollback would do, making it, and emergencies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application import query
from stage_functions.application.transition import request_transition
from tests.api_server import Api, api_over
from tests.builders import IRIS, World
from tests.way_back_world import begun, end, promoted, stages, two, urgent

ROLLBACK = "/api/v1/assets/demo/models/iris/rollback"
SECOND = "/api/v1/assets/demo/models/iris/versions/2"


@pytest.fixture
def it() -> Iterator[World]:
    """A world where version 2 has taken Production from version 1."""
    yield two(urgent())
    end()


@pytest.fixture
def urgently() -> Iterator[tuple[World, Api]]:
    """A world where version 1 holds Production, and version 2 stands at Staging; and its API."""
    here = begun(urgent())
    promoted(here, "1")
    version = here.register("2")
    request_transition(here.context, here.command(version, "Staging"))
    with api_over(here) as running:
        yield here, running
    end()


def test_what_a_rollback_would_do_is_told_without_doing_it(it: World, api: Api) -> None:
    """Which version goes where, which comes back, by what, and until when."""
    number = it.context.ledger.load(IRIS).head.number
    found = api.client("bob").get(ROLLBACK).json()

    assert (True, "Production", "2", "Archived", "1") == tuple(
        found[key] for key in ("allowed", "stage", "out", "goes_to", "back")
    )
    assert found["approval"]
    assert found["restores"]
    assert len(found["effects"]) > 2
    assert number == it.context.ledger.load(IRIS).head.number


def test_a_rollback_is_one_call(it: World, api: Api) -> None:
    """200 with what came back; the same key gets the same answer."""
    bob = api.client("bob")
    body = {"reason": "it fails", "expected_holder": "2", "mark": True}
    done = bob.post(ROLLBACK, json=body, headers={"Idempotency-Key": "k"})
    again = bob.post(ROLLBACK, json=body, headers={"Idempotency-Key": "k"})

    assert 200 == done.status_code
    assert ("granted", True, "demo/models/iris:1", "Production", ["2"]) == tuple(
        done.json()[key] for key in ("outcome", "changed", "version", "stage", "displaces")
    )
    assert done.json() == again.json()
    assert {"1": "Production", "2": "Archived"} == stages(it)


def test_what_cannot_be_rolled_back_is_a_problem_that_says_why(it: World, api: Api) -> None:
    """409 `no-rollback`; 412 another holder; 404 no such asset; 422 no such field."""
    bob = api.client("bob")
    stale = bob.post(ROLLBACK, json={"expected_holder": "1"})
    bob.post(ROLLBACK, json={})
    twice = bob.post(ROLLBACK, json={})
    foreseen = bob.get(ROLLBACK).json()
    missing = bob.post(ROLLBACK.replace("iris", "wine"), json={})
    wrong = bob.post(ROLLBACK, json={"stages": "Production"})

    assert [412, 409, 404, 422] == [one.status_code for one in (stale, twice, missing, wrong)]
    assert "urn:stageward:problem:no-rollback" == twice.json()["type"]
    assert "came back to Production by record" in twice.json()["detail"]
    assert (False, twice.json()["detail"]) == (foreseen["allowed"], foreseen["detail"])
    assert {"1": "Production", "2": "Archived"} == stages(it)


def test_an_emergency_is_granted_at_once(urgently: tuple[World, Api]) -> None:
    """200, with the approval that is to ratify it; at its quorum nothing changes."""
    here, api = urgently
    body = {"to": "Production", "reason": "all answers are 0", "emergency": "INC-1"}
    done = api.client("ada").post(f"{SECOND}/transitions", json=body)
    approval = done.json()["approval"]
    shown = api.client("bob").get(f"/api/v1/approvals/{approval}").json()
    ballot = {"decision": "approve", "fingerprint": shown["fingerprint"]}
    votes = [
        api.client(who).post(f"/api/v1/approvals/{approval}/votes", json=ballot)
        for who in ("bob", "eve")
    ]

    assert (200, "granted", True, "Production", "open", ["1"]) == (
        done.status_code,
        *(done.json()[key] for key in ("outcome", "changed", "stage", "status", "displaces")),
    )
    assert isinstance(shown["ratifies"], int)
    assert ("granted", False, True) == tuple(
        votes[1].json()[key] for key in ("outcome", "changed", "ratifies")
    )
    assert query.approval(here.context, approval).approval.status == "approved"


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("bob", {"reason": "r", "emergency": "INC-1"}, 403),
        ("ada", {"emergency": "INC-1"}, 422),
        ("ada", {"reason": "r", "emergency": " "}, 422),
        ("ada", {"reason": "r", "emergency": "I" * 2001}, 422),
    ],
)
def test_who_may_not_or_does_not_say_why_is_told_so(
    urgently: tuple[World, Api], who: str, body: dict[str, str], status: int
) -> None:
    """Nothing is granted."""
    here, api = urgently
    answer = api.client(who).post(f"{SECOND}/transitions", json={"to": "Production", **body})

    assert status == answer.status_code
    assert "Staging" == stages(here)["2"]
