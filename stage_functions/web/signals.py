"""Calls that registries make: events, webhooks; and the question whether Stageward is well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from stage_functions.application import upkeep
from stage_functions.application.correlation import about
from stage_functions.application.deliveries import Delivered, deliver
from stage_functions.domain import aliases, presence
from stage_functions.domain.asset import Asset
from stage_functions.domain.configuration import RegistryType
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.web.contract import PROBLEM, Responses, calls, problems, reply
from stage_functions.web.problems import MEDIA_TYPE, problem
from stage_functions.web.service import Service, service
from stage_functions.wire import api, eventgrid, mlflow

router = calls("signals", prefix="")
_EVENTS = {
    "requestBody": {
        "required": True,
        "description": "Event Grid's schema or CloudEvents 1.0, single or batch.",
        "content": {
            "application/json": {"schema": {}},
            "application/cloudevents+json": {"schema": {"type": "object"}},
            "application/cloudevents-batch+json": {"schema": {"type": "array"}},
        },
    }
}
_WEBHOOK = {
    "requestBody": {
        "required": True,
        "description": "A delivery of MLflow, signed.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in (mlflow.DELIVERY_HEADER, mlflow.TIMESTAMP_HEADER, mlflow.SIGNATURE_HEADER)
    ],
}
_NOT_READY: Responses = {
    503: {
        "model": api.Health,
        "description": "not ready: the ledger cannot be read, or not be written to",
    }
}


@router.post(
    "/events",
    response_model=api.Delivery | api.Handshake,
    responses=problems(400, 503),
    openapi_extra=_EVENTS,
)
async def take_events(request: Request) -> Response:
    """Take a delivery of Event Grid, or answer its handshake. A hint is all that it is."""
    here, body = service(request), await request.body()
    try:
        delivery = eventgrid.parse(
            body, here.context.configuration.registries, dict(request.headers)
        )
    except InvalidInputError as exc:
        return problem(400, "malformed", str(exc))
    if delivery.handshake:
        return reply(api.Handshake(delivery.handshake))
    clock, telemetry = here.context.clock, here.context.telemetry
    return _delivered(
        await run_in_threadpool(deliver, here.signals.follow, delivery, clock, telemetry=telemetry)
    )


@router.options(
    "/events", response_class=Response, responses={**problems(), 200: {"description": "welcome"}}
)
async def greet(request: Request) -> Response:  # nothing to wait for
    """Answer the handshake of CloudEvents."""
    headers = {**eventgrid.webhook_options(request.headers), "Allow": "POST, OPTIONS"}
    return Response(status_code=200, headers=headers)


@router.post(
    "/webhooks/mlflow",
    response_model=api.Delivery,
    responses={
        **problems(400, 404, 422, 503),
        403: {
            "description": "not signed by MLflow, or too long ago",
            "content": {MEDIA_TYPE: {"schema": PROBLEM}},
        },
    },
    openapi_extra=_WEBHOOK,
)
async def take_webhook(
    request: Request,
    registry: Annotated[
        str, Query(description="Alias of the MLflow server; may be left out if there is one.")
    ] = "",
) -> Response:
    """Take a webhook delivery of MLflow."""
    here, body = service(request), await request.body()
    clock = here.context.clock
    try:
        delivery_id = mlflow.verify(request.headers, body, here.webhook_secret, clock.now())
    except DeniedError:
        if mlflow.SIGNATURE_HEADER in request.headers:  # whoever sends none is not MLflow
            here.context.process.refuse(clock.now())
        raise
    alias = _alias(here, registry)
    try:
        heard = _heard(here, alias), _every(here), _aliases(here, alias)
        delivery = mlflow.signals(body, alias, *heard)
    except InvalidInputError as exc:
        return problem(400, "malformed", str(exc))
    seen = f"{alias}/{delivery_id}"
    if seen in here.deliveries:
        return reply(api.Delivery(0, 0, (f"delivery {delivery_id} was followed already",)))
    echoes, telemetry = here.context.echoes, here.context.telemetry
    with about(delivery=delivery_id[:64]):
        delivered = await run_in_threadpool(
            deliver, here.signals.follow, delivery, clock, echoes=echoes, telemetry=telemetry
        )
    here.deliveries.add(seen)
    return _delivered(delivered)


@router.get("/healthz", response_model=api.Health, responses={**problems(), **_NOT_READY})
async def health(request: Request) -> Response:
    """Tell whether Stageward is ready, and which part is not well.

    Anybody may ask, so nobody who does keeps a thread from the others; nor waits for ever, since a
    probe takes silence for death.
    """
    here = service(request)
    try:
        asked = asyncio.wrap_future(here.health.ask())
        found = await asyncio.wait_for(asked, here.health_seconds)
    except TimeoutError:
        found = upkeep.UNAVAILABLE
    return reply(api.Health(found.ready, found.parts), 200 if found.ready else 503)


@router.head("/healthz", include_in_schema=False)
async def health_without_words(request: Request) -> Response:
    """Answer as `health` does, without the body: some load balancers ask so."""
    return Response(status_code=(await health(request)).status_code)


def _alias(here: Service, wanted: str) -> str:
    if wanted:
        return here.context.configuration.registry(wanted).alias
    servers = [
        alias
        for alias, one in here.context.configuration.registries.items()
        if one.type is RegistryType.MLFLOW
    ]
    if len(servers) == 1:
        return servers[0]
    message = f"query.registry: say which MLflow server it is, {' or '.join(servers) or 'none is'}"
    raise InvalidInputError(message)


def _heard(here: Service, alias: str) -> frozenset[str]:
    configuration = here.context.configuration
    return presence.heard(configuration.registry(alias), here.context.lifecycles)


def _aliases(here: Service, alias: str) -> frozenset[str]:
    registry = here.context.configuration.registry(alias)
    return aliases.heard(registry, here.context.lifecycles)


def _every(here: Service) -> Callable[[Asset], bool] | None:
    """Return what tells of an asset whether each of its tags counts: a stage of it is frozen."""
    context = here.context
    if not any(one.freezes for one in context.lifecycles):
        return None

    def counts(asset: Asset) -> bool:
        lifecycle = context.governing(asset)
        return lifecycle is not None and lifecycle.freezes

    return counts


def _delivered(found: Delivered) -> Response:
    return reply(api.Delivery(found.followed, found.changed, found.ignored))
