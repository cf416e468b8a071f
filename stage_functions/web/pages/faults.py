"""What a browser gets where there is no page, or where one failed: a page, in words."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from stage_functions.web.pages.routes import fault_page
from stage_functions.web.pages.visitor import Visitor, somebody
from stage_functions.web.problems import of_fault, of_http

_MACHINES = ("/api/", "/events/", "/webhooks/", "/healthz/")
"""Addresses that answer programs, whoever asks, with what is below them."""
_WORDS = {
    HTTPStatus.NOT_FOUND: "Nothing is at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address takes a form, or is only looked at.",
}


def install(app: FastAPI) -> None:
    """Answer browsers with pages where `problems` would answer with a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException) or not _wants_page(request):
        return await of_http(request, error)
    status = HTTPStatus(error.status_code)
    detail = _WORDS.get(status, "The request cannot be read.")
    visiting = await run_in_threadpool(somebody, request)
    return fault_page(request, status, detail, visiting)


async def _fault(request: Request, error: Exception) -> Response:
    found = await of_fault(request, error)
    if not _wants_page(request):
        return found
    detail = "An unforeseen fault; the log of Stageward has it."
    # Who looks is not asked again: that may be what failed.
    known = getattr(request.state, "visitor", None)
    visiting = known if isinstance(known, Visitor) else None
    return fault_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail, visiting)


def _wants_page(request: Request) -> bool:
    asked = "text/html" in request.headers.get("Accept", "").lower()
    return asked and not f"{request.scope['path']}/".startswith(_MACHINES)
