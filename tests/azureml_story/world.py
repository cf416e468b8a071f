"""Stageward as it is served, over two workspaces and a registry that tell it what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from msgspec.structs import replace

from stage_functions.adapters.azureml_deployments import traffic
from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner
from stage_functions.application.sweep import sweep
from stage_functions.bootstrap import Application, open_application
from stage_functions.client import Client
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.record import Record
from stage_functions.domain.state import VersionState
from stage_functions.settings import SignIn, read_settings
from stage_functions.web.app import create_app
from stage_functions.web.service import Service
from tests.api_server import serving
from tests.azureml import LocalAzureMl, Place
from tests.azureml.sdk import entities
from tests.azureml_world import contents
from tests.builders import world
from tests.fakes.clock import LaterClock

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

PEOPLE = ("anna", "ben", "olga", "otto")
KEYS = ("none", "staging", "prod", "archived")
"""The keys of tags that stand for stages."""
_PATIENCE_SECONDS = 10
FILE = Path(__file__).with_name("stageward.yaml")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs, whatever application is behind it: making one takes a while.

    Attributes:
        app: what it serves.
        address: where.
    """

    app: FastAPI
    address: str

    def behind(self, application: Application) -> None:
        """Serve an application from now on."""
        self.app.state.service = Service.over(
            application.context, application.scanner, SignIn.DEV, "", self.address
        )


@contextmanager
def stageward() -> Iterator[Served]:
    """Serve Stageward inside the block; what is behind it comes later."""
    made = world()
    app = create_app(made.context, Scanner(made.context), sign_in=SignIn.DEV)
    made.rows.close()
    with serving(app) as address:
        yield Served(app, address)


