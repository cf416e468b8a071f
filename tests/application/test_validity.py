"""What was approved for a time: how it ends, what that blocks, and when a renewal opens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import AnswerKind
from stage_functions.application.deadlines import ring
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Status
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.lifecycle import (
    Transition,
    WhenInvalid,
)
from stage_functions.domain.record import RecordType
from tests.application.clock_world import (
    RUN_OUT,
    Clocked,
    clocked,
    deployment,
    ends,
    observed,
    under,
    waiting,
)
from tests.builders import IRIS, timed

ENDED = RecordType.VALIDITY_ENDED


@pytest.fixture
def it() -> Iterator[Clocked]:
    """A world where an approval that has run out is only told of."""
    made = clocked()
    yield made
    made.world.rows.close()


def test_an_approval_that_has_run_out_is_told_of_once(it: Clocked) -> None:
    """The stage stays, and since when it stands there; whoever sweeps, and however often."""
    id_ = it.granted()
    before = it.state()
    it.set(RUN_OUT)
    for context in (it.context, it.other, it.context):
        sweep(context)
    (ended,) = ends(it)

    assert ended.content["approval"] == id_
    assert (ended.content["stage"], ended.content["then"]) == ("Production", "notify")
    assert (it.state().stage, it.state().since) == ("Production", before.since)
    assert (
        f"approval {id_} ran out on 2026-01-31"
        in it.world.registry.tags(it.version)["stage_status"]
    )
    assert it.approval(id_).ended is not None
    assert it.rows() == 0


def test_two_instances_that_find_it_at_once_note_it_once(it: Clocked) -> None:
    """Between the load of one and its commit the other is through."""
    id_ = it.granted()
    it.set(RUN_OUT)
    it.world.rows.meanwhile = partial(ring, it.other, IRIS, id_)
    ring(it.context, IRIS, id_)

    assert len(ends(it)) == 1


def test_of_a_version_that_has_moved_nothing_runs_out(it: Clocked) -> None:
    """It no longer stands there by that approval."""
    it.granted()
    archived = it.ask("sam", "Archived")
    it.vote(archived.approval, "bob")

    assert it.at(RUN_OUT).rung == ()
    assert it.state().valid_until is None


def test_of_a_version_that_was_displaced_or_is_another_thing_nothing_runs_out(
    it: Clocked,
) -> None:
    """Neither stands there by that approval."""
    it.granted()
    second = it.world.register("2")
    request_transition(it.context, it.world.command(second, "Staging"))
    asked = request_transition(it.context, it.world.command(second, "Production"))
    for person in ("bob", "eve"):
        it.vote(asked.approval, person)
    it.world.registry.register(second, it.world.clock.now())
    follow(it.context, Signal(second))

    assert it.at(RUN_OUT).rung == ()


def test_where_a_registry_is_only_observed_the_end_waits_to_be_told(it: Clocked) -> None:
    """Nothing is committed meanwhile, and it is looked at again every ten minutes."""
    it.granted()
    watching = observed(it.context)
    it.set(RUN_OUT)
    paused = sweep(watching).rung
    at_once = sweep(it.context).rung
    it.set(RUN_OUT + 0.1)

    assert (paused, at_once) == ((), ())
    assert it.rows() == 1
    assert sweep(it.context).rung == (ENDED,)
    assert it.rows() == 0


def test_what_ran_out_is_deployed_all_the_same_where_it_is_only_told_of(it: Clocked) -> None:
    """Allowed, and not as if nothing were to be done."""
    it.granted()
    before = deployment(it)
    it.at(RUN_OUT)
    after = deployment(it)

    assert (before.allowed, after.allowed) == (True, True)
    assert "ran out" not in before.detail
    assert after.detail == (
        f"{before.detail}; the approval of it ran out on 2026-01-31 00:00 UTC and is to be renewed"
    )


def test_what_is_renewed_by_itself_says_what_the_renewal_needs(renewing: Clocked) -> None:
    """Also of a deployment that is allowed meanwhile."""
    renewing.granted()
    renewing.at(RUN_OUT)
    found = deployment(renewing)

    assert found.allowed
    assert f"approval {waiting(renewing).id} of its renewal needs a sponsor" in found.detail


def test_what_ran_out_blocks_a_deployment_where_the_lifecycle_says_so(blocking: Clocked) -> None:
    """By the moment, not by the sweep; with the words to mend it."""
    id_ = blocking.granted()
    before = deployment(blocking)
    blocking.set(RUN_OUT)
    unswept = deployment(blocking)
    sweep(blocking.context)

    assert before.allowed
    assert not unswept.allowed
    assert unswept.detail == (
        f"demo/models/iris:1 stands at Production, but approval {id_} ran out on "
        "2026-01-31 00:00 UTC; ask for its renewal: "
        "`stageward promote demo/models/iris:1 Production`"
    )
    assert deployment(blocking) == unswept
    assert [one.content["then"] for one in ends(blocking)] == ["block"]


def test_what_is_not_to_block_does_not(it: Clocked) -> None:
    """It was told of, and that is all."""
    it.granted()
    it.at(RUN_OUT)

    assert deployment(it).allowed


def test_a_renewal_unblocks(blocking: Clocked) -> None:
    """While it waits, the refusal names it."""
    blocking.granted()
    blocking.at(RUN_OUT)
    asked = blocking.ask("ada")
    meanwhile = deployment(blocking)
    for person in ("bob", "eve"):
        blocking.vote(asked.approval, person)

    assert f"approval {asked.approval} of its renewal needs 1 of risk" in meanwhile.detail
    assert not meanwhile.allowed
    assert deployment(blocking).allowed


@pytest.mark.parametrize("target", ["Production", "Archived"])
def test_where_the_stage_takes_no_approval_any_more_only_the_end_is_noted(
    renewing: Clocked, caplog: pytest.LogCaptureFixture, target: str
) -> None:
    """The record says that nothing else follows, and the log says why."""
    renewing.granted()
    ways = (Transition("Staging", target),)
    now = replace(timed(WhenInvalid.RENEW), transitions=ways, text={"name": "default"})
    later = under(renewing, now)
    later.at(RUN_OUT)
    (ended,) = ends(later)

    assert ended.content["then"] == "notify"
    assert query.approvals(later.context) == []
    assert "reaching Production asks for none" in caplog.text
    assert later.ask("ada").kind is AnswerKind.UNCHANGED


def test_where_another_approval_is_open_no_renewal_is(
    renewing: Clocked, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody wants the version elsewhere: that is to be decided first."""
    renewing.granted()
    renewing.set(30.0)
    archived = renewing.ask("sam", "Archived")
    renewing.at(RUN_OUT)

    assert [one.content["then"] for one in ends(renewing)] == ["notify"]
    assert waiting(renewing).id == archived.approval
    assert f"approval {archived.approval} is open" in caplog.text


