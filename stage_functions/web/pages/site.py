"""Every page, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.routing import BaseRoute, Route

from stage_functions.web.pages import (
    approvals,
    assets,
    board,
    brief,
    exports,
    lifecycles,
    links,
    rollback,
    sign_in,
    standing,
    status,
)
from stage_functions.web.pages.render import ICON, STYLE_SHEET, static

_KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[BaseRoute]:
    """Return the routes of all pages."""
    return [
        Route(
            f"/static/{STYLE_SHEET}",
            _kept(STYLE_SHEET, "text/css; charset=utf-8"),
            include_in_schema=False,
        ),
        Route(f"/static/{ICON}", _kept(ICON, "image/svg+xml"), include_in_schema=False),
        *board.routes(),
        *assets.routes(),
        *standing.routes(),
        *rollback.routes(),
        *approvals.routes(),
        *lifecycles.routes(),
        *status.routes(),
        *brief.routes(),
        *exports.routes(),
        *sign_in.routes(),
        *links.routes(),
    ]


def _kept(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a file that browsers may keep: its address changes with it."""

    async def answer(_request: Request) -> Response:
        return Response(static(name), 200, dict(_KEPT), media_type)

    return answer
