"""The story of `stageward demo`: what users do, each under their own name, and what comes of it."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from msgspec import Struct
from rich.console import Console

from stage_functions.demo.narrator import Narrator
from stage_functions.demo.processes import DemoError, Processes, free_port
from stage_functions.demo.training import MODEL, train

if TYPE_CHECKING:
    from mlflow import MlflowClient

ASSET = f"demo/models/{MODEL}"
PENDING, REFUSED = 3, 4


class Stage(Struct, frozen=True):
    """Where the story plays.

    Attributes:
        mlflow_url: the MLflow server.
        stageward_url: Stageward.
        mlflow: a client, as everybody has it.
        narrator: tells and checks.
        environment: of the command line.
    """

    mlflow_url: str
    stageward_url: str
    mlflow: MlflowClient
    narrator: Narrator
    environment: dict[str, str]

    def tag(self, version: str, key: str) -> str:
        """Return a tag of a version, as MLflow shows it."""
        return str(self.mlflow.get_model_version(MODEL, version).tags.get(key, ""))

    def set_tag(self, who: str, version: str, key: str, value: str) -> None:
        """Set a tag, as somebody who knows MLflow and nothing else."""
        self.narrator.show(f"{who} in MLflow: {MODEL} v{version}: {key} = {value}")
        self.mlflow.set_model_version_tag(MODEL, version, key, value)

    def run(self, who: str, *arguments: str, exits: int = 0) -> str:
        """Run the command line as somebody; return what it printed.

        Raises:
            DemoError: it exited otherwise than told.
        """
        self.narrator.show(f"{who}$ stageward {shlex.join(arguments)}")
        done = subprocess.run(  # arguments are the story's own
            [sys.executable, "-m", "stage_functions", *arguments],
            env={**self.environment, "STAGEWARD_TOKEN": who, "COLUMNS": self.narrator.columns},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stdout + done.stderr).strip()
        for line in said.splitlines():
            self.narrator.show(f"  {line}")
        if done.returncode != exits:
            message = f"`stageward {shlex.join(arguments)}` exited {done.returncode}, not {exits}"
            raise DemoError(message)
        return said

    def page(self, who: str, path: str) -> str:
        """Return a page as somebody sees it."""
        signed_in = {"Authorization": f"Bearer {who}"}
        request = urllib.request.Request(f"{self.stageward_url}{path}", headers=signed_in)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # likewise
            return str(answer.read().decode())

    def pending(self, version: str) -> str:
        """Wait for an approval to open on a version; return its id."""
        status = self.narrator.until(
            "stage_status", lambda: self.tag(version, "stage_status"), "pending approval"
        )
        return status.removeprefix("pending approval ").partition(",")[0]


def play(*, once: bool) -> None:
    """Start everything, tell the story, stay up until Ctrl-C unless `once`; stop everything.

    Raises:
        DemoError: a step came out otherwise than told.
    """
    console = Console(highlight=False)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _leave)
    with tempfile.TemporaryDirectory(prefix="stageward-demo-") as name:
        folder = Path(name)
        processes = Processes(folder)
        try:
            stage = _open(console, folder, processes)
            registered = _train(stage)
            versions = [version for version, _ in registered]
            _tell(stage, versions)
            approval = _leave_waiting(stage, versions[3])
            console.rule("Every step came out as told")
            if once:
                console.print(
                    "`make demo` without ONCE=1 leaves both servers up, to try it yourself."
                )
            else:
                _invite(console, stage, approval)
                _wait(console)
        finally:
            processes.stop()


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _wait(console: Console) -> None:
    console.print("Both stay up until Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nStopping.")


def _invite(console: Console, stage: Stage, approval: str) -> None:
    """Tell where everything is, and what to try."""
    command = Path(sys.executable).with_name("stageward")
    console.print(f"Decide      {stage.stageward_url}/approvals/{approval}", soft_wrap=True)
    console.print("            in a browser, as officer-1, then as officer-2")
    console.print(f"Stageward   {stage.stageward_url}")
    console.print("            version 5 is nobody's yet: ask for Staging as a scientist")
    console.print(f"MLflow      {stage.mlflow_url}")
    console.print(
        "Or be one of scientist-1, scientist-2, officer-1, officer-2 in another terminal:"
    )
    said = f"export STAGEWARD_URL={stage.stageward_url} STAGEWARD_TOKEN=officer-1"
    console.print(f"            {said}", soft_wrap=True)
    console.print(f"            {shlex.quote(str(command))} ls", soft_wrap=True)


def _open(console: Console, folder: Path, processes: Processes) -> Stage:
    narrator = Narrator(console)
    mlflow_url = f"http://127.0.0.1:{free_port()}"
    stageward_url = f"http://127.0.0.1:{free_port()}"
    narrator.tell("An MLflow server and Stageward start, each on a free port of this machine")
    environment = {
        **os.environ,  # noqa: TID251  # what is started needs PATH and its like
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "MLFLOW_TRACKING_URI": mlflow_url,
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "STAGEWARD_CONFIG": str(Path(__file__).with_name("stageward.yaml")),
        "STAGEWARD_LEDGER": str(folder / "ledger.db"),
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_URL": stageward_url,
        "STAGEWARD_WEBHOOK_SECRET": secrets.token_urlsafe(32),
    }
    _start_mlflow(processes, folder, mlflow_url, environment)
    processes.start("stageward", ["stage_functions", "serve"], environment)
    processes.wait_for("stageward", f"{stageward_url}/healthz")
    narrator.show(f"MLflow {mlflow_url}, Stageward {stageward_url}; its webhook is registered")
    from mlflow import MlflowClient as Client  # noqa: PLC0415  # 1.3 s to import

    return Stage(mlflow_url, stageward_url, Client(mlflow_url), narrator, environment)


def _start_mlflow(
    processes: Processes, folder: Path, url: str, environment: dict[str, str]
) -> None:
    port = url.rpartition(":")[2]
    arguments = ["mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    store = f"sqlite:///{folder / 'mlflow.db'}"
    artifacts = ["--artifacts-destination", str(folder / "artifacts")]
    processes.start("mlflow", [*arguments, "--backend-store-uri", store, *artifacts], environment)
    processes.wait_for("mlflow", f"{url}/health")


def _train(stage: Stage) -> list[tuple[str, float]]:
    stage.narrator.tell("scientist-1 trains five classifiers on IRIS and registers each")
    registered = train(stage.mlflow_url)
    for version, accuracy in registered:
        stage.narrator.show(f"{MODEL} v{version}: accuracy {accuracy:.3f}")
    return registered


def _tell(stage: Stage, versions: list[str]) -> None:
    first, second, third, *_ = versions
    _begin(stage, first, second)
    _promote(stage, first)
    _displace(stage, first, second)
    _sponsor(stage, third)
    _stale_tool(stage, third)
    stage.narrator.tell(
        "The history: whoever reads it checks its hashes, and need not trust Stageward"
    )
    stage.run("officer-1", "history", ASSET, "--verify")


def _begin(stage: Stage, first: str, second: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("Registered versions begin at None; Stageward writes it into their tags")
    for version in (first, second):
        until(f"stage of v{version}", lambda v=version: stage.tag(v, "stage"), "None")  # type: ignore[misc]
    tell("A data scientist asks for Staging with a tag")
    stage.set_tag("scientist-1", first, "stage_request", "Staging: ready for tests")
    until("stage", lambda: stage.tag(first, "stage_status"), "granted: None → Staging")
    tell("The shorthand: editing the stage itself asks as well")
    stage.set_tag("scientist-1", second, "stage", "Staging")
    until("stage_status", lambda: stage.tag(second, "stage_status"), "granted: None → Staging")


def _promote(stage: Stage, version: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("Production needs two people: the request waits")
    reason = "accurate enough for the pilot"
    name = f"{ASSET}:{version}"
    stage.run("scientist-1", "promote", name, "Production", "--reason", reason, exits=PENDING)
    approval = stage.pending(version)
    tell("Nobody approves their own work")
    said = stage.run("scientist-1", "approve", approval, exits=1)
    stage.narrator.expect("nobody approves their own work", said)
    tell("Two people who may approve it, and it is granted")
    stage.run("officer-1", "approve", approval, "--comment", "evidence is complete")
    stage.run("officer-2", "approve", approval)
    until("stage", lambda: stage.tag(version, "stage"), "Production")


def _displace(stage: Stage, first: str, second: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("The next version is approved, and the previous one archived in the same step")
    name = f"{ASSET}:{second}"
    stage.run("scientist-1", "promote", name, "Production", "--reason", "better", exits=PENDING)
    approval = stage.pending(second)
    stage.run("officer-1", "approve", approval)
    stage.run("officer-2", "approve", approval)
    until(f"stage of v{second}", lambda: stage.tag(second, "stage"), "Production")
    until(f"stage of v{first}", lambda: stage.tag(first, "stage"), "Archived")


def _sponsor(stage: Stage, version: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("An illegal jump is refused, with the reason where the person looks")
    stage.set_tag("scientist-2", version, "stage_request", "Production: it is the best")
    until("stage_status", lambda: stage.tag(version, "stage_status"), "refused: None → Production")
    tell("A request by tag is nobody's until someone sponsors it")
    stage.set_tag("scientist-2", version, "stage_request", "Staging: try it")
    until("stage_status", lambda: stage.tag(version, "stage_status"), "granted: None → Staging")
    stage.set_tag("scientist-2", version, "stage_request", "Production: the best so far")
    approval = stage.pending(version)
    stage.run("officer-1", "approve", approval)
    stage.run("officer-2", "approve", approval)
    until("stage", lambda: stage.tag(version, "stage"), "Staging")
    stage.run("scientist-2", "sponsor", approval)
    until("stage", lambda: stage.tag(version, "stage"), "Production")


def _leave_waiting(stage: Stage, version: str) -> str:
    """Ask for one thing more, and look at its page; return the id of the approval."""
    stage.narrator.tell("A better one waits for a decision: its page has all that is needed for it")
    name = f"{ASSET}:{version}"
    stage.run("scientist-1", "promote", name, "Staging", "--reason", "ready for tests")
    stage.run(
        "scientist-1", "promote", name, "Production", "--reason", "better still", exits=PENDING
    )
    approval = stage.pending(version)
    seen = stage.page("officer-1", f"/approvals/{approval}")
    stage.narrator.expect("log_loss", seen)
    stage.narrator.show(f"{stage.stageward_url}/approvals/{approval}")
    return approval


def _stale_tool(stage: Stage, third: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("A stale tool writes old tags back: nothing moves, and the tags are put right")
    stage.set_tag("an old script", third, "stage_request", "Staging: try it")
    stage.set_tag("an old script", third, "stage", "Staging")
    until(f"stage of v{third}", lambda: stage.tag(third, "stage"), "Production")
    stage.run("officer-1", "check", f"{ASSET}:{third}", "deploy", "demo/scoring")
    tell("Who holds what, since when, and who approved it")
    stage.run("officer-1", "as-of", ASSET)
    tell("Everything that is known of a version, and what is not recorded")
    stage.run("officer-1", "show", f"{ASSET}:{third}")
