"""Who is asking, and how surely that is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from stage_functions.application import tokens
from stage_functions.application.tokens import Token, token_id
from stage_functions.settings import SignIn
from tests.api_server import Api, api_over
from tests.builders import World

LIST = "/api/v1/assets"


@pytest.fixture
def guarded(it: World) -> Iterator[Api]:
    """The API where people sign in with tokens."""
    with api_over(it, SignIn.TOKENS) as running:
        yield running


def grant(it: World, secret: str, person: str, days: int = 0) -> None:
    """Make a token."""
    now = it.clock.now()
    expires = now + timedelta(days=days) if days else None
    tokens.create(it.context.ledger.rows, Token(token_id(secret), person, now, expires))


@pytest.mark.parametrize("header", ["", "Basic c2FtOnNhbQ==", "Bearer", "Token stw_right"])
def test_without_a_token_nothing_is_read(guarded: Api, header: str) -> None:
    """401 that says how to get one."""
    answer = guarded.client().get(LIST, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="stageward"'
    assert "stageward token create" in answer.json()["detail"]


def test_a_token_signs_in_its_person(it: World, guarded: Api) -> None:
    """And the record says who, proven."""
    it.register("1")
    grant(it, "stw_right", "sam")
    path = f"{LIST}/demo/models/iris"

    moved = guarded.client("stw_right").post(
        f"{path}/versions/1/transitions", json={"to": "Staging"}
    )
    records = guarded.client("stw_right").get(f"{path}/history").json()["records"]

    assert moved.status_code == 200
    assert records[-1]["actor"] == {"id": "person:sam", "attribution": "proven", "via": "api"}


def test_the_command_line_is_named_as_the_way_it_came(it: World, guarded: Api) -> None:
    """It says so itself, and nothing depends on it."""
    it.register("1")
    grant(it, "stw_right", "sam")
    path = f"{LIST}/demo/models/iris"
    sam = guarded.client("stw_right")

    sam.post(
        f"{path}/versions/1/transitions",
        json={"to": "Staging"},
        headers={"User-Agent": "stageward-cli/1"},
    )

    assert sam.get(f"{path}/history").json()["records"][-1]["actor"]["via"] == "cli"


@pytest.mark.parametrize("secret", ["stw_wrong", "sam", "person:sam", token_id("stw_right")])
def test_a_wrong_token_signs_in_nobody(it: World, guarded: Api, secret: str) -> None:
    """Neither does a person's name, nor what the ledger keeps of a token."""
    grant(it, "stw_right", "sam")

    assert guarded.client(secret).get(LIST).status_code == 401


def test_an_expired_or_revoked_token_signs_in_nobody(it: World, guarded: Api) -> None:
    """From that moment on."""
    grant(it, "stw_short", "sam", days=1)
    grant(it, "stw_long", "bob")
    before = [guarded.client(one).get(LIST).status_code for one in ("stw_short", "stw_long")]

    it.clock.time += timedelta(days=1)
    tokens.revoke(it.context.ledger.rows, token_id("stw_long")[:8])
    after = [guarded.client(one).get(LIST).status_code for one in ("stw_short", "stw_long")]

    assert (before, after) == ([200, 200], [401, 401])


def test_a_token_of_someone_who_left_signs_in_nobody(it: World, guarded: Api) -> None:
    """The configuration says who is there."""
    grant(it, "stw_old", "zoe")

    answer = guarded.client("stw_old").get(LIST)

    assert answer.status_code == 401
    assert "no longer in `people`" in answer.json()["detail"]


def test_in_dev_the_bearer_is_a_persons_key(api: Api) -> None:
    """And nobody else's."""
    assert api.client("sam").get(LIST).status_code == 200
    assert "no person 'zoe'" in api.client("zoe").get(LIST).json()["detail"]


def test_dev_answers_no_other_host_name(api: Api) -> None:
    """A page elsewhere whose name was pointed at this machine gets nothing."""
    answer = httpx.get(
        f"{api.address}{LIST}",
        headers={"Authorization": "Bearer sam", "Host": "evil.example.org"},
    )

    assert answer.status_code == 401
    assert "answers only on this machine" in answer.json()["detail"]


def test_events_and_health_ask_for_no_sign_in(guarded: Api) -> None:
    """An event is a hint; health says nothing that is secret."""
    assert guarded.client().get("/healthz").status_code == 200
    assert guarded.client().post("/events", json=[]).status_code == 200
