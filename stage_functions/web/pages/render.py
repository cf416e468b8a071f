"""How a page is made: its template, its headers, and what templates may call."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stage_functions import __version__
from stage_functions.web.pages.visitor import Visitor, form_token

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every page: no script, no frame around it, nothing kept, nothing told to others."""
STYLE_SHEET = "stageward.css"
_HOUR, _DAY = 3600, 86400


def page(
    template: str, visitor: Visitor | None = None, *, status: int = 200, **values: object
) -> Response:
    """Return a page.

    Args:
        template: its name under `templates/`.
        visitor: who looks at it; None before anybody has signed in.
        status: the HTTP status.
        values: what the template shows; everything is escaped.
    """
    shown = {"here": "", **values}
    body = _environment().get_template(template).render(visitor=visitor, **shown)
    return Response(body, status, dict(SECURITY_HEADERS), "text/html; charset=utf-8")


def redirect(to: str) -> Response:
    """Return a redirect that is followed by a GET (303)."""
    return Response(status_code=303, headers={**SECURITY_HEADERS, "Location": to})


def static(name: str) -> bytes:
    """Return a file of `static/`.

    Raises:
        FileNotFoundError: there is none.
    """
    return files("stage_functions.web").joinpath("static", name).read_bytes()


@cache
def version_of(name: str) -> str:
    """Return what changes with a file of `static/`, so that it may be kept for long."""
    return hashlib.sha256(static(name)).hexdigest()[:12]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stage_functions.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment, "day": day, "span": span}
    environment.globals |= {
        "style_sheet": f"/static/{STYLE_SHEET}?v={version_of(STYLE_SHEET)}",
        "product_version": __version__,
        "form_token": form_token,
    }
    return environment


def moment(at: datetime | None) -> Markup:
    """Return a moment for people and machines, in UTC, to the minute."""
    if at is None:
        return Markup("–")
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M} UTC"
    )


def day(at: datetime | None) -> Markup:
    """Return a moment to the day, in UTC."""
    if at is None:
        return Markup("–")
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d}"
    )


def span(seconds: float) -> str:
    """Return a length of time in words: `3 days`, `1 hour`, `12 minutes`."""
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
        if abs(seconds) >= size:
            count = round(abs(seconds) / size)
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "less than a minute"
