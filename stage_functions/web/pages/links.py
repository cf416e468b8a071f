"""The address that personal mail carries: it lets a browser in, and changes nothing.

It leads on to the approval's page, so that no page has the token in its address: not in the
history of the browser, not in what is sent to others. A form of that page ends it again.
"""

from __future__ import annotations

from fastapi import Request, Response
from starlette.routing import BaseRoute

from stage_functions.web.pages.addresses import url_for_approval
from stage_functions.web.pages.personal import forget, keep, opened
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, show
from stage_functions.web.pages.visitor import signed_in, way_in
from stage_functions.web.service import service

FIELD = "sig"
"""What OpenTelemetry leaves out of addresses that it records."""
_PATH = "/approvals/{approval}/link"


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [show(_PATH, follow), act(_PATH, leave)]


def follow(request: Request) -> Response:
    """Lead on to the page; whoever has signed in needs no link there."""
    here, approval = service(request), request.path_params["approval"].lower()
    if signed_in(request) is not None:
        return redirect(url_for_approval(approval))
    given = request.query_params.getlist(FIELD)
    token = given[0] if len(given) == 1 else ""
    link = opened(request, here, token, approval)
    if link is None:
        return page("link_wrong.html", status=403, sign_in=way_in(request, "/"))
    response = redirect(url_for_approval(link.approval.id))
    keep(response, here, token, link)
    return response


def leave(request: Request) -> Response:
    """Let the browser forget the link, which itself stays good while the request is open."""
    approval = request.path_params["approval"].lower()
    to = way_in(request, url_for_approval(approval))
    response = page("link_forgotten.html", sign_in=to)
    forget(response, service(request), approval)
    return response
