"""The release before this one and this one work on one ledger at once, and lose nothing.

Each is real: its own tree, in processes of its own, some of which are killed on their way.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import keys
from stage_functions.application.migrate import migrate
from stage_functions.application.ports.rows import LEDGER, TABLES, WORK, WholeRows
from stage_functions.application.sweep import FENCE_SECONDS
from stage_functions.domain.asset import Version
from stage_functions.domain.error import ConflictError
from stage_functions.domain.record import UNPUBLISHED
from tests.application import test_crash
from tests.application.aged import age, contents
from tests.azurite import connection_string
from tests.builders import IRIS
from tests.crash import context
from tests.fakes.registry import FileRegistry
from tests.rolling.instance import Instance, KilledError, RefusedError
from tests.rolling.next_release import rewrite
from tests.rolling.previous import ROOT, previous

__all__ = ["previous"]

PARTITION = keys.asset_partition(IRIS)
OPERATIONS = 40
MOST_VERSIONS = 6
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Pair:
    """Two releases over one ledger, and what a test does to them.

    Attributes:
        folder: of registry, ledger and what is published.
        trees: of the two releases, by name.
        tables: how the names of the ledger's tables begin, or "".
        address: of Table Storage, or "".
        rows: the ledger's store.
        running: the instances.
        numbers: of the versions registered.
    """

    folder: Path
    trees: dict[str, Path]
    tables: str
    address: str
    rows: WholeRows
    running: dict[str, Instance] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)

    def start(self, release: str, ahead: float = 0) -> Instance:
        """Start an instance of a release."""
        tree = self.trees[release]
        self.running[release] = Instance(
            tree, self.folder, tables=self.tables, address=self.address, ahead=ahead
        )
        return self.running[release]

    def do(self, release: str, what: str, **arguments: object) -> Any:  # noqa: ANN401  # as JSON is
        """Let an instance do something; a killed one is started again, what it refuses is None."""
        try:
            return self.running[release].do(what, **arguments)
        except KilledError:
            self.start(release)
        except RefusedError as exc:
            if str(exc).startswith("LedgerDamagedError"):
                raise
        return None

    def stop(self) -> None:
        """Kill all instances."""
        for instance in self.running.values():
            instance.kill()
        self.running = {}

    def markers(self) -> list[str]:
        """Return the markers that are left."""
        shards = (f"outbox-{shard:02d}" for shard in range(keys.SHARDS))
        return [row.key for shard in shards for row in self.rows.query(WORK, shard)]

    def trace(self) -> None:
        """Write into approvals and owed work what this release may write and the other loses."""
        for row in self.rows.query(LEDGER, PARTITION, limit=1000):
            if row.key.startswith((keys.APPROVAL, keys.OUTBOX)):
                with suppress(ConflictError, AssertionError):  # the instances are at it as well
                    rewrite(
                        self.rows, PARTITION, row.key, lambda one: one.update(traceparent=TRACE)
                    )


@pytest.fixture(params=["sqlite", "azurite"])
def pair(request: pytest.FixtureRequest, previous: Path, tmp_path: Path) -> Iterator[Pair]:
    """The two releases, over either store."""
    with ExitStack() as stack:
        tables = address = ""
        if request.param == "azurite":
            address = connection_string(request.getfixturevalue("azurite"))
            tables = f"t{uuid4().hex}"
            store = TableRows(table_service(address), prefix=tables)
            store.create_tables()
            rows: WholeRows = stack.enter_context(closing(store))
        else:
            rows = stack.enter_context(closing(SQLiteRows(tmp_path / "ledger.db")))
        trees = {"previous": previous, "present": ROOT}
        made = Pair(tmp_path, trees, tables, address, rows)
        stack.callback(made.stop)
        yield made


def begin(pair: Pair, versions: int) -> None:
    """Let each release in turn bring a version to Staging."""
    for number in range(1, versions + 1):
        release = sorted(pair.trees)[number % 2]
        pair.numbers.append(str(number))
        for what in ("register", "signal"):
            pair.do(release, what, number=str(number))
        pair.do(release, "ask", number=str(number), stage="Staging")


def act(pair: Pair, dice: random.Random, release: str) -> None:
    """Do one thing that people, registries, timers or the power supply do."""
    number = dice.choice(pair.numbers)
    what = dice.choice(
        ("register", "signal", "tag", "ask", "ask", "ask", "vote", "vote", "sweep", "die", "trace")
    )
    if what == "register":
        if len(pair.numbers) < MOST_VERSIONS:
            pair.numbers.append(str(len(pair.numbers) + 1))
            pair.do(release, "register", number=pair.numbers[-1])
        pair.do(release, "signal", number=pair.numbers[-1])
    elif what == "tag":
        stage = dice.choice(("Staging", "Production", "Archived"))
        pair.do(release, "tag", number=number, stage=stage)
        pair.do(release, "signal", number=number)
    elif what == "ask":
        stage = dice.choice(("Staging", "Production", "Production", "Production"))
        pair.do(release, "ask", number=number, stage=stage)
    elif what == "vote":
        vote(pair, dice, release)
    elif what == "die":
        pair.do(release, "die", call=dice.randint(1, 30), when=dice.choice(("before", "after")))
    elif what == "trace":
        pair.trace()
    else:
        pair.do(release, what, **({"number": number} if what == "signal" else {}))


def vote(pair: Pair, dice: random.Random, release: str) -> None:
    """Let one person or two vote on what waits, at either release."""
    for approval in pair.do(release, "open") or ():
        for person in dice.sample(("bob", "eve"), dice.randint(1, 2)):
            voting = dice.choice(sorted(pair.trees))
            pair.do(voting, "vote", approval=approval, person=person)


@pytest.mark.parametrize(
    ("pair", "seed"), [("sqlite", 3), ("sqlite", 7), ("azurite", 5)], indirect=["pair"]
)
def test_two_releases_over_one_ledger_lose_nothing(pair: Pair, seed: int) -> None:
    """Signals, requests, votes, sweeps and crashes, a migration in between, and a roll back."""
    dice = random.Random(seed)  # the same each time
    for release in pair.trees:
        begun = pair.start(release).do("begin")
        assert Path(begun) == pair.trees[release], "each runs its own code"
    begin(pair, 3)
    for count in range(OPERATIONS):
        act(pair, dice, dice.choice(("previous", "present")))
        if count == OPERATIONS // 2:
            assert migrate(pair.rows).left_in_all == 0
    come_to_rest(pair, dice.choice(("previous", "present")))

    types = check(pair)
    assert {"StageChanged", "ApprovalRequested", "Voted", "ApprovalClosed"} <= types


def test_both_work_at_once_while_rows_are_migrated(pair: Pair) -> None:
    """None waits for another: what a migration replaces was not written meanwhile."""
    for release in pair.trees:
        pair.start(release).do("begin")
    begin(pair, 4)
    age(pair.rows)
    for seed, instance in enumerate(pair.running.values()):
        instance.tell("busy", numbers=pair.numbers, rounds=30, seed=seed)
    found = [migrate(pair.rows) for _ in range(6)]
    done = [instance.answer() for instance in pair.running.values()]
    come_to_rest(pair, "present")

    assert sum(one.rewritten for one in found) > 0
    assert min(done) > 0
    check(pair)


def come_to_rest(pair: Pair, last: str) -> None:
    """Let an instance of one release finish what all have left: leases and fences are over."""
    pair.stop()
    for ahead in (60, FENCE_SECONDS + 120):
        later = pair.start(last, ahead)
        assert later.do("sweep") == []
        for number in pair.numbers:
            later.do("signal", number=number)
        assert later.do("sweep") == []
        later.kill()
    pair.running = {}


def check(pair: Pair) -> set[str]:
    """Check what must hold at rest, as both releases see it; return the types of the records."""
    seen = {name: pair.start(name, FENCE_SECONDS + 180).do("see") for name in pair.trees}
    one = seen["present"]
    registry = FileRegistry(pair.folder / "registry", "demo")
    tags = {number: registry.tags(Version(IRIS, number)) for number in pair.numbers}
    shown = {number: found.get("stage") for number, found in tags.items()}

    assert seen["previous"] == one
    assert (one["fault"], one["owed"], pair.markers()) == (None, [], [])
    assert set(pair.numbers) == set(one["stages"])
    assert one["stages"] == shown == one["base"] == one["as_of"]
    assert {found["team"] for found in tags.values()} == {"risk ÄÖ"}
    holders = [number for number, stage in shown.items() if stage == "Production"]
    assert one["holders"] == ({"Production": holders} if holders else {})
    assert len(holders) <= 1
    numbers = [number for number, type_, _, _ in one["records"] if type_ not in UNPUBLISHED]
    lines = (pair.folder / "published").read_text().splitlines()
    published = [line for line in dict.fromkeys(lines) if line.startswith(str(IRIS))]
    assert published == [f"{IRIS} {number}" for number in numbers]
    assert migrate(pair.rows).left_in_all == 0
    assert {row.values.get("format") for table in TABLES for _, row in pair.rows.scan(table)} == {1}
    return {type_ for _, type_, _, _ in one["records"]}


# Killed at the last vote of a promotion that displaces

STRIDE = 4


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """One version at Production, and the next one a vote away from it."""
    folder = tmp_path / "template"
    folder.mkdir()
    made: Callable[[Path], None] = test_crash.prepare
    made(folder)
    return folder


def run_crash(tree: Path, folder: Path, call: int, when: str) -> subprocess.CompletedProcess[str]:
    """Cast the last vote with a release, which dies at a call."""
    return in_tree(tree, "-m", "tests.crash", str(folder), str(call), when)


def in_tree(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the tree of a release."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
        env={"PYTHONPATH": str(tree)},
    )


RECOVER = (
    "import sys; from pathlib import Path; from tests.application.test_crash import *; "
    "recover(Path(sys.argv[1])); check(Path(sys.argv[1]))"
)


@pytest.mark.parametrize("dies", ["previous", "present"])
def test_what_one_release_left_when_it_was_killed_the_other_finishes(
    previous: Path, template: Path, tmp_path: Path, dies: str
) -> None:
    """At calls all along one promote-and-displace; tags, history, events are as if it had lived."""
    trees = {"previous": previous, "present": ROOT}
    finishes = next(tree for name, tree in trees.items() if name != dies)
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    calls = int(run_crash(trees[dies], whole, 0, "before").stdout)

    assert calls > 10
    for step, call in enumerate(range(1, calls + 1, STRIDE)):
        folder = tmp_path / f"{call}"
        shutil.copytree(template, folder)
        killed = run_crash(trees[dies], folder, call, ("before", "after")[step % 2])
        recovered = in_tree(finishes, "-c", RECOVER, str(folder))

        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert recovered.returncode == 0, recovered.stderr
        test_crash.check(folder)


def test_a_ledger_as_the_first_release_left_it_is_read_as_it_is_and_migrated(
    previous: Path, tmp_path: Path
) -> None:
    """Nothing but formats changes; the previous release goes on with it."""
    instance = Instance(previous, tmp_path)
    instance.do("begin")
    instance.do("register", number="1")
    instance.do("signal", number="1")
    instance.do("ask", number="1", stage="Staging")
    approval = instance.do("ask", number="1", stage="Production")
    with closing(SQLiteRows(tmp_path / "ledger.db")) as rows:
        age(rows)
        before = contents(rows)
        context(tmp_path).ledger.rows.close()
        assert contents(rows) == before
        tried = migrate(rows, dry_run=True)
        assert contents(rows) == before
        done = migrate(rows)
        after = contents(rows)
        again = migrate(rows)

    old = {place for place, values in before.items() if "format" not in values}
    new = ("ledger", "ledger", "format")
    assert old
    assert (len(old), len(old), 0) == (tried.rewritten, done.rewritten, again.rewritten)
    assert {one.rows for one in tried.found if one.older}
    assert not any(one.older for one in again.found)
    assert after.pop(new) == {"format": 1, "ledger": 2, "least": 1}
    assert after == {place: {"format": 1, **values} for place, values in before.items()}
    assert instance.do("vote", approval=approval, person="bob") == "open"
    assert instance.do("vote", approval=approval, person="eve") == "approved"
    instance.kill()
