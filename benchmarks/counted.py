"""Round trips and calls: counted, not timed; the same whatever an asset has behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import httpx

from benchmarks.rows import Row
from benchmarks.servers import quiet
from benchmarks.world import MLFLOW, World, context_over, version, world
from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from tests.fakes.clock import FakeClock
from tests.fakes.rows import LossyRows
from tests.fakes.sink import MemorySink
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld

FEW, MANY = 10, 10_000
_NAME = "iris"
_DOCUMENTS = ("runs/get", "logged-models/", "/get-artifact", "/ajax-api/")
"""What evidence is read from, as it stands in the access log."""
_ALWAYS = 3
"""Reads of a version that a granted transition may make at MLflow."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """A world whose store counts."""

    world: World
    rows: LossyRows
    clock: FakeClock

    def count(self, act: Callable[[], object]) -> tuple[int, int]:
        """Return the store round trips and the registry calls of an act."""
        trips, calls = self.rows.trips, self.world.calls()
        act()
        return self.rows.trips - trips, self.world.calls() - calls


def count(server: MlflowServer) -> list[Row]:
    """Count at both sizes of both kinds; with MLflow behind, by its access log."""
    rows: list[Row] = []
    grow: dict[str, Callable[[_Counted, int], None]] = {
        "records": _grow_records,
        "versions": _grow_versions,
    }
    for what, to_size in grow.items():
        with _counted() as plain, _counted(MemorySink("sink")) as sinking:
            for size in (FEW, MANY):
                for counted in (plain, sinking):
                    to_size(counted, size)
                title = f"{size:,} {what}"
                rows += [*_plain(plain, title), *_displacing(sinking, title)]
                rows.append(_at_mlflow(plain, server, title))
    return rows


@contextmanager
def _counted(*sinks: MemorySink) -> Iterator[_Counted]:
    rows, clock = LossyRows(SQLiteRows(":memory:")), FakeClock()
    counted = _Counted(world(rows, clock, sinks), rows, clock)
    for number in (1, 2):
        counted.world.register(version(MLFLOW, _NAME, number))
        counted.world.move(version(MLFLOW, _NAME, number), "Staging")
    counted.world.move(version(MLFLOW, _NAME, 2), "Production")
    try:
        yield counted
    finally:
        rows.close()


def _grow_records(counted: _Counted, size: int) -> None:
    asset = version(MLFLOW, _NAME).asset
    while counted.world.context.ledger.load(asset).head.number < size:
        counted.world.move(Version(asset, "1"), "Archived", "Staging")


def _grow_versions(counted: _Counted, size: int) -> None:
    asset = version(MLFLOW, _NAME).asset
    for number in range(len(counted.world.context.ledger.versions(asset)) + 1, size + 1):
        counted.world.register(Version(asset, str(number)))


def _plain(counted: _Counted, title: str) -> list[Row]:
    made, it = counted.world, version(MLFLOW, _NAME)
    no_op = counted.count(lambda: follow(made.context, Signal(it)))
    granted = counted.count(lambda: made.move(it, "Archived"))
    made.move(it, "Staging")
    return [
        Row(f"no-op signal, {title}: store round trips", no_op[0], "trips", "≤ 3"),
        Row(f"no-op signal, {title}: registry calls", no_op[1], "calls", "≤ 1"),
        Row(f"granted transition, {title}: store round trips", granted[0], "trips", "≤ 9"),
        Row(f"granted transition, {title}: registry calls", granted[1], "calls", "≤ 6"),
    ]


def _displacing(counted: _Counted, title: str) -> list[Row]:
    """Version 1 takes Production from version 2, and gives it back."""
    made, it, holder = counted.world, version(MLFLOW, _NAME), version(MLFLOW, _NAME, 2)
    trips, calls = counted.count(lambda: made.move(it, "Production"))
    made.move(holder, "Staging", "Production")
    made.move(it, "Staging")
    name = f"the same, one displaced, one sink, {title}"
    return [
        Row(f"{name}: store round trips", trips, "trips", "≤ 12"),
        Row(f"{name}: registry calls", calls, "calls"),
    ]


def _at_mlflow(counted: _Counted, server: MlflowServer, title: str) -> Row:
    """Let the ledger of this size govern a version at a real server, and read its access log.

    The server has a model of the same name, made anew: another incarnation of version 1.
    """
    registry = MlflowRegistry(MLFLOW, server.address)
    context = context_over(counted.rows, counted.clock, {MLFLOW: registry})
    with httpx.Client(base_url=server.address, timeout=60) as client, closing(registry):
        people = MlflowWorld(client, MLFLOW)
        run = people.run(metrics={"accuracy": 0.93}, user="ada")
        it = people.create(_NAME, job=run)
        governed = World(context, {})
        governed.move(it, "Staging")
        tags, begun = people.tags(it), len(quiet(server))
        governed.move(it, "Archived")
        calls = Counter(quiet(server)[begun:])
        keys = sum(tags.get(key) != value for key, value in people.tags(it).items())
        people.delete_asset(_NAME)
    counted.world.move(version(MLFLOW, _NAME), "Staging")
    documents = sum(
        number for call, number in calls.items() if call.split()[1].startswith(_DOCUMENTS)
    )
    return Row(
        f"granted transition, {title}: MLflow HTTP calls",
        calls.total(),
        "calls",
        f"≤ {_ALWAYS + documents + keys}",
        f"{_ALWAYS} + {documents} evidence document(s) + {keys} keys changed",
    )
