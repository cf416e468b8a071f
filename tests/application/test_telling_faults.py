"""A channel that fails holds up nothing, and nobody is told twice or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import upkeep
from stage_functions.application.ledger import NOTIFY
from stage_functions.application.sweep import sweep
from stage_functions.application.telling import BUDGET_SECONDS, TAKEN_SECONDS, tell_due
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError, StagewardError
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
from tests.builders import IRIS, World, world
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink


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

    @pytest.mark.parametrize(
        ("fault", "begin"),
        [(SinkUnavailableError("451 later"), "not told yet"), (SinkRefusedError("no"), "not told")],
    )
    def test_every_failed_attempt_is_a_line_of_the_log(
        self,
        it: World,
        notifier: MemoryNotifier,
        caplog: pytest.LogCaptureFixture,
        fault: StagewardError,
        begin: str,
    ) -> None:
        """With the channel, and why."""
        notifier.faults["mail:bob"] = fault
        asked(it)
        sweep(it.context)
        lines = [one for one in caplog.records if one.name == "stageward.telling"]

        assert [("WARNING", f"{begin}: mail:bob of demo/models/iris: {fault}")] == [
            (one.levelname, one.getMessage()) for one in lines
        ]

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
        assert "not-told" == health.parts["notifications"]
        assert health.ready
        assert sorted(ASKED) == sorted(reached(notifier))
        assert [] == upkeep.outbox(it.context)
        assert "" == upkeep.health(it.context).parts["notifications"]

    def test_of_two_outcomes_in_one_decision_each_is_told_once(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """The second version takes the stage, so that what was asked of the first is void."""
        first = asked(it, "1")
        voted(it, first, "bob")
        voted(it, first, "eve")
        leave = replace(it.command(Version(IRIS, "1"), "Archived"), on_behalf_of="mlflow:ada")
        request_transition(it.context, leave)
        second = asked(it, "2")
        sweep(it.context)
        notifier.told.clear()
        notifier.faults["mail:ada"] = SinkUnavailableError("away")
        voted(it, second, "bob")
        voted(it, second, "eve")
        sweep(it.context)
        at_once = told(notifier)
        notifier.faults.clear()
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)

        assert [("mail:sam", "Approved:"), ("mail:sam", "Voided:")] == at_once
        assert [*at_once, ("mail:ada", "Voided:")] == told(notifier)
        assert [] == owed(it)

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

    def test_what_another_instance_took_a_moment_ago_is_left_to_it(
        self, it: World, notifier: MemoryNotifier
    ) -> None:
        """It was due when it was looked at."""
        asked(it)

        def take() -> None:
            """Take the row, as another instance does before it tells."""
            loaded, (row,) = it.context.ledger.load(IRIS), owed(it)
            later = it.clock.now() + timedelta(seconds=TAKEN_SECONDS)
            taken = replace(row, next_at=later)
            it.context.ledger.complete(loaded, {}, [], [taken], loaded.head.owed)

        it.rows.meanwhile = take
        tell_due(it.context, IRIS)

        assert [] == notifier.told
        assert 1 == len(owed(it))

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
