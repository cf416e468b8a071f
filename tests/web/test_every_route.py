"""Every address asks who it is, but for those that cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from stage_functions.application.scan import Scanner
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from tests.api_server import serving
from tests.builders import World

OPEN = {
    "/events",
    "/webhooks/mlflow",
    "/healthz",
    "/static/icon.svg",
    "/static/stageward.css",
    "/sign-in",
    "/api/v1/openapi.json",
    "/api/v1/asyncapi.json",
    "/api/v1/events/{schema}",
    "/approvals/{approval}/link",
}
"""Signed or harmless: hints, health, looks, the descriptions, and the ways in."""
WAYS_IN = re.compile(r"/sign-in\?next=.+|/\.auth/login/aad\?post_login_redirect_uri=.+")
PARTS = {"registry": "demo", "kind": "models", "name": "iris", "version": "1"}


@pytest.fixture(params=list(SignIn))
def app(request: pytest.FixtureRequest, it: World) -> FastAPI:
    """The application, whichever way people sign in, over a version that waits for approval."""
    it.register("1")
    return create_app(it.context, Scanner(it.context), sign_in=request.param)


@pytest.fixture
def nobody(app: FastAPI) -> Iterator[httpx.Client]:
    """A browser where nobody has signed in."""
    with serving(app) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and path of everything that is served."""
    found = []
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is no plain route: look at it here"
        found += [(method, route.path) for method in sorted(route.methods or ())]
    return found


def body(document: Mapping[str, Any], method: str, path: str) -> object:
    """Return a body that the description of the API allows, so that it is not what is refused."""
    described = document["paths"].get(path, {}).get(method.lower(), {}).get("requestBody")
    return (
        _example(document, described["content"]["application/json"]["schema"])
        if described
        else None
    )


def _example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> object:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _example(document, document["components"]["schemas"][name])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _example(document, schema[several][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: _example(document, fields[name]) for name in schema.get("required", ())}
    plain: dict[str, object] = {"string": "x", "integer": 1, "boolean": True, "array": []}
    return schema.get("const", plain.get(str(schema.get("type"))))


def test_every_address_asks_who_it_is(app: FastAPI, nobody: httpx.Client) -> None:
    """401, or the way to sign in; whatever is new must be listed here to be open."""
    answers = {}
    for method, path in routes(app):
        if path in OPEN:
            continue
        address = re.sub(r"{(\w+)(:\w+)?}", lambda part: PARTS.get(part[1], "x"), path)
        sent = body(app.openapi(), method, path)
        content = json.dumps(sent) if sent is not None else None
        answer = nobody.request(
            method, address, content=content, headers={"Content-Type": "application/json"}
        )
        led = WAYS_IN.fullmatch(answer.headers.get("Location", "")) is not None
        asked = answer.status_code == HTTPStatus.UNAUTHORIZED or (
            answer.status_code == HTTPStatus.SEE_OTHER and led and method in ("GET", "HEAD")
        )
        answers[f"{method} {path}"] = (
            "asks" if asked else f"{answer.status_code} {answer.text[:200]}"
        )

    assert {route: said for route, said in answers.items() if said != "asks"} == {}
    assert "POST /api/v1/approvals/{approval}/votes" in answers
    assert "POST /sign-out" in answers


def test_the_list_of_open_addresses_names_only_what_is_there(app: FastAPI) -> None:
    """Nobody forgets one there."""
    assert OPEN <= {path for _, path in routes(app)}
