"""Stages that are called otherwise: versions follow, each with a record, whatever comes between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import catalog, keys, query, verifying
from stage_functions.application.adoption import adopt, refresh
from stage_functions.application.as_of import Wanted as Past
from stage_functions.application.as_of import of_asset, of_estate
from stage_functions.application.board import Wanted, board
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.context import Context
from stage_functions.application.query import Filter
from stage_functions.application.renaming import follow_renames
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Status
from stage_functions.domain.asset import Version
from stage_functions.domain.chain import verify
from stage_functions.domain.error import ConfigurationError, ConflictError, RetryableError
from stage_functions.domain.record import Json, Record
from stage_functions.domain.standing_words import grounds
from stage_functions.domain.transition import Request
from stage_functions.wire.configuration import lifecycle_of
from tests.application.rules_world import law, process, renamed, rules_world
from tests.builders import IRIS, World, actor, cast
from tests.way_back_world import whole_law

V1, V2 = Version(IRIS, "1"), Version(IRIS, "2")
URGENT: dict[str, Json] = {"groups": ["science"], "ratify_within": "1d", "not_ratified": "revert"}


@pytest.fixture
def it() -> Iterator[World]:
    """A world where version 1 holds Production and version 2 stands at Staging."""
    made = rules_world()
    promoted(made, "1")
    request_transition(made.context, made.command(made.register("2"), "Staging"))
    sweep(made.context)
    yield made
    made.rows.close()


def promoted(it: World, number: str, context: Context | None = None) -> None:
    """Bring a version to Production, as two approve it."""
    at = context or it.context
    version = it.register(number)
    request_transition(at, it.command(version, "Staging"))
    approval = request_transition(at, it.command(version, "Production")).approval
    cast(at, approval, "bob")
    cast(at, approval, "ada")


def stage(context: Context, version: Version) -> str:
    """Return where a version stands for this process."""
    found = context.ledger.state(version)
    assert found is not None
    return found.stage


def records(it: World) -> list[Record]:
    """Return the history of iris, which is whole."""
    found = it.context.ledger.records(keys.asset_partition(IRIS))
    assert verify(it.context.ledger.id, str(IRIS), found) is None
    return found


def moves(it: World) -> list[tuple[str, str, str]]:
    """Return the renamings that the history of iris tells of."""
    return [
        (one.version, str(one.content["from"]), str(one.content["to"]))
        for one in records(it)
        if one.content.get("why") == "renamed"
    ]


def test_the_past_is_found_by_either_name_of_a_stage(it: World) -> None:
    """It is shown by the one of then, on the grounds of then."""
    before = it.clock.now()
    context = process(it, renamed())
    it.clock.sleep(60)
    sweep(context)
    now = it.clock.now()

    def stood(stage: str, moment: datetime) -> list[tuple[str, str, str]]:
        found = of_estate(context, moment, Past(stage=stage)).found
        return [(one.number, s.stage, grounds(s).partition(" by ")[0]) for one, s in found]

    for name in ("Production", "Live"):
        assert [("1", "Production", "approved")] == stood(name, before)
        assert [("1", "Live", "approved")] == stood(name, now)
    assert [] == stood("Archived", now)
    for moment in (before, now):
        found = of_estate(context, moment, Past(hidden=True)).found
        assert of_asset(context, IRIS, moment) == {one.number: s for one, s in found}


def test_versions_follow_with_a_record_each(it: World) -> None:
    """The sweep of the process that has adopted it makes them; tags follow."""
    context = process(it, renamed())
    sweep(context)
    sweep(context)

    assert [("1", "Production", "Live"), ("2", "Staging", "Testing")] == sorted(moves(it))
    assert ("Live", "Testing") == (stage(context, V1), stage(context, V2))
    it.clock.sleep(60)
    sweep(context)
    snapshot = it.registry.read(V1)
    assert snapshot is not None
    assert "Live" == snapshot.tags["stage"]
    assert {"Live": ("1",)} == context.ledger.load(IRIS).head.holders


def test_between_adoption_and_record_nothing_reads_the_former_name(it: World) -> None:
    """A version may be deployed as before; lists show it where it stands."""
    context = process(it, renamed(), started=False)
    adopt(context)
    asked = Request("", "", actor("sam"))

    answer = check(context, Question(V1, Action.DEPLOY, asked, "demo/scoring"))
    assert answer.allowed
    assert [] == moves(it)
    assert "Live" == stage(context, V1)
    assert {"Live": ("1",)} == context.ledger.load(IRIS).head.holders
    assert {"1": "Live", "2": "Testing"} == {
        number: one.stage for number, one in context.ledger.versions(IRIS).items()
    }


def test_what_is_decided_first_says_first_that_it_is_called_otherwise(it: World) -> None:
    """One commit: the new names, then the decision, then who is displaced."""
    context = process(it, renamed())
    approval = request_transition(context, it.command(V2, "Live")).approval
    cast(context, approval, "bob")
    cast(context, approval, "ada")
    by_commit = [
        one for one in records(it) if one.content.get("why") in {"renamed", "approved", "displaced"}
    ]

    assert [
        ("2", "Staging", "Testing"),
        ("1", "Production", "Live"),
        ("2", "Testing", "Live"),
        ("1", "Live", "Archived"),
    ] == [(one.version, one.content["from"], one.content["to"]) for one in by_commit[-4:]]
    assert by_commit[-1].content["because_of"] == by_commit[-2].number
    assert {"Live": ("2",)} == context.ledger.load(IRIS).head.holders


def test_a_process_that_knows_the_former_names_decides_nothing_after_the_move(it: World) -> None:
    """Or two versions would hold one stage by two names; with what is in force, it goes on."""
    sweep(process(it, renamed()))

    with pytest.raises(ConflictError, match="stages of demo/models/iris are called otherwise now"):
        promoted(it, "3")
    refresh(it.context)
    request_transition(it.context, it.command(Version(IRIS, "3"), "Testing"))
    assert "Testing" == stage(it.context, Version(IRIS, "3"))


def test_who_decides_by_the_former_names_before_the_move_is_followed(it: World) -> None:
    """A process of before may promote meanwhile: at most one holds it, by either name."""
    context = process(it, renamed())
    promoted(it, "3")
    sweep(context)

    assert {"Live": ("3",)} == context.ledger.load(IRIS).head.holders
    assert ("Archived", "Live") == (stage(context, V1), stage(context, Version(IRIS, "3")))


def test_an_open_approval_is_voided_with_the_reason(it: World) -> None:
    """It was bound to the stage by its former name and to the text before."""
    approval = request_transition(it.context, it.command(V2, "Production")).approval
    context = process(it, renamed())
    sweep(context)
    found = query.approval(context, approval).approval

    assert Status.VOIDED is found.status
    assert "the stage of 2 is called Testing now" in found.why


def test_a_vote_on_an_approval_by_the_former_name_grants_nothing(it: World) -> None:
    """Before the sweep comes by, the vote finds that the law has changed."""
    approval = request_transition(it.context, it.command(V2, "Production")).approval
    context = process(it, renamed())
    cast(context, approval, "bob")
    cast(context, approval, "ada")
    found = query.approval(context, approval).approval

    assert Status.VOIDED is found.status
    assert ("Live", "Testing") == (stage(context, V1), stage(context, V2))


def emergency_world(then: str) -> World:
    """Return a world where version 2 has taken Production from version 1 by an emergency."""
    it = rules_world(law(emergency={**URGENT, "not_ratified": then}))
    promoted(it, "1")
    request_transition(it.context, it.command(it.register("2"), "Staging"))
    command = replace(it.command(V2, "Production", "ada"), emergency="INC-1")
    request_transition(it.context, command)
    return it


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize(
    ("then", "first", "second"), [("revert", "Live", "Testing"), ("escalate", "Archived", "Live")]
)
def test_what_nobody_ratifies_is_put_back_or_escalated_by_whatever_name(
    then: str, first: str, second: str, *, swept: bool
) -> None:
    """A stage that is called otherwise meanwhile is no end of an emergency."""
    it = emergency_world(then)
    context = process(it, renamed(emergency={**URGENT, "not_ratified": then}))
    if swept:
        sweep(context)
    it.clock.sleep(2 * 86400)
    sweep(context)
    found = context.ledger.state(V2)
    stages = stage(context, V1), stage(context, V2)
    it.rows.close()

    assert found is not None
    assert (first, second) == stages
    assert (then == "escalate") == (found.unratified is not None and found.unratified.escalated)
    assert (then == "escalate") == bool(found.approval)


def test_an_emergency_is_ratified_after_its_stage_was_called_otherwise() -> None:
    """What was asked of people before they may still answer."""
    it = emergency_world("revert")
    context = process(it, renamed(emergency=URGENT))
    sweep(context)
    state = context.ledger.state(V2)
    assert state is not None
    cast(context, state.approval, "bob")
    cast(context, state.approval, "eve")
    found = context.ledger.state(V2)
    it.rows.close()

    assert found is not None
    assert ("Live", None, "") == (found.stage, found.unratified, found.approval)


def test_who_asks_for_the_former_name_is_told_the_present_one(it: World) -> None:
    """By tag as well."""
    context = process(it, renamed())
    sweep(context)
    answer = request_transition(context, it.command(V2, "Production"))

    assert answer.detail.startswith("Production is called Live now")


def test_a_scan_finds_nothing_to_put_right_but_the_tags(it: World) -> None:
    """What the tags show meanwhile is the mirror of what was granted, and no drift."""
    context = process(it, renamed())
    Scanner(context).scan("demo")
    sweep(context)
    it.clock.sleep(60)
    sweep(context)
    Scanner(context).scan("demo")

    assert [] == [
        one for one in records(it) if str(one.type) in {"DriftFound", "TransitionRefused"}
    ]


def test_names_that_others_have_in_force_are_refused() -> None:
    """Versions would come to a stage without a decision."""
    text = law(
        stages={
            "None": {"initial": True},
            "Production": {"exclusive": True, "displaced_to": "Archived"},
            "Archived": {},
        },
        transitions=[
            {"from": "None", "to": "Production", "approval": {"quorum": 2, "groups": {"risk": 1}}},
        ],
        renamed={"Staging": "Production"},
        protect_lifecycle=["risk"],
    )
    plain = rules_world(law(protect_lifecycle=None))

    with pytest.raises(ConfigurationError, match="Staging cannot be called Production"):
        process(plain, text)
    plain.rows.close()


def test_two_renamings_one_after_the_other_are_both_told(it: World) -> None:
    """The second waits till versions have followed the first."""
    process(it, renamed())
    stages: Json = {
        "None": {"initial": True, "deletable": True},
        "Testing": {},
        "Serving": {"exclusive": True, "displaced_to": "Archived", "deployable_to": ["*/*"]},
        "Archived": {"terminal": True, "deletable": True, "hidden": True},
    }
    ways: Json = [
        {"from": "None", "to": "Testing"},
        {"from": "None", "to": "Archived"},
        {
            "from": "Testing",
            "to": "Serving",
            "approval": {"quorum": 2, "groups": {"risk": 1, "science": 0}},
        },
        {"from": "Serving", "to": "Archived"},
    ]
    context = process(it, renamed(stages=stages, transitions=ways, renamed={"Live": "Serving"}))
    assert "Serving" == stage(context, V1)
    for _ in range(2):
        it.clock.sleep(60)
        sweep(context)

    assert [("Production", "Live"), ("Live", "Serving")] == [
        (old, new) for number, old, new in moves(it) if number == "1"
    ]
    assert "Serving" == stage(context, V1)


def test_a_stage_whose_versions_would_stand_nowhere_is_refused() -> None:
    """Where nothing says what it is called now."""
    it = rules_world(law(protect_lifecycle=None))
    promoted(it, "1")

    with pytest.raises(ConfigurationError, match="lifecycle default has no stage"):
        process(it, renamed(renamed={}))
    it.rows.close()


@pytest.mark.parametrize("applied", [True, False])
@given(before=st.integers(0, 6))
def test_a_crash_on_the_way_is_made_good(*, applied: bool, before: int) -> None:
    """Each version is told of once, and one holds the exclusive stage at every number."""
    it = rules_world()
    promoted(it, "1")
    request_transition(it.context, it.command(it.register("2"), "Staging"))
    sweep(it.context)
    context = process(it, renamed())
    it.rows.losses = [*[True] * before, applied]
    for _ in range(3):
        with suppress(RetryableError):
            sweep(context)
        it.clock.sleep(700)
    it.rows.losses = []
    sweep(context)

    assert [("1", "Production", "Live"), ("2", "Staging", "Testing")] == sorted(moves(it))
    assert {"Live": ("1",)} == context.ledger.load(IRIS).head.holders
    it.rows.close()


def test_many_versions_of_an_asset_follow_in_parts() -> None:
    """A batch has its limits."""
    it = rules_world()
    for number in range(45):
        request_transition(it.context, it.command(it.register(str(number)), "Staging"))
    context = process(it, renamed())

    assert 45 == follow_renames(context)
    assert {"Testing"} == {one.stage for one in context.ledger.versions(IRIS).values()}
    assert {"Testing"} == {one.stage for one in catalog.of_asset(it.rows, IRIS)}
    it.rows.close()


def test_lists_show_the_present_name_before_the_record_is_made(it: World) -> None:
    """And find by it what is still kept under the former one."""
    context = process(it, renamed())
    listed = query.assets(context, Filter(stage="Live"))
    shown = board(context, Wanted(stage="Live"))

    assert [] == moves(it)
    assert [("1", "Live")] == [(one.version, one.stage) for one in listed.entries]
    assert [str(IRIS)] == [str(card.asset) for card in shown.cards]


@pytest.mark.parametrize("then", ["revert", "escalate"])
@pytest.mark.parametrize("swept", [True, False])
def test_an_emergency_that_waits_for_its_ratification_goes_on(then: str, *, swept: bool) -> None:
    """What follows when nobody ratifies it follows at the stages as they are called by then."""
    it = rules_world(whole_law(0, then))
    promoted(it, "1")
    request_transition(it.context, it.command(it.register("2"), "Staging"))
    command = replace(it.command(V2, "Production", "sam"), emergency="INC-1")
    approval = request_transition(it.context, command).approval
    for names in (1, 2):
        context = process(it, whole_law(names, then))
        if swept:
            sweep(context)
    assert "open" == query.approval(context, approval).approval.status
    it.clock.sleep(90_000)
    sweep(context)
    states = context.ledger.versions(IRIS)

    if then == "revert":
        assert {"1": "Prod", "2": "Trial"} == {n: one.stage for n, one in states.items()}
    else:
        used = states["2"].unratified
        assert ("Prod", "Shelved") == (states["2"].stage, states["1"].stage)
        assert used is not None
        assert (True, "Trial") == (used.escalated, used.source)
    it.rows.close()


def test_an_emergency_is_ratified_under_the_present_name() -> None:
    """Votes that were cast before the stage was called otherwise count."""
    it = rules_world(whole_law(0))
    promoted(it, "1")
    request_transition(it.context, it.command(it.register("2"), "Staging"))
    command = replace(it.command(V2, "Production", "sam"), emergency="INC-1")
    approval = request_transition(it.context, command).approval
    cast(it.context, approval, "bob")
    context = process(it, whole_law(1))
    sweep(context)
    cast(context, approval, "eve")

    state = context.ledger.versions(IRIS)["2"]
    assert ("Live", approval, None) == (state.stage, state.approved_by, state.unratified)
    it.rows.close()


def test_what_was_displaced_may_be_served_on_where_its_stage_was_is_called_otherwise() -> None:
    """Though the stage where it stands is called as before."""
    it = rules_world(whole_law(0))
    promoted(it, "1")
    promoted(it, "2")
    context = process(it, whole_law(0, renamed={"Production": "Live"}))
    asked = Request("", "", actor("sam"))

    answer = check(context, Question(V1, Action.DEPLOY, asked, "demo/scoring"))
    assert answer.allowed, answer.detail
    it.rows.close()


def test_what_is_decided_on_the_way_is_numbered_behind_what_stages_are_called() -> None:
    """The emergency that is to be ratified is the record that says so, as is the answer's."""
    it = rules_world(whole_law(0))
    promoted(it, "1")
    request_transition(it.context, it.command(it.register("2"), "Staging"))
    context = process(it, whole_law(1), started=False)
    adopt(context)
    command = replace(it.command(V2, "Live", "sam"), emergency="INC-1")
    answer = request_transition(context, command)
    used = next(one for one in records(it) if one.type == "EmergencyUsed")
    opened = records(it)[-1]
    state = context.ledger.versions(IRIS)["2"]

    assert state.unratified is not None
    assert (used.number, used.number) == (state.unratified.number, opened.content["ratifies"])
    assert opened.number == answer.record
    it.rows.close()


