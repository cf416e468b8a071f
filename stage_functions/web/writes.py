"""Calls of a registry's own server, before it stores what somebody writes there."""

from __future__ import annotations

from fastapi import Request, Response

from stage_functions.application import writes
from stage_functions.application.context import Context
from stage_functions.application.written import What, Write
from stage_functions.domain.asset import Asset, Kind
from stage_functions.web.contract import (
    COMMANDS,
    IDEMPOTENT,
    READS,
    Alias,
    calls,
    reply,
    text,
    the_asset,
)
from stage_functions.web.service import caller, context_of, operation, service
from stage_functions.wire import writes_api as api

router = calls("writes")
_WRITES = "/registries/{registry}/writes"


@router.get(_WRITES, response_model=api.Guarded, responses=READS)
def show_guarded(request: Request, registry: Alias) -> Response:
    """Show what of an MLflow server is asked about before it is stored."""
    caller(request)
    found = writes.guarded(context_of(request), registry)
    return reply(api.Guarded(found.tags, found.aliases))


@router.post(_WRITES, response_model=api.Ruling, responses=COMMANDS, openapi_extra=IDEMPOTENT)
def ask_to_write(request: Request, registry: Alias, body: api.WriteBody) -> Response:
    """Ask whether a write may be stored at an MLflow server.

    A stage that was not granted becomes a request: what is granted at once may be stored; what
    waits for approval, and what is refused, may not, and `detail` says why.
    """
    actor = caller(request)
    write = Write(
        asset=_asset(registry, body.name),
        what=What(body.what),
        actor=actor,
        operation=operation(request),
        version=text("body.version", body.version),
        key=text("body.key", body.key),
        value=None if body.value is None else text("body.value", body.value),
        tags=body.tags,
        shows=body.shows,
        archive_existing_versions=body.archive_existing_versions,
        created=body.created,
        on_behalf_of=text("body.on_behalf_of", body.on_behalf_of or ""),
        prompt=body.prompt,
    )
    context = context_of(request)
    found = writes.rule(context, write)
    address = _address(request, context, found.approval) if found.approval else None
    return reply(
        api.Ruling(
            allowed=found.allowed,
            governed=found.governed,
            detail=found.detail,
            approval=found.approval or None,
            address=address,
            stage=found.stage or None,
            displaces=found.displaces,
        )
    )


def _asset(registry: str, name: str) -> Asset:
    return the_asset(registry, str(Kind.MODELS), name)


def _address(request: Request, context: Context, approval: str) -> str:
    if context.links is not None:
        return context.links.approval(approval)
    root = service(request).url or str(request.base_url).rstrip("/")
    return f"{root}/approvals/{approval}"
