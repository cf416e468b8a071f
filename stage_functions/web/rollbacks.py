"""Calls about the way back: what a rollback would do, and making it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from stage_functions.application.rollback import (
    Foreseen,
    RollbackCommand,
    foresee,
    request_rollback,
)
from stage_functions.web import documents
from stage_functions.web.contract import (
    COMMANDS,
    IDEMPOTENT,
    READS,
    Alias,
    KindName,
    Name,
    calls,
    problems,
    reply,
    text,
    the_asset,
)
from stage_functions.web.service import caller, context_of, operation
from stage_functions.wire import api, rollback_api

router = calls("assets")
_ROLLBACK = "/assets/{registry}/{kind}/{name}/rollback"


@router.get(_ROLLBACK, response_model=rollback_api.Rollback, responses={**READS, **problems(502)})
def foresee_rollback(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    stage: Annotated[str, Query(description="The exclusive stage.")] = "",
) -> Response:
    """Tell what a rollback would do now; nothing is changed."""
    actor, wanted = caller(request), the_asset(registry, kind, name)
    return reply(document(foresee(context_of(request), wanted, actor, stage)))


@router.post(
    _ROLLBACK,
    response_model=api.Decision,
    responses={**COMMANDS, **problems(412)},
    openapi_extra=IDEMPOTENT,
)
def roll_back(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    body: rollback_api.RollbackBody,
) -> Response:
    """Bring back, at once, the version that the holder of an exclusive stage displaced.

    200 with the version that came back; 409 `no-rollback` where it cannot be made, with the reason
    and what to do instead.
    """
    actor = caller(request)
    command = RollbackCommand(
        asset=the_asset(registry, kind, name),
        actor=actor,
        operation=operation(request),
        stage=text("body.stage", body.stage or ""),
        reason=text("body.reason", body.reason),
        mark=body.mark,
        expected_holder=text("body.expected_holder", body.expected_holder or ""),
    )
    return reply(documents.decision(request_rollback(context_of(request), command)))


def document(found: Foreseen) -> rollback_api.Rollback:
    """Return what a rollback would do."""
    way = found.way
    if way is None:
        return rollback_api.Rollback(
            str(found.asset), allowed=False, detail=found.refused, stage=found.stage or None
        )
    return rollback_api.Rollback(
        str(found.asset),
        allowed=not found.refused,
        detail=found.refused,
        stage=found.stage,
        out=way.out,
        goes_to=found.goes_to,
        back=way.back,
        record=way.promotion,
        approval=way.approval or None,
        until=way.until,
        restores=way.stood.approval or None,
        valid_until=way.stood.valid_until,
        effects=found.effects,
        comes_from=found.comes_from,
    )
