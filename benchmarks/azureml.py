"""What a scan of a large Azure ML workspace costs, and how many calls signals and decisions make.

A local Azure ML answers on loopback, in this process; what is measured runs in one of its own. So
times tell what Stageward adds, not how long Azure takes: for that, the calls are counted.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from benchmarks.rows import Row
from benchmarks.world import AZURE, World, context_over, version
from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import Mode
from tests.azureml import LocalAzureMl, running
from tests.azureml.place import Place

ROOT = Path(__file__).parent.parent
VERSIONS, QUICKLY = 20_000, 2_000
_EACH = 4
"""Versions of an asset."""


def measure(folder: Path, versions: int = VERSIONS) -> list[Row]:
    """Measure on a workspace with so many versions."""
    with running() as local:
        workspace = local.workspace("dev")
        return [*_scanned(local, workspace, folder, versions), *_counted(local, folder)]


def _scanned(local: LocalAzureMl, place: Place, folder: Path, versions: int) -> list[Row]:
    for count in range(versions):
        _register(local, place, f"model-{count // _EACH:05d}", count % _EACH + 1)
    first, second = _scan(local, place, folder / "scan.db")
    assets = versions // _EACH
    title = f"scan of {versions:,} versions of {assets:,} models, nothing changed"
    return [
        Row(f"{title}: Azure ML calls", second["calls"], "calls", f"≤ {assets + assets // 20 + 1}"),
        Row(title, second["seconds"], "s", note=f"{second['calls']} calls, on loopback"),
        Row(
            f"scan of {versions:,} versions: memory, at its peak",
            second["mebibytes"],
            "MiB",
            "≤ 64",
            f"that it took; the process had {first['before']:.0f} MiB before it",
        ),
        Row(
            f"scan of {versions:,} versions, none known: Azure ML calls",
            first["calls"],
            "calls",
            note=f"{first['seconds']:.0f} s: each is read again, and observed",
        ),
    ]


def _scan(
    local: LocalAzureMl, place: Place, ledger: Path
) -> tuple[dict[str, float], dict[str, float]]:
    """Scan twice in one process; return what each took."""
    found: list[dict[str, float]] = []
    command = [sys.executable, "-m", "benchmarks.azureml", place.id, str(ledger)]
    environment = {**os.environ, **local.environment()}  # noqa: TID251  # for the process
    with subprocess.Popen(  # noqa: S603  # a fixed command
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  # it was asked for
        before = len(local.calls)
        for line in process.stdout:
            took = json.loads(line)
            calls = len(local.calls)
            found.append({**took, "calls": calls - before})
            before = calls
    first, second = found
    return first, second


def _counted(local: LocalAzureMl, folder: Path) -> list[Row]:
    """Count the calls for single versions."""
    workspace = local.workspace("small")
    with local.in_environment(), closing(SQLiteRows(str(folder / "counted.db"))) as rows:
        registry = _registry(workspace.id, local.environment())
        with closing(registry):
            context = context_over(rows, SystemClock(), {AZURE: registry})
            found_empty(context, AZURE)
            made = World(context, {})
            for number in (1, 2):
                _register(local, workspace, "iris", number)
                follow(context, Signal(version(AZURE, "iris", number)))
                made.move(version(AZURE, "iris", number), "Staging")
            one, two = version(AZURE, "iris", 1), version(AZURE, "iris", 2)
            made.move(one, "Production")
            count = _Counter(local, workspace)
            no_op = count(lambda: follow(context, Signal(one)))
            granted = count(lambda: made.move(two, "Production"))
    return [
        Row("no-op signal: Azure ML calls", no_op, "calls", "≤ 1"),
        Row(
            "granted transition, one displaced: Azure ML calls for each of the two versions",
            granted / 2,
            "calls",
            "≤ 4",
        ),
    ]


class _Counter:
    """Counts the calls that an act makes below a workspace."""

    def __init__(self, local: LocalAzureMl, place: Place) -> None:
        self._local = local
        self._place = place

    def __call__(self, act: Callable[[], object]) -> int:
        before = len(self._local.calls)
        act()
        made = self._local.calls[before:]
        return sum(self._place.id.lower() in call.path.lower() for call in made)


def _register(local: LocalAzureMl, place: Place, name: str, number: int) -> None:
    properties = {
        "modelUri": f"azureml://subscriptions/s/datastores/ds/paths/{name}/{number}",
        "modelType": "mlflow_model",
        "tags": {"team": "risk"},
    }
    local.put_version(place, "models", name, str(number), properties)


def _registry(resource_id: str, environment: dict[str, str]) -> AzureMlRegistry:
    from azure.identity import DefaultAzureCredential  # as everywhere: slow

    return AzureMlRegistry(
        AZURE,
        resource_id,
        DefaultAzureCredential(),
        cloud=cloud(environment["STAGEWARD_ARM_ENDPOINT"]),
        kinds=[Kind.MODELS],
    )


def _observing(context: Context) -> Context:
    """Return the context with the registry only observed: nothing is written there."""
    known = context.configuration.registries
    observed = {**known, AZURE: replace(known[AZURE], mode=Mode.OBSERVE)}
    return replace(context, configuration=replace(context.configuration, registries=observed))


def _mebibytes() -> float:
    """Return how much memory this process has had at its peak."""
    status = Path("/proc/self/status")
    if status.exists():  # what `getrusage` says of a child begins with its parent's peak on Linux
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def main() -> None:
    """Scan the workspace of the first argument into the ledger of the second, twice."""
    place, ledger = sys.argv[1:]
    registry = _registry(place, dict(os.environ))  # noqa: TID251  # its parent set it
    with closing(SQLiteRows(ledger)) as rows, closing(registry):
        scanner = Scanner(_observing(context_over(rows, SystemClock(), {AZURE: registry})))
        before = _mebibytes()
        for _ in range(2):
            begun = time.perf_counter()
            while not scanner.scan(AZURE).complete:
                pass
            took = {"seconds": time.perf_counter() - begun, "before": before}
            sys.stdout.write(json.dumps({**took, "mebibytes": _mebibytes() - before}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
