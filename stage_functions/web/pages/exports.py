"""Evidence packs in a browser: the same zips as over the API, for whoever has signed in."""

from __future__ import annotations

from fastapi import Request, Response
from starlette.routing import Route

from stage_functions.application.pack import gather_approval, gather_version
from stage_functions.domain.error import DeniedError
from stage_functions.web.contract import the_version
from stage_functions.web.exports import packed
from stage_functions.web.pages.routes import show
from stage_functions.web.pages.visitor import visitor
from stage_functions.web.service import service


def routes() -> list[Route]:
    """Return the routes of packs; they change nothing."""
    return [
        show("/approvals/{approval}/export", of_approval),
        show("/assets/{registry}/{kind}/{name}/versions/{version}/export", of_version),
    ]


def of_approval(request: Request) -> Response:
    """Return the pack of an approval."""
    _demand_signed_in(request)
    context = service(request).context
    return packed(context, gather_approval(context, str(request.path_params["approval"]).lower()))


def of_version(request: Request) -> Response:
    """Return the pack of a version."""
    _demand_signed_in(request)
    context = service(request).context
    given = request.path_params
    wanted = the_version(given["registry"], given["kind"], given["name"], given["version"])
    return packed(context, gather_version(context, wanted))


def _demand_signed_in(request: Request) -> None:
    """Refuse who has only a personal link: a pack has the whole history.

    Raises:
        NotSignedInError: nobody has signed in.
        DeniedError: they have a personal link only.
    """
    if visitor(request).approval:
        message = "a personal link is only for voting; sign in to export an evidence pack"
        raise DeniedError(message)
