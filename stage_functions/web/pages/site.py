"""Every page, put together."""

from __future__ import annotations

from fastapi import Response
from starlette.routing import BaseRoute, Route

from stage_functions.web.pages import brief, links, sign_in
from stage_functions.web.pages.render import STYLE_SHEET, static

_KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[BaseRoute]:
    """Return the routes of all pages."""
    return [
        Route(f"/static/{STYLE_SHEET}", _style_sheet, include_in_schema=False),
        *sign_in.routes(),
        *links.routes(),
        *brief.routes(),
    ]


async def _style_sheet(_request: object) -> Response:
    return Response(static(STYLE_SHEET), 200, dict(_KEPT), "text/css; charset=utf-8")
