"""A span for each request, which goes on the trace that the caller says that it belongs to.

It names the route, never the path: that may hold a token, or anything else that somebody types.
"""

from __future__ import annotations

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stage_functions.application import measures
from stage_functions.application.ports.telemetry import SILENT, Span, Telemetry
from stage_functions.web.service import Service

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNSEEN = frozenset({"/healthz"})
"""Asked every few seconds, by what watches the process."""
_TRACEPARENT = b"traceparent"


class Traced:
    """Opens a span around whatever answers a request."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        telemetry = _telemetry(scope)
        if telemetry is SILENT or scope["path"] in UNSEEN:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        about = {"http.request.method": method}
        parent = _said(scope)
        with telemetry.span(measures.REQUEST, attributes=about, parent=parent) as span:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _answered(span, scope, message["status"])
                await send(message)

            await self._app(scope, receive, sending)


def _telemetry(scope: Scope) -> Telemetry:
    if scope["type"] != "http":
        return SILENT
    service: Service = scope["app"].state.service
    return service.context.telemetry


def _said(scope: Scope) -> str:
    """Return the `traceparent` that a request came with; "" where it has none, or several."""
    found = [value for name, value in scope["headers"] if name == _TRACEPARENT]
    return str(found[0], "latin-1") if len(found) == 1 else ""


def _answered(span: Span, scope: Scope, status: int) -> None:
    route = _route(scope)
    if route:
        span.set("http.route", route)
    span.set("http.response.status_code", status)


def _route(scope: Scope) -> str:
    """Return the path of the route that answers, with names in braces; "" where none does."""
    if "endpoint" not in scope:
        return ""
    found = scope.get("route")  # which the framework does not say of pages
    if found is None:
        routes = scope["app"].routes
        found = next((one for one in routes if _endpoint(one) is scope["endpoint"]), None)
    return str(getattr(found, "path", ""))


def _endpoint(route: BaseRoute) -> object:
    return getattr(route, "endpoint", None)
