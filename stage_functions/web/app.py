"""The ASGI application: served by uvicorn or by the Functions host, the same either way."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from stage_functions import __version__
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner
from stage_functions.settings import SignIn
from stage_functions.web import (
    approvals,
    assets,
    descriptions,
    exports,
    granted,
    journal,
    lifecycles,
    operations,
    problems,
    replays,
    retention,
    rollbacks,
    signals,
    standing,
    status,
    writes,
)
from stage_functions.web.bodies import BodyLimit
from stage_functions.web.contract import PREFIX
from stage_functions.web.correlation import Correlation
from stage_functions.web.openapi import describe
from stage_functions.web.pages import faults
from stage_functions.web.pages import site as pages
from stage_functions.web.service import Service
from stage_functions.web.traced import Traced

_DESCRIPTION = (
    "The ledger says what is granted; tags of a registry are its mirror. Errors are problems "
    "(RFC 9457). A request with an Idempotency-Key may be sent again: the same key gets the same "
    "answer. What is published is described at /api/v1/asyncapi.json."
)
_OWN_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""The framework's, off whatever the environment says: it would send paths, which may hold a token,
and messages, which may name people. Stageward's own is `Traced`."""


def create_app(
    context: Context,
    scanner: Scanner,
    *,
    sign_in: SignIn,
    webhook_secret: str = "",
    url: str = "",
) -> FastAPI:
    """Return the application over a context.

    Args:
        context: what use cases work with.
        scanner: scans registries.
        sign_in: how callers sign in.
        webhook_secret: shared with MLflow; without one every webhook delivery is refused.
        url: where Stageward answers, as others reach it.
    """
    app = FastAPI(
        title="Stageward",
        version=__version__,
        summary="Governs the lifecycle stages of machine-learning assets.",
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        telemetry=_OWN_TELEMETRY,
    )
    app.state.service = Service.over(context, scanner, sign_in, webhook_secret, url)
    problems.install(app)
    faults.install(app)
    # The first that fits is taken: what is called most comes first. A router that is included
    # would be asked a second time at every request, so its routes are taken over.
    for module in (
        signals,
        assets,
        writes,
        standing,
        rollbacks,
        granted,
        approvals,
        operations,
        lifecycles,
        status,
        exports,
        retention,
        replays,
        journal,
    ):
        app.routes.extend(module.router.routes)
    app.routes.extend(pages.routes())
    app.routes.extend(descriptions.routes())
    app.add_middleware(BodyLimit)
    app.add_middleware(Correlation)
    app.add_middleware(Traced)
    app.openapi = describe(app)  # type: ignore[method-assign]  # the framework's own way
    return app
