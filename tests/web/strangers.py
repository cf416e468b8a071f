"""A site of somebody else's, which wants to vote in a visitor's name."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from fastapi import FastAPI, Response


def stranger(target: str, sent: Mapping[str, str], *, framed: bool = False) -> FastAPI:
    """Return a site whose one page sends a form to a target, or shows the target in a frame."""
    app = FastAPI(openapi_url=None)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in sent.items()
    )
    form = f'<form method="post" action="{escape(target)}">{hidden}<button>Win</button></form>'
    frame = f'<iframe src="{escape(target)}" width="800" height="600"></iframe>'

    @app.get("/")
    def lure() -> Response:
        """Show it."""
        return Response(f"<!doctype html>{frame if framed else form}", media_type="text/html")

    return app
