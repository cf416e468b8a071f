"""The local Azure ML as an ASGI application: reads requests, lets go wrong what shall, answers."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

from starlette.requests import Request as Read
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.azureml.back_door import opened
from tests.azureml.calls import Answer, Call, Request
from tests.azureml.errors import ArmError
from tests.azureml.faults import Fault
from tests.azureml.identity import Person, signed_in
from tests.azureml.local import LocalAzureMl
from tests.azureml.platform import managed_identity, metadata, workspace_discovery
from tests.azureml.routes import answered
from tests.azureml.world import World

_JSON = "application/json; charset=utf-8"
_NOBODY = Person("", "")
_BACK_DOOR = "/local/"
_CUT_SECONDS = 0.02
TRANSPORT = "transport"
"""Where the state of a request's scope has its connection."""


class Application:
    """Answers every request, each in one step under the world's lock."""

    def __init__(self, local: LocalAzureMl) -> None:
        self._local = local
        self._world = local.world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        read = Read(scope, receive)
        body = await read.body()
        target = scope["raw_path"].decode()
        if target.startswith(_BACK_DOOR):
            name = target.removeprefix(_BACK_DOOR)
            answer = await asyncio.to_thread(opened, self._local, name, body)
            await _response(answer)(scope, receive, send)
            return
        query = scope["query_string"].decode()
        whole = f"{target}?{query}" if query else target
        request = Request.read(read.method, whole, body, _NOBODY, self._world.url)
        fault = self._world.faults.next(f"{request.method} {request.path}?{query}")
        if fault:
            await asyncio.sleep(fault.delay_seconds)
        response = self._response(request, read, fault)
        is_cut = fault is not None and fault.cut
        status = 0 if is_cut else response.status_code
        self._world.calls.append(Call(request.method, request.path, status, query))
        if fault and is_cut:
            await _cut(fault, scope, send)
        else:
            await response(scope, receive, send)

    def _response(self, request: Request, read: Read, fault: Fault | None) -> Response:
        """Return the answer, or what the fault has instead of it."""
        if fault is None or fault.applied or not fault.status:
            with self._world.lock:
                usual = _response(_answer(self._world, request, read))
            if fault is None or not fault.status:
                return usual
        return Response(fault.content(), fault.status, dict(fault.headers), _JSON)


def _answer(world: World, request: Request, read: Read) -> Answer:
    try:
        match request.segments:
            case ("metadata", "endpoints"):
                return metadata(request)
            case ("msi", "token"):
                header = read.headers.get("x-identity-header", "")
                return managed_identity(world, request, header)
            case ("discovery", *_):
                return workspace_discovery(request)
            case _:
                who = signed_in(read.headers.get("authorization"))
                return answered(world, replace(request, who=who))
    except ArmError as exc:
        return Answer(exc.content, exc.status, exc.headers)
    except Exception as exc:  # noqa: BLE001  # a fault of this server is told to who asked
        failed = ArmError(500, "InternalServerError", repr(exc))
        return Answer(failed.content, failed.status)


def _response(answer: Answer) -> Response:
    headers = {**answer.headers, "x-ms-request-id": str(uuid.uuid4())}
    return Response(answer.body(), answer.status, headers, _JSON)


async def _cut(fault: Fault, scope: Scope, send: Send) -> None:
    """Hang up: at once, or in the middle of the body that the fault has."""
    if fault.body is not None:
        length = str(len(fault.body)).encode()
        headers = [(b"content-type", _JSON.encode()), (b"content-length", length)]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        half = fault.body[: len(fault.body) // 2]
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})
    scope["state"][TRANSPORT].close()
    await asyncio.sleep(_CUT_SECONDS)  # so that the server sees it before it misses the answer
