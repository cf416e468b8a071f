"""A real MLflow server under a real Stageward, and clients of both.

One file has three lifecycles, chosen by the model's name: `free-*` allows what MLflow allows, so
that MLflow's own tests of stages can be told again on it; `held-*` archives by approval alone; all
others have the stages that ship, with one approval before Production. `seen-*` nobody governs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

import mlflow
import pytest
from msgspec import Struct
from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.mlflow.client import MlflowClient, PendingError
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from tests.api_server import serving
from tests.brief_world import context_over_file
from tests.builders import cast
from tests.fakes.clock import FakeClock

_STAGES = ("None", "Staging", "Production", "Archived")
_EVERY = "\n".join(
    f"      - {{from: {one}, to: {other}}}" for one in _STAGES for other in _STAGES if one != other
)
FILE = f"""
version: 1
registries:
  - alias: demo
    type: mlflow
    address: "ADDRESS"
    mode: MODE
    watch: ["models/[!s]*"]
people:
  ada: {{name: Ada Lovelace, ids: ["mlflow:ada"]}}
  rosa: {{name: Rosa Parks, ids: ["mlflow:rosa"]}}
groups: {{risk: [rosa]}}
lifecycles:
  - name: free
    applies_to: ["demo/models/free-*"]
    forward_only: false
    stages:
      None: {{initial: true, deletable: true}}
      Staging: {{deletable: true}}
      Production: {{deletable: true}}
      Archived: {{deletable: true}}
    transitions:
{_EVERY}
  - name: held
    applies_to: ["demo/models/held-*"]
    stages:
      None: {{initial: true}}
      Staging: {{}}
      Archived: {{terminal: true}}
    transitions:
      - {{from: None, to: Staging}}
      - from: Staging
        to: Archived
        approval: {{quorum: 1, groups: {{risk: 1}}, expires: 7d}}
  - name: default
    applies_to: ["*/*/*"]
    stages:
      None: {{initial: true, deletable: true}}
      Staging: {{}}
      Production: {{exclusive: true, displaced_to: Archived}}
      Archived: {{terminal: true, deletable: true, hidden: true}}
    transitions:
      - {{from: None, to: Staging}}
      - {{from: None, to: Archived}}
      - {{from: Staging, to: Archived}}
      - from: Staging
        to: Production
        approval: {{quorum: 1, groups: {{risk: 1}}, exclude: [requester], expires: 7d}}
"""
_NUMBERS = itertools.count(1)


class Governed(Struct, frozen=True):
    """A Stageward over an MLflow server.

    Attributes:
        address: of MLflow.
        url: of Stageward.
        context: what Stageward works with.
        stock: MLflow's own client.
        opened: closed when the world ends.
        calls: that Stageward has answered, in order, as `POST /api/v1/registries/demo/granted`.
    """

    address: str
    url: str
    context: Context
    stock: mlflow.MlflowClient
    opened: ExitStack
    calls: list[str]

    def client(self, person: str = "ada", **given: object) -> MlflowClient:
        """Return a governed client of a person."""
        made = MlflowClient(self.address, url=self.url, token=person, **given)  # type: ignore[arg-type]
        return self.opened.enter_context(closing(made))

    def model(self, kind: str = "iris", versions: int = 1) -> str:
        """Register a model of a new name, with some versions, and return the name."""
        name = f"{kind}-{next(_NUMBERS)}"
        self.stock.create_registered_model(name)
        for _ in range(versions):
            self.register(name)
        return name

    def register(self, name: str, *, told: bool = True) -> str:
        """Register a version, tell Stageward of it or not, and return its number."""
        made = self.stock.create_model_version(name, f"s3://models/{name}")
        if told and not name.startswith("seen"):
            follow(self.context, Signal(self.version(name, made.version)))
        return str(made.version)

    def version(self, name: str, number: str) -> Version:
        """Return a version as Stageward names it."""
        return Version(Asset("demo", Kind.MODELS, name), str(number))

    def approve(self, approval: str) -> None:
        """Approve as rosa."""
        cast(self.context, approval, "rosa")

    def promote(self, name: str, number: str) -> None:
        """Bring a version to Production by its approval."""
        client = self.client()
        client.transition_model_version_stage(name, number, "Staging")
        with pytest.raises(PendingError) as waits:
            client.transition_model_version_stage(
                name, number, "Production", archive_existing_versions=True
            )
        self.approve(waits.value.approval)


class Counting:
    """Notes the calls that an application answers."""

    def __init__(self, app: ASGIApp, calls: list[str]) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a call, and pass it on."""
        if scope["type"] == "http":
            self._calls.append(f"{scope['method']} {scope['path']}")
        await self._app(scope, receive, send)


@contextmanager
def governed(
    address: str, mode: str = "enforce", aliases: Mapping[str, str] | None = None
) -> Iterator[Governed]:
    """Run a Stageward over an MLflow server inside the block.

    Args:
        address: of MLflow.
        mode: of its registry.
        aliases: that are kept there.
    """
    file = FILE.replace("ADDRESS", address).replace("MODE", mode)
    with (
        ExitStack() as opened,
        closing(SQLiteRows(":memory:")) as rows,
        closing(MlflowRegistry("demo", address, timeout_seconds=60)) as registry,
    ):
        context = context_over_file(rows, registry, FakeClock(), file)
        context.states.update("demo", lambda state: replace(state, imported=True))
        known = context.configuration
        demo = replace(known.registry("demo"), aliases=aliases or {})
        context = replace(context, configuration=replace(known, registries={"demo": demo}))
        app = create_app(context, Scanner(context), sign_in=SignIn.DEV)
        calls: list[str] = []
        app.add_middleware(Counting, calls=calls)
        url = opened.enter_context(serving(app))
        yield Governed(address, url, context, mlflow.MlflowClient(address), opened, calls)
