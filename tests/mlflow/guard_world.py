"""A real MLflow server that asks Stageward before it stores, and Stageward over that server.

The server is a process of its own, with all of its workers; Stageward answers in this one, on a
real port, whichever instance a test puts behind it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from mlflow import MlflowClient
from msgspec.structs import replace
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import query
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner
from stage_functions.application.sweep import sweep
from stage_functions.client import Client
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from stage_functions.web.service import Service
from tests.api_server import serving
from tests.application.mirror_world import changed
from tests.builders import cast, context_over, world
from tests.fakes.rows import LossyRows
from tests.mlflow_server import MlflowServer, running_mlflow
from tests.mlflow_world import MlflowWorld

_FAULT = JSONResponse(
    {"type": "urn:stageward:problem:fault", "title": "Fault", "status": 500, "detail": "a fault"},
    HTTPStatus.INTERNAL_SERVER_ERROR,
    media_type="application/problem+json",
)
SERVER = "eve"
"""The person whose token the MLflow server has."""
SECONDS = "60"


@dataclass
class Calls:
    """Stageward's application, with what is sent to it.

    Attributes:
        app: the application.
        seen: what was sent, as `POST /api/v1/registries/demo/writes`.
        address: where it answers.
        faulty: whoever sends these words meets a fault of Stageward's; nobody where it is empty.
    """

    app: FastAPI
    seen: list[str] = field(default_factory=list)
    address: str = ""
    faulty: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a call, and let it be answered."""
        self.seen.append(f"{scope.get('method')} {scope.get('path')}")

        sent = b""
        while self.faulty:
            message = await receive()
            sent += message.get("body", b"")
            if not message.get("more_body"):
                break
        if self.faulty and self.faulty in sent:
            await _FAULT(scope, receive, send)
            return

        async def again() -> Message:
            """Hand on what was read already."""
            return {"type": "http.request", "body": sent, "more_body": False}

        await self.app(scope, again if self.faulty else receive, send)

    def writes(self) -> int:
        """Return how often an MLflow server has asked whether it may store something."""
        return len([one for one in self.seen if one.startswith("POST") and "/writes" in one])


@dataclass(frozen=True, slots=True)
class Guarded:
    """Stageward over a server that asks it.

    Attributes:
        context: Stageward's.
        server: MLflow's.
        people: whoever writes at that server over its REST API.
        name: of a model that nobody else has.
        calls: Stageward's application.
    """

    context: Context
    server: MlflowServer
    people: MlflowWorld
    name: str
    calls: Calls

    @property
    def asset(self) -> Asset:
        """The model."""
        return Asset("demo", Kind.MODELS, self.name)

    @property
    def stock(self) -> MlflowClient:
        """MLflow's own client."""
        return MlflowClient(tracking_uri=self.server.address)

    def create(self, tags: Mapping[str, str] | None = None) -> Version:
        """Register one more version."""
        return self.people.create(self.name, tags=tags)

    def shown(self, version: Version) -> str:
        """Return the stage that MLflow's own field shows."""
        return self.stock.get_model_version(self.name, version.number).current_stage or ""

    def approve(self, approval: str, *people: str) -> None:
        """Vote for it."""
        for person in people or ("ada", "bob"):
            cast(self.context, approval, person, Decision.APPROVE)
        sweep(self.context)

    def waiting(self) -> str:
        """Return the id of the approval that waits."""
        (found,) = self.context.ledger.load(self.asset).head.approvals
        return found

    def settle(self) -> None:
        """Finish what is owed."""
        sweep(self.context)

    def sponsor(self, approval: str, person: str = "sam") -> None:
        """Stand for a request that nobody is proven to have made."""
        with Client(self.calls.address, person) as client:
            client.sponsor(approval)

    def types(self) -> list[str]:
        """Return the types of the model's records."""
        return [str(one.type) for one in query.all_records(self.context, self.asset)]


@contextmanager
def answering() -> Iterator[Calls]:
    """Serve Stageward inside the block; `governing` says over what."""
    made = world()
    app = create_app(made.context, Scanner(made.context), sign_in=SignIn.DEV)
    made.rows.close()
    calls = Calls(app)
    served: Any = calls
    with serving(served) as address:
        calls.address = address
        yield calls


@contextmanager
def asking_mlflow(
    folder: Path,
    stageward: str,
    options: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[MlflowServer]:
    """Run an MLflow server whose store asks Stageward first."""
    told = {
        "STAGEWARD_URL": stageward,
        "STAGEWARD_TOKEN": SERVER,
        "STAGEWARD_MLFLOW_TIMEOUT_SECONDS": SECONDS,
        **(settings or {}),
    }
    store = f"stageward-server:sqlite:///{folder / 'mlflow.db'}"
    with running_mlflow(folder, told, ("--registry-store-uri", store, *options)) as server:
        yield server


@contextmanager
def governing(
    server: MlflowServer,
    calls: Calls,
    lifecycle: Lifecycle | None = None,
    mode: Mode = Mode.ENFORCE,
    sign_in: tuple[str, str] | None = None,
    **registry: object,
) -> Iterator[Guarded]:
    """Serve Stageward over a server inside the block; it watches one model of its own.

    Args:
        server: MLflow's.
        calls: Stageward's application.
        lifecycle: the default's shape if None.
        mode: of the registry.
        sign_in: name and password, where MLflow demands them.
        registry: what is configured otherwise of it.
    """
    name, rows = f"iris-{uuid.uuid4().hex[:8]}", LossyRows(SQLiteRows(":memory:"))
    user, password = sign_in or ("", "")
    adapter = MlflowRegistry(
        "demo", server.address, username=user, password=password, timeout_seconds=float(SECONDS)
    )
    context = context_over(rows, adapter, SystemClock(), mode, governed_by=lifecycle)
    context = changed(context, watch=(f"models/{name}*",), address=server.address, **registry)
    adopt(context)
    context.states.update("demo", lambda state: replace(state, imported=mode is Mode.ENFORCE))
    service = Service.over(context, Scanner(context), SignIn.DEV, "")
    calls.app.state.service = service
    try:
        with httpx.Client(base_url=server.address, timeout=120) as client:
            if sign_in:
                client.auth = sign_in
            yield Guarded(context, server, MlflowWorld(client, "demo"), name, calls)
    finally:
        adapter.close()
        rows.close()
