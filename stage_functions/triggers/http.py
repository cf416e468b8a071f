"""HTTP requests of Azure Functions, handed to an ASGI application that is built by the first one.

An instance that only ever gets events never loads the web framework. How a request becomes ASGI
and back is the business of `azure.functions`; here is mended what it, or the host before it, gets
wrong.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from azure.functions import AsgiMiddleware, HttpRequest, HttpResponse

from stage_functions.domain.error import StagewardError
from stage_functions.triggers.once import Once

ROUTE = "/{*route}"
"""Every path; what it matched is the parameter `route`."""
RETRY_AFTER_SECONDS = 30
log = logging.getLogger("stageward.http")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]


class LazyAsgi:
    """An ASGI application that is built, once, when the first request comes.

    It answers the lifespan itself. While the application cannot be built, each request tries
    again, and is answered 503.
    """

    def __init__(self, build: Callable[[], Asgi]) -> None:
        self._build = Once(build)
        self._application: Asgi | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer the lifespan; pass everything else on.

        Raises:
            Exception: whatever the application lets escape, and what its building raises that is
                no error of Stageward's own.
        """
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if self._application is None:
            try:
                self._application = await asyncio.to_thread(self._build)
            except StagewardError:
                log.exception("the application cannot be opened; the next request tries again")
                await _unavailable(send)
                return
        await self._application(_completed(scope), receive, send)


class HttpTrigger:
    """What the HTTP trigger calls."""

    def __init__(self, build: Callable[[], Asgi]) -> None:
        """Pass requests to what `build` returns, called by the first request."""
        self._middleware = AsgiMiddleware(LazyAsgi(build))  # type: ignore[no-untyped-call]

    async def handle(self, request: HttpRequest, parent: str = "") -> HttpResponse:
        """Answer a request.

        Args:
            request: as the host hands it over.
            parent: `traceparent` of the invocation, where the host says: it is nearer than the one
                that the request came with.

        Raises:
            Exception: as `LazyAsgi`; the host then answers 500.
        """
        response = await self._middleware.handle_async(_decoded_once(request, parent))
        return _joined(response)


def _decoded_once(request: HttpRequest, parent: str) -> HttpRequest:
    """Return the request with a path that comes out right when it is decoded.

    The host decodes a path, and writes it into the URL without encoding a `%` again: `a%2520b`
    arrives as `a%20b`, and would be decoded to `a b`. What the route matched was decoded once, and
    is true. Encoding it anew also keeps a `;`, at which a URL's path would be cut, and bytes that
    are no UTF-8 from failing.
    """
    url = urlsplit(request.url)
    matched = request.route_params.get("route", unquote(url.path))
    return HttpRequest(
        request.method,
        url._replace(path=f"/{quote(matched.removeprefix('/'))}").geturl(),
        headers={**request.headers, "traceparent": parent} if parent else request.headers,
        params=request.params,
        route_params=request.route_params,
        body=request.get_body(),
    )


def _completed(scope: Message) -> Message:
    """Add what ASGI demands and the middleware leaves out.

    `client` stays None: behind the platform's front end the peer is never who asks, and a header
    that names another could be anybody's.
    """
    return {
        **scope,
        "asgi": {"version": "3.0", "spec_version": "2.1"},
        "raw_path": quote(scope["path"]).encode(),
    }


def _joined(response: HttpResponse) -> HttpResponse:
    """Join the values of headers that are repeated: of each, the worker keeps only the last one.

    Cookies are left alone: they may not be joined, and the worker knows them.
    """
    for name in {key.lower() for key, _ in response.headers.items()} - {"set-cookie"}:
        values = response.headers.getlist(name)
        if len(values) > 1:
            response.headers.set(name, ", ".join(values))
    return response


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _unavailable(send: Send) -> None:
    """Answer 503 in the form of RFC 9457; why is for the log, not for whoever asks."""
    problem = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "Stageward cannot be opened; its log says why. Try again later.",
    }
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
