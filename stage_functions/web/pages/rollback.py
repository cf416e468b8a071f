"""The page of a rollback: what it will do, said before it is done; and the form that does it."""

from __future__ import annotations

from fastapi import Request, Response
from msgspec.structs import replace
from starlette.routing import Route

from stage_functions.application.rollback import (
    Foreseen,
    RollbackCommand,
    foresee,
    request_rollback,
)
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import InvalidInputError, NotAllowedNowError
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.web.contract import text, the_asset
from stage_functions.web.pages.addresses import url_for_asset, url_for_rollback
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, fields, operation_of, show
from stage_functions.web.pages.visitor import Visitor, visitor

_ROLLBACK = "/assets/{registry}/{kind}/{name}/rollback"


def routes() -> list[Route]:
    """Return the routes of rollbacks."""
    return [show(_ROLLBACK, _show), act(_ROLLBACK, _roll_back)]


def _show(request: Request) -> Response:
    visiting, asset = visitor(request), _asset(request)
    return _page(visiting, _foreseen(visiting, asset, request.query_params.get("stage", "")))


def _foreseen(visiting: Visitor, asset: Asset, stage: str) -> Foreseen:
    return foresee(visiting.context, asset, visiting.actor, text("query.stage", stage))


def _page(
    visiting: Visitor,
    found: Foreseen,
    *,
    status: int = 200,
    refused: str = "",
    reason: str = "",
) -> Response:
    return page(
        "rollback.html",
        visiting,
        status=status,
        here="board",
        found=found,
        way=found.way,
        address=url_for_rollback(found.asset),
        refused=refused or found.refused,
        reason=reason,
        longest=MAX_TEXT_CHARACTERS,
        operation=visiting.context.clock.operation_id(),
    )


def _roll_back(request: Request) -> Response:
    visiting, asset, sent = visitor(request), _asset(request), fields(request)
    command = RollbackCommand(
        asset=asset,
        actor=visiting.actor,
        operation="",
        stage=text("the stage", sent.get("stage", "")),
        reason=text("the reason", sent.get("reason", "").strip()),
        mark=sent.get("mark") == "1",
        expected_holder=text("the holder", sent.get("expected_holder", "")),
    )
    if not command.reason:
        message = "say why it is rolled back: the history keeps it"
        raise InvalidInputError(message)
    command = replace(command, operation=operation_of(sent, visiting, command.asked))
    try:
        request_rollback(visiting.context, command)
    except NotAllowedNowError as exc:
        found = _foreseen(visiting, asset, command.stage)
        return _page(visiting, found, status=409, refused=str(exc), reason=command.reason)
    return redirect(url_for_asset(asset))


def _asset(request: Request) -> Asset:
    given = request.path_params
    return the_asset(given["registry"], given["kind"], given["name"])
