"""What must always hold of the clock, whoever rings it, under whatever clock, whatever is lost."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stage_functions.application import query
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.deadlines import ring
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, sponsor_request, vote, withdraw
from stage_functions.domain.approval import Approval, Decision, Status
from stage_functions.domain.error import StagewardError
from stage_functions.domain.lifecycle import WhenInvalid
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.transition import Request
from tests.application.clock_world import DAY, Clocked, clocked
from tests.builders import IRIS, actor

people = st.sampled_from(("ada", "bob", "eve", "sam"))
instances = st.integers(0, 1)
DAYS = (0.02, 1, 1, 2, 3, 8, 31)


class Clock(RuleBasedStateMachine):
    """Two instances that ring when they please, under one clock that somebody sets."""

    when_invalid = WhenInvalid.RENEW

    def __init__(self) -> None:
        super().__init__()
        self.it: Clocked = clocked(self.when_invalid)
        self.contexts = (self.it.context, self.it.other)

    @initialize(begun=st.sampled_from(("asked", "asked", "granted", "granted")), i=instances)
    def begin(self, begun: str, i: int) -> None:
        """Something waits from the start, or was approved."""
        self.ask("ada", i, "Production")
        if begun == "granted":
            self.everybody_approves(i)

    def teardown(self) -> None:
        """Close the store."""
        self.it.world.rows.close()

    def approvals(self) -> list[Approval]:
        """Return every approval, as the ledger has it."""
        ids = {
            str(one.content["approval"])
            for one in self.it.records()
            if one.type is RecordType.APPROVAL_REQUESTED
        }
        return [self.it.approval(id_) for id_ in sorted(ids)]

    def open(self) -> list[Approval]:
        """Return what is open, whatever the time."""
        return [one for one in self.approvals() if one.status is Status.OPEN]

    @rule(
        person=people, i=instances, stage=st.sampled_from(("Production", "Production", "Archived"))
    )
    def ask(self, person: str, i: int, stage: str) -> None:
        """Somebody asks, for the stage where it stands as well."""
        with suppress(StagewardError):
            command = self.it.world.command(self.it.version, stage, person)
            request_transition(self.contexts[i], command)

    @rule(person=people, i=instances, approve=st.sampled_from((True, True, True, False)))
    def decide(self, person: str, i: int, approve: bool) -> None:  # noqa: FBT001  # a strategy's value
        """Somebody votes on whatever is open."""
        for approval in self.open():
            command = VoteCommand(
                approval.id,
                Decision.APPROVE if approve else Decision.REJECT,
                "as seen",
                approval.fingerprint,
                actor(person),
                self.it.world.clock.operation_id(),
            )
            with suppress(StagewardError):
                vote(self.contexts[i], command)

    @rule(i=instances)
    def everybody_approves(self, i: int) -> None:
        """And somebody stands for it, if need be."""
        for approval in self.open():
            with suppress(StagewardError):
                operation = self.it.world.clock.operation_id()
                sponsor_request(self.contexts[i], approval.id, actor("sam"), operation)
        for person in ("bob", "eve"):
            self.decide(person, i, approve=True)

    @rule(person=people, i=instances)
    def take_back(self, person: str, i: int) -> None:
        """Somebody withdraws whatever is open."""
        for approval in self.open():
            with suppress(StagewardError):
                operation = self.it.world.clock.operation_id()
                withdraw(self.contexts[i], approval.id, actor(person), operation, "")

    @rule(
        days=st.sampled_from(DAYS),
        back=st.sampled_from((False, False, False, False, True)),
        sweeps=st.sampled_from(((), (0,), (0,), (1,), (0, 1))),
    )
    def set_the_clock(self, days: float, back: bool, sweeps: tuple[int, ...]) -> None:  # noqa: FBT001  # a strategy's value
        """Time passes, or the clock is set back; and whoever sweeps by then, sweeps."""
        self.it.world.clock.time += -days * DAY if back else days * DAY
        for instance in sweeps:
            with suppress(StagewardError):
                sweep(self.contexts[instance])

    @rule(course=st.sampled_from(((1.1, 1), (2.1,), (0.5, 0.6, 1, 1, 2), (6.9,), (31,))))
    def days_go_by(self, course: tuple[float, ...]) -> None:
        """Nobody does anything for a while but the sweep."""
        for days in course:
            self.set_the_clock(days, back=False, sweeps=(0, 1))

    @rule(i=instances)
    def ring_everything(self, i: int) -> None:
        """An instance rings what need not be due."""
        for approval in self.approvals():
            with suppress(StagewardError):
                ring(self.contexts[i], IRIS, approval.id)

    @rule()
    def sweep_in_between(self) -> None:
        """The other instance sweeps between a load of the first and its commit."""

        def meanwhile() -> None:
            with suppress(StagewardError):
                sweep(self.contexts[1])

        self.it.world.rows.meanwhile = meanwhile

    @rule(losses=st.lists(st.sampled_from((None, True, False)), max_size=4))
    def lose_replies(self, losses: list[bool | None]) -> None:
        """The store's next replies are lost, with or without the batch applied."""
        self.it.world.rows.losses = losses

    @rule()
    def come_to_rest(self) -> None:
        """With nothing lost any more two sweeps do all that is due, and a third finds nothing."""
        self.it.world.rows.losses = []
        self.it.world.rows.meanwhile = None
        for _ in range(2):
            self.it.world.clock.sleep(3700)
            sweep(self.contexts[0])
        again = [sweep(context).rung for context in self.contexts]
        now = self.it.world.clock.time

        assert again == [(), ()]
        assert all(one.deadline > now for one in self.open())

    @invariant()
    def every_reminder_is_given_once_at_most_and_none_after_the_end(self) -> None:
        """As many as there are moments, each before its approval was closed."""
        closed, reminders = set(), Counter[str]()
        for record in self.it.records():
            id_ = str(record.content.get("approval", ""))
            if record.type is RecordType.APPROVAL_CLOSED:
                closed.add(id_)
            elif record.type in (RecordType.REMINDED, RecordType.ESCALATED):
                assert id_ not in closed
                reminders[id_] += record.type is RecordType.REMINDED
        for approval in self.approvals():
            assert reminders[approval.id] <= approval.reminded <= len(approval.policy.remind)

    @invariant()
    def an_approval_is_escalated_and_runs_out_once_at_most(self) -> None:
        """And what ran out was given before."""
        given = {one.id for one in self.approvals() if one.status is Status.APPROVED}
        for type_ in (RecordType.ESCALATED, RecordType.VALIDITY_ENDED):
            times = Counter(str(one.content["approval"]) for one in self.of(type_))
            assert set(times.values()) <= {1}
            assert type_ is RecordType.ESCALATED or times.keys() <= given

    @invariant()
    def no_vote_counts_after_the_deadline_and_expiry_never_approves(self) -> None:
        """What expired gave nothing, and what was given was decided in time."""
        granting = {
            str(one.content.get("approval"))
            for type_ in (RecordType.STAGE_CHANGED, RecordType.RENEWED)
            for one in self.of(type_)
        }
        for approval in self.approvals():
            assert all(one.at < approval.deadline for one in approval.votes)
            assert (approval.id in granting) == (approval.status is Status.APPROVED)

    @invariant()
    def whoever_voted_was_allowed_to_by_then(self) -> None:
        """One of the further group only behind the record that lets it vote."""
        escalated: set[str] = set()
        for record in self.it.records():
            id_ = str(record.content.get("approval", ""))
            if record.type is RecordType.ESCALATED:
                escalated.add(id_)
            elif record.type is RecordType.VOTED:
                groups = record.content["groups"]
                assert "risk" in groups or id_ in escalated  # type: ignore[operator]  # a list

    @invariant()
    def a_version_stands_by_an_approval_that_was_given(self) -> None:
        """And an approval opens for a renewal only where it stands."""
        state = self.it.state()
        if state.approved_by:
            approval = self.it.approval(state.approved_by)
            assert approval.status is Status.APPROVED
            assert approval.valid_until == state.valid_until
        for approval in self.open():
            assert approval.binding.source == state.stage

    @invariant()
    def the_history_is_whole_and_says_by_what_a_version_stands(self) -> None:
        """Numbered, linked, ending at the head; replayed it has the approval and its end."""
        standing, state = query.standings(self.it.context, IRIS, None)["1"], self.it.state()

        assert query.check_history(self.it.context, IRIS) is None
        assert (standing.approval, standing.valid_until) == (state.approved_by, state.valid_until)

    def of(self, type_: RecordType) -> list[Record]:
        """Return the records of a type."""
        return [one for one in self.it.records() if one.type is type_]


class BlockingClock(Clock):
    """The same where what has run out blocks deployments."""

    when_invalid = WhenInvalid.BLOCK

    @invariant()
    def what_has_run_out_is_not_to_be_deployed(self) -> None:
        """By the moment, whoever swept."""
        self.it.world.rows.losses, losses = [], self.it.world.rows.losses
        wish = Request("", "", actor("sam"))
        found = check(
            self.it.context, Question(self.it.version, Action.DEPLOY, wish, "demo/scoring")
        )
        state, now = self.it.state(), self.it.world.clock.time
        self.it.world.rows.losses = losses
        if state.stage == "Production":
            assert found.allowed == (state.valid_until is None or now < state.valid_until)


for machine in (Clock, BlockingClock):
    machine.TestCase.settings = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
TestClock = Clock.TestCase
TestBlockingClock = BlockingClock.TestCase
