"""People are told of what a decision means for them, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import upkeep
from stage_functions.application.ledger import NOTIFY, Owed
from stage_functions.application.sweep import sweep
from stage_functions.application.telling import BUDGET_SECONDS, TAKEN_SECONDS, tell_due
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError
from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, Excluded, Lifecycle
from tests.builders import IRIS, World, actor, lifecycle, world
from tests.fakes.notifier import MemoryNotifier, PlainLinks
from tests.fakes.sink import MemorySink

REACH = {
    "person:ada": ("mail:ada",),
    "person:bob": ("mail:bob", "bob-1"),
    "person:eve": ("mail:eve",),
    "person:sam": ("mail:sam",),
    "group:risk": ("risk-1",),
    "group:science": ("science-1",),
}
ASKED = ["mail:ada", "mail:bob", "bob-1", "mail:eve", "risk-1", "science-1"]
"""Who is asked to let sam's version into Production: all who may vote, and the groups."""
ENOUGH_SECONDS = 7300


@pytest.fixture
def notifier() -> MemoryNotifier:
    """Channels of everybody."""
    return MemoryNotifier(REACH)


@pytest.fixture
def it(notifier: MemoryNotifier) -> Iterator[World]:
    """A world that tells by them."""
    made = told_world(notifier)
    yield made
    made.rows.close()


def told_world(
    notifier: MemoryNotifier,
    *,
    governed_by: Lifecycle | None = None,
    sinks: tuple[MemorySink, ...] = (),
) -> World:
    """Return a world that tells, with pages to link to."""
    made = world(notifier=notifier, governed_by=governed_by, sinks=sinks)
    return replace(made, context=replace(made.context, links=PlainLinks()))


def asked(it: World, number: str = "1", reason: str = "because") -> str:
    """Register a version at Staging and ask for Production; return the approval's id."""
    version = it.register(number)
    request_transition(it.context, it.command(version, "Staging"))
    command = replace(it.command(version, "Production"), reason=reason)
    return request_transition(it.context, command).approval


def voted(it: World, approval: str, person: str, decision: Decision = Decision.APPROVE) -> None:
    """Vote on the brief as it is."""
    loaded = it.context.ledger.more(it.context.ledger.load(IRIS), approval=approval)
    fingerprint = loaded.approvals[approval].fingerprint
    operation = it.clock.operation_id()
    vote(
        it.context,
        VoteCommand(approval, decision, "I looked", fingerprint, actor(person), operation),
    )


def told(notifier: MemoryNotifier) -> list[tuple[str, str]]:
    """Return what was told: channel and the first word of the title."""
    return [(channel, message.title.split()[0]) for channel, message in notifier.told]


def reached(notifier: MemoryNotifier) -> list[str]:
    """Return the channels over which something was told, in order."""
    return [channel for channel, _ in notifier.told]


def owed(it: World) -> list[Owed]:
    """Return the notices that are owed."""
    return [row for row in it.context.ledger.owed(IRIS) if row.duty == NOTIFY]


