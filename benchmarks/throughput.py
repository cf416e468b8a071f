"""Throughput and latency over HTTP: contenders in turn, several rounds, all in one run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.load import Call, Load, drive
from benchmarks.rows import Rounds, Row, percentile
from benchmarks.servers import CLIENTS, STAGES, Servers, quiet, transitions
from tests.wire.samples import MODEL_REGISTERED

COUNTS = (1, CLIENTS)
BARE, DECISION, NO_OP, VERIFIED = (
    "MLflow: bare transition",
    "Stageward: transition, stand-in",
    "Stageward: no-op signal, stand-in",
    "Stageward: transition, verified in MLflow",
)
_API = "/api/2.0/mlflow"
_WARM_SECONDS = 0.5
_KINDS: Mapping[str, str] = {
    "GET model-versions/get": "get a version",
    "GET runs/get": "get a run",
    "POST model-versions/set-tag": "set a tag",
}
"""The calls of MLflow's API that a transition makes, as they stand in its access log."""

Clients = list[list[Call]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is measured.

    Attributes:
        rounds: how often each contender has its turn.
        seconds: of a turn.
    """

    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that is measured in every round.

    Attributes:
        name: of what it does.
        address: of its server.
        clients: what each of all clients sends in turn.
        loads: what its rounds came to, by the number of clients.
    """

    name: str
    address: str
    clients: Clients
    loads: dict[int, list[Load]] = field(default_factory=lambda: {count: [] for count in COUNTS})

    def throughput(self, count: int) -> Rounds:
        """Return what it came to, round by round."""
        return Rounds([load.throughput for load in self.loads[count]])

    def rows(self, count: int) -> list[Row]:
        """Return throughput and latencies."""
        name, loads = f"{self.name}, {_clients(count)}", self.loads[count]
        found = self.throughput(count)
        latencies = [latency for load in loads for latency in load.latencies]
        busy = max(load.busy for load in loads)
        note = f"rounds {found.spread}; load generator {busy:.0%} of a core"
        return [
            Row(f"{name}: throughput", found.median, "1/s", note=note),
            Row(f"{name}: p50", percentile(latencies, 0.5), "ms"),
            Row(f"{name}: p99", percentile(latencies, 0.99), "ms", note=f"of {len(latencies)}"),
        ]


@dataclass(slots=True)
class Compared:
    """Everything that was measured, to be told in rows.

    Attributes:
        main: the four that are compared.
        own: single calls of MLflow, at the server behind Stageward.
        bare: the same at the bare server.
        made: calls that MLflow answered for verified transitions, by kind, and their number.
    """

    main: dict[str, Contender]
    own: dict[str, Contender]
    bare: dict[str, Contender]
    made: dict[int, list[tuple[Counter[str], int]]]


def compare(servers: Servers, pace: Pace) -> list[Row]:
    """Let all contenders have their turn, round by round; return what it came to."""
    compared = _contenders(servers)
    single = [*compared.own.values(), *compared.bare.values()]
    for contender in (*compared.main.values(), *single):
        drive(contender.address, contender.clients, _WARM_SECONDS)
    for _ in range(pace.rounds):
        for count in COUNTS:
            for contender in compared.main.values():
                if contender.name == VERIFIED:
                    _verified(compared, servers, contender, count, pace.seconds)
                else:
                    _round(contender, count, pace.seconds)
            for contender in single:
                _round(contender, count, pace.seconds / 2)
    return _rows(compared)


def _round(contender: Contender, count: int, seconds: float) -> Load:
    load = drive(contender.address, contender.clients[:count], seconds)
    contender.loads[count].append(load)
    return load


def _verified(
    compared: Compared, servers: Servers, contender: Contender, count: int, seconds: float
) -> None:
    """Measure a round, and count what MLflow was asked for it, echoes included."""
    before = len(quiet(servers.mlflow))
    load = _round(contender, count, seconds)
    calls = Counter(quiet(servers.mlflow)[before:])
    compared.made[count].append((calls, len(load.latencies)))


def _contenders(servers: Servers) -> Compared:
    every = range(CLIENTS)
    here, there = servers.stand_in, servers.governed
    main = [
        Contender(BARE, servers.bare.address, [_bare(number) for number in every]),
        Contender(DECISION, here, [_asked(number) for number in every]),
        Contender(NO_OP, here, [[_signal(number)] for number in every]),
        Contender(VERIFIED, there, [_asked(number) for number in every]),
    ]
    own = {
        kind: Contender(
            kind, servers.mlflow.address, [_single(kind, n, servers.run) for n in every]
        )
        for kind in _KINDS
    }
    bare = {
        kind: Contender(kind, servers.bare.address, [_single(kind, n, "") for n in every])
        for kind in _KINDS
        if "runs" not in kind
    }
    by_name = {contender.name: contender for contender in main}
    return Compared(by_name, own, bare, {count: [] for count in COUNTS})


def _bare(number: int) -> list[Call]:
    """Return what `MlflowClient.transition_model_version_stage` sends, without its overhead."""
    named = {"name": f"asset-{number}", "version": "1", "archive_existing_versions": False}
    path = f"{_API}/model-versions/transition-stage"
    return [
        Call("POST", path, json.dumps({**named, "stage": stage}), f'"current_stage": "{stage}"')
        for stage in STAGES
    ]


def _asked(number: int) -> list[Call]:
    wishes = [json.dumps({"to": stage, "reason": "to be measured"}) for stage in STAGES]
    return [Call("POST", transitions(number), wish, '"outcome":"granted"') for wish in wishes]


def _signal(number: int) -> Call:
    name = f"asset-{number}"
    data = {"ModelName": name, "ModelVersion": 1, "ModelTags": {}, "ModelProperties": {}}
    event = {**MODEL_REGISTERED, "subject": f"models/{name}:1", "data": data}
    return Call("POST", "/events", json.dumps([event]), '"followed":1,"changed":0')


def _single(kind: str, number: int, run: str) -> list[Call]:
    method, _, path = kind.partition(" ")
    named = {"name": f"asset-{number}", "version": "1"}
    if method == "GET":
        query = f"run_id={run}" if "runs" in kind else f"name={named['name']}&version=1"
        return [Call(method, f"{_API}/{path}?{query}", "", '"status": ')]
    tags = [{**named, "key": "note", "value": value} for value in ("one", "other")]
    return [Call(method, f"{_API}/{path}", json.dumps(tag), "{}") for tag in tags]


def _rows(compared: Compared) -> list[Row]:
    rows: list[Row] = []
    for count in COUNTS:
        for contender in compared.main.values():
            rows += contender.rows(count)
    for count in COUNTS:
        rows.append(_ratio(compared, DECISION, count, "≥ 4"))
        rows.append(_ratio(compared, NO_OP, count, "≥ 5" if count == CLIENTS else None))
    for count in COUNTS:
        rows += _allowed(compared, count)
    return rows


def _ratio(compared: Compared, name: str, count: int, goal: str | None) -> Row:
    ratio = compared.main[name].throughput(count).over(compared.main[BARE].throughput(count))
    title = f"{name}, over MLflow's bare one, {_clients(count)}"
    return Row(title, ratio.median, "x", goal, f"rounds {ratio.spread}")


def _allowed(compared: Compared, count: int) -> list[Row]:
    """Hold the rate of verified transitions against what MLflow allows."""
    calls = sum((made for made, _ in compared.made[count]), Counter[str]())
    transitions_made = sum(number for _, number in compared.made[count])
    each = {kind: calls[kind] / transitions_made for kind in _KINDS}
    others = {kind: number for kind, number in calls.items() if kind not in _KINDS}
    single = {kind: one.throughput(count) for kind, one in compared.own.items()}
    stricter = {**single, **{kind: one.throughput(count) for kind, one in compared.bare.items()}}
    verified = compared.main[VERIFIED].throughput(count)
    own, bare = (verified.over(_rate(each, rates)) for rates in (single, stricter))
    told = ", ".join(f"{_KINDS[kind]}: {number:.2f}" for kind, number in each.items())
    besides = f"; besides, not counted: {others}" if others else ""
    title = f"{VERIFIED}, of what MLflow allows, {_clients(count)}"
    rows = [
        Row(f"MLflow: {_KINDS[kind]}, {_clients(count)}", rate.median, "1/s", note=rate.spread)
        for kind, rate in single.items()
    ]
    note = f"{told}{besides}"
    made = f"calls of one at MLflow, echoes included, {_clients(count)}"
    rows.append(Row(made, sum(each.values()), "calls", note=note))
    rows.append(Row(title, own.median, "x", "≥ 0.8", f"rounds {own.spread}"))
    title = f"{title}, were there no webhook"
    rows.append(Row(title, bare.median, "x", note=f"rounds {bare.spread}"))
    return rows


def _rate(each: Mapping[str, float], single: Mapping[str, Rounds]) -> Rounds:
    """Return how often a second MLflow could answer all of these calls, one after another."""
    rounds: Sequence[int] = range(len(next(iter(single.values())).values))
    return Rounds(
        [1 / sum(number / single[kind].values[i] for kind, number in each.items()) for i in rounds]
    )


def _clients(count: int) -> str:
    return f"{count} client{'s' if count > 1 else ''}"
