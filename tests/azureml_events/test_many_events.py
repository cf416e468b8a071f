"""Many events, shuffled and repeated, from several processes: the result is that of the ordered run.

The processes are whole Stagewards over one ledger; the workspace is a local Azure ML in a process
of its own, asked through the real adapter.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from msgspec import Struct

from tests.azureml.identity import person
from tests.azureml.remote import RemoteAzureMl, separate
from tests.azureml_events.noise import noise
from tests.azureml_events.people import People
from tests.azureml_events.plan import Plan, plan
from tests.azurite import connection_string, running_azurite

SEED = 20261123
EVENTS = 10_000
FEWER_EVENTS = 3_000
"""Of as many edits, where each look into the ledger is a request."""
PROCESSES = 4
ROUNDS = 9
ASSETS = 5
NOISE = 0.1
LEASES_OVER, GONE, ALL_OVER = 60, 400, 4500
CONFIGURATION = """
version: 1
registries:
  - alias: dev
    type: azureml
    address: {workspace}
    mode: enforce
    watch: ["*/*"]
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    forward_only: false
    stages:
      None:       {{initial: true, deletable: true}}
      Staging:    {{}}
      Production: {{exclusive: true, displaced_to: Archived, deployable_to: ["*/*"]}}
      Archived:   {{deletable: true, hidden: true}}
    transitions:
      - {{from: None, to: Staging}}
      - {{from: None, to: Archived}}
      - {{from: Staging, to: Production}}
      - {{from: Staging, to: Archived}}
      - {{from: Production, to: Archived}}
      - {{from: Archived, to: Staging}}
"""


class Store(Struct, frozen=True):
    """A store for a ledger.

    Attributes:
        settings: the variables that say where it is.
        events: how many it is to take.
    """

    settings: Mapping[str, str]
    events: int


class Process:
    """A worker in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ready(self) -> None:
        """Wait until it is."""
        assert self._answer() == "ready"

    def do(self, task: str, **arguments: object) -> Any:  # noqa: ANN401  # JSON both ways
        """Let it do something; return the result."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'do': task, **arguments})}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401  # JSON
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process has ended"
        return json.loads(line)


@contextmanager
def processes(count: int, environment: dict[str, str]) -> Iterator[list[Process]]:
    """Run workers inside the block."""
    command = [sys.executable, "-m", "tests.azureml_events.worker"]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("STAGEWARD_")}  # noqa: TID251
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**inherited, **environment},
                )
            )
            stack.callback(process.terminate)
            started.append(Process(process))
        for one in started:
            one.ready()
        yield started


@contextmanager
def stagewards(
    count: int,
    remote: RemoteAzureMl,
    workspace: str,
    folder: Path,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[list[Process]]:
    """Run so many Stagewards over one new ledger and a workspace."""
    folder.mkdir()
    (folder / "stageward.yaml").write_text(CONFIGURATION.format(workspace=workspace))
    environment = {
        **remote.started.environment,
        "STAGEWARD_CONFIG": str(folder / "stageward.yaml"),
        "STAGEWARD_LEDGER": str(folder / "ledger.db"),
        **settings,
    }
    with processes(count, environment) as started:
        yield started


def ordered(people: People, one: Process, made: Plan) -> None:
    """Follow every edit at once, by the events that tell of it, in order."""
    for edits in made.rounds:
        for edit in edits:
            people.do(edit)
            while news := people.news():
                one.do("follow", events=news)
        one.do("scan")
        people.news()


def shuffled(people: People, crowd: Sequence[Process], made: Plan, events: int) -> dict[str, int]:
    """Follow the edits of a round together, by events at random, each several times."""
    dice = random.Random(SEED)  # the same each time
    told: list[dict[str, Any]] = []
    counts = {"delivered": 0, "again": 0, "undecodable": 0}
    share = -(-events // len(made.rounds))
    with ThreadPoolExecutor(len(crowd)) as threads:
        for edits in made.rounds:
            for edit in edits:
                people.do(edit)
            fresh = people.news()
            told += fresh
            disturbing = [noise(dice, dice.choice(told)) for _ in range(int(share * NOISE))]
            more = share - len(fresh) - len(disturbing)
            late = dice.choices(told, k=more // 2) + dice.choices(fresh, k=more - more // 2)
            sent = [*fresh, *disturbing, *late]
            dice.shuffle(sent)
            parts = [sent[n :: len(crowd)] for n in range(len(crowd))]
            done = threads.map(
                lambda pair: pair[0].do("follow", events=pair[1]), zip(crowd, parts, strict=True)
            )
            for result in done:
                counts = {key: counts[key] + result[key] for key in counts}
            crowd[0].do("scan")
            crowd[-1].do("sweep", seconds=LEASES_OVER)
    return counts


def ended(one: Process, made: Plan) -> dict[str, Any]:
    """Let time pass until nothing is owed; return how things look, once all holds."""
    for seconds in (LEASES_OVER, GONE, ALL_OVER):
        assert one.do("sweep", seconds=seconds) == []
    # What was disturbed while other versions were still owed something is found by the scan.
    one.do("scan")
    assert one.do("sweep", seconds=ALL_OVER) == []
    requesters = {reason: person(who).oid for reason, who in made.requesters.items()}
    assert one.do("faults", requesters=requesters) == []
    picture: dict[str, Any] = one.do("picture")
    return picture


@pytest.fixture(params=["sqlite", "azurite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Where the ledger of the crowd is, and how many events it is to take."""
    if request.param == "sqlite":
        yield Store({}, EVENTS)
        return
    with running_azurite() as port:
        yield Store({"STAGEWARD_TABLES": connection_string(port)}, FEWER_EVENTS)


@pytest.mark.timeout(240)
def test_ten_thousand_events_at_random_come_to_what_the_ordered_ones_come_to(
    tmp_path: Path, store: Store
) -> None:
    """Four processes deliver them, repeated, late, foreign and torn; everything holds in the end."""
    made = plan(SEED, rounds=ROUNDS, assets=ASSETS)
    with separate("--workspace", "rg/calm", "--workspace", "rg/crowd") as remote:
        calm, crowd = remote.workspaces["calm"], remote.workspaces["crowd"]
        with stagewards(1, remote, calm, tmp_path / "calm") as (one,):
            ordered(People(remote, calm), one, made)
            expected = ended(one, made)
            assert made.told <= set(one.do("proven"))
        with stagewards(PROCESSES, remote, crowd, tmp_path / "crowd", store.settings) as many:
            counts = shuffled(People(remote, crowd), many, made, store.events)
            actual = ended(many[0], made)

    stages = {f"dev/{kind}/{name}:{number}": s for (kind, name, number), s in made.stages.items()}
    there = {name: stage for name, stage in expected["stages"].items() if stage != "gone"}
    assert stages == there
    assert expected == actual
    assert store.events <= counts["delivered"] + counts["undecodable"]
    assert counts["undecodable"] < store.events * NOISE
