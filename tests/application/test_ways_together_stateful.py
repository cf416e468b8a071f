"""Every move that there is, in any order, over two instances: what must hold of the record.

Promotions, rollbacks, emergencies, reviews, edits from outside, renamed stages and rules that
change meanwhile, with time and lost replies between them. After each of them the ledger verifies.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from stage_functions.application import keys, query, verifying
from stage_functions.application.attending import Attention, acknowledge, make_review
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.promotions import past_of
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote, withdraw
from stage_functions.domain.approval import Approval, Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import StagewardError
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.rollback import Stood
from stage_functions.domain.state import VersionState
from tests.application.rules_world import process, rules_world
from tests.builders import IRIS, World, actor
from tests.way_back_world import called, whole_law

PEOPLE = ("ada", "bob", "eve", "sam")
VERSIONS = tuple(Version(IRIS, number) for number in "1234")
ROLES = ("None", "Staging", "Production", "Archived")
MOVED = (RecordType.REGISTERED, RecordType.STAGE_CHANGED)
versions, people = st.sampled_from(VERSIONS), st.sampled_from(PEOPLE)
one_of_two = st.integers(0, 1)


class Together(RuleBasedStateMachine):
    """Two instances over one ledger, rules that change, and people who do as they please."""

    then = "revert"

    def __init__(self) -> None:
        super().__init__()
        self.names = 0
        self.world: World = rules_world(whole_law(0, self.then))
        self.bare = open_ledger(self.world.rows, self.world.clock)
        self.instances = [self.world.context, process(self.world, whole_law(0, self.then))]

    def teardown(self) -> None:
        """Close the store."""
        self.world.rows.close()

    @initialize()
    def begin(self) -> None:
        """One version holds Production, the others wait at Staging."""
        for version in VERSIONS:
            self.world.register(version.number)
            self.ask(version, "Staging", "sam", 0, "")
        self.promote(VERSIONS[0], ["bob", "eve"], 0)
        self.rest()

    def there(self, version: Version) -> bool:
        """Tell whether the registry has a version."""
        return self.world.registry.read(version) is not None

    def open(self) -> list[Approval]:
        """Return what is open."""
        with suppress(StagewardError):
            return [view.approval for view in query.approvals(self.instances[0])]
        return []

    @rule(
        version=versions,
        stage=st.sampled_from(ROLES),
        person=people,
        i=one_of_two,
        incident=st.sampled_from(("", "", "I")),
    )
    def ask(self, version: Version, stage: str, person: str, i: int, incident: str) -> None:
        """Somebody asks for a stage as it is called now, perhaps at once."""
        command = self.world.command(version, called(stage, self.names), person)
        with suppress(StagewardError):
            request_transition(self.instances[i], replace(command, emergency=incident))

    @rule(voters=st.permutations(PEOPLE), rejects=st.booleans(), i=one_of_two)
    def decide(self, voters: list[str], rejects: bool, i: int) -> None:  # noqa: FBT001
        """People vote on whatever is open; the first perhaps against it."""
        for approval in self.open()[:1]:
            for place, person in enumerate(voters):
                decision = Decision.REJECT if rejects and not place else Decision.APPROVE
                operation = self.world.clock.operation_id()
                ballot = VoteCommand(
                    approval.id,
                    decision,
                    "so be it",
                    approval.fingerprint,
                    actor(person),
                    operation,
                )
                with suppress(StagewardError):
                    vote(self.instances[i], ballot)

    @rule(version=versions, voters=st.permutations(("bob", "eve", "ada")), i=one_of_two)
    def promote(self, version: Version, voters: list[str], i: int) -> None:
        """A version is asked into Production, and people vote for it."""
        self.ask(version, "Production", "sam", i, "")
        self.decide(voters, rejects=False, i=1 - i)

    @rule(version=versions, person=st.sampled_from(("ada", "sam")), i=one_of_two)
    def hurry(self, version: Version, person: str, i: int) -> None:
        """Somebody uses an emergency."""
        self.ask(version, "Production", person, i, "INC-1")

    @rule(person=people, i=one_of_two)
    def take_back(self, person: str, i: int) -> None:
        """Somebody withdraws whatever is open."""
        for approval in self.open()[:1]:
            operation = self.world.clock.operation_id()
            with suppress(StagewardError):
                withdraw(self.instances[i], approval.id, actor(person), operation, "")

    @rule(person=people, i=one_of_two, marks=st.booleans(), again=st.booleans())
    def roll_back(self, person: str, i: int, marks: bool, again: bool) -> None:  # noqa: FBT001
        """Somebody rolls back, perhaps twice by one operation."""
        operation = self.world.clock.operation_id()
        command = RollbackCommand(IRIS, actor(person), operation, reason="bad", mark=marks)
        for _ in range(1 + again):
            with suppress(StagewardError):
                request_rollback(self.instances[i], command)

    @rule(version=versions, person=people, i=one_of_two, reviews=st.booleans())
    def attend(self, version: Version, person: str, i: int, reviews: bool) -> None:  # noqa: FBT001
        """Somebody reviews a version, or acknowledges an edit of it."""
        operation = self.world.clock.operation_id()
        command = Attention(version, "seen", actor(person), operation)
        with suppress(StagewardError):
            (make_review if reviews else acknowledge)(self.instances[i], command)

    @rule(version=versions, i=one_of_two, tag=st.booleans())
    def edit(self, version: Version, i: int, tag: bool) -> None:  # noqa: FBT001
        """Somebody edits from outside what is frozen, or bound."""
        if not self.there(version):
            return
        if tag:
            self.world.registry.set_tags(version, {"owner": f"{self.world.clock.now()}"})
        else:
            self.world.registry.describe(version, f"edited at {self.world.clock.now()}")
        with suppress(StagewardError):
            follow(self.instances[i], Signal(version))

    @rule(version=versions, value=st.sampled_from((*ROLES, "Live", "Prod")), asks=st.booleans())
    def tag(self, version: Version, value: str, asks: bool) -> None:  # noqa: FBT001
        """Somebody edits the tags of the conversation."""
        if self.there(version):
            key = "stage_request" if asks else "stage"
            self.world.registry.set_tags(version, {key: value})
            with suppress(StagewardError):
                follow(self.instances[0], Signal(version))

    @rule(version=versions, again=st.booleans(), i=one_of_two)
    def lose(self, version: Version, again: bool, i: int) -> None:  # noqa: FBT001
        """A version is deleted, and perhaps registered anew."""
        self.world.registry.remove(version)
        if again:
            self.world.registry.register(version, self.world.clock.now(), author="mlflow:sam")
            with suppress(StagewardError):
                follow(self.instances[i], Signal(version))
                self.ask(version, "Staging", "sam", i, "")

    @rule(i=one_of_two)
    def rename(self, i: int) -> None:
        """The stages are called otherwise from now on: one instance is updated, then the other."""
        if self.names < 2:
            self.names += 1
            self.instances[i] = process(self.world, whole_law(self.names, self.then))
            self.world.clock.sleep(70)

    @rule(then=st.sampled_from(("revert", "escalate", "")), i=one_of_two)
    def change_the_rules(self, then: str, i: int) -> None:
        """What follows when nobody ratifies is another thing, or there are no emergencies more."""
        self.then = then
        self.instances[i] = process(self.world, whole_law(self.names, then))

    @rule(losses=st.lists(st.sampled_from((None, True, False)), max_size=4))
    def lose_replies(self, losses: list[bool | None]) -> None:
        """The store's next replies are lost, with or without the batch applied."""
        self.world.rows.losses = losses

    @rule(version=versions, person=people)
    def interfere(self, version: Version, person: str) -> None:
        """The other instance decides something between a load and its commit."""
        self.world.rows.meanwhile = lambda: self.ask(version, "Archived", person, 1, "")

    @rule(seconds=st.sampled_from((1, 4000, 90_000, 31 * 86_400, 200 * 86_400)), i=one_of_two)
    def wait(self, seconds: int, i: int) -> None:
        """Time passes, and somebody sweeps."""
        self.world.clock.sleep(seconds)
        with suppress(StagewardError):
            sweep(self.instances[i])

    def rest(self) -> None:
        """Let everything be carried out that is owed."""
        self.world.rows.losses, self.world.rows.meanwhile = [], None
        for context in self.instances:
            sweep(context)

    @rule()
    def come_to_rest(self) -> None:
        """What nobody ratified in time has been dealt with, and the tags say what is granted."""
        for i, context in enumerate(self.instances):  # a rolling update has ended
            self.rest_of_update(i, context)
        for _ in range(4):
            self.rest()
            self.world.clock.sleep(90_000)
            for version in VERSIONS:  # as a scan does
                with suppress(StagewardError):
                    follow(self.instances[0], Signal(version))
        self.rest()
        context = self.instances[0]
        for number, state in context.ledger.versions(IRIS, as_kept=True).items():
            there = self.world.registry.read(Version(IRIS, number))
            if state.unratified is not None and not state.gone and there is not None:
                assert state.unratified.escalated
            if state.governed and there is not None and there.incarnation == state.incarnation:
                assert there.tags["stage"] == state.stage

    def rest_of_update(self, i: int, context: Context) -> None:
        """Let an instance have the file that the others have."""
        wanted = whole_law(self.names, self.then)
        if context.configuration.lifecycles[0].digest != wanted.digest:
            self.instances[i] = process(self.world, wanted)

    def records(self) -> list[Record]:
        """Return the history."""
        return self.bare.records(keys.asset_partition(IRIS))

    def states(self) -> dict[str, VersionState]:
        """Return where every version stands, by its records."""
        return self.bare.versions(IRIS)

    @invariant()
    def the_ledger_verifies(self) -> None:
        """The records are whole, and head, holders and versions are what they come to."""
        context = self.world.context
        found = verifying.check(self.world.rows, context.ledger.id, verifying.of_asset(IRIS))
        assert found.whole, (found.fault, found.beside)

    @invariant()
    def one_holder_at_most_at_every_commit(self) -> None:
        """Of the exclusive stage, however it is called."""
        standing: dict[str, str] = {}
        commits: dict[object, list[str]] = {}
        for record in self.records():
            if record.type is RecordType.DELETED:
                standing.pop(record.version, None)
            elif record.type in MOVED:
                standing[record.version] = str(record.content["to"])
            holding = {called("Production", one) for one in range(3)}
            commits[record.content["commit"]] = [s for s in standing.values() if s in holding]
        assert all(len(held) <= 1 for held in commits.values())
        states = self.states()
        assert standing == {number: s.stage for number, s in states.items() if s.governed}

    @invariant()
    def what_is_unratified_has_one_ratification(self) -> None:
        """However it is called where it stands; and nothing else has one."""
        states = self.states()
        head = self.bare.load(IRIS).head
        found = {id_: self.bare.approval(IRIS, id_) for id_ in head.approvals}
        ratifying = {id_: one.ratifies for id_, one in found.items() if one and one.ratifies}
        waiting = {
            s.approval: s.unratified.number
            for s in states.values()
            if s.unratified is not None and not s.gone
        }
        assert ratifying == waiting
        assert len(ratifying) <= 1
        assert all(one is not None and one.status == "open" for one in found.values())

    @invariant()
    def every_change_of_a_stage_is_justified(self) -> None:
        """By its reason, and by the records that it is linked to."""
        records = self.records()
        for record in records:
            if record.type is RecordType.STAGE_CHANGED:
                getattr(self, f"check_{record.content['why']}")(record, records)

    def check_displaced(self, record: Record, records: list[Record]) -> None:
        """A displacement has its cause in the same commit."""
        cause = records[int(str(record.content["because_of"])) - 1]
        assert cause.content["commit"] == record.content["commit"]
        assert [record.version] == cause.content["displaces"]

    def check_allowed(self, record: Record, _: list[Record]) -> None:
        """A way without approval."""
        assert "approval" not in record.content
        assert role(record.content["to"]) != "Production"

    def check_approved(self, record: Record, records: list[Record]) -> None:
        """A quorum of others has voted for it."""
        voters = approvers(records, record.content["approval"])
        least = 2 if role(record.content["to"]) == "Production" else 1
        assert len(voters - {who(record.content["requester"])}) >= least

    def check_emergency(self, record: Record, records: list[Record]) -> None:
        """Its use is the record that it is due to, and a ratification opens with it."""
        used = records[int(str(record.content["because_of"])) - 1]
        assert used.type is RecordType.EMERGENCY_USED
        assert who(used.content["actor"]) in {"person:ada", "person:sam"}
        same = [one for one in records if one.content["commit"] == record.content["commit"]]
        assert used in same
        opened = [one for one in same if one.type is RecordType.APPROVAL_REQUESTED]
        assert [used.number] == [one.content["ratifies"] for one in opened]

    def check_rolled_back(self, record: Record, records: list[Record]) -> None:
        """It undoes one promotion, in time, and both have not moved meanwhile."""
        promotion = records[int(str(record.content["rolls_back"])) - 1]
        assert record.content["displaces"] == [promotion.version]
        assert promotion.content["displaces"] == [record.version]
        assert promotion.content["why"] in {"approved", "emergency"}
        between = moves(records[promotion.number : record.number - 1])
        mine = [one for one in between if one.version in {record.version, promotion.version}]
        assert [record.version] == [one.version for one in mine]
        assert mine[0].content["incarnation"] == record.content["incarnation"]
        before = last_footing(records[: promotion.number - 1], record.version)
        stood = before.content.get("restores", before.content.get("approval"))
        assert stood == record.content.get("restores")
        assert before.content.get("valid_until") == record.content.get("valid_until")

    def check_reverted(self, record: Record, records: list[Record]) -> None:
        """It is due to a ratification that ended otherwise than approved, in the same commit."""
        closed = records[int(str(record.content["because_of"])) - 1]
        assert closed.content["commit"] == record.content["commit"]
        assert closed.content["status"] != "approved"
        assert closed.content["then"] == "revert"
        used = records[int(str(record.content["reverts"])) - 1]
        assert used.type is RecordType.EMERGENCY_USED

    def check_renamed(self, record: Record, _: list[Record]) -> None:
        """The stage is the same one."""
        assert role(record.content["from"]) == role(record.content["to"])

    @invariant()
    def what_versions_have_noted_is_what_the_history_says(self) -> None:
        """Whom the holder displaced, and by what that stood."""
        with suppress(StagewardError):  # this instance may not know yet what stages are called
            context = self.instances[0]
            for (holder,) in context.ledger.load(IRIS).head.holders.values():
                loaded = context.ledger.load(IRIS, [holder])
                state = loaded.versions[holder]
                bare = replace(loaded, versions={holder: replace(state, footing=None)})
                noted, read = past_of(context, loaded, holder), past_of(context, bare, holder)
                assert noted == (replace(read, before=Stood()) if read.moved else read)

    @invariant()
    def nobody_ratifies_their_own_emergency(self) -> None:
        """Nor does who made the version."""
        records = self.records()
        for record in records:
            if record.type is RecordType.RATIFIED:
                used = records[int(str(record.content["ratifies"])) - 1]
                voters = approvers(records, record.content["approval"])
                quorum = 2 if used.content["to"] == "Production" else 1
                assert len(voters - {who(used.content["actor"]), "person:sam"}) >= quorum

    @invariant()
    def what_was_marked_returns_only_once_somebody_else_reviewed_it(self) -> None:
        """Neither who marked it nor who made it."""
        marked: dict[str, Record] = {}
        records = self.records()
        for record in records:
            if record.type in {RecordType.DELETED, RecordType.REGISTERED}:
                marked.pop(record.version, None)
            elif "marked" in record.content:
                marked[record.version] = records[int(str(record.content["because_of"])) - 1]
            elif record.type is RecordType.REVIEWED and "clears" in record.content:
                by = who(marked.pop(record.version).content["actor"])
                assert who(record.content["actor"]) not in {by, "person:sam"}
            elif record.type is RecordType.STAGE_CHANGED and record.version in marked:
                assert role(record.content["to"]) == "Archived"
        kept = {number for number, s in self.states().items() if s.marked and not s.gone}
        assert set(marked) == kept

    @invariant()
    def an_emergency_ends_only_with_a_record_that_says_how(self) -> None:
        """Ratified, put back, escalated again, moved out, or deleted."""
        standing: dict[str, int] = {}
        for record in self.records():
            content = record.content
            if record.type is RecordType.EMERGENCY_USED:
                standing[record.version] = record.number
                continue
            moved = record.type is RecordType.STAGE_CHANGED
            ends = moved and content["why"] not in {"emergency", "renamed"}
            if ends or record.type in {RecordType.RATIFIED, RecordType.DELETED}:
                standing.pop(record.version, None)
        states = self.states()
        assert standing == {
            number: s.unratified.number
            for number, s in states.items()
            if s.unratified is not None and not s.gone
        }


