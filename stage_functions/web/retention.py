"""Calls about what is kept: until when, what for, and of whom no longer the name."""

from __future__ import annotations

from fastapi import Request, Response
from msgspec.structs import asdict

from stage_functions.application import holds, retention
from stage_functions.application.forgetting import ForgetCommand, forget
from stage_functions.application.holds import Held, HoldCommand
from stage_functions.application.query import asset_is_known
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
from stage_functions.web.service import caller, context_of, operation, operator
from stage_functions.wire import retention_api as api

router = calls("retention")
_OF_ASSET = "/assets/{registry}/{kind}/{name}/holds"


@router.get("/holds", response_model=api.Holds, responses=problems(401, 403, 503))
def list_holds(request: Request) -> Response:
    """List every hold."""
    caller(request)
    found = holds.listed(context_of(request).ledger)
    return reply(api.Holds(tuple(_hold(one) for one in found)))


@router.get(_OF_ASSET, response_model=api.Holds, responses=READS)
def list_holds_of_asset(request: Request, registry: Alias, kind: KindName, name: Name) -> Response:
    """List what an asset is held for."""
    caller(request)
    context, asset = context_of(request), the_asset(registry, kind, name)
    asset_is_known(context, asset)
    found = holds.of_asset(context.ledger, asset)
    return reply(api.Holds(tuple(_hold(Held(asset, one)) for one in found)))


@router.post(_OF_ASSET, response_model=api.Hold, responses=COMMANDS, openapi_extra=IDEMPOTENT)
def place_hold(
    request: Request, registry: Alias, kind: KindName, name: Name, body: api.HoldBody
) -> Response:
    """Hold an asset for a case; a hold that is there already stays as it is."""
    command = _command(request, registry, kind, name, body)
    return reply(_hold(Held(command.asset, holds.place(context_of(request), command))))


@router.post(
    f"{_OF_ASSET}/lift", response_model=api.Hold, responses=COMMANDS, openapi_extra=IDEMPOTENT
)
def lift_hold(
    request: Request, registry: Alias, kind: KindName, name: Name, body: api.HoldBody
) -> Response:
    """Lift the hold of a case; answers what it was."""
    command = _command(request, registry, kind, name, body)
    return reply(_hold(Held(command.asset, holds.lift(context_of(request), command))))


@router.get("/retention", response_model=api.Retention, responses=problems(401, 403, 503))
def list_retention(request: Request) -> Response:
    """List what is kept of assets that are gone, and until when; nothing is ever removed."""
    operator(request)
    found = retention.gone(context_of(request))
    return reply(api.Retention(tuple(_kept(one) for one in found)))


@router.post(
    "/people/forget", response_model=api.Forgotten, responses=COMMANDS, openapi_extra=IDEMPOTENT
)
def forget_person(request: Request, body: api.ForgetBody) -> Response:
    """Delete the names of a person; their ids stay in records, and no hash changes."""
    command = ForgetCommand(
        person=text("body.person", body.person),
        reason=text("body.reason", body.reason),
        actor=operator(request),
        operation=operation(request),
        dry_run=body.dry_run,
    )
    return reply(api.Forgotten(**asdict(forget(context_of(request), command))))


def _command(
    request: Request, registry: str, kind: str, name: str, body: api.HoldBody
) -> HoldCommand:
    return HoldCommand(
        asset=the_asset(registry, kind, name),
        case=text("body.case", body.case),
        reason=text("body.reason", body.reason),
        actor=operator(request),
        operation=operation(request),
    )


def _kept(one: retention.Kept) -> api.Kept:
    return api.Kept(
        str(one.asset),
        one.versions,
        one.records,
        one.last,
        one.until,
        one.past,
        one.holds,
        one.removable,
    )


def _hold(held: Held) -> api.Hold:
    one = held.hold
    return api.Hold(str(held.asset), one.case, one.since, one.by, one.reason)
