"""`stageward serve` with a receiver elsewhere: from a registration in MLflow to a signed event."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from tests.asyncapi import parsed
from tests.cli.test_serve import serving, until
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld
from tests.receiver import Receiver
from tests.test_signed_webhooks import ONE, TWO
from tests.workflows.test_documents import COMMANDS_OF_PAGE


@pytest.fixture
def people(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Those who work in the MLflow server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=30) as client:
        yield MlflowWorld(client, "demo")


def test_what_happens_in_mlflow_arrives_signed_at_each_receiver(
    tmp_path: Path, mlflow_server: MlflowServer, people: MlflowWorld
) -> None:
    """With the secret of its own; and what arrives is described where the page says."""
    with (
        Receiver() as first,
        Receiver() as second,
        serving(
            tmp_path,
            mlflow_server.address,
            STAGEWARD_WEBHOOKS=f"{first.url} {second.url}",
            STAGEWARD_WEBHOOKS_SECRET=ONE,
            STAGEWARD_WEBHOOKS_SECRET_2=TWO,
        ) as url,
    ):
        headers = {"Authorization": "Bearer scientist-2"}
        httpx.post(f"{url}/api/v1/registries/demo/import", json={}, headers=headers, timeout=60)
        version = people.create(tmp_path.name, job=people.run(metrics={"accuracy": 0.9}))
        httpx.post(f"{url}/api/v1/registries/demo/scan", headers=headers, timeout=60)
        people.set_tag(version, "stage_request", "Staging: ready")
        until(people, version, "stage", "Staging")
        types = [f"Stageward.{one}" for one in ("LifecycleAdopted", "Registered", "StageChanged")]
        end = time.monotonic() + 60
        while time.monotonic() < end and not (len(first.events) == len(second.events) == 3):
            time.sleep(0.1)
        for command in COMMANDS_OF_PAGE:
            environment = {"STAGEWARD_URL": url, "PATH": "/usr/bin:/bin"}
            subprocess.run(["bash", "-ec", command], cwd=tmp_path, env=environment, check=True)

    for receiver, secret in ((first, ONE), (second, TWO)):
        taken = [Webhook(secret).verify(one.body, dict(one.headers)) for one in receiver.requests]
        assert types == [one["type"] for one in taken]
        assert taken == receiver.events
    described, schema = (
        json.loads((tmp_path / name).read_text("utf-8"))
        for name in ("asyncapi.json", "StageChanged.schema.json")
    )
    assert [] == parsed(described)[0]
    assert "urn:stageward:StageChanged:1" == schema["$id"]
