"""`stageward serve`: the whole of Stageward in one process, before a real MLflow server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from stage_functions.domain.asset import Version
from tests.azurite import connection_string, free_port
from tests.cli.console import run
from tests.collector import collecting
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld
from tests.receiver import Receiver

CONFIGURATION = Path(__file__).parent.parent.parent / "stage_functions" / "demo" / "stageward.yaml"


@contextmanager
def serving(folder: Path, mlflow: str, **more: str) -> Iterator[str]:
    """Run `stageward serve` inside the block; the value is its URL. It must end with 0."""
    url = f"http://127.0.0.1:{free_port()}"
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = start(
            folder, {"STAGEWARD_URL": url, "MLFLOW_TRACKING_URI": mlflow, **more}, output
        )
    try:
        wait_for(process, url, log)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=30)
    assert code == 0, log.read_text()


def start(
    folder: Path,
    settings: Mapping[str, str],
    output: IO[bytes] | int,
    *options: str,
    edit: Callable[[str], str] = str,
) -> subprocess.Popen[bytes]:
    """Start it, over the models whose names begin as the folder's: others are other ledgers'.

    Args:
        folder: for its files.
        settings: of the environment.
        output: where it writes.
        options: of the command.
        edit: changes the configuration.
    """
    configuration = folder / "stageward.yaml"
    watched = CONFIGURATION.read_text().replace("models/*", f"models/{folder.name}*")
    configuration.write_text(edit(watched))
    environment = {
        "STAGEWARD_CONFIG": str(configuration),
        "STAGEWARD_LEDGER": str(folder / "ledger.db"),
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_WEBHOOK_SECRET": "between us",
        **settings,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "stage_functions", "serve", *options],
        env={**os.environ, **environment},  # noqa: TID251  # the program's environment is ours, and more
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until it answers."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            httpx.get(f"{url}/api/v1/openapi.json")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())


def until(world: MlflowWorld, version: Version, tag: str, wanted: str) -> None:
    """Wait until a tag says so."""
    end = time.monotonic() + 60
    while world.tags(version).get(tag, "") != wanted:
        assert time.monotonic() < end, world.tags(version)
        time.sleep(0.1)


@pytest.fixture
def people(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Those who work in the MLflow server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=30) as client:
        yield MlflowWorld(client, "demo")


@pytest.mark.parametrize("store", ["sqlite", "azurite"])
def test_a_tag_set_in_mlflow_is_answered_in_mlflow(
    tmp_path: Path,
    mlflow_server: MlflowServer,
    people: MlflowWorld,
    azurite: int,
    store: str,
) -> None:
    """By the webhook that Stageward made itself, over either ledger."""
    run = people.run(metrics={"accuracy": 0.9})
    tables = {"STAGEWARD_TABLES": connection_string(azurite)} if store == "azurite" else {}
    with serving(tmp_path, mlflow_server.address, **tables) as url:
        headers = {"Authorization": "Bearer scientist-2"}
        for path in ("import", "scan"):
            answer = httpx.post(
                f"{url}/api/v1/registries/demo/{path}", json={}, headers=headers, timeout=60
            )
            assert answer.is_success, answer.text
        version = people.create(tmp_path.name, job=run)
        until(people, version, "stage", "None")
        people.set_tag(version, "stage_request", "Staging: ready")
        until(people, version, "stage_status", "granted: None → Staging")

        assert people.tags(version)["stage"] == "Staging"


def test_the_way_from_mlflow_and_back_is_one_trace(
    tmp_path: Path, mlflow_server: MlflowServer, people: MlflowWorld
) -> None:
    """From the webhook over the rules to the tags, and further to whoever subscribes."""
    run = people.run(metrics={"accuracy": 0.9})
    with collecting() as collector, Receiver() as receiver:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "STAGEWARD_WEBHOOKS": receiver.url}
        with serving(tmp_path, mlflow_server.address, **more) as url:
            headers = {"Authorization": "Bearer scientist-2"}
            for path in ("import", "scan"):
                asked = f"{url}/api/v1/registries/demo/{path}"
                httpx.post(asked, json={}, headers=headers, timeout=60)
            version = people.create(tmp_path.name, job=run)
            until(people, version, "stage", "None")
            people.set_tag(version, "stage_request", "Staging: ready")
            until(people, version, "stage_status", "granted: None → Staging")
            granted = changed(receiver)
        told = {span.id: span for span in collector.spans}
        trace = str(granted["traceparent"])[3:35]

    way = [span for span in told.values() if span.trace == trace]
    (begun,) = (span for span in way if span.parent not in told)
    duties = {span.attributes.get("stageward.duty") for span in way} - {None}
    assert ("stageward.request", "/webhooks/mlflow") == (begun.name, begun.attributes["http.route"])
    assert {"reconcile", "catalog", "sink"} == duties
    assert "stageward.judge" in {span.name for span in way}
    assert ("granted",) in {
        (point.attributes["outcome"],)
        for point in collector.points
        if point.name == "stageward.decisions"
    }


def changed(receiver: Receiver) -> dict[str, object]:
    """Wait until a stage is published as changed; return the event."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for event in receiver.events:
            if event["type"] == "Stageward.StageChanged":
                return event
        time.sleep(0.1)
    pytest.fail("nothing was published")


