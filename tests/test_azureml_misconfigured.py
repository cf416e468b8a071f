"""Azure ML that cannot be used as the file and the environment say: what Stageward tells of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.arrival_world import FILE
from tests.azureml import LocalAzureMl, running
from tests.azurite import free_port

_STARTED_WITHIN_SECONDS = 60
_OF_IDENTITY = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")
NO_IDENTITY = (
    "Azure ML workspace dev: Stageward cannot sign in to Azure: DefaultAzureCredential failed to "
    "retrieve a token from the included credentials. In Azure, give it a managed identity"
)
NO_RIGHT = (
    "To allow it, give the identity that Stageward runs as a role that allows it: AzureML Data "
    "Scientist on the workspace"
)


@dataclass(frozen=True, slots=True)
class Served:
    """A Stageward that runs in a process of its own, and a terminal before it.

    Attributes:
        url: where it answers.
        environment: of both.
        folder: where its log is.
    """

    url: str
    environment: Mapping[str, str]
    folder: Path

    def run(self, *arguments: str) -> str:
        """Run a command; return what it said, in one line."""
        done = subprocess.run(
            [sys.executable, "-m", "stage_functions", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return " ".join(f"{done.stdout} {done.stderr}".split())

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "log").read_text()


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML."""
    with running() as local:
        yield local


@contextmanager
def served(folder: Path, address: str, environment: Mapping[str, str]) -> Iterator[Served]:
    """Run `stageward serve` inside the block."""
    file, url = folder / "stageward.yaml", f"http://127.0.0.1:{free_port()}"
    file.write_text(FILE.format(address=address, mode="enforce"), "utf-8")
    known = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "COLUMNS": "2000",
        "STAGEWARD_CONFIG": str(file),
        "STAGEWARD_LEDGER": str(folder / "ledger.db"),
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_URL": url,
        "STAGEWARD_TOKEN": "olga",
        **environment,
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "stage_functions", "serve"],
            env=known,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Served(url, known, folder)
        finally:
            process.terminate()


def health(stageward: Served) -> str:
    """Return all that /healthz says, as soon as it says that the registry cannot be read."""
    end = time.monotonic() + _STARTED_WITHIN_SECONDS
    while time.monotonic() < end:
        try:
            answer = httpx.get(f"{stageward.url}/healthz", timeout=10)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.json()["parts"]["registry dev"] == "unreadable":  # before that, not-imported
            assert 200 == answer.status_code  # a balancer would take the pages away too
            return answer.text
        time.sleep(0.1)
    raise AssertionError(stageward.log)


@pytest.mark.parametrize("case", ["no identity", "no right", "no workspace", "wrong address"])
def test_what_is_wrong_is_said_in_one_line(local: LocalAzureMl, tmp_path: Path, case: str) -> None:
    """Everywhere the same, with what to do about it; Stageward runs on, and no traceback is shown."""
    address, environment = local.workspace("dev").id, local.environment()
    says = {
        "no identity": NO_IDENTITY,
        "no right": NO_RIGHT,
        "no workspace": "Azure ML workspace deev is not there, look at its address in the file",
        "wrong address": "Is STAGEWARD_ARM_ENDPOINT right?",
    }[case]
    match case:
        case "no identity":
            environment = {k: v for k, v in environment.items() if k not in _OF_IDENTITY}
        case "no right":
            local.forbid(local.governor)
        case "no workspace":
            address = address.replace("/dev", "/deev")
        case _:
            environment["STAGEWARD_ARM_ENDPOINT"] = f"https://127.0.0.1:{free_port()}"
    try:
        with served(tmp_path, address, environment) as stageward:
            open_to_all = health(stageward)
            told = {
                "registries": stageward.run("registries"),
                "log": stageward.log,
            }
            valid = stageward.run("lifecycle", "validate")
    finally:
        local.heal()

    for where, text in told.items():
        assert says in text, (where, text)
    assert (
        '{"ready":true,"parts":{"ledger":"","outbox":"","registry dev":"unreadable"}}'
        == open_to_all
    )
    assert "Traceback" not in told["log"]
    assert "Attempted credentials" not in told["log"]
    assert "MLflow" not in told["log"]
    assert valid.startswith("The file is sound")


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("STAGEWARD_ARM_ENDPOINT", "management.azure.com", "it is no https address, such as"),
        ("STAGEWARD_ARM_ENDPOINT", "http://127.0.0.1:1", "it is no https address, such as"),
    ],
)
def test_a_setting_that_is_none_ends_the_start(
    local: LocalAzureMl, tmp_path: Path, setting: str, value: str, says: str
) -> None:
    """In one line, which names it."""
    environment = {**local.environment(), setting: value}
    with served(tmp_path, local.workspace("dev").id, environment) as stageward:
        end = time.monotonic() + _STARTED_WITHIN_SECONDS
        while says not in stageward.log:
            assert time.monotonic() < end, stageward.log
            time.sleep(0.1)
        log = stageward.log

    assert log.startswith(f"{setting}: {says}")
    assert 1 == len(log.strip().split("\n"))
