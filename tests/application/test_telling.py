"""People are told of what a decision means for them, and only they."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import upkeep
from stage_functions.application.sweep import sweep
from stage_functions.application.telling import YOURS_ALONE
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import SinkUnavailableError
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Assurance,
    Excluded,
    Lifecycle,
    Transition,
)
from tests.application.telling_world import (
    ASKED,
    ENOUGH_SECONDS,
    REACH,
    asked,
    owed,
    reached,
    told,
    told_world,
    voted,
)
from tests.builders import IRIS, World, actor, lifecycle, world
from tests.fakes.notifier import MemoryNotifier


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

    def test_an_early_renewal_says_until_when_the_approval_is_valid(
        self, notifier: MemoryNotifier
    ) -> None:
        """Nothing has ended yet."""
        policy = ApprovalPolicy(1, {"risk": 1}, (), timedelta(days=2), valid_for=timedelta(days=30))
        ways = (Transition("None", "Staging"), Transition("Staging", "Production", (), (), policy))
        it = told_world(notifier, governed_by=replace(lifecycle(), transitions=ways))
        voted(it, asked(it), "bob")
        sweep(it.context)
        notifier.told.clear()
        request_transition(it.context, it.command(Version(IRIS, "1"), "Production"))
        sweep(it.context)
        text = notifier.told[0][1].text

        assert text.startswith("The approval for Production is valid until 20")
        it.rows.close()

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
        assert {"mail:ada", "mail:bob", "mail:eve"} == {
            name for name, message in notifier.told if message.note == YOURS_ALONE
        }
        it.rows.close()

    def test_an_outcome_has_a_plain_link(self, notifier: MemoryNotifier) -> None:
        """There is nothing left to vote on."""
        it = told_world(notifier, governed_by=self.by_link(Assurance.LINK))
        voted(it, asked(it), "bob", Decision.REJECT)
        sweep(it.context)

        assert ["mail:sam"] == reached(notifier)
        assert "token" not in notifier.told[0][1].link
        assert "" == notifier.told[0][1].note
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
