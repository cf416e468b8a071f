"""What must always hold, whatever order, repetition or loss of signals and replies there is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stage_functions.application import query
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, sponsor_request, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import StagewardError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.record import Record, RecordType
from tests.builders import IRIS, STAGES, World, actor, context_over, lifecycle, world
from tests.way_back_world import PERIOD, returning

PEOPLE = ("ada", "bob", "eve", "sam")
VERSIONS = tuple(Version(IRIS, number) for number in "123")
requests = st.sampled_from((*STAGES, "Staging: now", "Production: now", "Nowhere", "withdraw 1"))
versions, people = st.sampled_from(VERSIONS), st.sampled_from(PEOPLE)


class Stageward(RuleBasedStateMachine):
    """Two instances of Stageward over one ledger, and people who do as they please."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World = world(governed_by=returning())
        other = context_over(
            self.world.rows,
            self.world.registry,
            self.world.clock,
            Mode.ENFORCE,
            governed_by=returning(),
        )
        self.instances = (self.world.context, other)
        self.earlier: dict[Version, list[Mapping[str, str]]] = {}

    def teardown(self) -> None:
        """Close the store."""
        self.world.rows.close()

    @initialize()
    def begin(self) -> None:
        """Something is there from the start."""
        self.world.register("1")

    def known(self, version: Version) -> bool:
        """Tell whether the registry has a version."""
        return self.world.registry.read(version) is not None

    def signal(self, version: Version, instance: int) -> None:
        """Deliver a signal, as a host does: it may fail."""
        with suppress(StagewardError):
            follow(self.instances[instance], Signal(version))

    @rule(version=versions, instance=st.integers(0, 1), again=st.integers(0, 2))
    def deliver(self, version: Version, instance: int, again: int) -> None:
        """A signal arrives, perhaps twice."""
        for _ in range(again + 1):
            self.signal(version, instance)

    @rule(version=versions, copied=st.booleans(), trainer=people)
    def register(self, version: Version, copied: bool, trainer: str) -> None:  # noqa: FBT001  # a strategy's value
        """A version is registered, or registered anew under the same number; another trained it."""
        whose = Evidence({"author": {"id": f"mlflow:{trainer}"}})
        self.world.registry.evidences[version] = whose
        tags = next((maps[-1] for maps in self.earlier.values() if maps), {}) if copied else {}
        now = self.world.clock.now()
        self.world.registry.register(version, now, tags=tags, author="mlflow:sam")

    @rule(version=versions, key=st.sampled_from(("stage", "stage_request")), value=requests)
    def edit(self, version: Version, key: str, value: str) -> None:
        """Somebody edits a tag."""
        if self.known(version):
            tags = dict(self.world.registry.tags(version))
            self.earlier.setdefault(version, []).append(tags)
            self.world.registry.set_tags(version, {key: value})

    @rule(version=versions, data=st.data())
    def write_old_tags_back(self, version: Version, data: st.DataObject) -> None:
        """A stale tool writes an earlier tag map back."""
        if self.known(version) and self.earlier.get(version):
            self.world.registry.set_tags(version, data.draw(st.sampled_from(self.earlier[version])))

    @rule(version=versions, stage=st.sampled_from(STAGES), person=people, i=st.integers(0, 1))
    def ask(self, version: Version, stage: str, person: str, i: int) -> None:
        """Somebody asks over the API."""
        with suppress(StagewardError):
            request_transition(self.instances[i], self.world.command(version, stage, person))

    @rule(person=people, approve=st.booleans(), data=st.data())
    def decide(self, person: str, approve: bool, data: st.DataObject) -> None:  # noqa: FBT001
        """Somebody votes on whatever is open."""
        views = query.approvals(self.world.context)
        if views:
            approval = data.draw(st.sampled_from(views)).approval
            decision = Decision.APPROVE if approve else Decision.REJECT
            operation = self.world.clock.operation_id()
            ballot = VoteCommand(
                approval.id, decision, "so be it", approval.fingerprint, actor(person), operation
            )
            with suppress(StagewardError):
                vote(self.world.context, ballot)

    @rule(person=people, sponsors=st.booleans())
    def stand_for_it_or_take_it_back(self, person: str, sponsors: bool) -> None:  # noqa: FBT001
        """Somebody sponsors or withdraws whatever is open."""
        for view in query.approvals(self.world.context)[:1]:
            operation = self.world.clock.operation_id()
            with suppress(StagewardError):
                if sponsors:
                    sponsor_request(self.instances[1], view.approval.id, actor(person), operation)
                else:
                    withdraw(self.instances[1], view.approval.id, actor(person), operation, "")

    @rule(
        version=versions,
        i=st.integers(0, 1),
        asks=people,
        voters=st.permutations(PEOPLE).flatmap(lambda p: st.sampled_from([p, p[:1], []])),
    )
    def promote(self, version: Version, i: int, asks: str, voters: list[str]) -> None:
        """A version is asked into Production, and two people vote for it."""
        with suppress(StagewardError):
            request_transition(self.instances[i], self.world.command(version, "Staging", asks))
            request_transition(self.instances[i], self.world.command(version, "Production", asks))
        self.vote_for(version, voters)

    @rule(person=people, marks=st.booleans(), i=st.integers(0, 1), again=st.booleans())
    def take_out(self, person: str, marks: bool, i: int, again: bool) -> None:  # noqa: FBT001
        """Somebody rolls back, perhaps twice by one operation."""
        operation = self.world.clock.operation_id()
        command = RollbackCommand(IRIS, actor(person), operation, reason="bad", mark=marks)
        for _ in range(1 + again):
            with suppress(StagewardError):
                request_rollback(self.instances[i], command)

    @rule(version=versions, voters=st.permutations(PEOPLE))
    def promote_by_tag(self, version: Version, voters: list[str]) -> None:
        """A version is asked into Production by tag; one of the voters stands for it."""
        if self.known(version):
            self.world.registry.set_tags(version, {"stage_request": "Production: by tag"})
            self.signal(version, 0)
            self.vote_for(version, voters)
            for view in query.approvals(self.world.context):
                operation = self.world.clock.operation_id()
                with suppress(StagewardError):
                    sponsor_request(
                        self.instances[1], view.approval.id, actor(voters[0]), operation
                    )

    def vote_for(self, version: Version, voters: list[str]) -> None:
        """Everybody votes for whatever is open on a version."""
        for view in query.approvals(self.world.context):
            approval = view.approval
            for person in voters if approval.version == version.number else ():
                operation = self.world.clock.operation_id()
                ballot = VoteCommand(
                    approval.id,
                    Decision.APPROVE,
                    "",
                    approval.fingerprint,
                    actor(person),
                    operation,
                )
                with suppress(StagewardError):
                    vote(self.world.context, ballot)

    @rule(version=versions, stage=st.sampled_from(STAGES), person=people)
    def interfere(self, version: Version, stage: str, person: str) -> None:
        """The other instance decides something between a load and its commit."""

        def meanwhile() -> None:
            with suppress(StagewardError):
                command = self.world.command(version, stage, person)
                request_transition(self.instances[1], command)
            self.signal(version, 1)

        self.world.rows.meanwhile = meanwhile

    @rule(losses=st.lists(st.sampled_from((None, True, False)), max_size=4))
    def lose_replies(self, losses: list[bool | None]) -> None:
        """The store's next replies are lost, with or without the batch applied."""
        self.world.rows.losses = losses

    @rule(seconds=st.sampled_from((1, 40, 700, 86_400, 8 * 86_400)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.world.clock.sleep(seconds)

    @rule()
    def come_to_rest(self) -> None:
        """With no one writing, everything is carried out, and then nothing happens any more."""
        self.world.rows.losses = []
        self.world.rows.meanwhile = None
        for _ in range(4):
            self.world.clock.sleep(3700)
            sweep(self.world.context)
            for version in VERSIONS:
                follow(self.world.context, Signal(version))
        count = len(self.records())
        for version in VERSIONS:
            follow(self.instances[0], Signal(version))
            follow(self.instances[1], Signal(version))
        loaded = self.world.context.ledger.load(IRIS)

        assert len(self.records()) == count
        assert loaded.head.owed == ()
        for number, state in self.world.context.ledger.versions(IRIS).items():
            version = Version(IRIS, number)
            if state.governed and self.known(version):
                assert self.world.registry.tags(version)["stage"] == state.stage
                assert state.base["stage"] == state.stage

    @invariant()
    def an_approval_is_open_exactly_while_its_version_waits(self) -> None:
        """Head, version and approval agree, and the version stands where the approval begins."""
        context = self.world.context
        loaded = context.ledger.load(IRIS)
        waiting = {}
        for number, state in context.ledger.versions(IRIS).items():
            if state.approval and not state.gone:
                waiting[state.approval] = (number, state.stage)
        loaded = context.ledger.more(loaded, context.ledger.versions(IRIS))
        assert set(loaded.head.approvals) == set(waiting)
        for id_, (number, stage) in waiting.items():
            approval = loaded.approvals[id_]
            assert approval.status == "open"
            assert (approval.version, approval.binding.source) == (number, stage)

    def records(self) -> list[Record]:
        """Return the history."""
        return list(query.all_records(self.world.context, IRIS))

    @invariant()
    def the_history_is_whole_and_agrees_with_the_state(self) -> None:
        """The records verify, and replayed they say where every version stands."""
        context = self.world.context
        if not context.ledger.load(IRIS).etag:
            return
        assert query.check_history(context, IRIS) is None
        stood = {number: s.stage for number, s in query.standings(context, IRIS, None).items()}
        states = context.ledger.versions(IRIS)
        assert stood == {number: s.stage for number, s in states.items() if s.governed}

    @invariant()
    def one_version_at_most_holds_production(self) -> None:
        """At every number of the history."""
        standing: dict[str, str] = {}
        by_commit: dict[object, dict[str, str]] = {}
        for record in self.records():
            if record.type is RecordType.DELETED:
                standing.pop(record.version, None)
            elif "to" in record.content and record.type in (
                RecordType.REGISTERED,
                RecordType.STAGE_CHANGED,
            ):
                standing[record.version] = str(record.content["to"])
            by_commit[record.content["commit"]] = dict(standing)
        for stages in by_commit.values():
            assert list(stages.values()).count("Production") <= 1

    @invariant()
    def every_stage_change_is_lawful(self) -> None:
        """Allowed, approved by enough others, or displaced by a version in the same commit."""
        records = self.records()
        by_number = {record.number: record for record in records}
        for record in records:
            if record.type is RecordType.STAGE_CHANGED:
                self.check(record, records, by_number)

    def check(self, record: Record, records: list[Record], by_number: dict[int, Record]) -> None:
        """Check one stage change."""
        content = record.content
        if content["why"] == "displaced":
            cause = by_number[int(str(content["because_of"]))]
            assert cause.content["commit"] == content["commit"]
            assert record.version in str(cause.content["displaces"])
            return
        if content["why"] == "rolled_back":
            self.check_rollback(record, by_number)
            return
        transition = lifecycle().transition(str(content["from"]), str(content["to"]))
        assert transition is not None
        if transition.approval is None:
            assert content["why"] == "allowed"
            return
        approval = content["approval"]
        voters = {
            str(other.content["actor"]["id"])  # type: ignore[call-overload,index]  # an actor document
            for other in records
            if other.type is RecordType.VOTED
            and other.content["approval"] == approval
            and other.content["decision"] == "approve"
        }
        assert content["requester"]["attribution"] == "proven"  # type: ignore[call-overload,index]  # likewise
        requester = content["requester"]["id"]  # type: ignore[call-overload,index]  # likewise
        begun = next(
            other
            for other in reversed(records[: record.number])
            if other.type is RecordType.REGISTERED and other.version == record.version
        )
        voters -= {str(requester), str(begun.content["author"]), str(begun.content.get("trainer"))}
        assert len(voters) >= transition.approval.quorum

    def check_rollback(self, record: Record, by_number: dict[int, Record]) -> None:
        """Check that a rollback undoes one promotion, in time, and nothing else."""
        content = record.content
        promotion = by_number[int(str(content["rolls_back"]))]
        assert content["displaces"] == [promotion.version]
        assert promotion.content["displaces"] == [record.version]
        assert promotion.content["why"] == "approved"
        assert promotion.content["approval"] == content["approval"]
        assert record.at < promotion.at + PERIOD
        between = [by_number[one] for one in range(promotion.number + 1, record.number)]
        moved = [one for one in between if one.type is RecordType.STAGE_CHANGED]
        mine = [one for one in moved if one.version in {record.version, promotion.version}]
        assert [record.version] == [one.version for one in mine]
        assert mine[0].content["incarnation"] == content["incarnation"]


Stageward.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestStageward = Stageward.TestCase
