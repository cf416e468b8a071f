"""A ledger that is lost and restored, or begun anew, over a real MLflow: it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.application.resolving import resolve
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.bootstrap import Application, open_application
from stage_functions.domain.asset import Version
from stage_functions.domain.people import Actor, Attribution
from stage_functions.settings import read_settings
from tests.cli.console import run
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld

NAME = f"restored-{uuid4().hex[:8]}"
"""Other tests use the same server: only this model is watched."""
FILE = f"""
version: 1
registries:
  - {{alias: demo, type: mlflow, address: "${{MLFLOW_TRACKING_URI}}", mode: enforce, watch: [models/{NAME}]}}
people: {{sam: {{name: Sam}}, eve: {{name: Eve}}}}
operators: [eve]
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    stages: {{None: {{initial: true}}, Staging: {{}}, Production: {{}}}}
    transitions: [{{from: None, to: Staging}}, {{from: Staging, to: Production}}]
"""
EVE = Actor("person:eve", Attribution.PROVEN, "cli")


@pytest.fixture
def server(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """The hand that others have in the server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=30) as client:
        yield MlflowWorld(client, "demo")


@pytest.fixture
def folder(tmp_path: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the configuration and the ledger are, which the environment names."""
    (tmp_path / "stageward.yaml").write_text(FILE)
    monkeypatch.setenv("STAGEWARD_CONFIG", str(tmp_path / "stageward.yaml"))
    monkeypatch.setenv("STAGEWARD_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.address)
    return tmp_path


@contextmanager
def running() -> Iterator[Application]:
    """Run what the environment names."""
    with closing(open_application(read_settings())) as application:
        yield application


def grant(application: Application, version: Version, target: str) -> None:
    """Let a version go to a stage."""
    actor = Actor("person:sam", Attribution.PROVEN, "api")
    operation = application.context.clock.operation_id()
    request_transition(
        application.context, TransitionRequest(version, target, "because", actor, operation)
    )


def try_all(application: Application, version: Version) -> None:
    """Do whatever could lead to a write."""
    for _ in range(2):
        application.scanner.scan("demo")
        follow(application.context, Signal(version))
        sweep(application.context)


def test_what_is_restored_or_begun_anew_writes_nothing_until_resolved(
    folder: Path, server: MlflowWorld
) -> None:
    """Then the ledger is right: what was granted after the backup is taken back."""
    with running() as first:
        states = first.context.states  # others may have registered something there
        states.update("demo", lambda state: replace(state, imported=True))
        version = server.create(NAME)
        follow(first.context, Signal(version))
        grant(first, version, "Staging")
        made = run("backup", str(folder / "it.backup"))
        grant(first, version, "Production")
    shown = server.tags(version)
    (folder / "ledger.db").rename(folder / "lost.db")
    with running() as begun_anew:
        try_all(begun_anew, version)
        anew = begun_anew.context.states.ungoverned("demo")
    untouched = server.tags(version)
    for one in folder.glob("ledger.db*"):
        one.unlink()
    done = run("restore", str(folder / "it.backup"))
    with running() as second:
        try_all(second, version)
        still, why = server.tags(version), second.context.states.ungoverned("demo")
        resolve(second.context, "demo", EVE)
        try_all(second, version)

    assert (0, 0) == (made.code, done.code)
    assert ("Production", shown, shown) == (shown["stage"], untouched, still)
    assert "stopped" in anew or "never imported" in anew
    assert "was restored from a backup of" in why
    assert "Staging" == server.tags(version)["stage"]
