"""A frozen stage on a real MLflow server, and on a local Azure ML: what is edited is put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.ports.registry import Registry
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.record import Json
from tests.application.frozen_world import freezing
from tests.azureml import running
from tests.azureml_world import AzureMlWorld, opened
from tests.builders import actor, context_over
from tests.fakes.clock import FakeClock
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld


class Hand(Protocol):
    """What somebody else does in a registry."""

    def create(
        self, name: str, *, tags: dict[str, str] | None = None, description: str = ""
    ) -> Version:
        """Register the next version of an asset."""
        ...

    def set_tag(self, version: Version, key: str, value: str) -> None:
        """Set a tag."""
        ...

    def tags(self, version: Version) -> dict[str, str]:
        """Return all tags."""
        ...

    def describe(self, version: Version, text: str) -> None:
        """Edit the description."""
        ...


class MlflowHand(MlflowWorld):
    """The same on an MLflow server."""

    def describe(self, version: Version, text: str) -> None:
        """Edit the description."""
        named = {"name": version.asset.name, "version": version.number}
        self._send("PATCH", "model-versions/update", {**named, "description": text})


class AzureMlHand(AzureMlWorld):
    """The same in a workspace of Azure ML."""

    def describe(self, version: Version, text: str) -> None:
        """Edit the description."""
        self.write(version, description=text)


@contextmanager
def on_mlflow(server: MlflowServer) -> Iterator[tuple[Registry, Hand, str]]:
    """Open an MLflow server."""
    registry = MlflowRegistry("demo", server.address, timeout_seconds=60)
    with closing(registry), httpx.Client(base_url=server.address, timeout=60) as client:
        yield registry, MlflowHand(client, "demo"), ""


@contextmanager
def on_azureml() -> Iterator[tuple[Registry, Hand, str]]:
    """Open a workspace of a local Azure ML."""
    with running() as local, local.in_environment():
        place = local.workspace("dev")
        with closing(opened(local, place, alias="demo")) as registry:
            yield registry, AzureMlHand(local, place, place, alias="demo"), place.id


def ask(context: Context, version: Version, *stages: str) -> None:
    """Ask for stage after stage."""
    for stage in stages:
        operation = context.clock.operation_id()
        request_transition(
            context, TransitionRequest(version, stage, "because", actor("sam"), operation)
        )


def found(context: Context, version: Version) -> list[Json]:
    """Return what the records of edits name."""
    records = query.all_records(context, version.asset)
    return [one.content["changes"] for one in records if one.blocks]


@pytest.mark.parametrize("kind", ["mlflow", "azureml"])
def test_what_is_edited_is_put_back(kind: str, request: pytest.FixtureRequest) -> None:
    """Tags and description are as they were, and whatever else Stageward writes is no edit."""
    way = on_azureml() if kind == "azureml" else on_mlflow(request.getfixturevalue("mlflow_server"))
    with closing(SQLiteRows(":memory:")) as rows, way as (registry, people, workspace):
        context = context_over(
            rows, registry, FakeClock(), Mode.ENFORCE, workspace=workspace, governed_by=freezing()
        )
        context.states.update("demo", lambda state: replace(state, imported=True))
        version = people.create(f"frozen-{kind}", tags={"owner": "ada"}, description="a classifier")
        follow(context, Signal(version))
        ask(context, version, "Staging", "Production")
        calm = follow(context, Signal(version))
        people.set_tag(version, "owner", "eve")
        people.set_tag(version, "note", "mine")
        people.describe(version, "the best")
        follow(context, Signal(version))
        after = registry.read(version)
        settled = follow(context, Signal(version))
        tags, edits = people.tags(version), found(context, version)

    expected = [
        "+ tag note: mine",
        "~ tag owner: ada → eve",
        "~ description: a classifier → the best",
    ]
    assert (calm, settled) == (False, False)
    assert [expected] == edits
    assert after is not None
    assert after.description == "a classifier"
    assert {"owner": "ada"} == {k: v for k, v in tags.items() if not k.startswith("stage")}
