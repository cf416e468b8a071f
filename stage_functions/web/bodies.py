"""How large a request may be: decided before anything reads it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stage_functions.web.problems import problem

MAX_BODY_BYTES = 1024 * 1024
"""Of one request: what Event Grid delivers at the most in one batch."""


class BodyLimit:
    """Answers 413 to a body above the limit, declared or not, and reads no more of it.

    The framework has such a limit too, but answers in plain text where a length was declared.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _declared(scope) > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)
            return
        first = await receive()
        messages = [first]
        size = len(first.get("body", b""))
        while messages[-1].get("more_body") and size <= MAX_BODY_BYTES:
            messages.append(await receive())
            size += len(messages[-1].get("body", b""))
        if size > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)
            return
        read = iter(messages)

        async def again() -> Message:
            return next(read, None) or await receive()

        await self._app(scope, again, send)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"the body is larger than {MAX_BODY_BYTES} bytes"
    await problem(413, "body-too-large", detail, headers={"Connection": "close"})(
        scope, receive, send
    )
