"""`stageward serve` of the previous release and of this one, side by side before a real MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from stage_functions.domain.asset import Version
from tests.azurite import free_port
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld
from tests.rolling.previous import ROOT, previous

__all__ = ["previous"]

CONFIGURATION = ROOT / "stage_functions" / "demo" / "stageward.yaml"


class Served:
    """One `stageward serve` of a release."""

    def __init__(self, tree: Path, folder: Path, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = folder / f"serve-{tree.name}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stage_functions", "serve"],
                cwd=tree,
                env={
                    **os.environ,  # noqa: TID251  # the program's environment is ours, and more
                    **environment,
                    "PYTHONPATH": str(tree),
                    "STAGEWARD_URL": self.url,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            try:
                httpx.get(f"{self.url}/api/v1/openapi.json")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        pytest.fail(self._log.read_text())

    def call(self, who: str, path: str, body: object = None, *, expected: int = 200) -> Any:  # noqa: ANN401  # as JSON is
        """Ask something of its API, as somebody."""
        headers = {"Authorization": f"Bearer {who}"}
        url = f"{self.url}/api/v1/{path}"
        if body is None:
            answer = httpx.get(url, headers=headers, timeout=60)
        else:
            answer = httpx.post(url, json=body, headers=headers, timeout=60)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def kill(self) -> None:
        """Kill it, wherever it is."""
        self.process.kill()
        self.process.wait(30)


@pytest.fixture
def environment(tmp_path: Path, mlflow_server: MlflowServer) -> dict[str, str]:
    """What both are told."""
    configuration = tmp_path / "stageward.yaml"
    text = CONFIGURATION.read_text().replace("models/*", f"models/{tmp_path.name}*")
    configuration.write_text(text)
    return {
        "STAGEWARD_CONFIG": str(configuration),
        "STAGEWARD_LEDGER": str(tmp_path / "ledger.db"),
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_WEBHOOK_SECRET": "between us",
        "MLFLOW_TRACKING_URI": mlflow_server.address,
    }


@pytest.fixture
def people(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Those who work in the MLflow server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=30) as client:
        yield MlflowWorld(client, "demo")


def test_an_update_rolls_through_while_people_work(
    previous: Path, tmp_path: Path, environment: dict[str, str], people: MlflowWorld
) -> None:
    """Asked at the old one, approved at the new one, seen at both; the old one is killed then."""
    with ExitStack() as stack:
        old = Served(previous, tmp_path, environment)
        stack.callback(old.kill)
        old.wait()
        old.call("scientist-2", "registries/demo/import", {})
        new = Served(ROOT, tmp_path, environment)
        stack.callback(new.kill)
        new.wait()
        run = people.run(metrics={"accuracy": 0.97})
        version = people.create(tmp_path.name, job=run)
        until(people, version, "stage", "None")
        path = f"assets/{version.asset}"
        to = f"{path}/versions/1/transitions"
        old.call("scientist-1", to, {"to": "Staging", "reason": "ready"})
        asked = new.call("scientist-1", to, {"to": "Production", "reason": "go"}, expected=202)
        approval = f"approvals/{asked['approval']}"
        for voter, at in (("officer-1", old), ("officer-2", new)):
            brief = at.call(voter, approval)
            ballot = {"decision": "approve", "comment": "", "fingerprint": brief["fingerprint"]}
            at.call(voter, f"{approval}/votes", ballot)
        until(people, version, "stage", "Production")
        seen = [one.call("officer-1", f"{path}/history") for one in (old, new)]
        migrated = subprocess.run(
            [sys.executable, "-m", "stage_functions", "migrate", "--json"],
            env={**os.environ, **environment},  # noqa: TID251  # the program's, and more
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        old.kill()
        after = new.call("officer-1", f"{path}/history")
        versions = new.call("officer-1", path)["versions"]

    assert seen[0] == seen[1] == after
    assert migrated.returncode == 0, migrated.stderr
    assert [one["stage"] for one in versions] == ["Production"]


def until(world: MlflowWorld, version: Version, tag: str, wanted: str) -> None:
    """Wait until a tag says so."""
    end = time.monotonic() + 60
    while world.tags(version).get(tag, "") != wanted:
        assert time.monotonic() < end, world.tags(version)
        time.sleep(0.1)