def test_the_ledger_verifies_while_some_versions_have_still_to_follow(it: World) -> None:
    """The head says who holds a stage by the name that the records of the holder say."""
    context = process(it, renamed(), started=False)
    adopt(context)
    request_transition(context, it.command(V2, "Archived"))
    found = verifying.check(it.rows, context.ledger.id, verifying.of_asset(IRIS))

    assert (None, ()) == (found.fault, found.beside)
    assert {"Live": ("1",)} == context.ledger.load(IRIS).head.holders
    it.clock.sleep(120)
    sweep(context)
    assert verifying.check(it.rows, context.ledger.id, verifying.of_asset(IRIS)).whole


def test_a_holder_whose_tags_are_written_on_the_way_is_kept_as_its_records_say(it: World) -> None:
    """Work that is carried out moves nothing: the other name comes with its record."""
    context = process(it, renamed(), started=False)
    adopt(context)
    it.registry.set_tags(V2, {"stage": "Live"})
    follow(context, Signal(V2))
    found = verifying.check(it.rows, context.ledger.id, verifying.of_asset(IRIS))

    assert (None, ()) == (found.fault, found.beside)


def test_a_lifecycle_that_binds_other_tags_by_now_puts_no_emergency_back() -> None:
    """It is ratified by what was bound at its use; the policy was kept with it as well."""
    it = rules_world(whole_law())
    promoted(it, "1")
    version = it.register("2", {"owner": "ada"})
    request_transition(it.context, it.command(version, "Staging"))
    command = replace(it.command(version, "Production", "sam"), emergency="INC-1")
    approval = request_transition(it.context, command).approval
    context = process(it, lifecycle_of({**whole_law().text, "bind": ["owner"]}))
    for voter in ("bob", "eve"):
        cast(context, approval, voter)

    assert Status.APPROVED is query.approval(context, approval).approval.status
    assert "Production" == stage(context, version)
    it.rows.close()
