"""A live Stageward before a real MLflow server, and a runner that reaches it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from stage_functions.client import Client
from stage_functions.domain.asset import Version
from tests.azurite import free_port
from tests.mlflow_world import MlflowWorld
from tests.pipelines.actions_runner import ACTION, ROOT, Runner

SHA = "8d3c0f6a1b2e4d5c8d3c0f6a1b2e4d5c8d3c0f6a"
CONFIGURATION = """\
version: 1
registries:
  - {alias: demo, type: mlflow, address: "${MLFLOW_TRACKING_URI}", mode: enforce, watch: ["models/*"]}
people:
  pipeline: {name: Pipeline that asks, ids: ["app:3f1c0d4e-0000-4000-8000-000000000001"]}
  deployer: {name: Pipeline that deploys, ids: ["app:3f1c0d4e-0000-4000-8000-000000000002"]}
  mona: {name: Mona, ids: ["github:mona"]}
  olaf: {name: Olaf, ids: ["github:olaf"]}
  paul: {name: Paul, ids: ["upn:paul@example.org"]}
groups:
  pipelines: [pipeline]
  model-risk: [mona, olaf, paul]
operators: [mona]
lifecycles:
  - name: careful
    applies_to: ["demo/models/careful"]
    stages:
      None: {initial: true, deletable: true}
      Staging: {deployable_to: ["demo/iris-test"]}
      Production: {exclusive: true, displaced_to: Archived, deployable_to: ["demo/iris"]}
      Archived: {terminal: true, deletable: true, hidden: true}
    transitions:
      - {from: None, to: Staging, requesters: [pipelines], approval: {quorum: 1, groups: {model-risk: 1}, exclude: [requester, author], expires: 7d}}
      - {from: Staging, to: Production, requesters: [pipelines], approval: {quorum: 1, groups: {model-risk: 1}, exclude: [requester, author], expires: 7d}}
  - name: default
    applies_to: ["*/*/*"]
    stages:
      None: {initial: true, deletable: true}
      Staging: {deployable_to: ["demo/iris-test"]}
      Production: {exclusive: true, displaced_to: Archived, deployable_to: ["demo/iris"]}
      Archived: {terminal: true, deletable: true, hidden: true}
    rules:
      described: {cel: "version.name != 'forbidden'", says: it is not the forbidden one}
    transitions:
      - {from: None, to: Staging, requesters: [pipelines], rules: [described]}
      - from: Staging
        to: Production
        requesters: [pipelines]
        approval: {quorum: 1, groups: {model-risk: 1}, exclude: [requester, author], expires: 7d}
"""


class Live(NamedTuple):
    """What runs.

    Attributes:
        url: Stageward's.
        mlflow: the address of the MLflow server.
        people: who work in MLflow.
    """

    url: str
    mlflow: str
    people: MlflowWorld

    def client(self, who: str) -> Client:
        """Return Stageward's client, signed in as somebody."""
        return Client(self.url, who)

    def operate(self, what: str) -> None:
        """Do what operators may do to the registry."""
        path = f"{self.url}/api/v1/registries/demo/{what}"
        headers = {"Authorization": "Bearer mona"}
        httpx.post(path, json={}, headers=headers, timeout=60).raise_for_status()

    def until(self, version: Version, tag: str) -> str:
        """Scan, and wait until a tag is there; return its value."""
        self.operate("scan")
        end = time.monotonic() + 60
        while tag not in self.people.tags(version):
            assert time.monotonic() < end, self.people.tags(version)
            time.sleep(0.1)
        return self.people.tags(version)[tag]

    def vote(self, who: str, approval: str, decision: str = "approve") -> None:
        """Vote on an approval as it is."""
        with self.client(who) as stageward:
            brief = stageward.approval(approval)
            stageward.vote(
                approval,
                "approve" if decision == "approve" else "reject",
                comment="seen",
                fingerprint=brief.fingerprint,
            )


