"""The Functions app with telemetry on, in Microsoft's own worker library: the host's trace goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.azurite import connection_string
from tests.collector import Collector
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld
from tests.triggers.worker import ROOT, Worker, running_worker
from tests.wire.configuration_file import edited
from tests.wire.samples import MODEL_REGISTERED

pytest.importorskip(
    "azure_functions_runtime", reason="Microsoft's worker library needs Python 3.13"
)

NAME = f"telemetry-{uuid4().hex[:8]}"
"""Other tests use the same server: only this model is watched."""


@pytest.fixture
def worker(
    deployed: Path,
    azurite: int,
    mlflow_server: MlflowServer,
    collector: Collector,
    tmp_path: Path,
) -> Iterator[Worker]:
    """Run a worker on what is deployed, which sends telemetry to both."""
    configuration = tmp_path / "stageward.yaml"
    configuration.write_text(edited('["models/*"]', f'["models/{NAME}"]'), "utf-8")
    settings = {
        "STAGEWARD_CONFIG": str(configuration),
        "STAGEWARD_TABLES": connection_string(azurite),
        "MLFLOW_TRACKING_URI": mlflow_server.address,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": collector.connection_string,
    }
    with running_worker(deployed, tmp_path / "log", settings) as running:
        yield running


def invocation(number: int) -> str:
    """Return the trace context of an invocation, as the host says it; it has not sampled it."""
    return f"00-{number:032x}-{number:016x}-00"


def test_each_invocation_goes_on_the_trace_of_the_host(
    worker: Worker, collector: Collector, mlflow_server: MlflowServer
) -> None:
    """The host reports the request; Stageward what happens within it, sent before it returns."""
    with httpx.Client(base_url=mlflow_server.address) as client:
        MlflowWorld(client, "demo").create(NAME)

    assert "" == worker.event(MODEL_REGISTERED, invocation(1))
    told = {span.trace for span in collector.named("stageward.delivery")}
    assert "" == worker.timer("scan", invocation(2))
    assert "" == worker.timer("sweep", invocation(3))
    answer = worker.request("GET", "/sign-in", traceparent=invocation(4))
    worker.process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
    worker.process.wait(30)

    begun = {span.name: span for span in collector.spans if len(span.parent.strip("0")) == 1}
    assert {invocation(1)[3:35]} == told, "sent when the invocation returned"
    assert 200 == answer.status
    assert {
        "stageward.delivery": invocation(1)[3:35],
        "stageward.scan": invocation(2)[3:35],
        "stageward.sweep": invocation(3)[3:35],
        "stageward.request": invocation(4)[3:35],
    } == {name: span.trace for name, span in begun.items()}
    assert {"INTERNAL"} == {span.kind for span in begun.values()}
    kinds = {one["data"]["baseType"] for one in collector.envelopes}
    assert {"MetricData", "RemoteDependencyData"} == kinds, "no request is reported twice"


def test_the_host_reports_by_opentelemetry_too() -> None:
    """So that its requests have the traces that Stageward goes on, wherever they are sent."""
    host = json.loads((ROOT / "host.json").read_text("utf-8"))

    assert "OpenTelemetry" == host["telemetryMode"]
