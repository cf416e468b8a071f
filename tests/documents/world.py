"""The world that a document's commands run in: MLflow, Stageward, versions, a folder, people."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from stage_functions.client import Client
from tests.azurite import free_port
from tests.documents.reading import ROOT
from tests.documents.tables import Setting
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld

MODEL = "iris"
SECONDS = 300
SAID = "said.txt"
"""The file in its folder where all stands that a program has said so far."""
_COPIED = ("action", "docs", "examples", "infra")
_LINKED = ("benchmarks", "scripts", "stage_functions", "tests", "Makefile", "pyproject.toml")
_NOT_OURS = ("STAGEWARD_", "MLFLOW_", "AZURE", "OTEL_", "APPLICATIONINSIGHTS_")


@dataclass(frozen=True, slots=True)
class World:
    """What runs, and where.

    Attributes:
        folder: where commands run.
        environment: of theirs.
        approval: id of the approval that is open.
        port: free, for an MLflow server that a document starts.
    """

    folder: Path
    environment: Mapping[str, str]
    approval: str
    port: int

    def within(self, folder: Path, setting: Setting) -> World:
        """Return it with another folder for commands: its ledger is there too, files of others not."""
        lay_out(folder, setting)
        for name in (".stageward", "anchors"):
            (folder / name).symlink_to(self.folder / name)
        return replace(self, folder=folder, environment={**self.environment, "FOLDER": str(folder)})

    def substitutes(self) -> dict[str, str]:
        """Return what documents write as an example, and what stands for it here."""
        return {
            "7f3k9m2x": self.approval,
            "http://127.0.0.1:5000": f"http://127.0.0.1:{self.port}",
            "--port 5000": f"--port {self.port}",
            "http://127.0.0.1:8321": self.environment["STAGEWARD_URL"],
        }

    def run(self, program: Path) -> str:
        """Run a program of bash; end all that it has started, and fail where it fails."""
        log = self.folder / SAID
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", str(program)],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            code = process.wait(timeout=SECONDS)
        finally:
            _end(process)
        said = log.read_text("utf-8", errors="replace")
        if code:
            pytest.fail(said[-6000:], pytrace=False)
        return said


class Worlds:
    """The worlds of a module's documents, one after another over one MLflow server.

    Documents that only read share one; any other has its own. The one before ends when the next is
    asked for, since nothing of it may be left in MLflow.
    """

    def __init__(self, folder: Path, mlflow: MlflowServer) -> None:
        self._folder = folder
        self._mlflow = mlflow
        self._open = ExitStack()
        self._now: World | None = None
        self._shared = False
        self._opened = 0

    def of(self, setting: Setting) -> World:
        """Return a world for the commands of a document."""
        if self._now is None or not (self._shared and setting.reads):
            self.close()
            self._opened += 1
            folder = self._folder / str(self._opened)
            folder.mkdir()
            self._now = self._open.enter_context(opened(folder, self._mlflow, setting))
            self._shared = setting.reads
        return self._now

    def close(self) -> None:
        """End the one that is open."""
        self._now = None
        self._open.close()


def beginning(folder: Path, setting: Setting, own: Mapping[str, str] | None = None) -> World:
    """Return a terminal in a folder of the project.

    Args:
        folder: where.
        setting: what the document needs.
        own: variables of this terminal alone.
    """
    lay_out(folder, setting)
    url = f"http://127.0.0.1:{free_port()}"
    environment = {**environment_of(folder), "STAGEWARD_URL": url, **(own or {})}
    return World(folder, environment, "", free_port())


@contextmanager
def opened(folder: Path, mlflow: MlflowServer, setting: Setting) -> Iterator[World]:
    """Let Stageward run before an MLflow server that has nothing but what a document names."""
    _empty(mlflow.address)
    lay_out(folder, setting)
    url = f"http://127.0.0.1:{free_port()}"
    environment = environment_of(folder) | {
        "MLFLOW_TRACKING_URI": mlflow.address,
        "STAGEWARD_ANCHORS": "anchors",
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_TOKEN": setting.person,
        "STAGEWARD_URL": url,
        "STAGEWARD_WEBHOOK_SECRET": "between us",
        **dict(setting.environment),
    }
    log = folder / "stageward.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "stage_functions", "serve"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        answers(f"{url}/api/v1/openapi.json", process, log)
        approval = _prepare(mlflow.address, url, setting)
        yield World(folder, environment, approval, free_port())
    finally:
        _end(process)


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment of a terminal in a folder, where no registry is named yet."""
    own = dict(os.environ)  # noqa: TID251  # what runs needs PATH and its like
    kept = {name: value for name, value in own.items() if not name.startswith(_NOT_OURS)}
    programs = Path(sys.executable).parent
    paths = [str(ROOT), *filter(None, [own.get("PYTHONPATH", "")])]
    return kept | {
        "COLUMNS": "200",
        "FOLDER": str(folder),
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PATH": f"{programs}{os.pathsep}{own['PATH']}",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "ignore",
    }


def answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something answers at an address."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(httpx.TransportError):
            httpx.get(url)
            return
        time.sleep(0.1)
    pytest.fail(log.read_text("utf-8", errors="replace")[-4000:], pytrace=False)


def lay_out(folder: Path, setting: Setting) -> None:
    """Put into a folder what the project has; what commands write goes there, and nowhere else."""
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    for path in (ROOT / "stageward.azure.yaml", ROOT / "azure.yaml", ROOT / "README.md"):
        shutil.copy(path, folder)
    text = (ROOT / "stageward.yaml").read_text("utf-8")
    mode = "enforce" if setting.enforces else "observe"
    edits = (("mode: observe ", f"mode: {mode} "), ("alias: demo", f"alias: {setting.alias}"))
    for old, new in (*edits, *setting.edits):
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "stageward.yaml").write_text(text, "utf-8")


def _empty(address: str) -> None:
    """Delete what another document has left in the MLflow server."""
    with httpx.Client(base_url=f"{address}/api/2.0/mlflow", timeout=60) as client:
        found = client.get("registered-models/search").raise_for_status().json()
        for model in found.get("registered_models", []):
            _delete(client, "registered-models/delete", {"name": model["name"]})
        found = client.get("webhooks").raise_for_status().json()
        for webhook in found.get("webhooks", []):
            _delete(client, f"webhooks/{webhook['webhook_id']}", {})


def _delete(client: httpx.Client, path: str, body: Mapping[str, str]) -> None:
    client.request("DELETE", path, json=body).raise_for_status()


def _prepare(mlflow: str, url: str, setting: Setting) -> str:
    """Bring three versions to where documents have them; return the open approval's id."""
    with (
        httpx.Client(base_url=mlflow, timeout=60) as registry,
        Client(url, "scientist-1") as scientist,
        Client(url, "operator-1") as operator,
    ):
        operator.scan(setting.alias)  # an empty registry counts as imported
        people = MlflowWorld(registry, setting.alias)
        made = []
        for accuracy in (0.91, 0.93, 0.95):
            run = people.run(params={"C": "0.5"}, metrics={"accuracy": accuracy}, user="scientist1")
            made.append(people.create(MODEL, job=run, tags={"team": "vision"}))
        operator.scan(setting.alias)
        if setting.fresh:
            return ""
        names = [f"{setting.alias}/models/{MODEL}:{version.number}" for version in made]
        for name in names:
            scientist.transition(name, "Staging", reason="ready for tests")
        granted = names if setting.production else names[:2]
        for name in granted:
            _approve(url, _asked(scientist, name))
        approval = "" if setting.production else _asked(scientist, names[2])
        if setting.edited:
            people.set_tag(made[2], "team", "speech")
            operator.scan(setting.alias)
        return approval


def _asked(scientist: Client, name: str) -> str:
    approval = scientist.transition(name, "Production", reason="AUC 0.94").approval
    assert approval
    return approval


def _approve(url: str, approval: str) -> None:
    for officer in ("officer-1", "officer-2"):
        with Client(url, officer) as client:
            seen = client.approval(approval)
            client.vote(approval, "approve", fingerprint=seen.fingerprint)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
