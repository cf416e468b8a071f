"""The clock of an open approval: exact whoever rings it, however late, under whichever clock."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query
from stage_functions.application.deadlines import ring, ring_due
from stage_functions.application.sweep import sweep
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.error import DeniedError, NotAllowedNowError
from stage_functions.domain.record import RecordType
from tests.application.clock_world import DAY, Clocked, clocked, observed
from tests.builders import IRIS, actor
from tests.fakes.clock import WanderingClock

CLOSED = RecordType.APPROVAL_CLOSED
ESCALATED = RecordType.ESCALATED
REMINDED = RecordType.REMINDED


@pytest.fixture
def it() -> Iterator[Clocked]:
    """A world where Production reminds after 1, 3 and 5 days, escalates after 2, lapses after 7."""
    made = clocked()
    yield made
    made.world.rows.close()


def test_an_approval_that_nobody_decides_goes_its_whole_course(it: Clocked) -> None:
    """Each at its moment, and nothing is left to ring."""
    id_ = it.ask().approval
    seen = []
    for days in (0.5, 1.1, 2.1, 3.1, 5.1, 7.1, 8.0):
        it.at(days)
        seen.append(it.rung())

    assert seen == [
        [],
        [REMINDED],
        [REMINDED, ESCALATED],
        [REMINDED, ESCALATED, REMINDED],
        [REMINDED, ESCALATED, REMINDED, REMINDED],
        [REMINDED, ESCALATED, REMINDED, REMINDED, CLOSED],
        [REMINDED, ESCALATED, REMINDED, REMINDED, CLOSED],
    ]
    assert it.approval(id_).status is Status.EXPIRED
    assert it.state().stage == "Staging"
    assert it.rows() == 0


def test_a_reminder_says_what_is_still_needed_and_until_when(it: Clocked) -> None:
    """As whoever is reminded must know it."""
    id_ = it.ask().approval
    it.vote(id_, "bob")
    it.at(1.1)
    reminded = it.records()[-1].content

    assert reminded["needs"] == ["1 more of risk"]
    assert reminded["deadline"] == it.records()[2].content["deadline"]
    assert it.world.registry.tags(it.version)["stage_status"] == (
        f"pending approval {id_}, needs 1 more of risk; excluded: the requester"
    )


def test_after_a_downtime_one_reminder_stands_for_all_that_were_missed(it: Clocked) -> None:
    """And the escalation comes with it, in one commit."""
    it.ask()
    it.at(6)
    late = [record for record in it.records() if record.type in (REMINDED, ESCALATED)]

    assert [record.type for record in late] == [ESCALATED, REMINDED]
    assert len({record.content["commit"] for record in late}) == 1
    assert it.at(6.5).rung == ()


def test_of_what_has_lapsed_nobody_is_reminded(it: Clocked) -> None:
    """Expiry wins over everything that is late."""
    it.ask()

    assert it.at(30).rung == (CLOSED,)
    assert it.rung() == [CLOSED]


def test_what_was_decided_rings_no_more(it: Clocked) -> None:
    """Its rows are forgotten as their moments pass."""
    id_ = it.ask().approval
    it.vote(id_, "bob", Decision.REJECT)
    rung = [it.at(days).rung for days in (1.1, 2.1, 6, 9)]

    assert rung == [()] * 4
    assert it.rows() == 0


def test_two_instances_that_ring_at_once_ring_once(it: Clocked) -> None:
    """Whoever comes second finds the ledger moved, loads again, and nothing due."""
    id_ = it.ask().approval
    it.set(2.5)
    it.world.rows.meanwhile = partial(ring, it.other, IRIS, id_)
    ring(it.context, IRIS, id_)
    sweep(it.other)

    assert it.rung() == [ESCALATED, REMINDED]


@pytest.mark.parametrize("applied", [True, False])
def test_a_reply_that_is_lost_rings_nothing_twice(it: Clocked, applied: bool) -> None:  # noqa: FBT001  # a parameter
    """Whether the batch was applied or not."""
    it.ask()
    it.set(1.5)
    it.world.rows.losses = [applied]
    sweep(it.context)
    sweep(it.context)

    assert it.rung() == [REMINDED]


def test_a_clock_that_jumps_back_repeats_nothing(it: Clocked) -> None:
    """What was rung ahead of time is rung; the rest comes when its moment does."""
    it.ask()
    rung = [it.at(days).rung for days in (3.5, 0.1, 1.5, 2.5, 3.6, 5.5)]

    assert rung == [(ESCALATED, REMINDED), (), (), (), (), (REMINDED,)]


def test_a_moment_is_not_lost_to_a_clock_that_jumps_back_between_two_readings(
    it: Clocked,
) -> None:
    """A row goes only when the approval was looked at after its moment."""
    it.ask()
    rows, shard = it.rows(), keys.shard(keys.asset_partition(IRIS))
    ahead, back = it.opened + 1.5 * DAY, it.opened + 0.5 * DAY
    context = replace(it.context, clock=WanderingClock([ahead, ahead, back]))
    did = ring_due(context, shard, it.opened + 2 * DAY, [])

    assert did == []
    assert it.rows() == rows
    assert it.at(1.6).rung == (REMINDED,)


def test_whoever_it_was_escalated_to_may_vote_whether_a_sweep_ran_or_not(it: Clocked) -> None:
    """The decision records the escalation first, and then the vote."""
    asked = it.ask("ada")
    with pytest.raises(DeniedError, match="only risk may vote"):
        it.vote(asked.approval, "sam")
    it.set(2.5)
    early = query.approval(it.context, asked.approval)
    answer = it.vote(asked.approval, "sam")
    types = [record.type for record in it.records()][-2:]

    assert "person:sam" in early.voters
    assert types == [ESCALATED, RecordType.VOTED]
    assert answer.needs == ("1 more of risk or science",)
    assert it.at(2.6).rung == (REMINDED,)


def test_one_of_the_further_group_counts_for_whichever_group_is_asked(it: Clocked) -> None:
    """Else escalating would help nobody."""
    asked = it.ask("ada")
    it.set(2.5)
    it.vote(asked.approval, "sam")
    answer = it.vote(asked.approval, "bob")

    assert answer.kind == "granted"


def test_a_withdrawal_and_a_sponsor_find_the_escalation_too(it: Clocked) -> None:
    """Whatever is decided, is decided on what holds by then."""
    it.world.tag(it.version, "stage_request", "Production: by tag")
    (view,) = query.approvals(it.context)
    it.set(2.5)
    it.sponsor(view.approval.id, "sam")
    withdraw(it.context, view.approval.id, actor("sam"), "w", "not yet")

    assert it.rung() == [ESCALATED, CLOSED]


def test_a_late_vote_finds_it_lapsed_before_any_sweep(it: Clocked) -> None:
    """No vote counts after the deadline."""
    id_ = it.ask().approval
    it.vote(id_, "bob")
    it.set(7.1)
    with pytest.raises(NotAllowedNowError, match="expired at 2026-01-08 00:00 UTC; ask again"):
        it.vote(id_, "eve")

    assert it.approval(id_).status is Status.EXPIRED
    assert len(it.approval(id_).votes) == 1
    assert it.at(7.2).rung == ()


def test_where_a_registry_is_only_observed_the_clock_waits_but_for_expiry(it: Clocked) -> None:
    """Nothing is committed, and nothing is lost: it comes when the registry is governed again."""
    id_ = it.ask().approval
    watching = observed(it.context)
    it.set(2.5)
    before = len(it.records())
    paused = [sweep(watching).rung for _ in range(2)]
    it.set(3.5)
    again = sweep(it.context).rung
    it.set(7.5)
    lapsed = sweep(watching).rung

    assert paused == [(), ()]
    assert before == 3
    assert again == (ESCALATED, REMINDED)
    assert lapsed == (CLOSED,)
    assert it.approval(id_).status is Status.EXPIRED


def test_what_is_open_is_listed_once_and_what_is_closed_not_at_all(it: Clocked) -> None:
    """However many rows the clock has for it."""
    it.vote(it.ask().approval, "bob", Decision.REJECT)
    id_ = it.ask().approval
    listed = [view.approval.id for view in query.approvals(it.context)]

    assert it.rows() == 10
    assert listed == [id_]


def test_listing_costs_a_read_an_asset_however_much_was_closed(it: Clocked) -> None:
    """Rows say only which assets to look at."""
    for _ in range(5):
        it.vote(it.ask().approval, "bob", Decision.REJECT)
    it.ask()
    it.world.rows.trips = 0
    query.approvals(it.context)

    assert it.world.rows.trips == 16 + 2


def test_one_that_is_unknown_or_of_a_version_that_is_gone_rings_nothing(it: Clocked) -> None:
    """A row without an approval is harmless."""
    rung = ring(it.context, IRIS, "zzzzzzzz")
    other = ring(it.context, Version.parse("demo/models/nothing:1").asset, "zzzzzzzz")

    assert (rung.did, other.did) == ((), ())


def test_what_cannot_be_done_now_holds_up_nothing_else_and_stays(it: Clocked) -> None:
    """The next sweep tries again."""
    it.ask()
    broken = replace(
        it.context,
        states=type(it.context.states)(
            it.context.ledger.rows,
            it.context.clock,
            replace(it.context.configuration, registries={}),
        ),
    )
    it.set(1.5)
    swept = sweep(broken)

    assert swept.rung == ()
    assert "demo" in swept.failed[-1]
    assert sweep(it.context).rung == (REMINDED,)
