"""What a browser gets where there is no page, or where one failed: a page, in words."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from stage_functions.web.pages.render import page
from stage_functions.web.problems import of_fault, of_http

_MACHINES = ("/api/", "/events", "/webhooks/", "/healthz")
"""Addresses that answer programs, whoever asks."""
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
    return page("error.html", status=status, title=status.phrase, detail=detail)


async def _fault(request: Request, error: Exception) -> Response:
    found = await of_fault(request, error)
    if not _wants_page(request):
        return found
    detail = "An unforeseen fault; the log of Stageward has it."
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return page("error.html", status=status, title=status.phrase, detail=detail)


def _wants_page(request: Request) -> bool:
    asked = "text/html" in request.headers.get("Accept", "")
    return asked and not request.scope["path"].startswith(_MACHINES)
