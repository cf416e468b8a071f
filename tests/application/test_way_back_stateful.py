"""Emergencies and rollbacks in any order, with lost replies and time: nothing stays unratified."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import StagewardError
from stage_functions.domain.lifecycle import NotRatified
from stage_functions.domain.record import Record, RecordType
from tests.builders import IRIS, STAGES, World, actor, context_over, world
from tests.way_back_world import promoted, urgent

PEOPLE = ("ada", "bob", "eve", "sam")
VERSIONS = tuple(Version(IRIS, number) for number in "123456")
versions, people = st.sampled_from(VERSIONS), st.sampled_from(PEOPLE)


class WayBack(RuleBasedStateMachine):
    """Two instances over one ledger, and people in a hurry."""

    then = NotRatified.REVERT

    def __init__(self) -> None:
        super().__init__()
        self.world: World = world(governed_by=urgent(self.then))
        here = self.world
        other = context_over(
            here.rows, here.registry, here.clock, Mode.ENFORCE, governed_by=urgent(self.then)
        )
        self.instances = (here.context, other)

    def teardown(self) -> None:
        """Close the store."""
        self.world.rows.close()

    @initialize()
    def begin(self) -> None:
        """One version holds Production, the others wait at Staging."""
        promoted(self.world, "1")
        for version in VERSIONS[1:]:
            self.world.register(version.number)
            request_transition(self.world.context, self.world.command(version, "Staging"))
        sweep(self.world.context)

    @rule(version=versions, person=people, i=st.integers(0, 1), incident=st.sampled_from(("", "I")))
    def ask(self, version: Version, person: str, i: int, incident: str) -> None:
        """Somebody asks for Production, perhaps at once."""
        command = replace(self.world.command(version, "Production", person), emergency=incident)
        with suppress(StagewardError):
            request_transition(self.instances[i], command)

    @rule(
        version=versions,
        person=st.sampled_from(("ada", "sam")),
        end=st.sampled_from(("reject", "lapse", "ratify", "withdraw", "roll back", "edit", "")),
        i=st.integers(0, 1),
    )
    def hurry(self, version: Version, person: str, end: str, i: int) -> None:
        """Somebody uses an emergency, and it ends in some way."""
        self.ask(version, person, i, "INC-1")
        if end in {"reject", "ratify", "edit"}:
            if end == "edit":
                self.edit(version)
            self.decide(["bob", "eve"], end == "reject", 1 - i)
        elif end == "withdraw":
            self.take_back(person)
        elif end == "roll back":
            self.roll_back("eve", i, marks=False)
        elif end == "lapse":
            self.wait(90_000, i)

    @rule(version=versions, voters=st.permutations(("bob", "eve", "ada")))
    def promote(self, version: Version, voters: list[str]) -> None:
        """A version is asked into Production, and people vote for it."""
        self.ask(version, "sam", 0, "")
        self.decide(voters, rejects=False, i=1)

    @rule(version=versions, stage=st.sampled_from(STAGES), person=people)
    def move(self, version: Version, stage: str, person: str) -> None:
        """Somebody asks for any stage."""
        with suppress(StagewardError):
            request_transition(self.instances[1], self.world.command(version, stage, person))

    @rule(voters=st.permutations(PEOPLE), rejects=st.booleans(), i=st.integers(0, 1))
    def decide(self, voters: list[str], rejects: bool, i: int) -> None:  # noqa: FBT001
        """People vote on whatever is open; the first perhaps against it."""
        for view in query.approvals(self.world.context)[:1]:
            approval = view.approval
            for place, person in enumerate(voters):
                decision = Decision.REJECT if rejects and not place else Decision.APPROVE
                ballot = VoteCommand(
                    approval.id,
                    decision,
                    "so be it",
                    approval.fingerprint,
                    actor(person),
                    self.world.clock.operation_id(),
                )
                with suppress(StagewardError):
                    vote(self.instances[i], ballot)

    @rule(person=people)
    def take_back(self, person: str) -> None:
        """Somebody withdraws whatever is open."""
        for view in query.approvals(self.world.context)[:1]:
            operation = self.world.clock.operation_id()
            with suppress(StagewardError):
                withdraw(self.instances[1], view.approval.id, actor(person), operation, "")

    @rule(person=people, i=st.integers(0, 1), marks=st.booleans())
    def roll_back(self, person: str, i: int, marks: bool) -> None:  # noqa: FBT001
        """Somebody rolls back."""
        command = RollbackCommand(
            IRIS, actor(person), self.world.clock.operation_id(), reason="bad", mark=marks
        )
        with suppress(StagewardError):
            request_rollback(self.instances[i], command)

    @rule(version=versions, again=st.booleans())
    def lose(self, version: Version, again: bool) -> None:  # noqa: FBT001
        """A version is deleted, and perhaps registered anew."""
        self.world.registry.remove(version)
        if again:
            self.world.registry.register(version, self.world.clock.now(), author="mlflow:sam")
            with suppress(StagewardError):
                follow(self.world.context, Signal(version))

    @rule(version=versions)
    def edit(self, version: Version) -> None:
        """What a ratification is bound to changes."""
        if self.world.registry.read(version) is not None:
            self.world.registry.describe(version, f"edited at {self.world.clock.now()}")

    @rule(losses=st.lists(st.sampled_from((None, True, False)), max_size=4))
    def lose_replies(self, losses: list[bool | None]) -> None:
        """The store's next replies are lost, with or without the batch applied."""
        self.world.rows.losses = losses

    @rule(seconds=st.sampled_from((1, 4000, 90_000, 31 * 86_400)), i=st.integers(0, 1))
    def wait(self, seconds: int, i: int) -> None:
        """Time passes, and somebody sweeps."""
        self.world.clock.sleep(seconds)
        with suppress(StagewardError):
            sweep(self.instances[i])

    @rule()
    def come_to_rest(self) -> None:
        """Everything is carried out; what nobody ratified in time has been dealt with."""
        self.world.rows.losses = []
        for _ in range(4):
            self.world.clock.sleep(90_000)
            for context in self.instances:
                sweep(context)
        loaded = self.world.context.ledger.load(IRIS)
        if all(self.world.registry.read(version) is not None for version in VERSIONS):
            assert loaded.head.owed == ()
        for number, state in self.world.context.ledger.versions(IRIS).items():
            if state.unratified is not None:
                assert state.unratified.escalated
            there = self.world.registry.read(Version(IRIS, number))
            if state.governed and there is not None and there.incarnation == state.incarnation:
                assert there.tags["stage"] == state.stage

    def records(self) -> list[Record]:
        """Return the history."""
        return list(query.all_records(self.world.context, IRIS))

    @invariant()
    def one_holder_at_most_at_every_commit(self) -> None:
        """And the history is whole, and says where everything stands."""
        context = self.world.context
        if not context.ledger.load(IRIS).etag:
            return
        assert query.check_history(context, IRIS) is None
        standing: dict[str, str] = {}
        commits: dict[object, dict[str, str]] = {}
        for record in self.records():
            if record.type is RecordType.DELETED:
                standing.pop(record.version, None)
            elif record.type in (RecordType.REGISTERED, RecordType.STAGE_CHANGED):
                standing[record.version] = str(record.content["to"])
            commits[record.content["commit"]] = dict(standing)
        for stages in commits.values():
            assert list(stages.values()).count("Production") <= 1
        states = context.ledger.versions(IRIS)
        assert standing == {number: s.stage for number, s in states.items() if s.governed}
        held = tuple(number for number, stage in standing.items() if stage == "Production")
        assert context.ledger.load(IRIS).head.holders.get("Production", ()) == held

    @invariant()
    def what_is_unratified_has_one_ratification_and_no_other_has(self) -> None:
        """Whatever became of the one before."""
        context = self.world.context
        states = context.ledger.versions(IRIS)
        loaded = context.ledger.more(context.ledger.load(IRIS), states)
        ratifying = {
            id_: one
            for id_, one in loaded.approvals.items()
            if id_ in loaded.head.approvals and one.ratifies
        }
        waiting = {
            s.approval: s.unratified.number
            for s in states.values()
            if s.unratified is not None and not s.gone
        }
        assert {id_: one.ratifies for id_, one in ratifying.items()} == waiting
        assert len(ratifying) <= 1
        for one in ratifying.values():
            assert states[one.version].stage == one.binding.target

    @invariant()
    def every_emergency_ends_in_one_way(self) -> None:
        """Ratified by others, reverted, or voided since the version had left; never by waiting."""
        records = self.records()
        used = {one.number: one for one in records if one.type is RecordType.EMERGENCY_USED}
        for record in records:
            if record.type is RecordType.RATIFIED:
                number = int(str(record.content["ratifies"]))
                voters = {
                    str(one.content["actor"]["id"])  # type: ignore[call-overload,index]  # an actor document
                    for one in records
                    if one.type is RecordType.VOTED
                    and one.content["approval"] == record.content["approval"]
                    and one.content["decision"] == "approve"
                }
                by = str(used[number].content["actor"]["id"])  # type: ignore[call-overload,index]  # likewise
                assert len(voters - {by, "person:sam"}) >= 2
            if record.content.get("why") == "reverted":
                assert int(str(record.content["reverts"])) in used


class Escalating(WayBack):
    """The same where what nobody ratified stays, and a further group may."""

    then = NotRatified.ESCALATE


for machine in (WayBack, Escalating):
    machine.TestCase.settings = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
TestWayBack = WayBack.TestCase
TestEscalating = Escalating.TestCase