def test_an_early_renewal_that_is_open_is_the_renewal(renewing: Clocked) -> None:
    """No other opens beside it."""
    renewing.granted()
    renewing.set(29.9)
    early = renewing.ask("ada")
    renewing.at(RUN_OUT)

    assert [one.content["then"] for one in ends(renewing)] == ["renew"]
    assert waiting(renewing).id == early.approval


def test_while_the_registry_is_away_nothing_is_noted_and_the_next_sweep_tries_again(
    renewing: Clocked,
) -> None:
    """A renewal is asked for on what the version is, or not at all."""
    renewing.granted()

    def away(call: str) -> None:
        message = f"away: {call}"
        raise RegistryUnavailableError(message)

    renewing.world.registry.before = away
    failed = renewing.at(RUN_OUT).failed
    noted = len(ends(renewing))
    renewing.world.registry.before = lambda _: None
    sweep(renewing.context)

    assert "away" in failed[0]
    assert noted == 0
    assert waiting(renewing).renews


def test_a_version_that_is_another_thing_by_then_arrives_as_usual(renewing: Clocked) -> None:
    """Nothing has run out of what was just registered."""
    renewing.granted()
    renewing.world.registry.register(renewing.version, renewing.world.clock.now())
    renewing.at(RUN_OUT)
    types = [record.type for record in renewing.records()][-3:]

    assert types == [RecordType.DELETED, RecordType.VIOLATED, RecordType.REGISTERED]
    assert renewing.at(RUN_OUT + 1).rung == ()


def test_a_version_that_its_registry_has_lost_has_no_renewal(
    renewing: Clocked, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it is deleted is for the scan to find."""
    renewing.granted()
    renewing.world.registry.remove(renewing.version)
    renewing.at(RUN_OUT)

    assert [one.content["then"] for one in ends(renewing)] == ["notify"]
    assert "no such version" in caplog.text


def test_one_that_lapses_while_it_is_to_be_renewed_makes_room(renewing: Clocked) -> None:
    """What has lapsed is closed in the commit that opens the renewal."""
    renewing.granted()
    renewing.set(20.0)
    lapsed = renewing.ask("ada")
    id_ = renewing.state().approved_by
    renewing.set(RUN_OUT)
    ring(renewing.context, IRIS, id_)

    assert renewing.approval(lapsed.approval).status is Status.EXPIRED
    assert waiting(renewing).id != lapsed.approval


def test_a_clock_that_jumps_ends_nothing_twice(renewing: Clocked) -> None:
    """What ran out ahead of time has run out."""
    renewing.granted()
    rung = [renewing.at(days).rung for days in (RUN_OUT, 3.0, RUN_OUT + 0.1)]

    assert rung == [(ENDED, RecordType.APPROVAL_REQUESTED), (), ()]
