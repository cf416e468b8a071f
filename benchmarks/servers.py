"""The servers that are compared, each in processes of its own.

- `bare`: MLflow as it is, one worker, over a SQLite file. No webhook, no Stageward.
- `stand_in`: Stageward over stand-ins for its registries: what it costs by itself.
- `governed`: `stageward serve` before an MLflow server of its own, with the webhook between them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.world import FILE, UnexpectedError
from stage_functions.demo.processes import Processes, free_port
from stage_functions.domain.observation import STAGE_GOVERNOR
from tests.mlflow_server import WEBHOOKS, MlflowServer, running_mlflow
from tests.mlflow_world import MlflowWorld

CLIENTS = 8
STAGES = ("Archived", "Staging")
"""What every client asks for in turn; its asset stands at the last one beforehand."""
_QUIET_SECONDS = 0.5
_WAIT_SECONDS = 60
_DELIVERING = {key: WEBHOOKS[key] for key in WEBHOOKS if not key.endswith("_CACHE_TTL")}


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs while it is measured.

    Attributes:
        bare: MLflow alone.
        stand_in: URL of Stageward over stand-ins.
        governed: URL of Stageward before `mlflow`.
        mlflow: the server behind `governed`.
        run: id of a run that `mlflow` has; all of its versions were made by it.
    """

    bare: MlflowServer
    stand_in: str
    governed: str
    mlflow: MlflowServer
    run: str


@contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Run all servers inside the block, with an asset for every client.

    Raises:
        DemoError: one does not start.
        UnexpectedError: one does not do what it should.
    """
    with ExitStack() as stack:
        processes = Processes(folder)
        stack.callback(processes.stop)
        stand_in = _stand_in(processes, folder / "stand-in.db")
        bare = stack.enter_context(running_mlflow(_made(folder / "bare"), {}))
        mlflow = stack.enter_context(running_mlflow(_made(folder / "mlflow"), _DELIVERING))
        with httpx.Client(base_url=bare.address, timeout=_WAIT_SECONDS) as client:
            world = MlflowWorld(client)
            for number in range(CLIENTS):
                world.transition(world.create(f"asset-{number}"), STAGES[-1])
        governed = _governed(processes, folder / "governed.db", mlflow.address)
        yield Servers(bare, stand_in, governed, mlflow, _prepare(governed, mlflow))


def quiet(server: MlflowServer) -> list[str]:
    """Return the calls that a server has answered, once no further one arrives."""
    before = server.calls()
    while True:
        time.sleep(_QUIET_SECONDS)
        after = server.calls()
        if len(after) == len(before):
            return after
        before = after


def _stand_in(processes: Processes, ledger: Path) -> str:
    port = free_port()
    arguments = ["benchmarks.stand_in", str(ledger), str(port), str(CLIENTS)]
    processes.start("stand-in", arguments, _environment())
    processes.wait_for("stand-in", f"http://127.0.0.1:{port}/healthz")
    return f"http://127.0.0.1:{port}"


def _governed(processes: Processes, ledger: Path, mlflow: str) -> str:
    address = f"http://127.0.0.1:{free_port()}"
    settings = {
        "MLFLOW_TRACKING_URI": mlflow,
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_CONFIG": str(FILE),
        "STAGEWARD_LEDGER": str(ledger),
        "STAGEWARD_URL": address,
        "STAGEWARD_WEBHOOK_SECRET": "between the two of them",
    }
    processes.start("governed", ["stage_functions", "serve"], {**_environment(), **settings})
    processes.wait_for("governed", f"{address}/healthz")
    return address


def _prepare(governed: str, mlflow: MlflowServer) -> str:
    """Register a model for every client; once it is governed, bring it to Staging by asking."""
    hooks = "/api/2.0/mlflow/webhooks"
    headers = {"Authorization": "Bearer ada"}
    with (
        httpx.Client(base_url=mlflow.address, timeout=_WAIT_SECONDS) as client,
        httpx.Client(base_url=governed, headers=headers, timeout=_WAIT_SECONDS) as stageward,
    ):
        world = MlflowWorld(client)
        _until("the webhook is there", lambda: bool(client.get(hooks).json().get("webhooks")))
        run = world.run(metrics={"accuracy": 0.93}, params={"depth": "4"}, user="ada")
        made = [world.create(f"asset-{number}", job=run) for number in range(CLIENTS)]
        _until("all are governed", lambda: all(STAGE_GOVERNOR in world.tags(it) for it in made))
        quiet(mlflow)
        for number in range(CLIENTS):
            wish = {"to": STAGES[-1], "reason": "to begin with"}
            answer = stageward.post(transitions(number), json=wish)
            if answer.json().get("stage") != STAGES[-1]:
                raise UnexpectedError(answer.text)
    quiet(mlflow)
    return run


def transitions(number: int) -> str:
    """Return the path of the API where a client asks for transitions of its asset."""
    return f"/api/v1/assets/demo/models/asset-{number}/versions/1/transitions"


def _until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while not holds():
        if time.monotonic() > end:
            message = f"waited for {_WAIT_SECONDS} s in vain: {what}"
            raise UnexpectedError(message)
        time.sleep(0.1)


def _environment() -> dict[str, str]:
    """Return our own environment, from which the benchmarks can be imported, but no settings."""
    known = dict(os.environ)  # noqa: TID251  # for processes started here
    kept = {key: known[key] for key in known if not key.startswith(("MLFLOW_", "STAGEWARD_"))}
    return {**kept, "PYTHONPATH": str(FILE.parent.parent)}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
