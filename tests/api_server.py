"""The HTTP API on a real server, and a client that believes nothing the description does not say.

Every answer is held against the OpenAPI document: its status must be documented for that call, its
media type too, and its body must be as the schema says.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import jsonschema
import uvicorn
from fastapi import FastAPI

from stage_functions.application.scan import Scanner
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from stage_functions.web.service import Service
from tests.builders import World, world

_FOREVER = ExitStack()
SECRET = "between MLflow and Stageward"


@dataclass(frozen=True, slots=True)
class Api:
    """A server that runs.

    Attributes:
        address: its URL.
        document: its OpenAPI document.
        seen: operation and status of every answer so far.
        clients: closed when the server stops.
    """

    address: str
    document: dict[str, Any]
    seen: set[tuple[str, int]] = field(default_factory=set)
    clients: ExitStack = field(default_factory=ExitStack)

    def client(self, bearer: str = "") -> httpx.Client:
        """Return a client that is signed in, or not; every answer is checked."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        hooks = {"response": [self._check]}
        made = httpx.Client(base_url=self.address, headers=headers, event_hooks=hooks, timeout=30)
        return self.clients.enter_context(made)

    def _check(self, response: httpx.Response) -> None:
        response.read()
        check_answer(self.document, response, self.seen)


def check_answer(
    document: Mapping[str, Any], response: httpx.Response, seen: set[tuple[str, int]]
) -> None:
    """Hold an answer against the description."""
    operation = _operation(document, response.request)
    if operation is None and response.is_success:
        return  # the description itself, which does not describe itself
    if operation is None:
        _match(document, {"$ref": "#/components/schemas/Problem"}, response)
        return
    seen.add((operation["operationId"], response.status_code))
    documented = operation["responses"].get(str(response.status_code))
    assert documented, (
        f"{operation['operationId']} answered {response.status_code}: {response.text}"
    )
    content = documented.get("content", {})
    if content:
        media_type = response.headers["Content-Type"].partition(";")[0]
        assert media_type in content, f"{media_type} is not documented"
        if not media_type.endswith("json"):
            return  # a file, of which the description says no more
        _match(document, content[media_type]["schema"], response)
    else:
        assert response.content == b""


def _operation(document: Mapping[str, Any], request: httpx.Request) -> dict[str, Any] | None:
    path = request.url.raw_path.decode().partition("?")[0]
    for template, operations in document["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            found: dict[str, Any] | None = operations.get(request.method.lower())
            return found
    return None


def _match(document: Mapping[str, Any], schema: object, response: httpx.Response) -> None:
    whole = {"allOf": [schema], "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(response.json())


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free loopback port inside the block; the value is its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@dataclass(frozen=True, slots=True)
class _Running:
    """A server whose application stays, whatever world is behind it."""

    address: str
    app: FastAPI


@cache
def _running() -> _Running:
    """Start a server, once in a test run: making the application takes longer than most tests."""
    made = world()
    app = create_app(made.context, Scanner(made.context), sign_in=SignIn.DEV)
    made.rows.close()
    return _Running(_FOREVER.enter_context(serving(app)), app)


@contextmanager
def api_over(
    behind: World,
    sign_in: SignIn = SignIn.DEV,
    edit: Callable[[Service], Service] = lambda made: made,
) -> Iterator[Api]:
    """Serve Stageward over a world inside the block; `edit` changes what its calls work with."""
    running, scanner = _running(), Scanner(behind.context)
    running.app.state.service = edit(Service.over(behind.context, scanner, sign_in, SECRET))
    made = Api(running.address, running.app.openapi())
    with made.clients:
        yield made


def stop_serving() -> None:
    """Stop the server of the test run."""
    _FOREVER.close()
