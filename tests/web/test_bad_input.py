"""What cannot be taken: a clear message with its place, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from stage_functions.web.bodies import MAX_BODY_BYTES
from tests.api_server import Api
from tests.builders import IRIS, World

FIRST = "/api/v1/assets/demo/models/iris/versions/1"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff\xfe{}", 400, "JSON"),
        (b"[]", 422, "body: "),
        (b"null", 422, "body: "),
        (b"{}", 422, "body.to: field required"),
        (b'{"to": 5}', 422, "body.to: input should be a valid string, not 5"),
        (b'{"to": null}', 422, "body.to: input should be a valid string"),
        (b'{"to": "Staging", "expectedStage": "None"}', 422, "body.expectedStage: unexpected"),
        (b'{"to": "Staging", "archive_existing_versions": "maybe"}', 422, "valid boolean"),
        (b'{"to": "Staging", "reason": "\\ud800"}', 422, "surrogate"),
        (b'{"to": "' + b"x" * 3000 + b'"}', 422, "body.to: 3000 characters"),
        (
            b'{"to": "Staging", "reason": "' + b"x" * 2001 + b'"}',
            422,
            "body.reason: 2001 characters",
        ),
    ],
)
def test_a_body_that_cannot_be_taken_is_told_where_and_why(
    it: World, api: Api, body: bytes, status: int, said: str
) -> None:
    """And the version stays where it is."""
    it.register("1")

    answer = api.client("sam").post(
        f"{FIRST}/transitions", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert it.context.ledger.load(IRIS).head.number == 1


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/assets/nope/models/iris", 404, "no registry has the alias 'nope'"),
        ("/api/v1/assets/demo/things/iris", 422, "the kinds are models, data"),
        ("/api/v1/assets/demo/models/unknown", 404, "the ledger knows no demo/models/unknown"),
        ("/api/v1/assets/demo/models/a%3Ab", 422, "write demo/models/a, without :b"),
        ("/api/v1/assets/demo/models/%00", 422, "control characters"),
        ("/api/v1/assets/demo/models/iris/versions/9", 404, "iris:9"),
        ("/api/v1/assets?kind=things", 422, "no kind is 'things'"),
        ("/api/v1/assets?limit=0", 422, "query.limit"),
        ("/api/v1/assets?limit=many", 422, "query.limit"),
        ("/api/v1/assets?cursor=%2e%2e", 422, "the cursor is of another list"),
        ("/api/v1/assets?registry=nope", 404, "no registry has the alias"),
        ("/api/v1/assets/demo/models/iris/as-of?time=yesterday", 422, "'yesterday' is no time"),
        ("/api/v1/assets/demo/models/iris/as-of?time=2026-11-23", 422, "add Z"),
        ("/api/v1/approvals?status=lost", 422, "query.status"),
        ("/api/v1/nothing", 404, "openapi.json describes"),
        ("/nothing", 404, "openapi.json describes"),
    ],
)
def test_an_address_that_names_nothing_is_told_what_is_there(
    it: World, api: Api, path: str, status: int, said: str
) -> None:
    """404 where it could be, 422 where it cannot."""
    it.register("1")

    answer = api.client("sam").get(path)

    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_wrong_method_is_told_the_right_one(api: Api) -> None:
    """405 with Allow."""
    answer = api.client("sam").delete(FIRST)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_a_stage_that_the_lifecycle_has_not_is_refused_with_those_it_has(
    it: World, api: Api
) -> None:
    """As any request that leads nowhere: recorded, with what is allowed."""
    it.register("1")

    answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Prod"})

    assert answer.status_code == 409
    assert "'Prod' is no stage of the lifecycle default" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "a\tb"])
def test_an_idempotency_key_must_be_plain(it: World, api: Api, key: str) -> None:
    """It goes into records."""
    it.register("1")

    answer = api.client("sam").post(
        f"{FIRST}/transitions", json={"to": "Staging"}, headers={"Idempotency-Key": key}
    )

    assert answer.status_code == 422


def chunks() -> Iterator[bytes]:
    """Yield a body that does not say how long it is."""
    for _ in range(20):
        yield b" " * (MAX_BODY_BYTES // 16)


def test_a_body_above_the_limit_is_refused_whether_it_says_so_or_not(api: Api) -> None:
    """413, before anything reads it."""
    sam = api.client("sam")

    declared = sam.post("/events", content=b" " * (MAX_BODY_BYTES + 1))
    try:
        streamed = sam.post("/events", content=chunks()).status_code
    except httpx.WriteError:
        streamed = 413  # the server closed the connection before all was sent

    assert declared.status_code == 413
    assert streamed == 413
