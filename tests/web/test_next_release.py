"""What a next release wrote is shown over the API and on pages, and never decided on."""

from __future__ import annotations

from typing import Any

import pytest

from stage_functions.application import keys
from stage_functions.application.tokens import Token, create, token_id
from stage_functions.settings import SignIn
from tests.api_server import Api, api_over
from tests.builders import IRIS, World
from tests.rolling import next_release
from tests.rolling.next_release import rewrite

FIRST = "/api/v1/assets/demo/models/iris/versions/1"
APPROVALS = "/api/v1/approvals"
PARTITION = keys.asset_partition(IRIS)


@pytest.fixture
def approval(it: World, api: Api) -> str:
    """The id of an approval with one vote, of which a next release has changed every word."""
    it.register("1")
    sam = api.client("sam")
    sam.post(f"{FIRST}/transitions", json={"to": "Staging"})
    sam.post(f"{FIRST}/transitions", json={"to": "Production", "reason": "AUC 0.94"})
    (found,) = sam.get(APPROVALS).json()["approvals"]
    ballot = {"decision": "approve", "fingerprint": found["fingerprint"]}
    api.client("bob").post(f"{APPROVALS}/{found['id']}/votes", json=ballot)

    def change(document: dict[str, Any]) -> None:
        document["status"] = "on_hold"
        document["policy"].update(assurance="hardware_key", when_invalid="archive")
        document["policy"]["valid_for"] = "P30D"
        document["votes"][0].update(decision="abstain", assurance="hardware_key")
        next_release.add_field(document)

    rewrite(it.rows, PARTITION, keys.approval_key(found["id"]), change)
    return str(found["id"])


def test_an_approval_of_a_next_release_is_shown_in_its_own_words(api: Api, approval: str) -> None:
    """Alone and in lists."""
    eve = api.client("eve")
    found = eve.get(f"{APPROVALS}/{approval}").json()
    listed = eve.get(APPROVALS, params={"status": "all"}).json()["approvals"]

    assert (found["status"], found["assurance"]) == ("on_hold", "hardware_key")
    assert (found["votes"][0]["decision"], found["votes"][0]["counts"]) == ("abstain", False)
    assert listed == [{**found, "objection": None}]


def test_its_page_says_what_it_can(api: Api, approval: str) -> None:
    """No word is taken for another."""
    answer = api.client("eve").get(f"/approvals/{approval}", headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert "on_hold" in answer.text
    assert "abstain" in answer.text
    assert "✗ rejected" not in answer.text


def test_whoever_decides_on_it_is_told_to_update_this_instance(api: Api, approval: str) -> None:
    """Try again later: another instance may be up to date already."""
    eve = api.client("eve")
    fingerprint = eve.get(f"{APPROVALS}/{approval}").json()["fingerprint"]
    ballot = {"decision": "approve", "fingerprint": fingerprint}
    answer = eve.post(f"{APPROVALS}/{approval}/votes", json=ballot)

    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:stageward:problem:later-release",
    )
    assert "update this instance" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) > 0


def test_a_history_with_a_record_of_a_next_release_is_shown(it: World, api: Api) -> None:
    """Over the API whole, and on its page in a sentence."""
    it.register("1")
    next_release.record(it.rows, IRIS)
    eve = api.client("eve")
    records = eve.get("/api/v1/assets/demo/models/iris/history").json()["records"]
    page = eve.get("/assets/demo/models/iris", headers={"Accept": "text/html"})

    assert [one["type"] for one in records] == ["Registered", "Rehearsed"]
    assert page.status_code == 200
    assert "Rehearsed, which only a later release can tell" in page.text


def test_work_of_a_next_release_is_listed_and_cannot_be_retried_here(it: World, api: Api) -> None:
    """Operators see that it waits."""
    it.register("1")
    next_release.owe(it.rows, IRIS)
    eve = api.client("eve")
    (listed,) = eve.get("/api/v1/outbox").json()["owed"]
    answer = eve.post(f"/api/v1/outbox/{listed['id']}/retry")

    assert (listed["duty"], listed["parked"]) == ("call-home", False)
    assert (answer.status_code, "'call-home'" in answer.json()["detail"]) == (503, True)


def test_who_comes_with_a_token_of_a_next_release_is_asked_to_wait(it: World) -> None:
    """It may permit less than this release would allow."""
    token = Token(token_id("stw_x"), "eve", it.clock.now())
    create(it.rows, token)
    rewrite(it.rows, "tokens", token.id, lambda one: one.update(only="read"))
    with api_over(it, SignIn.TOKENS) as api:
        answer = api.client("stw_x").get(APPROVALS)

    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:stageward:problem:later-release",
    )
