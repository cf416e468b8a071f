"""How Stageward fares, and what to do about it: for operators."""

from __future__ import annotations

from fastapi import Request, Response
from starlette.routing import BaseRoute

from stage_functions.application.status import status
from stage_functions.application.troubles import troubles
from stage_functions.domain.error import DeniedError
from stage_functions.web.pages.render import page
from stage_functions.web.pages.routes import show
from stage_functions.web.pages.visitor import visitor
from stage_functions.web.service import who_operates


def routes() -> list[BaseRoute]:
    """Return the route."""
    return [show("/status", _status)]


def _status(request: Request) -> Response:
    visiting = visitor(request)
    if not visiting.operates:
        who = who_operates(visiting.context.configuration.directory)
        message = f"only operators see how Stageward fares; {who}"
        raise DeniedError(message)
    known = status(visiting.context)
    return page(
        "status.html",
        visiting,
        here="status",
        known=known,
        troubles=troubles(known),
        sinks=list(visiting.context.sinks),
    )
