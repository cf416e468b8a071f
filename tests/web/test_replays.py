"""Replays over HTTP: a draft is sent, the past is judged by it, and nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application.transition import request_transition
from tests.api_server import Api
from tests.builders import IRIS, World, world
from tests.web.test_drafts import DRAFT

CALL = "/api/v1/replays"
LONG_AGO = "2025-01-01T00:00:00Z"


@pytest.fixture
def it() -> Iterator[World]:
    """A world in which a version was let through to Staging."""
    made = world()
    version = made.register("1")
    request_transition(made.context, made.command(version, "Staging"))
    yield made
    made.rows.close()


def test_a_draft_is_judged_by_the_past_and_nothing_is_kept(it: World, api: Api) -> None:
    """Each request that it decides otherwise is told, with both answers."""
    before = it.context.ledger.load(IRIS)
    draft = DRAFT.replace("to: Staging, rules: [soaked]", "to: Staging, rules: [measured]")
    body = {"configuration": draft, "since": LONG_AGO}
    answer = api.client("sam").post(CALL, json=body)

    (case,) = answer.json()["cases"]
    assert (200, 0, 1, 0) == (
        answer.status_code,
        *(answer.json()[n] for n in ("same", "differs", "unknown")),
    )
    assert ("granted", "refused", "person:sam") == (case["came"], case["would"], case["requester"])
    assert "evidence.metrics.accuracy is not recorded" in case["why"]
    assert answer.json()["behind"] is None
    assert before == it.context.ledger.load(IRIS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"since": "yesterday"}, "'yesterday' is no time"),
        ({"since": "2026-01-01T00:00:00"}, "has no offset"),
        ({"configuration": "version: 1"}, "draft:"),
        ({"assets": 7}, "assets"),
        ({"more": 7}, "more"),
    ],
    ids=["no time", "no offset", "a fault", "no text", "no such field"],
)
def test_what_cannot_be_taken_is_said(api: Api, change: dict[str, object], said: str) -> None:
    """With the place in the body."""
    body = {"configuration": DRAFT, "since": LONG_AGO, **change}
    answer = api.client("sam").post(CALL, json=body)

    assert 422 == answer.status_code
    assert said in answer.text


def test_only_somebody_of_the_configuration_tries_a_draft(api: Api) -> None:
    """And nobody who is not signed in."""
    body = {"configuration": DRAFT, "since": LONG_AGO}

    assert 401 == api.client("").post(CALL, json=body).status_code
