"""Who asked by a tag, where two people wrote before it was read: neither approves their own work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.brief import brief
from stage_functions.application.context import Context
from stage_functions.application.registries import RegistryState
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.timeline import moment
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.application.writer import SAME_WRITE_SECONDS
from stage_functions.domain.approval import Approval, Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Configuration, Mode
from stage_functions.domain.error import DeniedError, StagewardError
from stage_functions.domain.people import STAGEWARD, Attribution, Directory, Person
from stage_functions.domain.record import RecordType
from stage_functions.domain.voting import counted
from tests.builders import IRIS, World, actor, context_over, lifecycle, world

VERSION = Version(IRIS, "1")
OWN = "oid:stageward"
KEYS = ("ada", "bob", "eve", "sam", "max")
PEOPLE = {key: Person(key, key.title(), (f"oid:{key}", f"aml:{key.title()}")) for key in KEYS}
GROUPS = {"science": ("sam", "ada"), "risk": ("ada", "bob", "eve", "max")}


class Case(Struct, frozen=True):
    """A version at Staging, in a registry that shows who wrote last, and two Stagewards.

    Attributes:
        world: with the registry and the clock.
        instances: of Stageward, over one ledger.
    """

    world: World
    instances: tuple[Context, Context]

    @property
    def context(self) -> Context:
        """The first of them."""
        return self.instances[0]

    @property
    def approval(self) -> Approval:
        """The one that there is."""
        (found,) = query.approvals(self.context)
        return found.approval

    def write(self, who: str, tags: dict[str, str | None]) -> Signal:
        """Let somebody edit tags; return the event that tells of it."""
        self.world.clock.sleep(0.01)
        at = self.world.clock.now()
        self.world.registry.set_tags(VERSION, tags)
        self.world.registry.wrote(VERSION, f"aml:{who.title()}", at)
        at += timedelta(milliseconds=5)
        return Signal(VERSION, (), f"oid:{who}", at, names=(who.title(),), authenticated=True)

    def asked(self) -> tuple[Signal, Signal]:
        """Let ada ask, and bob edit before anybody has looked; return their events."""
        self.world.clock.sleep(600)
        ann = self.write("ada", {"stage_request": "Production: mine"})
        return ann, self.write("bob", {"note": "typo"})

    def vote(self, who: str, instance: int = 0) -> None:
        """Approve."""
        id_, fingerprint = self.approval.id, self.approval.fingerprint
        operation = self.world.clock.operation_id()
        command = VoteCommand(id_, Decision.APPROVE, "", fingerprint, actor(who), operation)
        vote(self.instances[instance], command)

    def counted(self) -> set[str]:
        """Return whose votes count."""
        return set(counted(self.approval, self.context.configuration.directory))


def knowing(context: Context) -> Context:
    """Return Stageward where everybody is known."""
    directory = Directory(PEOPLE, GROUPS).masked(context.ledger.mask)
    configuration = Configuration(context.configuration.registries, directory, (lifecycle(),))
    return replace(context, configuration=configuration)


def case() -> Case:
    """Return a new one."""
    made = world()
    made.registry.own = frozenset({OWN})
    other = context_over(made.rows, made.registry, made.clock, Mode.ENFORCE)

    def signed(call: str) -> None:
        if call == "write_tags":
            made.registry.wrote(VERSION, STAGEWARD, made.clock.now())

    made.registry.after = signed
    made.registry.register(VERSION, made.clock.now(), author="oid:author")
    follow(made.context, Signal(VERSION))
    made.tag(VERSION, "stage_request", "Staging")
    return Case(made, (knowing(made.context), knowing(other)))


@pytest.fixture
def it() -> Iterator[Case]:
    """A new case."""
    with closing((made := case()).world.rows):
        yield made


def records(it: Case) -> list[tuple[RecordType, str]]:
    """Return what the history says, and of whom."""
    return [(one.type, moment(one).actor) for one in query.all_records(it.context, IRIS)]


def test_who_is_taken_for_the_requester_is_not_the_only_one_who_may_have_asked(it: Case) -> None:
    """The event of whoever asked comes last: they are a candidate, and have no vote."""
    ann, bob = it.asked()
    follow(it.context, bob)
    taken = it.approval
    follow(it.context, ann)

    assert ("person:bob", Attribution.PROVEN) == (taken.requester.id, taken.requester.attribution)
    assert ("person:bob",) == taken.candidates
    assert taken.requester == it.approval.requester
    assert ("person:bob", "person:ada") == it.approval.candidates
    with pytest.raises(DeniedError, match="one who wrote to it too before it was asked"):
        it.vote("ada")
    it.vote("eve")
    it.vote("max")
    assert "Production" == it.world.registry.tags(VERSION)["stage"]


def test_a_vote_that_was_cast_already_stops_counting(it: Case) -> None:
    """It is judged again at the quorum, and every page says why it does not count."""
    ann, bob = it.asked()
    follow(it.context, bob)
    it.vote("ada")
    before = it.counted()
    follow(it.context, ann)
    it.vote("eve")
    shown = brief(it.context, it.approval.id, "person:ada")

    assert {"person:ada"} == before
    assert {"person:eve"} == it.counted()
    assert "Staging" == it.world.registry.tags(VERSION)["stage"]
    assert "needs 1 more of risk" in it.world.registry.tags(VERSION)["stage_status"]
    assert "they are one who wrote to it too before it was asked" == (
        shown.people.ballots[0].why_not
    )
    assert ["Ada"] == [one.name for one in shown.late]
    assert ("Observed", "Ada") in [(one.type, one.actor.name) for one in shown.deeds]


def test_the_history_says_who_and_that_no_stage_moved(it: Case) -> None:
    """One record, of whoever wrote, that names the approval."""
    ann, bob = it.asked()
    follow(it.context, bob)
    known = len(records(it))
    follow(it.context, ann)
    last = list(query.all_records(it.context, IRIS))[-1]

    assert [(RecordType.OBSERVED, "person:ada")] == records(it)[known:]
    assert "wrote to it too before it was asked" == moment(last).what
    assert it.approval.id == last.content["approval"]
    assert "proven" == moment(last).attribution


def test_an_event_is_of_the_moment_when_its_write_has_ended(it: Case) -> None:
    """A write that took long may have been read before its event says that it was made."""
    ann, bob = it.asked()
    follow(it.context, bob)
    late = ann.at + timedelta(seconds=SAME_WRITE_SECONDS) if ann.at else None

    assert follow(it.context, replace(ann, at=late))
    assert ("person:bob", "person:ada") == it.approval.candidates


def test_an_event_counts_also_while_the_registry_is_only_observed(it: Case) -> None:
    """It does not come again, and the approval stays open."""
    ann, bob = it.asked()
    follow(it.context, bob)
    it.context.states.update("demo", lambda _: RegistryState())
    calls = len(it.world.registry.calls)

    assert follow(it.context, ann)
    assert ("person:bob", "person:ada") == it.approval.candidates
    assert "write_tags" not in it.world.registry.calls[calls:]


def test_events_that_come_again_change_nothing(it: Case) -> None:
    """Neither that of the requester nor that of whoever was late."""
    ann, bob = it.asked()
    follow(it.context, bob)
    follow(it.context, ann)
    before = records(it), it.approval

    assert not any(follow(one, hint) for one in it.instances for hint in (bob, ann, bob))
    assert before == (records(it), it.approval)


def test_who_wrote_before_it_was_last_at_base_is_not_suspected(it: Case) -> None:
    """However late their event comes: what they wrote was seen, and asked for nothing."""
    eve = it.write("eve", {"note": "fine"})
    staging = it.write("sam", {"stage_request": "Production: not yet"})
    follow(it.context, staging)
    it.world.clock.sleep(600)
    follow(it.context, it.write("sam", {"stage_request": f"withdraw {it.approval.id}"}))
    ann, bob = it.asked()
    follow(it.context, bob)

    assert not follow(it.context, eve)
    it.vote("eve")
    assert {"person:eve"} == it.counted()
    assert follow(it.context, ann)


@pytest.mark.parametrize("seconds", [SAME_WRITE_SECONDS + 1, 3600])
def test_who_writes_after_it_was_asked_is_not_suspected(it: Case, seconds: float) -> None:
    """Whoever edits what others have asked for may approve it."""
    follow(it.context, it.asked()[1])
    it.world.clock.sleep(seconds)

    assert not follow(it.context, it.write("eve", {"note": "looked at"}))
    it.vote("eve")
    assert {"person:eve"} == it.counted()


@pytest.mark.parametrize(
    "hint",
    [
        {"authenticated": False},
        {"actor": OWN},
        {"actor": OWN.upper()},
        {"actor": ""},
        {"at": None},
        {"deleted": True},
        {"at": datetime.fromisoformat("2025-12-31T00:00:00Z")},
    ],
    ids=lambda hint: ", ".join(f"{key} {value}" for key, value in hint.items()),
)
def test_what_proves_no_write_of_then_adds_nobody(it: Case, hint: dict[str, object]) -> None:
    """Anybody could post what the platform has not sent; and Stageward is nobody."""
    ann, bob = it.asked()
    follow(it.context, bob)

    assert not follow(it.context, replace(ann, **hint))
    assert ("person:bob",) == it.approval.candidates


def test_a_request_that_was_not_made_by_tag_has_nobody_else_behind_it(it: Case) -> None:
    """Whoever asks over the API is known, whoever else has edited the version."""
    eve = it.write("eve", {"note": "fine"})
    request_transition(it.context, it.world.command(VERSION, "Production"))

    assert not follow(it.context, eve)
    it.vote("eve")
    assert {"person:eve"} == it.counted()


def test_who_asks_while_registering_is_found_as_well(it: Case) -> None:
    """A new version has not been at base yet: everyone since it was made may have asked."""
    policy = lifecycle().transitions[-1].approval
    guarded = tuple(replace(one, approval=policy) for one in lifecycle().transitions)
    configuration = it.context.configuration
    configuration = replace(
        configuration, lifecycles=(replace(lifecycle(), transitions=guarded, text={}),)
    )
    context = replace(it.context, configuration=configuration)
    version, made = Version(IRIS, "2"), it.world.clock.now()
    it.world.registry.register(version, made, tags={"stage_request": "Staging"})
    it.world.registry.wrote(version, "aml:Bob", made + timedelta(seconds=1))
    it.world.clock.sleep(2)
    hint = Signal(version, at=made, authenticated=True)
    late = made + timedelta(seconds=1)
    follow(context, replace(hint, actor="oid:bob", names=("Bob",), at=late))
    follow(context, replace(hint, actor="oid:ada", names=("Ada",)))

    assert ("person:bob", "person:ada") == it.approval.candidates


def test_whose_write_was_not_shown_yet_may_have_asked(it: Case) -> None:
    """An old answer leaves it open what they wrote; a later request may be theirs."""
    it.world.registry.hold()
    ann, bob = it.asked()
    follow(it.context, ann)
    again = follow(it.context, ann)
    it.world.registry.release()
    follow(it.context, bob)

    assert not again
    assert "person:bob" == it.approval.requester.id
    assert ("person:ada", "person:bob") == it.approval.candidates
    with pytest.raises(DeniedError):
        it.vote("ada")


def test_where_nothing_is_open_a_late_event_costs_what_any_does(it: Case) -> None:
    """One reading of the registry, and the rows of the asset and the version."""
    follow(it.context, it.write("eve", {"note": "fine"}))
    bare, late = [], it.write("max", {"note": "better"})
    for hint in (Signal(VERSION), late):
        it.world.registry.calls.clear()
        trips = it.world.rows.trips
        assert not follow(it.context, hint)
        bare.append((tuple(it.world.registry.calls), it.world.rows.trips - trips))

    assert bare[0] == bare[1]
    assert ("read",) == bare[0][0]


EVENTS = st.permutations(["ada", "bob", "ada", "bob", "vote", "nobody"])


@settings(max_examples=150, deadline=None)
@given(order=EVENTS, where=st.lists(st.integers(0, 1), min_size=6, max_size=6), stale=st.booleans())
def test_no_order_lets_somebody_approve_their_own_request(
    order: list[str], where: list[int], *, stale: bool
) -> None:
    """Whatever comes first, again, or to another instance: their vote does not count."""
    with closing((it := case()).world.rows):
        if stale:
            it.world.registry.hold()
        hints = dict(zip(("ada", "bob"), it.asked(), strict=True))
        for step, instance in zip(order, where, strict=True):
            if step == "vote":
                with suppress(StagewardError, ValueError):
                    it.vote("ada", instance)
            else:
                follow(it.instances[instance], hints.get(step, Signal(VERSION)))
            if step == order[0]:
                it.world.registry.release()
        with suppress(StagewardError):
            it.vote("ada")
        it.vote("eve")

        assert "person:ada" not in it.counted()
        assert "person:ada" in {it.approval.requester.id, *it.approval.candidates}
        assert "Staging" == it.world.registry.tags(VERSION)["stage"]
