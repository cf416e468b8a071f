"""`models:/iris@champion`, and MLflow's own stage, follow a promotion: `serve` before real MLflow."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import mlflow
import pytest

from stage_functions.domain.asset import Version
from tests.azurite import free_port
from tests.cli.test_serve import start, until, wait_for
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld


def keeping(text: str) -> str:
    """Return the configuration with an alias, MLflow's own stage, and Production without votes."""
    asked = text.replace("mirror_to: [tag]", 'mirror_to: [tag, mlflow_stage, "alias:champion"]')
    head, _, _ = asked.partition("        approval:\n")
    return f"{head}      - {{from: Production, to: Archived}}\n"


@contextmanager
def serving(folder: Path, server: str) -> Iterator[None]:
    """Run `stageward serve`, its registry imported and scanned, so that the next scan is far."""
    url = f"http://127.0.0.1:{free_port()}"
    settings = {"STAGEWARD_URL": url, "MLFLOW_TRACKING_URI": server}
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = start(folder, settings, output, edit=keeping)
        try:
            wait_for(process, url, log)
            for path in ("import", "scan"):
                asked = f"{url}/api/v1/registries/demo/{path}"
                headers = {"Authorization": "Bearer scientist-2"}
                answer = httpx.post(asked, json={}, headers=headers, timeout=60)
                assert answer.is_success, answer.text
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def people(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Those who work in the MLflow server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=30) as client:
        yield MlflowWorld(client, "demo")


def becomes(wanted: object, look: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while (found := look()) != wanted:
        assert time.monotonic() < end, found
        time.sleep(0.1)


def promote(people: MlflowWorld, name: str, run: str) -> Version:
    """Register a version and ask it into Production, as a pipeline does."""
    version = people.create(name, job=run)
    until(people, version, "stage", "None")
    for stage in ("Staging", "Production"):
        people.set_tag(version, "stage_request", f"{stage}: ready")
        until(people, version, "stage", stage)
    return version


@pytest.mark.filterwarnings("ignore:.*get_latest_versions:FutureWarning")
def test_a_stock_client_follows_a_promotion(
    tmp_path: Path, mlflow_server: MlflowServer, people: MlflowWorld
) -> None:
    """By alias and by stage; and what hands do to the alias is put back by MLflow's own event."""
    run = people.run(metrics={"accuracy": 0.9})
    name = tmp_path.name
    client = mlflow.MlflowClient(mlflow_server.address)

    def at_alias() -> object:
        return client.get_model_version_by_alias(name, "champion").version

    def in_production() -> object:
        return [one.version for one in client.get_latest_versions(name, ["Production"])]

    with serving(tmp_path, mlflow_server.address):
        first = promote(people, name, run)
        becomes({"champion": "1"}, lambda: people.aliases(first.asset))
        second = promote(people, name, run)
        becomes("2", at_alias)
        becomes(["2"], in_production)
        becomes("Archived", lambda: people.native_stage(first))
        client.set_registered_model_alias(name, "champion", "1")
        becomes("2", at_alias)
        client.delete_registered_model_alias(name, "champion")
        becomes({"champion": "2"}, lambda: people.aliases(first.asset))
        people.set_tag(second, "stage_request", "Archived: it is wrong")
        becomes({}, lambda: people.aliases(first.asset))
        client.set_registered_model_alias(name, "champion", "1")
        becomes({}, lambda: people.aliases(first.asset))
