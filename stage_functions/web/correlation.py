"""A request's id: who asked may give one, and gets it back; lines of the log carry it."""

from __future__ import annotations

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stage_functions.application.correlation import about

HEADER = b"x-request-id"
"""In answers."""
_GIVEN = (b"x-ms-client-request-id", HEADER)
_TRACE = b"traceparent"
_FIT = re.compile(rb"[A-Za-z0-9._-]{8,64}\Z")
_TRACED = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\Z")


class Correlation:
    """Gives every request an id: its own, that of its trace, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_ = _id(dict(scope["headers"]))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (HEADER, id_)]
                message = {**message, "headers": headers}
            await send(message)

        with about(request=id_.decode()):
            await self._app(scope, receive, answer)


def _id(headers: dict[bytes, bytes]) -> bytes:
    for name in _GIVEN:
        if _FIT.match(headers.get(name, b"")):
            return headers[name]
    traced = _TRACED.match(headers.get(_TRACE, b""))
    return traced[1] if traced else secrets.token_hex(8).encode()
