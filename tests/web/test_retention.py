"""Holds, what is past its retention, and people who are forgotten, over HTTP and on pages."""

from __future__ import annotations

import pytest

from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from tests.api_server import Api
from tests.builders import IRIS, World

ASSET = "/api/v1/assets/demo/models/iris"
HOLDS = f"{ASSET}/holds"
CASE = {"case": "case 7", "reason": "of the court"}
OPERATORS_ONLY = {HOLDS: CASE, f"{HOLDS}/lift": CASE, "/api/v1/people/forget": {"person": "a:b"}}


@pytest.mark.parametrize("path", OPERATORS_ONLY)
def test_only_operators_may(it: World, api: Api, path: str) -> None:
    """403 that names them, and nothing is done."""
    it.register("1")
    answer = api.client("sam").post(path, json=OPERATORS_ONLY[path])

    assert answer.status_code == 403
    assert "operators are eve" in answer.json()["detail"]
    assert api.client("sam").get("/api/v1/retention").status_code == 403
    assert [] == api.client("sam").get("/api/v1/holds").json()["holds"]


def test_an_asset_is_held_for_a_case_until_that_is_lifted(it: World, api: Api) -> None:
    """Everybody sees for what, since when and by whom; the answer is the same when it is repeated."""
    it.register("1")
    eve, key = api.client("eve"), {"Idempotency-Key": "once"}
    placed = [eve.post(HOLDS, json=CASE, headers=key).json() for _ in range(2)]
    seen = api.client("sam").get(HOLDS).json()["holds"]
    everywhere = api.client("sam").get("/api/v1/holds").json()["holds"]
    shown = api.client("sam").get(ASSET).json()["holds"]
    page = api.client("sam").get("/assets/demo/models/iris").text
    lifted = eve.post(f"{HOLDS}/lift", json={"case": "case 7"})
    again = eve.post(f"{HOLDS}/lift", json={"case": "case 7"})

    assert placed[0] == placed[1] == seen[0] == everywhere[0] == lifted.json()
    assert ("demo/models/iris", "person:eve") == (placed[0]["asset"], placed[0]["by"])
    assert ["case 7"] == shown
    assert all(one in page for one in ("<strong>Held.</strong>", "case 7", "of the court", "Eve"))
    assert 404 == again.status_code
    assert [] == api.client("sam").get(HOLDS).json()["holds"]
    assert "<strong>Held." not in api.client("sam").get("/assets/demo/models/iris").text


@pytest.mark.parametrize(("case", "status"), [("", 422), ("x" * 101, 422), ("a\tb", 422)])
def test_a_case_is_a_line(it: World, api: Api, case: str, status: int) -> None:
    """Anything else is no name of one."""
    it.register("1")

    assert status == api.client("eve").post(HOLDS, json={"case": case}).status_code


def test_what_nobody_knows_cannot_be_held(api: Api) -> None:
    """404, for the list as for the hold."""
    eve = api.client("eve")

    assert [404, 404] == [eve.get(HOLDS).status_code, eve.post(HOLDS, json=CASE).status_code]


def test_a_person_is_forgotten(it: World, api: Api) -> None:
    """First tried, then done; who is held is refused, with the asset."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    eve, path = api.client("eve"), "/api/v1/people/forget"
    tried = eve.post(path, json={"person": "person:sam", "dry_run": True}).json()
    eve.post(HOLDS, json=CASE)
    held = eve.post(path, json={"person": "person:sam"})
    eve.post(f"{HOLDS}/lift", json=CASE)
    done = eve.post(path, json={"person": "person:sam", "reason": "asked for it"}).json()
    unknown = eve.post(path, json={"person": "mlflow:nobody"})
    wrong = eve.post(path, json={"person": "sam"})

    assert (tried["done"], tried["names"], tried["configured"]) == (False, 1, True)
    assert (held.status_code, "demo/models/iris" in held.json()["detail"]) == (409, True)
    assert (done["done"], done["names"], done["record"]) == (True, 1, 1)
    assert [404, 422] == [unknown.status_code, wrong.status_code]


def test_retention_lists_what_is_gone(it: World, api: Api) -> None:
    """With until when; nothing where no lifecycle says how long."""
    it.register("1")
    it.registry.remove(Version(IRIS, "1"))
    eve = api.client("eve")
    before = eve.get("/api/v1/retention").json()["assets"]
    eve.post("/api/v1/registries/demo/scan")
    it.clock.sleep(400)
    eve.post("/api/v1/registries/demo/scan")
    (found,) = eve.get("/api/v1/retention").json()["assets"]

    assert [] == before
    assert ("demo/models/iris", None, False) == (found["asset"], found["until"], found["past"])
    assert 1 == found["versions"]
