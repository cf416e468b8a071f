"""Whatever a next release writes at any table, nothing that this one does loses any of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stage_functions.application import keys, query, tokens, upkeep
from stage_functions.application.copies import Expected, expect
from stage_functions.application.migrate import migrate
from stage_functions.application.ports.rows import LEDGER, WORK, Insert, Row, Value
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.tokens import Token
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import StagewardError
from stage_functions.domain.state import Origin
from tests.builders import IRIS, actor, timed, world
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink
from tests.rolling import next_release
from tests.rolling.next_release import CONTENT, FIELD, PROPERTY, body, rewrite

PARTITION = keys.asset_partition(IRIS)
VERSIONS = [Version(IRIS, number) for number in ("1", "2", "3")]
STAGES = ("Staging", "Production", "Archived")
PEOPLE = ("ada", "bob", "eve", "sam")
CONDITIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "policy": lambda one: one["policy"].update(four_eyes=True),
    "status": lambda one: one.update(status="on_hold"),
    "assurance": lambda one: one["policy"].update(assurance="hardware_key"),
    "binding": lambda one: one["binding"].update(container="sha256:1"),
}


class TwoReleases(RuleBasedStateMachine):
    """This release works on a ledger that a next one works on as well."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = MemorySink("events")
        self.notifier = MemoryNotifier({"person:bob": ("mail:bob",), "group:risk": ("chat",)})
        self.it = world(sinks=(self.sink,), notifier=self.notifier, governed_by=timed())
        for version in VERSIONS:
            self.it.registry.register(version, self.it.clock.now(), author="mlflow:sam")
            follow(self.it.context, Signal(version))
        rows, now = self.it.rows, self.it.clock.now()
        tokens.create(rows, Token("t" * 64, "sam", now))
        expect(rows, Version(IRIS, "9"), Expected(Origin("a/models/b:1", "c", "r"), "Staging"))
        self.marked: set[tuple[str, str]] = set()
        """Rows that have a field and a property of the next release."""
        self.closed: dict[tuple[str, str], Row] = {}
        """Rows that only the next release may change."""
        self.foreign: dict[tuple[str, str, str], Row] = {}
        """Rows that only the next release knows."""
        self.records: set[int] = set()

    def teardown(self) -> None:
        """Give back the store."""
        self.it.rows.close()

    # What this release does

    @rule(version=st.sampled_from(VERSIONS))
    def signal(self, version: Version) -> None:
        """Something may have changed."""
        with suppress(StagewardError):
            follow(self.it.context, Signal(version))

    @rule(version=st.sampled_from(VERSIONS), stage=st.sampled_from(STAGES))
    def tag(self, version: Version, stage: str) -> None:
        """Somebody asks by a tag."""
        self.it.registry.set_tag(version, "stage_request", stage)
        self.signal(version)

    @rule(version=st.sampled_from(VERSIONS), stage=st.sampled_from(STAGES))
    def ask(self, version: Version, stage: str) -> None:
        """Somebody asks over the API."""
        with suppress(StagewardError):
            request_transition(self.it.context, self.it.command(version, stage))

    @rule(person=st.sampled_from(PEOPLE), decision=st.sampled_from(Decision))
    def vote(self, person: str, decision: Decision) -> None:
        """Somebody votes on the approval that was opened last."""
        found = query.approvals(self.it.context)
        if not found:
            return
        approval = found[-1].approval
        operation = self.it.clock.operation_id()
        who, said = actor(person), "because"
        command = VoteCommand(approval.id, decision, said, approval.fingerprint, who, operation)
        with suppress(StagewardError):
            vote(self.it.context, command)

    @rule(hours=st.sampled_from((0, 1, 24, 24 * 8)))
    def sweep(self, hours: int) -> None:
        """Time passes, and the sweep comes by."""
        self.it.clock.time += timedelta(hours=hours)
        sweep(self.it.context)

    @rule()
    def scan(self) -> None:
        """The scan compares."""
        with suppress(StagewardError):
            Scanner(self.it.context).scan("demo")

    @rule()
    def look_after(self) -> None:
        """Operators look after it."""
        upkeep.rebuild_catalog(self.it.context)
        upkeep.forget_answers(self.it.context)
        for view in upkeep.outbox(self.it.context):
            with suppress(StagewardError):
                upkeep.retry(self.it.context, view.id)

    @rule(dry_run=st.booleans())
    def migrate(self, *, dry_run: bool) -> None:
        """Somebody migrates with this release."""
        migrate(self.whole, dry_run=dry_run)

    # What a next release does

    @property
    def whole(self) -> Any:  # noqa: ANN401  # the store behind the one that loses replies
        """The store."""
        return self.it.rows._rows  # noqa: SLF001  # the fake keeps it to itself

    def places(self) -> list[tuple[str, str]]:
        """Return where rows with values lie that can be marked."""
        own = [
            (PARTITION, row.key)
            for row in self.it.rows.query(LEDGER, PARTITION, limit=10_000)
            if row.key.partition(":")[0] in {"head", "version", "approval", "outbox"}
        ]
        others = [
            (keys.registry_partition("demo"), "state"),
            (keys.lifecycle_partition("default"), keys.HEAD),
            ("tokens", "t" * 64),
            ("copies", keys.encode(str(Version(IRIS, "9")))),
        ]
        theirs = {(partition, key) for _, partition, key in self.foreign}
        return sorted({*own, *others} - self.marked - set(self.closed) - theirs)

    @rule(data=st.data())
    def add_a_field(self, data: st.DataObject) -> None:
        """A next release writes a field and a property that are no matter for a decision."""
        able = self.places()
        if not able:
            return
        partition, key = data.draw(st.sampled_from(able))
        rewrite(self.it.rows, partition, key, next_release.add_field, **{PROPERTY: b"beside"})
        self.marked.add((partition, key))

    @rule(data=st.data())
    def change_a_meaning(self, data: st.DataObject) -> None:
        """A next release writes a version, or work, that means more by its format."""
        able = [one for one in self.places() if one[1].startswith(("version:", "outbox:"))]
        if not able:
            return
        partition, key = data.draw(st.sampled_from(able))
        rewrite(self.it.rows, partition, key, lambda _: None, format=next_release.RAISED)
        self.closed[partition, key] = self.row(partition, key)

    @rule(data=st.data(), condition=st.sampled_from(sorted(CONDITIONS)))
    def add_a_condition(self, data: st.DataObject, condition: str) -> None:
        """A next release opens an approval under a condition that this one does not know."""
        able = [
            (partition, key)
            for partition, key in self.places()
            if key.startswith("approval:") and body(self.row(partition, key))["status"] == "open"
        ]
        if not able:
            return
        partition, key = data.draw(st.sampled_from(able))
        rewrite(self.it.rows, partition, key, CONDITIONS[condition])
        self.closed[partition, key] = self.row(partition, key)

    @precondition(lambda self: len(self.foreign) < 12)
    @rule()
    def owe(self) -> None:
        """A next release owes something that this one cannot do."""
        key = next_release.owe(self.it.rows, IRIS)
        commit = body(self.row(PARTITION, keys.HEAD))["commit"]
        shard, marker = keys.outbox_shard(PARTITION), keys.marker_key(PARTITION, commit)
        self.keep(LEDGER, PARTITION, key)
        self.keep(WORK, shard, marker)

    @precondition(lambda self: len(self.foreign) < 12)
    @rule(version=st.booleans())
    def ring(self, *, version: bool) -> None:
        """A next release lets the clock find something."""
        shard = keys.deadlines_shard(PARTITION)
        key = f"{self.it.clock.now().isoformat()}@later"
        known: dict[str, Value] = {"version": "1", "rehearsal": True}
        what = known if version else {"rehearsal": "1"}
        self.it.rows.commit(WORK, shard, [Insert(key, {"format": 1, "asset": str(IRIS), **what})])
        self.keep(WORK, shard, key)

    @precondition(lambda self: len(self.foreign) < 12)
    @rule(table=st.sampled_from(("asset", "registry", "ledger", "new")))
    def add_a_kind(self, table: str) -> None:
        """A next release has rows of a kind that this one does not have."""
        partition = {"asset": PARTITION, "registry": "registry:demo", "ledger": "ledger"}
        where, key = partition.get(table, "rehearsals"), f"rehearsal:{len(self.foreign)}"
        self.it.rows.commit(LEDGER, where, [Insert(key, {"format": 1, "x": "y"})])
        self.keep(LEDGER, where, key)

    @precondition(lambda self: len(self.records) < 5)
    @rule(stage=st.sampled_from(STAGES))
    def record(self, stage: str) -> None:
        """A next release records something that this one has no name for."""
        self.records.add(next_release.record(self.it.rows, IRIS, to=stage))

    def keep(self, table: str, partition: str, key: str) -> None:
        """Remember a row that only the next release may touch."""
        row = self.it.rows.get(table, partition, key)
        assert row is not None
        self.foreign[table, partition, key] = row

    def row(self, partition: str, key: str) -> Row:
        """Return a row of the ledger."""
        row = self.it.rows.get(LEDGER, partition, key)
        assert row is not None
        return row

    # What must hold

    @invariant()
    def what_was_written_beside_is_there(self) -> None:
        """As long as its row is: work that is done is gone with all of it."""
        for partition, key in sorted(self.marked):
            row = self.it.rows.get(LEDGER, partition, key)
            if row is None:
                assert key.startswith("outbox:")
                self.marked.discard((partition, key))
                continue
            assert (CONTENT, b"beside") == (body(row)[FIELD], row.values[PROPERTY]), key

    @invariant()
    def what_is_not_understood_is_as_it_was(self) -> None:
        """Byte for byte, and was not even rewritten."""
        for (partition, key), row in self.closed.items():
            assert self.row(partition, key) == row

    @invariant()
    def what_only_the_next_release_knows_is_as_it_was(self) -> None:
        """Its work, its markers, its moments, its kinds of rows."""
        for (table, partition, key), row in self.foreign.items():
            assert self.it.rows.get(table, partition, key) == row

    @invariant()
    def the_history_is_whole(self) -> None:
        """With the records of both; what the next release has recorded moves nothing."""
        assert query.check_history(self.it.context, IRIS) is None
        numbers = {one.number for one in query.all_records(self.it.context, IRIS) if not one.known}
        assert self.records == numbers

    @invariant()
    def one_at_most_holds_production(self) -> None:
        """Whatever was written beside."""
        states = self.it.context.ledger.versions(IRIS).values()
        assert len([one for one in states if one.stage == "Production"]) <= 1


TwoReleases.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestTwoReleases = TwoReleases.TestCase