def test_what_happened_while_it_was_down_is_found_by_the_scan(
    tmp_path: Path, mlflow_server: MlflowServer, people: MlflowWorld
) -> None:
    """It scans when it starts."""
    run = people.run(metrics={"accuracy": 0.9})
    with serving(tmp_path, mlflow_server.address) as url:
        headers = {"Authorization": "Bearer scientist-2"}
        httpx.post(f"{url}/api/v1/registries/demo/import", json={}, headers=headers, timeout=60)
    version = people.create(tmp_path.name, job=run)
    people.set_tag(version, "stage_request", "Staging: ready")

    with serving(tmp_path, mlflow_server.address):
        until(people, version, "stage", "Staging")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"STAGEWARD_AUTH": "ldap"}, "STAGEWARD_AUTH=ldap: it is one of dev, tokens, entra"),
        ({"STAGEWARD_AUTH": "entra"}, "believes a header that anybody could send"),
        ({"STAGEWARD_CONFIG": "nowhere.yaml"}, "STAGEWARD_CONFIG names the file"),
        ({"STAGEWARD_LEDGER": "pyproject.toml/ledger.db"}, "STAGEWARD_LEDGER: its folder cannot"),
        ({"STAGEWARD_WEBHOOKS": "nonsense"}, "STAGEWARD_WEBHOOKS: the address of webhook-1"),
        ({"STAGEWARD_TABLES": "nonsense"}, "STAGEWARD_TABLES: "),
    ],
)
def test_a_setting_that_cannot_be_used_ends_it_with_the_settings_name(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    """Exit 1 and one sentence, no traceback."""
    process = start(
        tmp_path,
        {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", **settings},
        subprocess.PIPE,
    )
    output = process.communicate(timeout=60)[0].decode()

    assert process.returncode == 1
    assert said in output
    assert "Traceback" not in output


def test_dev_sign_in_is_refused_on_an_address_that_others_reach(tmp_path: Path) -> None:
    """Whoever knows a name could else vote."""
    done = subprocess.run(
        [sys.executable, "-m", "stage_functions", "serve", "--host", "0.0.0.0"],
        env={**os.environ, "STAGEWARD_AUTH": "dev", "STAGEWARD_LEDGER": str(tmp_path / "l.db")},  # noqa: TID251  # likewise
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "answers only on this machine" in done.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("foo", "STAGEWARD_URL is no address: 'foo'; write http://host:port"),
        ("http://127.0.0.1:port", "STAGEWARD_URL is no address"),
        ("ftp://127.0.0.1:8321", "STAGEWARD_URL is no address"),
        ("http://0.0.0.0:8321", "others cannot reach it there; name the host they use"),
        ("http://[::]:8321", "listen everywhere with --host ::"),
        ("taken", "Address already in use; choose with --host and --port"),
    ],
)
def test_an_address_where_it_cannot_listen_is_named_before_anything_is_done(
    tmp_path: Path, url: str, said: str
) -> None:
    """With the setting or the option that changes it; not even the ledger is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if url == "taken":
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        process = start(tmp_path, {"STAGEWARD_URL": url}, subprocess.PIPE)
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said in " ".join(output.decode().split())
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(
    ("options", "url", "leads_to"),
    [
        ([], "", "http://127.0.0.1:{port}"),
        (["--host", "0.0.0.0"], "", "http://127.0.0.1:{port}"),
        ([], "http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_the_webhook_leads_to_where_it_listens_unless_the_environment_says_where(
    tmp_path: Path, mlflow_server: MlflowServer, options: list[str], url: str, leads_to: str
) -> None:
    """A proxy may stand before it; where others have to reach it, they are told the setting."""
    port, log = free_port(), tmp_path / "serve.log"
    settings = {
        "MLFLOW_TRACKING_URI": mlflow_server.address,
        "STAGEWARD_URL": url,
        "STAGEWARD_AUTH": "tokens",
    }
    wanted = f"{leads_to.format(port=port)}/webhooks/mlflow?registry=demo"
    with log.open("wb") as output:
        process = start(tmp_path, settings, output, "--port", str(port), *options)
        try:
            wait_for(process, f"http://127.0.0.1:{port}", log)
            end = time.monotonic() + 60
            while wanted not in webhooks(mlflow_server) and time.monotonic() < end:
                time.sleep(0.1)
            found = webhooks(mlflow_server)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)

    assert wanted in found
    assert bool(options) == ("STAGEWARD_URL is not set, so links" in log.read_text())


def webhooks(server: MlflowServer) -> list[str]:
    """Return where the webhooks of an MLflow server lead."""
    answer = httpx.get(
        f"{server.address}/api/2.0/mlflow/webhooks", params={"max_results": 1000}, timeout=30
    )
    return [hook["url"] for hook in answer.json().get("webhooks", [])]


def test_the_help_says_which_port_it_is() -> None:
    """And which option decides over the setting."""
    said = " ".join(run("serve", "--help").out.replace("│", " ").split())

    assert "else that of STAGEWARD_URL, or 8321." in said
    assert "default: 0" not in said


AZUREML = """
version: 1
registries:
  - alias: dev
    type: azureml
    address: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/dev
people: {officer: {name: Olga Officer, ids: ["oid:11111111-2222-3333-4444-555555555555"]}}
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    stages: {None: {initial: true}, Staging: {}}
    transitions: [{from: None, to: Staging}]
"""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "Azure ML (dev): Event Grid delivers to https addresses only, so not to http://"),
        (
            "https://stageward.example.org",
            "Azure ML (dev): Event Grid tells of changes, where "
            "https://stageward.example.org/events is subscribed",
        ),
    ],
)
def test_with_azure_ml_alone_it_tells_of_event_grid_and_not_of_mlflow(
    tmp_path: Path, url: str, said: str
) -> None:
    """And that nothing signs in, in one line."""
    here = f"http://127.0.0.1:{free_port()}"
    configuration, log = tmp_path / "azureml.yaml", tmp_path / "serve.log"
    configuration.write_text(AZUREML)
    settings = {
        "STAGEWARD_CONFIG": str(configuration),
        "STAGEWARD_URL": url or here,
        "STAGEWARD_WEBHOOK_SECRET": "",
        "STAGEWARD_ARM_ENDPOINT": "https://127.0.0.1:1",
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
    }
    with log.open("wb") as output:
        command = ["--port", here.rpartition(":")[2]]
        process = start(tmp_path, settings, output, *command)
        wait_for(process, here, log)
        end = time.monotonic() + 60
        while "cannot sign in" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    text = log.read_text()

    assert said in text
    assert "what no event tells of, the scan finds, every 60 s" in text
    assert "Stageward cannot sign in to Azure" in text
    assert ("MLflow" in text, "azure.identity" in text) == (False, False)
