"""Whether a page of another site sent a request: what browsers say of where it comes from."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

OPAQUE = "null"
_PORTS = {"http": 80, "https": 443}
_OURS = ("same-origin", "none")
"""Values of Sec-Fetch-Site: our own page, or the person's own doing."""


def foreign(request: Request, url: str, *, form: bool = False) -> str:
    """Say why a request is another site's; "" where nothing says so.

    Args:
        request: the request.
        url: where Stageward answers, or "" where only the Host header says so.
        form: it is a form of a page of ours, which is told to name no origin: "null" is no
            reason then, and what else it carries must show where it comes from.
    """
    sites = request.headers.getlist("Sec-Fetch-Site")
    if any(site not in _OURS for site in sites):
        return f"the browser says that it comes from elsewhere (Sec-Fetch-Site: {sites[0][:20]})"
    origins = request.headers.getlist("Origin")
    if form and origins == [OPAQUE]:
        return ""
    if len(origins) > 1 or any(one.lower() not in _own(request, url) for one in origins):
        return f"it comes from a page of {origins[0][:100]}"
    return ""


def _own(request: Request, url: str) -> set[str]:
    host = request.headers.get("Host", "").lower()
    named = {f"{scheme}://{host}" for scheme in _PORTS} if host else set()
    return named | {_origin(url)} - {""}


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL, as browsers write an origin."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (
        f":{port}" if port not in (None, _PORTS[parts.scheme]) else ""
    )