def role(stage: object) -> str:
    """Return what a stage was called at first."""
    return next(one for one in ROLES if stage in {called(one, names) for names in range(3)})


def who(document: object) -> str:
    """Return the id of an actor as records have it."""
    assert isinstance(document, Mapping)
    return str(document["id"])


def approvers(records: list[Record], approval: object) -> set[str]:
    """Return who voted for an approval."""
    return {
        who(one.content["actor"])
        for one in records
        if one.type is RecordType.VOTED
        and one.content["approval"] == approval
        and one.content["decision"] == "approve"
    }


def moves(records: list[Record]) -> list[Record]:
    """Return the records that moved a version; another name moves nothing."""
    return [one for one in records if one.type in MOVED and one.content["why"] != "renamed"]


def last_footing(records: list[Record], version: str) -> Record:
    """Return the record by which a version stood at the end of these."""
    kinds = {*MOVED, RecordType.RENEWED, RecordType.RATIFIED}
    mine = (one for one in reversed(records) if one.version == version and one.type in kinds)
    return next(one for one in mine if one.content.get("why") != "renamed")


class Escalating(Together):
    """The same where what nobody ratified stays at first."""

    then = "escalate"


for machine in (Together, Escalating):
    machine.TestCase.settings = settings(
        max_examples=20,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
TestTogether = Together.TestCase
TestEscalating = Escalating.TestCase