class TestWhoIsTold:
    """Of what, and by which channels."""

    def test_approvers_are_asked_when_an_approval_opens(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Whoever may vote, personally and in the channels of the groups, each once."""
        asked(it)
        sweep(it.context)

        assert ASKED == reached(notifier)
        assert {"Approve"} == {word for _, word in told(notifier)}
        assert [] == upkeep.outbox(it.context)

    def test_the_requester_hears_of_an_approval(self, it: World, notifier: MemoryNotifier) -> None:
        """Once it is reached; the approvers know."""
        approval = asked(it)
        sweep(it.context)
        notifier.told.clear()
        voted(it, approval, "bob")
        voted(it, approval, "eve")
        sweep(it.context)

        assert [("mail:sam", "Approved:")] == told(notifier)

    def test_the_requester_hears_of_a_rejection_and_why(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """In the voter's words."""
        approval = asked(it)
        sweep(it.context)
        notifier.told.clear()
        voted(it, approval, "bob", Decision.REJECT)
        sweep(it.context)

        ((channel, message),) = notifier.told
        assert "mail:sam" == channel
        assert f"Rejected: demo/models/iris:1 → Production ({approval})" == message.title
        assert ("Why", "rejected by Bob: I looked") in message.facts
        assert f"https://stageward.example.org/approvals/{approval}" == message.link

    def test_the_requester_hears_of_a_withdrawal_and_of_a_lapse(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Every outcome is one."""
        withdraw(it.context, asked(it, "1"), actor("sam"), it.clock.operation_id(), "typo")
        asked(it, "2")
        sweep(it.context)
        notifier.told.clear()
        it.clock.sleep(timedelta(days=8).total_seconds())
        sweep(it.context)
        sweep(it.context)

        assert [("mail:sam", "Expired:")] == told(notifier)

    def test_voters_hear_when_their_votes_came_to_nothing(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """What they approved has changed; the requester hears it too."""
        approval = asked(it)
        voted(it, approval, "bob")
        sweep(it.context)
        notifier.told.clear()
        it.registry.describe(Version(IRIS, "1"), "trained on something else")
        voted(it, approval, "eve")
        sweep(it.context)

        assert [
            ("mail:sam", "Voided:"),
            ("mail:bob", "Voided:"),
            ("bob-1", "Voided:"),
            ("mail:eve", "Voided:"),
        ] == told(notifier)

    def test_whoever_it_was_asked_for_hears_of_it_too(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """They cannot vote, and want to know."""
        version = it.register("1")
        request_transition(it.context, it.command(version, "Staging"))
        command = replace(it.command(version, "Production"), on_behalf_of="mlflow:ada")
        approval = request_transition(it.context, command).approval
        voted(it, approval, "bob", Decision.REJECT)
        sweep(it.context)

        assert [("mail:sam", "Rejected:"), ("mail:ada", "Rejected:")] == told(notifier)

    def test_where_nobody_is_known_to_have_asked_approvers_are_told_so(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """A tag was edited; nobody is told of the outcome."""
        version = it.register("1")
        it.tag(version, "stage_request", "Staging")
        it.tag(version, "stage_request", "Production")
        sweep(it.context)

        facts = dict(notifier.told[0][1].facts)
        assert "nobody is known for certain" in facts["Requested by"]
        assert "a sponsor: nobody is known for certain to have asked" in facts["Waits for"]

    def test_a_channel_of_two_groups_is_told_once(self) -> None:
        """As is a person in both."""
        notifier = MemoryNotifier({"group:risk": ("all-1",), "group:science": ("all-1",)})
        it = told_world(notifier)
        asked(it)
        sweep(it.context)

        assert ["all-1"] == reached(notifier)
        it.rows.close()

    def test_a_notice_that_is_moot_is_dropped(self, it: World, notifier: MemoryNotifier) -> None:
        """Nobody is asked to vote on what was decided meanwhile."""
        approval = asked(it)
        voted(it, approval, "bob", Decision.REJECT)
        sweep(it.context)

        assert [("mail:sam", "Rejected:")] == told(notifier)
        assert [] == owed(it)

    def test_whoever_has_voted_is_not_asked_again(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Their channel was away when the others were asked."""
        notifier.faults["mail:bob"] = SinkUnavailableError("away")
        approval = asked(it)
        sweep(it.context)
        voted(it, approval, "bob")
        notifier.faults.clear()
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)

        assert "mail:bob" not in reached(notifier)
        assert [] == owed(it)


class TestLinks:
    """Where a message leads to."""

    def by_link(self, assurance: Assurance) -> Lifecycle:
        """Return a lifecycle where Production is voted on with such an assurance."""
        shape = lifecycle()
        policy = ApprovalPolicy(
            1, {"risk": 1}, (Excluded.REQUESTER,), timedelta(days=2), assurance=assurance
        )
        transitions = tuple(
            replace(one, approval=policy) if one.target == "Production" else one
            for one in shape.transitions
        )
        return replace(shape, transitions=transitions, links_despite_exclusions=True)

    def test_only_personal_mail_has_a_personal_link(self, notifier: MemoryNotifier) -> None:
        """A channel may have many readers, and a person's own may be read by others."""
        it = told_world(notifier, governed_by=self.by_link(Assurance.LINK))
        asked(it)
        sweep(it.context)

        tokens = {name: message.link.partition("?token=")[2] for name, message in notifier.told}
        assert {
            "mail:ada": "of-ada",
            "mail:bob": "of-bob",
            "bob-1": "",
            "mail:eve": "of-eve",
            "risk-1": "",
        } == tokens
        it.rows.close()

    def test_an_outcome_has_a_plain_link(self, notifier: MemoryNotifier) -> None:
        """There is nothing left to vote on."""
        it = told_world(notifier, governed_by=self.by_link(Assurance.LINK))
        voted(it, asked(it), "bob", Decision.REJECT)
        sweep(it.context)

        assert ["mail:sam"] == reached(notifier)
        assert "token" not in notifier.told[0][1].link
        it.rows.close()

    def test_where_one_must_sign_in_every_link_is_plain(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Which is the default."""
        asked(it)
        sweep(it.context)

        assert all("token" not in message.link for _, message in notifier.told)

    def test_without_pages_there_is_no_link(self, notifier: MemoryNotifier) -> None:
        """The message stands for itself."""
        it = world(notifier=notifier)
        asked(it)
        sweep(it.context)

        assert {""} == {message.link for _, message in notifier.told}
        it.rows.close()


class TestFaults:
    """A channel that fails holds up nothing, and is tried again."""

    def test_nobody_waits_for_a_notice(self, it: World, notifier: MemoryNotifier) -> None:
        """Not the request, not the vote, not a signal: only the sweep tells."""
        approval = asked(it)
        voted(it, approval, "bob")
        it.tag(Version(IRIS, "1"), "note", "x")
        before = reached(notifier)
        sweep(it.context)

        assert [] == before
        assert reached(notifier)

    def test_a_channel_that_was_down_is_told_once_it_is_up(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """The others are told at once, and nobody twice."""
        notifier.faults["mail:bob"] = SinkUnavailableError("451 later")
        asked(it)
        sweep(it.context)
        (row,) = owed(it)
        first = reached(notifier)
        notifier.faults.clear()
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)

        assert [name for name in ASKED if name != "mail:bob"] == first
        assert ("mail:bob: 451 later", 1, False) == (row.error, row.attempts, row.parked)
        assert sorted(ASKED) == sorted(reached(notifier))
        assert [] == owed(it)

    def test_it_is_tried_again_later_each_time(self, it: World, notifier: MemoryNotifier) -> None:
        """Or as late as the other side asks."""
        notifier.faults["mail:bob"] = SinkUnavailableError("away", retry_after_seconds=100)
        asked(it)
        sweep(it.context)
        sweep(it.context)
        (row,) = owed(it)

        assert 1 == row.attempts
        assert row.next_at is not None
        assert 99 < (row.next_at - it.clock.now()).total_seconds() <= 100

    def test_a_channel_that_refuses_is_tried_again_by_hand(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """It is shown, on health too, and makes nothing unfit."""
        notifier.faults["risk-1"] = SinkRefusedError("the workflow answered 404")
        asked(it)
        for _ in range(3):
            sweep(it.context)
            it.clock.sleep(ENOUGH_SECONDS)
        (view,) = upkeep.outbox(it.context)
        health = upkeep.health(it.context)
        notifier.faults.clear()
        upkeep.retry(it.context, view.id)

        assert (NOTIFY, True, 1) == (view.owed.duty, view.owed.parked, view.owed.attempts)
        assert "risk-1: the workflow answered 404" == view.owed.error
        assert "1 not told; see `stageward outbox`" == health.parts["notifications"]
        assert health.ready
        assert sorted(ASKED) == sorted(reached(notifier))
        assert [] == upkeep.outbox(it.context)
        assert "" == upkeep.health(it.context).parts["notifications"]

    def test_while_one_is_away_one_that_refused_is_left_alone(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Both are named."""
        notifier.faults["risk-1"] = SinkRefusedError("404")
        notifier.faults["mail:bob"] = SinkUnavailableError("away")
        asked(it)
        sweep(it.context)
        (row,) = owed(it)
        notifier.faults.clear()
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)
        (parked,) = owed(it)

        assert ("risk-1: 404; mail:bob: away", False) == (row.error, row.parked)
        assert ("risk-1: 404", True) == (parked.error, parked.parked)
        assert "risk-1" not in reached(notifier)
        assert "mail:bob" in reached(notifier)

    def test_tags_and_events_do_not_wait_for_notices(self, notifier: MemoryNotifier) -> None:
        """Nor does what is owed of them look as if tags were owed."""
        sink = MemorySink("first")
        it = told_world(notifier, sinks=(sink,))
        for name in ASKED:
            notifier.faults[name] = SinkRefusedError("no")
        approval = asked(it)
        sweep(it.context)
        voted(it, approval, "bob")
        head = it.context.ledger.load(IRIS).head
        taken = [record.number for record in sink.taken if record.content["asset"] == str(IRIS)]

        assert head.number == taken[-1]
        assert () == head.owed
        assert 1 == len(head.notices)
        assert it.registry.tags(Version(IRIS, "1"))["stage_status"].startswith("pending")
        it.rows.close()

    def test_drift_is_put_back_while_notices_fail(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Owed notices explain no tag."""
        for name in ASKED:
            notifier.faults[name] = SinkRefusedError("no")
        asked(it)
        sweep(it.context)
        it.tag(Version(IRIS, "1"), "stage_status", "granted")

        assert it.registry.tags(Version(IRIS, "1"))["stage_status"].startswith("pending")
        assert 1 == len(owed(it))


class TestCrashes:
    """What a process leaves behind when it dies."""

    def test_whoever_dies_after_sending_sends_again(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Twice is better than never; only what was not noted is sent twice."""

        def die() -> None:
            """End as a killed process does."""
            raise KeyboardInterrupt

        asked(it)
        notifier.meanwhile = die
        with pytest.raises(KeyboardInterrupt):
            sweep(it.context)
        sweep(it.context)
        taken = reached(notifier)
        it.clock.sleep(TAKEN_SECONDS + 1)
        sweep(it.context)

        assert ["mail:ada"] == taken
        assert ["mail:ada", *ASKED] == reached(notifier)
        assert [] == owed(it)

    def test_two_instances_do_not_tell_twice(self, it: World, notifier: MemoryNotifier) -> None:
        """The row belongs to who took it."""
        asked(it)
        notifier.meanwhile = lambda: tell_due(it.context, IRIS)
        sweep(it.context)

        assert ASKED == reached(notifier)

    def test_two_that_take_at_once_do_not_tell_twice(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """The other was there first."""
        asked(it)
        it.rows.meanwhile = lambda: tell_due(it.context, IRIS)
        tell_due(it.context, IRIS)

        assert ASKED == reached(notifier)

    def test_a_vote_while_people_are_told_is_no_reason_to_tell_twice(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """What was sent is noted, however the asset moves."""
        approval = asked(it)
        notifier.meanwhile = lambda: voted(it, approval, "bob")
        sweep(it.context)

        assert ASKED == reached(notifier)
        assert [] == owed(it)

    @pytest.mark.parametrize("applied", [True, False])
    def test_lost_replies_of_the_store_tell_nobody_twice(
        self, it: World, notifier: MemoryNotifier, *, applied: bool
    ) -> None:
        """Neither when the row is taken nor when it is done with."""
        asked(it)
        it.rows.losses = [applied, None, applied]
        tell_due(it.context, IRIS)

        assert ASKED == reached(notifier)
        assert [] == owed(it)

    def test_what_takes_too_long_is_told_by_the_next_sweep(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """A slow channel does not hold up a sweep for ever."""
        asked(it)
        notifier.meanwhile = lambda: it.clock.sleep(BUDGET_SECONDS)
        sweep(it.context)
        first = reached(notifier)
        (row,) = owed(it)
        sweep(it.context)

        assert ["mail:ada"] == first
        assert (0, "", False) == (row.attempts, row.error, row.parked)
        assert ASKED == reached(notifier)
        assert [] == owed(it)


class TestNoChannels:
    """Where nobody can be told."""

    def test_it_costs_nothing(self) -> None:
        """No row is owed, and health has no part for it."""
        it = world()
        asked(it)

        assert [] == it.context.ledger.owed(IRIS)
        assert () == it.context.ledger.load(IRIS).head.notices
        assert "notifications" not in upkeep.health(it.context).parts
        it.rows.close()

    def test_what_was_owed_goes_with_the_channels(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """Somebody took them out of the environment."""
        asked(it)
        sweep(replace(it.context, notifier=None))

        assert [] == owed(it)
        assert [] == notifier.told
        assert 0 == sweep(it.context).waiting

    def test_nobody_to_tell_is_nothing_owed(self) -> None:
        """None of those concerned has a channel."""
        it = told_world(MemoryNotifier({}))
        asked(it)
        sweep(it.context)

        assert [] == owed(it)
        it.rows.close()