@dataclass(frozen=True, slots=True)
class Story:
    """Stageward, and those who work with Azure ML.

    Attributes:
        local: Azure ML.
        application: Stageward.
        address: where it is served.
        places: workspaces and the registry, by alias.
    """

    local: LocalAzureMl
    application: Application
    address: str
    places: dict[str, Place]

    @property
    def context(self) -> Context:
        """What Stageward works with."""
        return self.application.context

    def later(self, seconds: float) -> Context:
        """Return what Stageward works with so many seconds from now."""
        return replace(self.context, clock=LaterClock(seconds))

    def sweep(self, seconds: float = 0) -> None:
        """Let the clock do what is due so many seconds from now."""
        sweep(self.later(seconds))

    def sdk(self, who: str, alias: str) -> MLClient:
        """Return a real MLClient of somebody."""
        return self.local.client(who, self.places[alias])

    def api(self, who: str) -> Client:
        """Return Stageward's own client, signed in as somebody."""
        return Client(self.address, who)

    def register(
        self,
        name: str,
        number: str = "1",
        *,
        kind: Kind = Kind.MODELS,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Have anna register a version in `dev`, a model out of a job; return what it is called."""
        dev = self.places["dev"]
        made = {**contents(kind, f"{name}-{number}"), "tags": dict(tags or {})}
        if kind is Kind.MODELS:
            made["jobName"] = self.local.job(dev, metrics={"accuracy": 0.97}, who="anna")
        self.local.put_version(dev, kind, name, number, made, who="anna")
        self.local.drain()
        return f"dev/{kind}/{name}:{number}"

    def document(self, version: str) -> dict[str, Any]:
        """Return the properties of a version as they are stored."""
        one = Version.parse(version)
        place = self.places[one.asset.registry]
        found = self.local.version(place, one.asset.kind, one.asset.name, one.number)
        assert found is not None, f"there is no {version}"
        properties: dict[str, Any] = found["properties"]
        return properties

    def tags(self, version: str) -> dict[str, str]:
        """Return the tags of a version."""
        found: dict[str, str] = self.document(version)["tags"]
        return found

    def keys(self, version: str) -> list[str]:
        """Return the keys of a version that stand for stages, and `approval`."""
        return [key for key in (*KEYS, "approval") if key in self.tags(version)]

    def put(self, version: str, *, who: str = "ben", **properties: object) -> None:
        """Write all of a version, as `az` does, with some properties changed; and be heard."""
        one = Version.parse(version)
        place = self.places[one.asset.registry]
        written = {**self.document(version), **properties}
        self.local.put_version(place, one.asset.kind, one.asset.name, one.number, written, who=who)
        self.heard(one.asset.registry)

    def tag(self, version: str, *, who: str = "ben", **tags: str | None) -> None:
        """Set tags of a version, or remove those that are None; and be heard."""
        merged = {**self.tags(version), **tags}
        kept = {key: value for key, value in merged.items() if value is not None}
        self.put(version, who=who, tags=kept)

    def heard(self, alias: str = "dev") -> None:
        """Let Stageward hear what happened: a workspace tells, a registry is scanned."""
        if self.places[alias].is_registry:
            self.application.scanner.scan(alias)
        self.local.drain()

    @contextmanager
    def unheard(self) -> Iterator[list[dict[str, Any]]]:
        """Let no event be delivered inside the block; the value is those there were, after it."""
        subscriptions = self.local.world.deliveries.subscriptions
        told, since = list(subscriptions), len(self.local.events)
        subscriptions.clear()
        events: list[dict[str, Any]] = []
        try:
            yield events
        finally:
            subscriptions.extend(told)
            events.extend(self.local.events[since:])

    def eventually(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, "it did not come to hold"
            time.sleep(0.01)

    def ask(self, version: str, stage: str, who: str = "ben") -> str:
        """Ask for a stage, signed in; return what comes of it."""
        with self.api(who) as client:
            return client.transition(version, stage, reason="it is needed").outcome

    def approve(self, version: str, who: str = "olga") -> None:
        """Approve what is asked for a version."""
        with self.api(who) as client:
            approval = client.approval(self.state(version).approval)
            client.vote(approval.id, "approve", fingerprint=approval.fingerprint, comment="fine")

    def release(self, number: str = "1", name: str = "iris") -> None:
        """Take a model from development over test to the shared registry, at Production there."""
        self.tag(self.register(name, number), stage_request="Staging")
        assert "pending" == self.ask(f"test/models/{name}:{number}", "Production")
        self.approve(f"test/models/{name}:{number}")

    def deploy(self, model: str, *, alias: str = "dev", endpoint: str = "scoring") -> MLClient:
        """Have ben deploy a model as `blue`, which gets no requests yet, as every first one."""
        client, entity = self.sdk("ben", alias), entities()
        if endpoint not in self.places[alias].endpoints:
            made = entity.ManagedOnlineEndpoint(name=endpoint)
            client.online_endpoints.begin_create_or_update(made).result()
        deployment = entity.ManagedOnlineDeployment(
            name="blue",
            endpoint_name=endpoint,
            model=model,
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
        client.online_deployments.begin_create_or_update(deployment).result()
        self.local.drain()
        return client

    def traffic(self, alias: str = "dev", endpoint: str = "scoring") -> dict[str, int]:
        """Return the shares that deployments of an endpoint get."""
        return traffic(self.places[alias].endpoints[endpoint].document)

    def state(self, version: str) -> VersionState:
        """Return where a version stands."""
        found = self.context.ledger.state(Version.parse(version))
        assert found is not None, f"the ledger does not know {version}"
        return found

    def stages(self, *versions: str) -> list[str]:
        """Return where versions stand."""
        return [self.state(version).stage for version in versions]

    def records(self, version: str) -> list[Record]:
        """Return the records of a version."""
        one = Version.parse(version)
        found = query.all_records(self.context, one.asset)
        return [record for record in found if record.version == one.number]

    def types(self, version: str) -> list[str]:
        """Return what happened to a version."""
        return [str(record.type) for record in self.records(version)]

    def owed(self) -> list[str]:
        """Return what is owed, and why still."""
        with self.api("otto") as client:
            return [f"{one.duty} {one.target}: {one.error}" for one in client.outbox()]

    def faults(self) -> list[str]:
        """Say what is wrong with any history."""
        checked = (query.check_history(self.context, one) for one in self.context.ledger.assets())
        return [fault.why for fault in checked if fault is not None]


@contextmanager
def told(
    local: LocalAzureMl,
    served: Served,
    name: str,
    written: str = "",
    files: Mapping[str, str] | None = None,
) -> Iterator[Story]:
    """Serve Stageward inside the block, over places of its own on a local Azure ML.

    Args:
        local: Azure ML.
        served: the server.
        name: how its places begin.
        written: the configuration; that of this package if left out.
        files: what is beside it, by path.
    """
    places = {
        "dev": local.workspace(f"{name}-dev"),
        "test": local.workspace(f"{name}-test", resource_group="other"),
        "shared": local.registry(f"{name}-shared"),
    }
    application = open_application(read_settings(_environment(local, places, written, files or {})))
    try:
        served.behind(application)
        subscription = local.subscribe(f"{served.address}/events")
        try:
            yield Story(local, application, served.address, places)
        finally:
            local.drain()
            local.world.deliveries.subscriptions.remove(subscription)
            subscription.close()
    finally:
        application.close()


def _environment(
    local: LocalAzureMl, places: Mapping[str, Place], written: str, files: Mapping[str, str]
) -> dict[str, str]:
    text = written or FILE.read_text(encoding="utf-8")
    for person in PEOPLE:
        text = text.replace(f"${{{person.upper()}}}", local.person(person).oid)
    file = local.ca.with_name("stageward.yaml")
    file.write_text(text, encoding="utf-8")
    for path, content in files.items():
        beside = file.parent / path
        beside.parent.mkdir(exist_ok=True)
        beside.write_text(content, encoding="utf-8")
    return {
        **local.environment(),
        "STAGEWARD_CONFIG": str(file),
        "STAGEWARD_LEDGER": ":memory:",
        "STAGEWARD_AUTH": "dev",
        **{alias.upper(): place.id for alias, place in places.items()},
    }