@contextmanager
def living(folder: Path, mlflow: str) -> Iterator[Live]:
    """Run `stageward serve` inside the block."""
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "stageward.yaml").write_text(CONFIGURATION)
    environment = {
        **os.environ,  # noqa: TID251  # the program's environment is ours, and more
        "STAGEWARD_CONFIG": str(folder / "stageward.yaml"),
        "STAGEWARD_LEDGER": str(folder / "ledger.db"),
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_URL": url,
        "STAGEWARD_WEBHOOK_SECRET": "between us",
        "MLFLOW_TRACKING_URI": mlflow,
    }
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "stage_functions", "serve"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, url, folder / "serve.log")
        with httpx.Client(base_url=mlflow, timeout=30) as client:
            made = Live(url, mlflow, MlflowWorld(client, "demo"))
            made.operate("import")
            yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            httpx.get(f"{url}/api/v1/openapi.json")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())


class Desk(NamedTuple):
    """A runner's machine.

    Attributes:
        folder: its own files.
        checkout: the repository of the example.
        live: what it reaches.
    """

    folder: Path
    checkout: Path
    live: Live

    def runner(
        self, event: dict[str, Any] | None = None, actor: str = "octocat", **variables: str
    ) -> Runner:
        """Return a runner for one run of a workflow; variables may have other values for it."""
        github = {"actor": actor, "sha": SHA, "repository": "org/iris", "event": event or {}}
        contexts = {
            "github": github,
            "vars": {**self.variables, **variables},
            "secrets": {"STAGEWARD_TOKEN": "pipeline"},
        }
        return Runner(self.folder, self.checkout, contexts)

    @property
    def variables(self) -> dict[str, str]:
        """What the repository's variables are set to: identities are persons of the test."""
        return {
            "AZURE_TRAINING_CLIENT_ID": "trainer",
            "AZURE_STAGEWARD_CLIENT_ID": "pipeline",
            "AZURE_DEPLOYMENT_CLIENT_ID": "deployer",
            "AZURE_TENANT_ID": "tenant",
            "AZURE_SUBSCRIPTION_ID": "subscription",
            "AZUREML_WORKSPACE_NAME": "dev",
            "AZUREML_RESOURCE_GROUP": "ml",
            "STAGEWARD_URL": self.live.url,
            "STAGEWARD_AUDIENCE": "api://3f1c0d4e-0000-4000-8000-000000000000",
            "STAGEWARD_REGISTRY": "demo",
            "ENDPOINT": "iris",
        }

    def calls(self, *words: str) -> list[list[str]]:
        """Return what `az` was asked that begins so."""
        file = self.folder / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        asked: list[list[str]] = [json.loads(line) for line in lines]
        return [one for one in asked if tuple(one[: len(words)]) == words]


def desk(folder: Path, live: Live) -> Desk:
    """Return a machine on which `az` is the stand-in, and Stageward is installed already.

    `install.sh` is really run, and finds that this checkout is installed: pip is not run.
    """
    checkout = machine(folder)
    installed = folder / "stageward"
    (installed / "bin").mkdir(parents=True)
    (installed / "installed").write_text(str(ACTION.parent))
    python = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"'
    _program(installed / "bin" / "python", python)
    (folder / "mlflow").write_text(live.mlflow)
    return Desk(folder, checkout, live)


def machine(folder: Path) -> Path:
    """Let `az` be the stand-in, with an endpoint that serves nothing; return a copy of the example."""
    bin_ = folder / "bin"
    bin_.mkdir()
    stand_in = Path(__file__).parent / "az_stand_in.py"
    _program(bin_ / "az", f'exec "{sys.executable}" -S -E "{stand_in}" "$@"')
    (folder / "endpoint.json").write_text('{"traffic": {}, "deployments": {}}')
    checkout = folder / "checkout"
    shutil.copytree(ROOT / "examples" / "iris", checkout)
    return checkout


def _program(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)
