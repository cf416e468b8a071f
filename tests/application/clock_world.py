"""A world with a clock over an approval: what several tests of the clock ask of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys, query
from stage_functions.application.answer import Answer
from stage_functions.application.checks import Action, Finding, Question, check
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import WORK
from stage_functions.application.sweep import Swept, sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, sponsor_request, vote
from stage_functions.domain.approval import Approval, Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import Assurance, Lifecycle, WhenInvalid
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request
from tests.builders import IRIS, World, actor, context_over, timed, world

DAY = timedelta(days=1)
RUN_OUT = 31.0
"""Days after the world began: what was approved then was valid for 30."""
CLOCKED = frozenset(
    {
        RecordType.REMINDED,
        RecordType.ESCALATED,
        RecordType.VALIDITY_ENDED,
        RecordType.APPROVAL_CLOSED,
    }
)
"""What the clock writes; closed is an approval by people too."""


class Clocked(Struct, frozen=True):
    """A world where version 1 of iris stands at Staging, and a second instance beside it.

    Attributes:
        world: the world.
        other: another instance over the same store and registry.
        version: version 1.
        opened: when the world began, about.
    """

    world: World
    other: Context
    version: Version
    opened: datetime

    @property
    def context(self) -> Context:
        """The first instance."""
        return self.world.context

    def ask(self, person: str = "sam", target: str = "Production") -> Answer:
        """Ask over the API."""
        return request_transition(self.context, self.world.command(self.version, target, person))

    def vote(
        self,
        approval: str,
        person: str,
        decision: Decision = Decision.APPROVE,
        *,
        comment: str = "as seen",
        fingerprint: str = "",
        assurance: Assurance = Assurance.SIGNED_IN,
        context: Context | None = None,
    ) -> Answer:
        """Vote on what is open, as it is now."""
        command = VoteCommand(
            approval,
            decision,
            comment,
            fingerprint or self.approval(approval).fingerprint,
            actor(person),
            self.world.clock.operation_id(),
            assurance,
        )
        return vote(context or self.context, command)

    def sponsor(self, approval: str, person: str) -> Answer:
        """Stand for a request."""
        operation = self.world.clock.operation_id()
        return sponsor_request(self.context, approval, actor(person), operation)

    def granted(self, person: str = "sam", voters: tuple[str, ...] = ("bob", "eve")) -> str:
        """Let the version be approved for the stage that is asked for; return the approval."""
        asked = self.ask(person)
        for voter in voters:
            self.vote(asked.approval, voter)
        return asked.approval

    def at(self, days: float) -> Swept:
        """Sweep so many days after the world began, whatever the clock said before."""
        self.set(days)
        return sweep(self.context)

    def set(self, days: float) -> None:
        """Set the clock to so many days after the world began."""
        self.world.clock.time = self.opened + days * DAY

    def approval(self, id_: str) -> Approval:
        """Return an approval as the ledger has it, without the time."""
        return self.context.ledger.more(self.context.ledger.load(IRIS), approval=id_).approvals[id_]

    def state(self) -> VersionState:
        """Return where the version stands."""
        return self.context.ledger.versions(IRIS)["1"]

    def records(self) -> list[Record]:
        """Return the history."""
        return list(query.all_records(self.context, IRIS))

    def rung(self) -> list[RecordType]:
        """Return the types of the records that the clock has written."""
        return [record.type for record in self.records() if record.type in CLOCKED]

    def rows(self) -> int:
        """Return how many rows the clock has."""
        shards = (f"deadlines-{shard:02d}" for shard in range(keys.SHARDS))
        return sum(len(self.world.rows.query(WORK, shard)) for shard in shards)


def clocked(
    when_invalid: WhenInvalid = WhenInvalid.NOTIFY,
    governed_by: Lifecycle | None = None,
    mode: Mode = Mode.ENFORCE,
) -> Clocked:
    """Return a world with a clock, its version at Staging."""
    course = governed_by or timed(when_invalid)
    made = world(mode, governed_by=course)
    other = context_over(made.rows, made.registry, made.clock, mode, governed_by=course)
    version = made.register("1")
    request_transition(made.context, made.command(version, "Staging"))
    return Clocked(made, other, version, made.clock.time)


def under(it: Clocked, course: Lifecycle) -> Clocked:
    """Return the world as it is under another lifecycle."""

    def changed(context: Context) -> Context:
        configuration = replace(context.configuration, lifecycles=(course,))
        return replace(context, configuration=configuration)

    made = replace(it.world, context=changed(it.world.context))
    return replace(it, world=made, other=changed(it.other))


def ends(it: Clocked) -> list[Record]:
    """Return the records of what has run out."""
    return [record for record in it.records() if record.type is RecordType.VALIDITY_ENDED]


def waiting(it: Clocked) -> Approval:
    """Return the approval that is open."""
    (view,) = query.approvals(it.context)
    return view.approval


def deployment(it: Clocked) -> Finding:
    """Ask whether the version may be deployed."""
    return check(
        it.context, Question(it.version, Action.DEPLOY, Request("", "", actor("sam")), "demo/b")
    )


def observed(context: Context) -> Context:
    """Return an instance whose registry is only observed."""
    registries = {
        alias: replace(one, mode=Mode.OBSERVE)
        for alias, one in context.configuration.registries.items()
    }
    configuration = replace(context.configuration, registries=registries)
    states = type(context.states)(context.ledger.rows, context.clock, configuration)
    return replace(context, configuration=configuration, states=states)
