"""Calls about registries, lifecycles, owed work and the catalog: what operators look after."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from stage_functions.application import query, upkeep
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.resolving import resolve
from stage_functions.web import documents
from stage_functions.web.contract import (
    COMMANDS,
    Alias,
    calls,
    problems,
    reply,
    text,
)
from stage_functions.web.problems import problem
from stage_functions.web.service import caller, context_of, operator, service
from stage_functions.wire import api

SCAN_SECONDS = 20
"""A caller does not wait longer; the next scan goes on where this one stopped."""
router = calls("operations")
_LISTS = problems(401, 403, 503)
_OPERATOR = problems(401, 403, 404, 422, 502, 503)


@router.get("/registries", response_model=api.Registries, responses=_LISTS)
def list_registries(request: Request) -> Response:
    """List registries with mode and state."""
    caller(request)
    views = query.registries(context_of(request))
    return reply(api.Registries(tuple(documents.registry(view) for view in views)))


@router.post("/registries/{registry}/import", response_model=api.Import, responses=COMMANDS)
def import_stages(request: Request, registry: Alias, body: api.ImportBody) -> Response:
    """Take a registry's present stages as granted; 409 while anything is unclear."""
    actor = operator(request)
    command = ImportCommand(
        registry=registry,
        mapping=body.map,
        keep=tuple(body.keep),
        reason=text("body.reason", body.reason),
        actor=actor,
        dry_run=body.dry_run,
    )
    report = documents.imported(import_registry(context_of(request), command))
    if report.done or body.dry_run:
        return reply(report)
    return problem(409, "import-unclear", _unclear(report), unclear=report)


@router.post("/registries/{registry}/scan", response_model=api.Scan, responses=_OPERATOR)
def scan_registry(request: Request, registry: Alias) -> Response:
    """Compare a registry with the ledger now."""
    operator(request)
    here = service(request)
    here.context.registry(registry)
    return reply(documents.scanned(here.scanner.scan(registry, seconds=SCAN_SECONDS)))


@router.post(
    "/registries/{registry}/resolve",
    response_model=api.Resolution,
    responses={**_OPERATOR, **problems(400)},
)
def resolve_registry(
    request: Request, registry: Alias, body: api.ResolveBody | None = None
) -> Response:
    """Decide that this ledger is right: write over the tags that made Stageward stop."""
    actor = operator(request)
    context = context_of(request)
    context.registry(registry)
    dry_run = body is not None and body.dry_run
    return reply(documents.resolved(resolve(context, registry, actor, dry_run=dry_run)))


@router.get("/lifecycles", response_model=api.Lifecycles, responses=_LISTS)
def list_lifecycles(request: Request) -> Response:
    """List lifecycles as written."""
    caller(request)
    found = context_of(request).lifecycles
    return reply(api.Lifecycles(tuple(documents.lifecycle(one) for one in found)))


@router.get("/outbox", response_model=api.Outbox, responses=_LISTS)
def list_outbox(request: Request) -> Response:
    """List owed work, parked work first."""
    caller(request)
    views = upkeep.outbox(context_of(request))
    return reply(api.Outbox(tuple(documents.owed(view) for view in views)))


@router.post("/outbox/{owed}/retry", response_model=api.Owed, responses=_OPERATOR)
def retry_owed(
    request: Request,
    owed: Annotated[str, Path(description="The id of the owed work, as the list has it.")],
) -> Response:
    """Try owed work again now, parked or not."""
    operator(request)
    return reply(documents.owed(upkeep.retry(context_of(request), owed)))


@router.post("/catalog/rebuild", response_model=api.Rebuilt, responses=_OPERATOR)
def rebuild_catalog(request: Request) -> Response:
    """Write the catalog again from the ledger."""
    operator(request)
    return reply(api.Rebuilt(upkeep.rebuild_catalog(context_of(request))))


def _unclear(report: api.Import) -> str:
    parts = [
        f"--map {value}=<stage> for {len(found)} versions such as {found[0]}"
        for value, found in report.unknown.items()
    ]
    parts += [
        f"--keep <one of {', '.join(held)}> for {where}" for where, held in report.crowded.items()
    ]
    return f"nothing was imported; first decide: {'; '.join(parts)}"
