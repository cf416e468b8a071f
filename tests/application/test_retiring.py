"""A displaced version retires: for a while it may be served as before, and is not hidden."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.checks import Action, Finding, Question, check
from stage_functions.application.sweep import sweep
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.record import RecordType, timestamp
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request
from tests.application.guard_world import HOURS, ONE, at, deploy, guarding, move, told, violations
from tests.builders import IRIS, World, actor, world

WORKSPACE = (
    "/subscriptions/0/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
)
TWO_HOURS = timedelta(hours=2)


def retiring() -> Lifecycle:
    """Return the lifecycle where Production retires for two hours, and may be come back to."""
    before = guarding(retire_within=TWO_HOURS)
    stages = {**before.stages, "Archived": replace(before.stages["Archived"], terminal=False)}
    back = Transition("Archived", "Production")
    return replace(before, stages=stages, transitions=(*before.transitions, back))


@pytest.fixture
def it() -> Iterator[World]:
    """A workspace where version 2 has just displaced version 1."""
    made = world(governed_by=retiring(), workspace=WORKSPACE)
    at(made, "1", "Staging", "Production")
    at(made, "2", "Staging", "Production")
    yield made
    made.rows.close()


def one(it: World) -> VersionState:
    """Return where version 1 stands."""
    state = it.context.ledger.state(ONE)
    assert state is not None
    return state


def archived(it: World) -> bool:
    """Tell whether the registry hides version 1."""
    snapshot = it.registry.read(ONE)
    return snapshot is not None and snapshot.archived


def asked(it: World) -> Finding:
    """Ask whether version 1 may be deployed to scoring."""
    question = Question(ONE, Action.DEPLOY, Request("", "", actor("sam")), "demo/scoring")
    return check(it.context, question)


def test_its_tags_say_at_once_where_it_stands_and_until_when_it_may_be_served(it: World) -> None:
    """And its record says so too."""
    tags = it.registry.tags(ONE)
    moves = [
        record.content
        for record in query.all_records(it.context, IRIS)
        if record.type is RecordType.STAGE_CHANGED and "displaced_by" in record.content
    ]

    assert ("Archived", False) == (tags["stage"], archived(it))
    assert (
        "displaced by version 2: Production → Archived; may be served as before until "
        "2026-01-01 02:00 UTC"
    ) == tags["stage_status"]
    assert [timestamp(one(it).since + TWO_HOURS)] == [move["retires_at"] for move in moves]


def test_it_is_hidden_in_its_registry_when_its_time_is_over(it: World) -> None:
    """By the clock, without a record."""
    records = len(list(query.all_records(it.context, IRIS)))
    it.clock.sleep(2 * HOURS - 60)
    sweep(it.context)
    before = archived(it)
    it.clock.sleep(120)
    sweep(it.context)
    state = one(it)

    assert (False, True) == (before, archived(it))
    assert (None, "") == (state.retires_at, state.retires_from)
    assert records == len(list(query.all_records(it.context, IRIS)))


def test_it_may_be_deployed_until_then_and_no_longer(it: World) -> None:
    """What a check says and what a guard records are the same."""
    within = asked(it)
    deploy(it, ONE, name="within")
    it.clock.sleep(2 * HOURS)
    after = asked(it)
    deploy(it, ONE, name="after")
    told(it)

    assert (
        f"{ONE} stands at Archived, but was displaced from Production: until "
        "2026-01-01 02:00 UTC it may still be deployed to demo/scoring"
    ) == within.detail
    assert (True, False) == (within.allowed, after.allowed)
    assert ["after"] == [record.content["deployment"] for record in violations(it)]


def test_it_may_be_deployed_only_as_before(it: World) -> None:
    """Another endpoint takes it no more than it took it then."""
    deploy(it, ONE, endpoint="other")
    question = Question(ONE, Action.DEPLOY, Request("", "", actor("sam")), "demo/other")

    assert not check(it.context, question).allowed


def test_a_rollback_ends_its_retiring(it: World) -> None:
    """It holds the stage again, is never hidden, and the other retires instead."""
    move(it, ONE, "Production")
    it.clock.sleep(3 * HOURS)
    sweep(it.context)
    state = one(it)

    assert ("Production", None, "") == (state.stage, state.retires_at, state.retires_from)
    assert "Production" == it.registry.tags(ONE)["stage"]
    assert not archived(it)


def test_a_rollback_shows_again_what_was_hidden(it: World) -> None:
    """Stageward hid it, so Stageward shows it."""
    it.clock.sleep(3 * HOURS)
    sweep(it.context)
    hidden = archived(it)
    move(it, ONE, "Production")

    assert (True, False) == (hidden, archived(it))


def test_displaced_again_it_retires_anew(it: World) -> None:
    """The time begins with each displacement."""
    it.clock.sleep(HOURS)
    move(it, ONE, "Production")
    at(it, "3", "Staging", "Production")
    it.clock.sleep(HOURS + 60)
    sweep(it.context)
    before = archived(it)
    it.clock.sleep(HOURS)
    sweep(it.context)

    assert (False, True) == (before, archived(it))


def test_who_moves_by_a_request_does_not_retire(it: World) -> None:
    """Only whom another displaces did not choose the moment."""
    move(it, at(it, "3", "Staging"), "Archived")
    state = it.context.ledger.state(replace(ONE, number="3"))

    assert state is not None
    assert state.retires_at is None
